"""The way of the data, as the imports show it: no room reads one that comes after it."""

import ast
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
    "targets": PROGRAM | NOTATION | {"targets"},
    "documents": NOTATION | {"documents", "interpret", "files"},
    "runtime": {"runtime"},
    "cells": LANGUAGE | {"cell", "cells"},
}


def imported(path):
    """What of symcell a file imports when it is imported itself."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.module.startswith("symcell."):
            yield node.module.split(".")[1]


@pytest.mark.parametrize("room", BEFORE)
def test_a_room_reads_only_what_comes_before_it(room):
    paths = list(PACKAGE.joinpath(room).rglob("*.py"))
    assert len(paths) > 1
    for path in paths:
        assert set(imported(path)) <= BEFORE[room], path


def test_no_file_of_the_catalogue_has_the_name_of_a_cell():
    """`symcell.cells.lstm` is the cell, and would hide a module of that name."""
    assert not {path.stem for path in PACKAGE.joinpath("cells").glob("*.py")} & {*cells.names()}
