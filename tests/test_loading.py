"""Generated sources made modules: by names that no text can steer, by many threads at once, with one error class."""

import ast
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from threading import Barrier

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.processes import run_python
from sympy import Eq, Float, Symbol, tanh

from symcell import Cell, Input, State, affine, cells
from symcell.compiler import program_of, source_of
from symcell.derivation.derive import derive
from symcell.modules import generate
from symcell.runtime.cache import folder as cache_folder
from symcell.runtime.loading import load_module
from symcell.targets.seal import is_sealed

x, h = Input("x"), State("h")


def cell_with(reference, name="toy", factor=1):
    return Cell(name, [Eq(h, tanh(factor * affine(x, h.prev)))], reference=reference)


# Names.

STEERING = 'CONTENT_HASH = "../../stolen"'


def test_a_reference_names_no_file():
    """The text of a cell is nowhere searched for the name of its module."""
    modules = [cell_with(STEERING, factor=f).compile().module for f in (1, 2)]
    assert modules[0] is not modules[1]
    for module in modules:
        assert Path(module.__file__).parent == cache_folder()
        assert "stolen" not in module.__file__ and "stolen" in module.__doc__


@settings(max_examples=8, deadline=None, derandomize=True, database=None)
@given(st.text(st.characters(codec="utf-8"), max_size=300))
@example(STEERING)
@example('{hash} {{ hash }} {% raw %} """ \\')
@example('"""\nimport os\n"""')
@example('ends with "')
@example("ends with \\")
@example('\\"""')
@example("''' \\N{BULLET} \\x41 \\u00e9 % {} {0} %s")
@example("a-b" * 60 + " " + "c" * 200)
def test_any_reference_is_in_the_docstring_and_changes_nothing_else(reference):
    source = source_of(cell_with(reference))
    written = "".join(c if c.isprintable() else " " for c in reference)
    tree = ast.parse(source)
    assert " ".join(written.split()) in " ".join(ast.get_docstring(tree).split())
    assert is_sealed(source)
    assert code_of(source, tree) == code_without_reference()


def code_of(source, tree):
    """The lines of a module behind its docstring, without its hash."""
    return [line for line in source.split("\n")[tree.body[0].end_lineno :] if not line.startswith("CONTENT_HASH")]


@cache
def code_without_reference():
    source = source_of(cell_with(""))
    return code_of(source, ast.parse(source))


def test_a_text_with_some_hash_is_not_sealed():
    source = source_of(cell_with(""))
    assert is_sealed(source) and not is_sealed(source.replace("tanh(z_h)", "tanh(-z_h)")) and not is_sealed(source + "\n")
    assert not is_sealed('CONTENT_HASH = "0123456789abcdef"\n') and not is_sealed("")


def test_a_spoilt_file_of_the_cache_is_written_anew(tmp_path, monkeypatch):
    monkeypatch.setenv("SYMCELL_CACHE_DIR", str(tmp_path))
    source = source_of(cell_with("for a file that is spoilt"))
    (path,) = (Path(load_module("spoilt", source).__file__),)
    del sys.modules[f"symcell_kernels.{path.stem}"]
    path.write_bytes(b"\xff\x00 no text")
    assert load_module("spoilt", source).kernel.interface.name == "toy"
    assert path.read_text("utf-8") == source


# Threads.


def at_once(function, count=8):
    """What a function returns to so many threads that call it at the same moment."""
    barrier = Barrier(count)

    def call(k):
        barrier.wait()
        return function(k)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(call, range(count)))


def test_threads_that_compile_one_cell_get_one_module():
    cell = cell_with(f"compiled at once {time.time()}")
    kernels = at_once(lambda k: cell.compile())
    assert len({id(kernel.module) for kernel in kernels}) == 1
    assert {kernel.init(n_x=2, n_h=3)["b_h"].shape for kernel in kernels} == {(3,)}


def test_threads_compile_different_cells_side_by_side():
    made = [cell_with(f"compiled side by side {time.time()}", f"toy_{k}", k + 1) for k in range(8)]
    kernels = at_once(lambda k: made[k].compile())
    assert [kernel.interface.name for kernel in kernels] == [cell.name for cell in made]


def test_threads_derive_and_generate_the_same_to_the_byte(tmp_path):
    expected = source_of(cells.gru)
    for made_once in (derive, program_of, source_of):
        made_once.cache_clear()
    texts = at_once(lambda k: (source_of(cells.gru), generate(cells.gru, tmp_path).read_text("utf-8")))
    assert {text for pair in texts for text in pair} == {expected}
    assert os.listdir(tmp_path) == ["gru.py"]


# The cache folder.


def test_the_cache_folder_may_be_in_the_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("SYMCELL_CACHE_DIR", os.path.join("~", "kernels"))
    assert cache_folder() == tmp_path / "kernels"
    monkeypatch.setenv("SYMCELL_CACHE_DIR", "")
    monkeypatch.setenv("XDG_CACHE_HOME", "~/caches")
    assert cache_folder() == tmp_path / "caches" / "symcell"


def test_the_cache_folder_does_not_move_with_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SYMCELL_CACHE_DIR", "kernels")
    assert cache_folder() == tmp_path / "kernels"
    monkeypatch.setenv("SYMCELL_CACHE_DIR", "~nobody.at.all/kernels")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    assert cache_folder() == tmp_path / "home" / "symcell"
    assert sorted(os.listdir(tmp_path)) == ["home", "kernels"]


@pytest.mark.skipif(os.name != "posix", reason="only there do folders have owners and modes")
def test_a_private_folder_is_removed_at_the_end_of_its_process(tmp_path):
    """By the process itself, and not by one that it forks."""
    code = """
        import os, sys
        from symcell.runtime import cache
        own = cache._temporary_folder()
        if os.fork() == 0:
            sys.exit()
        os.wait()
        print(own.is_dir(), own.name.startswith("symcell-"))
    """
    blocked = tmp_path / f"symcell-{os.getuid()}"
    blocked.write_text("something that is no folder")
    assert run_python(code, TMPDIR=str(tmp_path)).split() == ["True", "True"]
    assert os.listdir(tmp_path) == [blocked.name]


# The text of a module, where no file can be written.


def test_a_module_is_imported_from_its_text_where_no_file_can_be_written(tmp_path):
    code = """
        import inspect, warnings
        from pathlib import Path
        from unittest.mock import patch
        import numpy as np
        from symcell import cells
        from symcell.runtime import cache
        with patch.object(cache, "folder", lambda: None):
            kernel = cells.rnn.compile()
            run = kernel.forward(kernel.init(n_x=2, n_h=2), np.zeros((2, 1, 2), "float32"))
        print(kernel.source.startswith('\"\"\"rnn'), run.final["a"].shape == (1, 2))
    """
    assert run_python(code).split() == ["True", "True"]


def test_numbers_of_equations_are_not_taken_for_the_hash():
    """A number that reads like the placeholder's braces, an odd symbol, and the hash stays that of the text."""
    z = Symbol("CONTENT_HASH")
    source = source_of(Cell("toy", [Eq(z, Float("0.12345678") * x), Eq(h, tanh(affine(z, h.prev)))], reference="{hash}" * 3))
    assert is_sealed(source) and source.count("{hash}{hash}{hash}") == 1
