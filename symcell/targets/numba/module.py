"""Schedule -> source: the text of one self-contained module, through templates/module.py.jinja."""

import ast
import re
import textwrap
import threading
from functools import cache, partial
from importlib import resources

from jinja2 import Environment, StrictUndefined

from symcell.errors import CellError
from symcell.notation.plain import equation_lines
from symcell.program.program import Gradient, Product
from symcell.targets.layout import wrapped
from symcell.targets.numba.frames import entry_points
from symcell.targets.numba.pass_emitter import PassEmitter
from symcell.targets.numba.single import caller, single_step
from symcell.targets.numba.tables import shapes_function, tables_of
from symcell.targets.seal import PLACEHOLDER, hash_of

# Rooms of symcell.runtime that are pasted as they are.
_HEADINGS = {
    "errors": "The error that it raises.",
    "jit": "How functions are compiled.",
    "memory": "Memory that is used again.",
    "threads": "Threads.",
    "copies": "Copies of arrays.",
    "fingerprints": "Whether arrays have changed.",
    "parameters": "Parameters that are used again.",
    "activations": "Functions of one unit.",
    "views": "Parts of arrays.",
    "workspace": "What compiled code works with.",
    "sums": "Long sums.",
    "tiles": "Tiles of matrix products.",
    "bands": "Tiles above one another.",
    "ahead": "What is read of the step before.",
    "packing": "Packed matrices.",
    "products": "Matrix products.",
    "dispatch": "Calls of matrix products.",
    "single": "A single step.",
    "arguments": "Checks of what is given.",
    "lengths": "Sequences of several lengths.",
    "calls": "Calls, and the steps that they compute at a time.",
    "face": "What this module offers: init, freeze, forward, backward, step.",
}
# Those that modules share.
_SHARED = ("jit", "memory", "views", "workspace", "tiles", "sums", "bands", "packing", "products", "dispatch")
_ACTIVATIONS = ("exp", "tanh", "sigmoid", "softplus", "added", "expm1", "heaviside", "sign", "maximum", "minimum", "remainder")


def emit(schedule):
    """Schedule -> the source of its module, deterministic to the byte."""
    cell = schedule.program.cell
    if not cell.inputs:
        raise CellError(f"cell {cell.name} has no input, so nothing tells a kernel the number of steps and samples; add an Input")
    equations = equation_lines(schedule.program.derivation)
    passages = [PassEmitter(schedule, direction, equations) for direction in ("forward", "backward")]
    kernels = [f for p in passages for f in p.functions]
    kernels += entry_points(*passages)
    code = wrapped("\n\n\n".join([*kernels, single_step(passages[0])]))
    imports, runtime = _runtime(schedule, code)
    runtime[_HEADINGS["face"]] += "\n\n\n" + _step(passages[0])
    text = partial(
        _template("module").render,
        cell=cell,
        reference=_quoted(textwrap.fill(cell.reference, 106, break_long_words=False, break_on_hyphens=False)),
        equations=[_equation_lines(n, line) for n, line in equations.items()],
        tables=tables_of(schedule),
        imports=imports,
        face={_HEADINGS[name]: runtime.pop(_HEADINGS[name]) for name in ("face", "calls", "lengths", "arguments")},
        runtime=runtime,
        kernels=code,
        shapes=shapes_function(schedule.program),
        runtime_hash=hash_of("".join(runtime.get(_HEADINGS[name], "") for name in _SHARED)),
        operations=_operations(schedule.program),
    )
    return text(hash=hash_of(text(hash=PLACEHOLDER)))


def _step(passage):
    """`step`, which Python calls again and again: written for the cell, so that it calls no other Python function."""
    taken = set(re.findall(r"\w+", _source("step")))
    return wrapped(_template("step").render(caller(passage, taken))).rstrip()


def _source(name):
    return resources.files("symcell.targets.numba").joinpath("templates", f"{name}.py.jinja").read_text("utf-8")


def _template(name):
    options = {"undefined": StrictUndefined, "trim_blocks": True, "lstrip_blocks": True, "keep_trailing_newline": True}
    return Environment(**options).from_string(_source(name))


def _runtime(schedule, code):
    """The imports and the text of what the module needs from symcell.runtime, in one piece."""
    wanted = ["errors", "jit", "memory", "threads", "copies", "fingerprints", "parameters"]
    if any(re.search(rf"\b{name}\(", code) for name in _ACTIVATIONS):
        wanted.append("activations")
    wanted += ["views", "workspace", "sums"]
    if any(isinstance(s, (Product, Gradient)) for s in (*schedule.program.forward, *schedule.program.backward)):
        wanted += ["tiles", "bands", "ahead", "packing", "products", "dispatch"]
    wanted.append("single")
    wanted += ["arguments", "lengths", "calls", "face"]
    plain, imports, bodies = {"numpy as np"}, {}, {}
    for name in wanted:
        imported, bodies[_HEADINGS[name]] = _imports_and_body(name)
        for module, names in imported:
            (imports.setdefault(module, set()) if names else plain).update(names or {module})
    if re.search(r"\berfc?\(", code):
        imports.setdefault("math", set()).update(n for n in ("erf", "erfc") if re.search(rf"\b{n}\(", code))
    lines = [f"import {m}" for m in sorted(plain)]
    lines += [f"from {m} import {', '.join(sorted(names))}" for m, names in sorted(imports.items())]
    return "\n".join(lines), bodies


def imported_modules():
    """The modules that generated ones import."""
    return {module.split()[0].split(".")[0] for name in _HEADINGS for module, _ in _imports_and_body(name)[0]}


_parsing = threading.Lock()  # Python 3.11 cannot parse in two threads at once


@cache
def _imports_and_body(name):
    """Of a file of the runtime: (module, names) of each import, no names if it is imported whole; the text without imports and
    docstring."""
    source = resources.files("symcell.runtime").joinpath(f"{name}.py").read_text("utf-8")
    with _parsing:
        tree = ast.parse(source)
    imports, last = [], 0
    for node in tree.body:
        is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if isinstance(node, ast.ImportFrom) and not node.module.startswith("symcell"):
            imports.append((node.module, [a.name for a in node.names]))
        if isinstance(node, ast.Import):
            imports += [(a.name + (f" as {a.asname}" if a.asname else ""), []) for a in node.names]
        if is_docstring or isinstance(node, (ast.Import, ast.ImportFrom)):
            last = node.end_lineno
        else:
            break
    return imports, "\n".join(source.split("\n")[last:]).strip("\n")


def _quoted(text):
    """A text as it stands in a docstring."""
    return text.replace("\\", r"\\").replace('"', r"\"") if "\\" in text or '""' in text or text.endswith('"') else text


def _equation_lines(number, line):
    """An equation for the header, broken where it is long."""
    return textwrap.fill(f"({number})  {line}", 110, initial_indent="    ", subsequent_indent=" " * 12)


_PLACES = {"before": "before the loop", "step": "in the step", "after": "after the loop", "once": "once"}


def _operations(program):
    """Operation totals for the header."""
    counts = program.counts()
    lines = []
    for direction, tally in counts.items():
        kinds = sorted({kind for kind, _ in tally})
        found = [(n, kind, place) for kind in kinds for place in _PLACES if (n := tally[kind, place])]
        words = [f"{n} {kind}{'s' if n > 1 else ''} {_PLACES[place]}" for n, kind, place in found]
        lines += textwrap.wrap(f"{direction}: {', '.join(words)}", 106)
    return lines
