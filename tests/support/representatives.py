"""Which cells of the catalogue stand for all in tests that cost seconds a cell: some that together have every kind of thing that any
module has. What is tested of these alone does not depend on more than that."""

import ast
import os
import re
from functools import cache
from pathlib import Path

from symcell import cells

_GENERATED = Path(__file__).parents[2] / "generated"


@cache
def representatives():
    """The names of few cells whose modules have all features of all modules of the catalogue."""
    return _chosen(_catalogue())


@cache
def in_single_precision():
    """Those of them that have all that depends on the precision: what modules take from the runtime, and what they call."""
    return _chosen({name: _catalogue()[name] for name in representatives()}, lambda f: f[0] == "runtime" or f[1] == "calls")


def compiled_names():
    """The cells of which tests compile kernels: representatives, or all of the catalogue with SYMCELL_EVERY_KERNEL=1 (`make kernels`).
    The modules of others run as plain Python."""
    return tuple(cells.names()) if _every() else representatives()


def compiled_of(sources):
    """Of modules, name -> text, the names of those that tests compile: representatives of what the catalogue lacks, or all."""
    had = set().union(*map(features, _catalogue().values()))
    return tuple(sources) if _every() else _chosen(sources, lambda feature: feature not in had)


def _every():
    return bool(os.environ.get("SYMCELL_EVERY_KERNEL"))


@cache
def _catalogue():
    return {name: path.read_text("utf-8") for name in cells.names() if (path := _GENERATED / f"{name}.py").exists()}


def _chosen(sources, counts=lambda feature: True):
    """The names of few sources that have all features of all of them, of those that count. Those that have the most of what others
    lack come first, and shorter ones before longer ones."""
    left = {name: {*filter(counts, features(text))} for name, text in sources.items()}
    chosen, missing = [], set().union(*left.values())
    while missing:
        chosen.append(max(left, key=lambda name: (len(left[name] & missing), -len(sources[name]), name)))
        missing -= left[chosen[-1]]
    return tuple(sorted(chosen))


@cache
def features(source):
    """What there is in a module: what it takes from the runtime, the kinds of its functions and how deep their loops are, what each
    direction calls, how many indices it reads and whether it chooses, and the ranks of what its interface has."""
    found = set()
    for node in ast.parse(source).body:
        if isinstance(node, ast.ImportFrom):
            found |= {("runtime", a.name) for a in node.names}
        elif isinstance(node, ast.FunctionDef):
            kind = re.sub(r"_\d+$", "", node.name)  # forward_step_row of forward_step_row_2
            found |= {(kind, "loops", _depth(node)), *((kind.split("_")[0], *feature) for feature in _inside(node))}
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            found |= {f for a in node.value.args if isinstance(a, ast.Call) for f in _of_interface(a)}
    return frozenset(found)


def _depth(node):
    """How deep the loops of a function are."""
    return isinstance(node, ast.For) + max(map(_depth, ast.iter_child_nodes(node)), default=0)


def _inside(function):
    for node in ast.walk(function):
        if isinstance(node, ast.Call):
            yield "calls", re.sub(r"_\d+$", "", node.func.id if isinstance(node.func, ast.Name) else node.func.attr)
        elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Tuple):
            yield "indices", len(node.slice.elts)
        elif isinstance(node, ast.IfExp):
            yield ("chooses",)


def _of_interface(call):
    for group in call.keywords:
        if isinstance(group.value, ast.Dict):
            for value in group.value.values:
                yield group.arg, len(value.elts) if isinstance(value, ast.Tuple) else type(value).__name__
