"""The command line in terminals and pipes of all kinds: encodings without accents, few columns, readers that have read enough."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

MINE = """
from sympy import Eq, tanh
from symcell import Cell, Input, State, affine
h = State("h")
cell = Cell("mine", [Eq(h, tanh(affine(Input("x"), h.prev)))], reference="J\u00fcrgen \u00c5ngstr\u00f6m \u2013 \u201c\u6771\u4eac\u201d, \u03c0, 1997")
"""
COMMANDS = (
    "--help", "list", "show mine.py:cell", "derive mine.py:cell --document", "derive lstm --beside mine.py:cell", "show --help",
    "generate mine.py:cell -o made", "generate mine.py:cell -o made --check", "check mine.py:cell --rows", "bench mine.py:cell --point 2,1,3",
    "plot mine.py:cell --steps 4", "demo mine.py:cell --epochs 1 -o demo",
)  # fmt: skip
# One process runs them all, so that one kernel is compiled.
ALL = """
import sys
from symcell import cli
for command in sys.argv[1:]:
    sys.argv = ["symcell", *command.split()]
    try:
        cli.main()
    except SystemExit as end:
        if end.code:
            raise
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "mine.py").write_text(MINE, encoding="utf-8")
    return tmp_path


def run(folder, *arguments, **environment):
    done = subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, env=os.environ | environment, check=False)
    assert done.returncode == 0, done.stderr[-2000:].decode()
    return done.stdout


def test_every_command_prints_in_ascii(folder):
    printed = run(folder, "-c", ALL, *COMMANDS, PYTHONIOENCODING="ascii").decode("ascii")
    assert "mine  Jurgen Angstrom - \"??\", ?, 1997" in printed and "Results in demo" in printed
    assert "J\u00fcrgen \u00c5ngstr\u00f6m" in Path(folder / "demo" / "mine.tex").read_text("utf-8")  # files are in UTF-8 always


def test_an_encoding_keeps_the_letters_that_it_has(folder):
    printed = run(folder, "-m", "symcell", "show", "mine.py:cell", PYTHONIOENCODING="latin-1").decode("latin-1")
    assert "J\u00fcrgen \u00c5ngstr\u00f6m - \"??\"" in printed


def test_the_c_locale(folder):
    printed = run(folder, "-m", "symcell", "show", "mine.py:cell", LC_ALL="C", LANG="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert b"h = tanh(W_h @ x + U_h @ h_prev + b_h)" in printed


def test_a_single_column(folder):
    commands = "--help", "list", "show mine.py:cell", "derive mine.py:cell", "check --help"
    assert b"tanh" in run(folder, "-c", ALL, *commands, COLUMNS="1")


def test_a_reader_who_has_read_enough(folder):
    command = [sys.executable, "-m", "symcell", "derive", "lstm", "--document"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"\\documentclass{article}\n"
        process.stdout.close()
        assert process.stderr.read() == b""
