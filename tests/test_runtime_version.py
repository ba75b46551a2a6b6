"""The version of the runtime that generated modules name: it counts the changes of what they take from the runtime."""

import ast
import hashlib
from importlib import resources

import pytest

from symcell import CellError, cells
from symcell.compiler import source_of
from symcell.runtime.version import VERSION, check_version

# Written down together. Where the digest found is another one, modules that were generated before would call this runtime wrongly:
# count VERSION up in symcell/runtime/version.py, and write down both.
RECORDED = (3, "724126c724bf1ffa")
# The functions of a module that the runtime calls.
CALLED_BY_THE_RUNTIME = ("pack_weights", "forward_steps", "backward_steps")


def parsed(name):
    return ast.parse(resources.files("symcell.runtime").joinpath(f"{name}.py").read_text("utf-8"))


def exported():
    """name -> the statement that defines it, of all that the runtime exports."""
    found = {}
    for node in ast.walk(parsed("__init__")):
        if isinstance(node, ast.ImportFrom) and node.module != "sharing":
            own = {n.name: n for n in parsed(node.module).body if isinstance(n, (ast.FunctionDef, ast.ClassDef))}
            found |= {a.name: own[a.name] for a in node.names if a.name in own}
    return found


def interface_of(node):
    """What callers of a function, or of a class, must know: names, order and defaults of arguments or fields, not their types."""
    if isinstance(node, ast.FunctionDef):
        arguments = node.args
        for a in ast.walk(arguments):
            if isinstance(a, ast.arg):
                a.annotation = None
        return f"{node.name}({ast.unparse(arguments)})"
    fields = [f"{n.target.id}={n.value and ast.unparse(n.value)}" for n in node.body if isinstance(n, ast.AnnAssign)]
    methods = [interface_of(n) for n in node.body if isinstance(n, ast.FunctionDef) and (n.name == "__init__" or n.name[0] != "_")]
    return f"{node.name}: {'; '.join([*fields, *methods])}"


def what_modules_take():
    """A line for each function that modules may import, for their tables and their face, for what passes are told of their part, and
    for what the runtime calls."""
    known, own = exported(), {n.name: n for n in ast.parse(source_of(cells.lstm.declaration)).body if isinstance(n, ast.FunctionDef)}
    (part,) = (n for n in parsed("threads").body if isinstance(n, ast.ClassDef) and n.name == "Part")
    taken = [node for name, node in sorted(known.items()) if isinstance(node, ast.FunctionDef) or name in ("Interface", "Kernel")]
    return [interface_of(node) for node in (*taken, part, *(own[name] for name in CALLED_BY_THE_RUNTIME))]


def test_the_version_changes_with_what_modules_take_from_the_runtime():
    lines = what_modules_take()
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
    assert (VERSION, digest) == RECORDED, "\n".join(["what modules take is now:", *lines])


def test_what_is_recorded_tells_what_matters():
    lines = what_modules_take()
    assert "check_version(version, module)" in lines
    assert any(line.startswith("multiply(typing, products, rows, start, weights, out, ") for line in lines)
    assert any(line.startswith("Interface: name=None; inputs=None;") and "only_float64=''" in line for line in lines)
    assert any(line.startswith("Kernel: __init__(self, module, interface, pack, forward, backward, dtype=None); init(") for line in lines)
    assert any(line.startswith("forward_steps(T, B, sizes, dtype, params, packs, inputs, kept, initial, lengths, threads, run=run_pass)") for line in lines)


def test_a_module_says_its_version_before_it_imports_anything_else_of_the_runtime():
    texts = [ast.unparse(node) for node in ast.parse(source_of(cells.lstm.declaration)).body]
    place = texts.index(f"check_version({VERSION}, __name__)")
    assert [text for text in texts[:place] if "symcell.runtime" in text] == ["from symcell.runtime import check_version"]
    assert texts[place + 1].startswith("from symcell.runtime import CellError, Interface, Kernel, ")


@pytest.mark.parametrize("version", (VERSION - 1, VERSION + 1, 0))
def test_another_version_is_refused_with_what_to_do(version):
    check_version(VERSION, "lstm")
    with pytest.raises(CellError) as raised:
        check_version(version, "lstm")
    for words in (f"lstm: generated for version {version}", f"found version {VERSION}", "generate the module again", "symcell.generate(cell, folder)"):
        assert words in str(raised.value)
