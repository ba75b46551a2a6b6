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


@pytest.fixture
def folder(tmp_path):
    """A standalone folder with the rnn."""
    generate(cells.rnn, tmp_path / "kernels", standalone=True)
    return tmp_path / "kernels"


def test_a_change_of_tanh_in_the_runtime_alone_changes_the_result_of_the_next_process(folder, tmp_path):
    cache = {"SYMCELL_CACHE_DIR": str(tmp_path / "cache")}
    before = numbers(folder, **cache)
    assert numbers(folder, **cache) == before
    edited(folder / "symcell_runtime" / "activations.py", "return np.copysign(grown / (grown + two), x)", "return np.copysign(grown / (grown + two), -x)")
    after = numbers(folder, **cache)
    assert after[0] == pytest.approx(-before[0], rel=0.5) and after[0] * before[0] < 0
    edited(folder / "symcell_runtime" / "activations.py", "grown / (grown + two), -x)", "grown / (grown + two), x)")
    assert numbers(folder, **cache) == before


@pytest.mark.parametrize("imports", ("sys.path", "file"))
def test_a_module_that_is_edited_by_hand_is_compiled_anew(imports, folder, tmp_path):
    """Its hash line says what it was; only the text counts."""
    cache = {"SYMCELL_CACHE_DIR": str(tmp_path / "cache")}
    before = numbers(folder, imports, **cache)
    edited(folder / "rnn.py", "a = tanh(z_a)\n", "a = tanh(-z_a)\n")
    after = numbers(folder, imports, **cache)
    assert after[0] * before[0] < 0
    edited(folder / "rnn.py", "a = tanh(-z_a)\n", "a = tanh(z_a)\n")
    assert numbers(folder, imports, **cache) == before


def test_folders_of_one_text_share_their_code_and_others_do_not(tmp_path):
    """The cache is the user's, for all folders."""
    cache = {"SYMCELL_CACHE_DIR": str(tmp_path / "cache")}
    for name in ("one", "two"):
        generate(cells.rnn, tmp_path / name, standalone=True)
    edited(tmp_path / "two" / "symcell_runtime" / "activations.py", "grown / (grown + two), x)", "grown / (grown + two), -x)")
    one, two = (numbers(tmp_path / name, **cache) for name in ("one", "two"))
    assert one[0] * two[0] < 0
    assert [numbers(tmp_path / name, **cache) for name in ("one", "two")] == [one, two]


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


def test_the_second_cell_compiles_its_own_passes_only(tmp_path):
    first, second = compiled_of("rnn", "gru", SYMCELL_CACHE_DIR=str(tmp_path))
    assert all(first[name] == 1 for name in (*PRODUCTS, "pack", "forward_pass", "backward_pass"))
    assert second["forward_pass"] == second["backward_pass"] == 1
    assert not {*PRODUCTS} & second.keys()
    assert all("_row" in name or name.endswith("_pass") or name == "pack" for name in second), second  # other numbers of matrices


def test_what_the_next_process_finds_it_does_not_compile(tmp_path):
    compiled_of("rnn", SYMCELL_CACHE_DIR=str(tmp_path))
    files = sorted(path.name.rpartition("-")[0] for path in (tmp_path / "compiled").iterdir())
    assert files == sorted([*PRODUCTS, "pack", "forward_pass", "backward_pass"])
    again, new = compiled_of("rnn", "ugrnn", SYMCELL_CACHE_DIR=str(tmp_path))
    assert not again
    assert not {*PRODUCTS} & new.keys() and new["forward_pass"] == new["backward_pass"] == 1


def test_a_standalone_folder_finds_the_products_again_under_its_own_name(folder, tmp_path):
    """Its runtime is another module, and has code of its own; a second module in it adds its passes only."""
    cache = tmp_path / "cache"
    numbers(folder, SYMCELL_CACHE_DIR=str(cache))
    count = len(list((cache / "compiled").iterdir()))
    numbers(folder, SYMCELL_CACHE_DIR=str(cache))
    assert len(list((cache / "compiled").iterdir())) == count
    generate(cells.indrnn, folder, standalone=True)
    code = "import sys\n" + IMPORTS["sys.path"].replace("rnn", "indrnn") + CALL.replace('"a"', '"h"')
    run_python(code, folder, SYMCELL_CACHE_DIR=str(cache))
    names = Counter(path.name.rpartition("-")[0] for path in (cache / "compiled").iterdir())
    assert all(names[name] == 1 for name in PRODUCTS) and names["forward_pass"] == 2


def test_one_cell_of_both_precisions_has_code_for_each(tmp_path):
    code = COMPILED + """
kernel = cells.rnn.compile("float64")
run = kernel.forward(kernel.init(n_x=2, n_h=3), np.ones((3, 2, 2)))
print(run.states["a"].dtype, use("rnn"), *Compiled.names)
"""
    text = run_python(code, SYMCELL_CACHE_DIR=str(tmp_path))
    assert text.startswith("float64") and text.count("forward_pass") == 2
    assert Counter(path.name.rpartition("-")[0] for path in Path(tmp_path, "compiled").iterdir())["_multiply"] == 2


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
