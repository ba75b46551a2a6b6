"""Compiled code on disk: never that of another text, and never compiled twice."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from support.folders import CALL, IMPORTS, numbers
from support.processes import run_python

from symcell import cells
from symcell.modules import generate


def edited(path, old, new):
    text = path.read_text("utf-8")
    assert text.count(old) == 1, path
    path.write_text(text.replace(old, new), "utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A standalone folder with the rnn."""
    folder = tmp_path_factory.mktemp("standalone") / "kernels"
    generate(cells.rnn, folder, standalone=True)
    return folder


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """The environment of a cache that is empty at first."""
    return {"SYMCELL_CACHE_DIR": str(tmp_path_factory.mktemp("cache"))}


@pytest.mark.parametrize("file, old, new", (
    ("symcell_runtime/activations.py", "return np.copysign(grown / (grown + two), x)", "return np.copysign(grown / (grown + two), -x)"),
    ("rnn.py", "a = tanh(z_a)\n", "a = tanh(-z_a)\n"),
), ids=("the runtime alone", "the module alone"))  # fmt: skip
def test_a_change_of_any_text_changes_the_result_of_the_next_process(file, old, new, folder, cache):
    """Of tanh in the runtime; of a line in the module, whose CONTENT_HASH says what it was. What was before is found again."""
    before = numbers(folder, **cache)
    assert numbers(folder, **cache) == before
    edited(folder / file, old, new)
    after = numbers(folder, **cache)
    edited(folder / file, new, old)
    assert after[0] * before[0] < 0
    assert numbers(folder, **cache) == before


# What is compiled.

COMPILED = """
import sys, numba
from numba.core import event
class Compiled(event.Listener):
    names = []
    def on_start(self, e):
        self.names.append(e.data["dispatcher"].py_func.__name__)
    def on_end(self, e):
        pass
event.register("numba:compile", Compiled())
import numpy as np
from symcell import cells
def use(name):
    kernel = cells.get(name).compile()
    params, x = kernel.init(n_x=2, n_h=3), np.ones((3, 2, 2), "float32")
    run = kernel.forward(params, x)
    kernel.backward(run, {s: np.ones_like(a) for s, a in run.states.items()})
    found, Compiled.names = Compiled.names, []
    return found
"""
PRODUCTS = ("_multiply", "_add_outer_products")


def compiled_of(*names, **environment):
    """The functions that are compiled for each of some cells, in one process."""
    text = run_python(COMPILED + f"for name in {names}: print(*use(name), sep=',')", **environment)
    return [Counter(filter(None, line.split(","))) for line in text.split("\n")[:-1]]


def test_products_are_compiled_once_and_found_by_the_next_process(tmp_path):
    first, second = compiled_of("rnn", "gru", SYMCELL_CACHE_DIR=str(tmp_path))
    assert all(first[name] == 1 for name in (*PRODUCTS, "pack", "forward_pass", "backward_pass"))
    assert second["forward_pass"] == second["backward_pass"] == 1 and not {*PRODUCTS} & second.keys()
    files = Counter(path.name.rpartition("-")[0] for path in (tmp_path / "compiled").iterdir())
    assert all(files[name] == 1 for name in PRODUCTS) and files["forward_pass"] == files["backward_pass"] == 2
    again, new = compiled_of("gru", "ugrnn", SYMCELL_CACHE_DIR=str(tmp_path))
    assert not again
    assert new["forward_pass"] == new["backward_pass"] == 1 and not {*PRODUCTS} & new.keys()


def test_a_second_module_of_a_standalone_folder_finds_the_products_of_the_first(folder, cache):
    numbers(folder, **cache)
    compiled = Path(cache["SYMCELL_CACHE_DIR"]) / "compiled"
    before = Counter(path.name.rpartition("-")[0] for path in compiled.iterdir())
    numbers(folder, **cache)
    generate(cells.indrnn, folder, standalone=True)
    code = "import sys\n" + IMPORTS["sys.path"].replace("rnn", "indrnn") + CALL.replace('"a"', '"h"')
    run_python(code, folder, **cache)
    after = Counter(path.name.rpartition("-")[0] for path in compiled.iterdir())
    assert {*(after - before).elements()} <= {"forward_pass", "backward_pass", "pack"}


def test_results_from_the_cache_are_those_of_fresh_code(tmp_path):
    code = """
import numpy as np, sys
from symcell.generated import lstm
params, x = lstm.init(n_x=7, n_h=19, seed=1), np.random.default_rng(2).normal(size=(11, 5, 7)).astype("float32")
run = lstm.forward(params, x)
grads = lstm.backward(run, final={"h": np.ones((5, 19), "float32")})
np.savez(sys.argv[1], **run.states, **grads.params)
"""
    for name in ("fresh", "cached"):
        run_python(code, tmp_path / f"{name}.npz", SYMCELL_CACHE_DIR=str(tmp_path / "cache"))
    fresh, cached = (np.load(tmp_path / f"{name}.npz") for name in ("fresh", "cached"))
    for name, a in fresh.items():
        np.testing.assert_array_equal(cached[name], a)
