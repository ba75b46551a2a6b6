"""The way of the data, as the imports show it: no room reads one that comes after it."""

import ast
import sys
from pathlib import Path

import pytest

import symcell
from symcell import cells

PACKAGE = Path(symcell.__file__).parent
# Room by room, what it may read.
LANGUAGE = {"language", "errors"}
DERIVATION = LANGUAGE | {"cell", "derivation"}
NOTATION = DERIVATION | {"notation"}
PROGRAM = DERIVATION | {"program"}
BEFORE = {
    "language": LANGUAGE,
    "derivation": DERIVATION,
    "notation": NOTATION,
    "program": PROGRAM,
    "targets": PROGRAM | NOTATION | {"targets", "runtime"},  # generated modules name the runtime's version
    "documents": NOTATION | {"documents", "interpret", "files"},
    "runtime": {"runtime"},
    "cells": LANGUAGE | {"cell", "cells"},
}


def imports(tree):
    """(module, level) of what a file imports from; of `import a, b`, each."""
    for node in tree:
        if isinstance(node, ast.ImportFrom):
            yield node.module or "", node.level
        elif isinstance(node, ast.Import):
            yield from ((a.name, 0) for a in node.names)


def imported(path):
    """What of symcell a file imports when it is imported itself."""
    for module, level in imports(ast.parse(path.read_text(encoding="utf-8")).body):
        if module.startswith("symcell.") and not level:
            yield module.split(".")[1]


@pytest.mark.parametrize("room", BEFORE)
def test_a_room_reads_only_what_comes_before_it(room):
    paths = list(PACKAGE.joinpath(room).rglob("*.py"))
    assert len(paths) > 1
    for path in paths:
        assert set(imported(path)) <= BEFORE[room], path


@pytest.mark.parametrize("path", sorted(PACKAGE.joinpath("runtime").glob("*.py")), ids=lambda path: path.stem)
def test_the_runtime_imports_itself_numpy_and_numba_only(path):
    """Itself relatively, since it may be a copy under another name; imports inside functions count."""
    for module, level in imports(ast.walk(ast.parse(path.read_text(encoding="utf-8")))):
        assert level == 1 or (level == 0 and module.split(".")[0] in {"numpy", "numba", *sys.stdlib_module_names}), module


def test_the_runtime_is_one_folder():
    """Which is copied as it is."""
    assert {path.suffix for path in PACKAGE.joinpath("runtime").iterdir() if path.name != "__pycache__"} == {".py"}


def test_no_file_of_the_catalogue_has_the_name_of_a_cell():
    """`symcell.cells.lstm` is the cell, and would hide a module of that name."""
    assert not {path.stem for path in PACKAGE.joinpath("cells").glob("*.py")} & {*cells.names()}
