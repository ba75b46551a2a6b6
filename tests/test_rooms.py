"""The way of the data, as the imports show it, those inside functions among them: no room reads one that comes after it."""

import ast
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from importlib import import_module
from pathlib import Path

import pytest

import symcell
from symcell import Cell, cells

PACKAGE = Path(symcell.__file__).parent
# What a room may read, itself and symcell.errors apart. A room is a folder, or a module beside them.
READS = {
    "errors": {"runtime"},
    "runtime": set(),
    "language": set(),
    "derivation": {"language"},
    "notation": {"language", "derivation"},
    "program": {"language", "derivation"},
    "targets": {"language", "derivation", "notation", "program", "runtime"},
    "numpy_meanings": {"language"},
    "interpret": {"language", "numpy_meanings"},
    "trials": {"interpret"},
    "step_products": {"language", "notation", "program"},
    "structure": {"language", "derivation", "program", "step_products"},
    "documents": {"language", "derivation", "notation", "interpret", "trials", "files"},
    "compiler": {"derivation", "program", "targets", "structure", "kernel"},
    "kernel": {"language", "runtime", "files"},
    "rendered": {"language", "derivation", "notation", "compiler", "documents"},
    "cell": {"language", "compiler", "kernel", "structure", "documents", "rendered"},
    "transforms": {"language", "cell"},
    "equivalence": {"language", "cell"},
    "differences": {"language", "derivation", "notation", "cell", "equivalence"},
    "cells": {"language", "cell", ""},
    "site": {"language", "derivation", "notation", "compiler", "documents", "files", "cell", "equivalence", "differences", "cells", ""},
}


def module_name(path):
    parts = ("symcell", *path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in PACKAGE.rglob("*.py")}


def imported(module):
    """The modules of symcell that a module imports: at once, inside functions, and for the types of its arguments alone."""
    path = MODULES[module]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        if isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) + 1 - node.level] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            found = (f"{base}.{alias.name}" if f"{base}.{alias.name}" in MODULES else base for alias in node.names)
            yield from (name for name in found if name in MODULES and name != module)


def room(module):
    """The room that a module lies in; "" for the package itself."""
    return module.split(".")[1] if "." in module else ""


GRAPH = {module: {*imported(module)} for module in MODULES}


def test_imports_of_every_kind_are_seen():
    assert "symcell.kernel" in GRAPH["symcell.cell"]  # at once
    assert "symcell.commands.tables" in GRAPH["symcell.commands.reading"] and "symcell.files" in GRAPH["symcell.commands.deriving"]  # in a function
    assert "symcell.language.symbols" in GRAPH["symcell"]  # for types
    assert len(GRAPH) > 100 and sum(map(len, GRAPH.values())) > 300


@pytest.mark.parametrize("name", READS)
def test_a_room_reads_only_what_comes_before_it(name):
    modules = [module for module in MODULES if room(module) == name]
    assert modules
    for module in modules:
        assert {room(read) for read in GRAPH[module]} <= READS[name] | {name, "errors"} - ({"errors"} if name == "runtime" else set()), module


def test_no_module_imports_itself_by_way_of_others():
    """An import inside a function, or for types, closes a circle as any other does. What asks symcell itself for a name is
    answered by the module that has it."""
    graph = {module: read - {"symcell"} for module, read in GRAPH.items() if module != "symcell"}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" <- ".join(error.args[1]))


@pytest.mark.parametrize("name", ["language", "derivation"])
def test_what_is_mathematics_knows_no_target(name):
    for module in (module for module in MODULES if room(module) == name):
        assert "numba" not in MODULES[module].read_text(encoding="utf-8").lower(), module


@pytest.mark.parametrize("path", sorted(PACKAGE.joinpath("runtime").glob("*.py")), ids=lambda path: path.stem)
def test_the_runtime_imports_itself_numpy_and_numba_only(path):
    """Itself relatively, since it may be a copy under another name; imports inside functions count."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            assert all(is_of_the_runtime(alias.name) for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            assert node.level == 1 or (node.level == 0 and is_of_the_runtime(node.module)), node.module


def is_of_the_runtime(module):
    return module.split(".")[0] in {"numpy", "numba", *sys.stdlib_module_names}


def test_the_runtime_is_one_folder():
    """Which is copied as it is."""
    assert {path.suffix for path in PACKAGE.joinpath("runtime").iterdir() if path.name != "__pycache__"} == {".py"}


def test_no_file_of_the_catalogue_has_the_name_of_a_cell():
    """`symcell.cells.lstm` is the cell, and would hide a module of that name."""
    assert not {path.stem for path in PACKAGE.joinpath("cells").glob("*.py")} & {*cells.names()}


def test_the_catalogue_lists_all_cells_of_its_files():
    """Which are imported one by one, when a cell of theirs is asked for."""
    files = [import_module(f"symcell.cells.{path.stem}") for path in PACKAGE.joinpath("cells").glob("[!_]*.py")]
    declared = {cell for file in files for cell in vars(file).values() if isinstance(cell, Cell)}
    assert declared == {getattr(cells, name) for name in cells.names()} and len(declared) == len(cells.names())
    assert all(cells.get(cell.name) is cell for cell in declared) and {*cells.names()} <= {*dir(cells)} & {*cells.__all__}


def test_the_pipeline_takes_a_declaration_and_needs_no_cell():
    code = """if True:
        import sys
        import numpy as np
        from sympy import Eq, tanh
        from symcell import Input, State, affine
        from symcell.compiler import source_of
        from symcell.derivation.derive import derive
        from symcell.interpret import run
        from symcell.language.declare import declare
        h = State("h")
        declaration = declare("toy", [Eq(h, tanh(affine(Input("x"), h.prev)))])
        assert derive(declaration).declaration is declaration and "def " in source_of(declaration)
        params = {"W_h": np.ones((1, 1)), "U_h": np.ones((1, 1)), "b_h": np.zeros(1)}
        print(run(declaration, params, {"x": np.zeros((1, 1, 1))})["h"].tolist())
        assert "symcell.cell" not in sys.modules"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert not done.returncode and done.stdout.endswith("[[[0.0]]]\n"), done.stderr
