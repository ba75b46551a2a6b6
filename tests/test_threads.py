"""Threads: each takes its own samples, or as a team some columns of every product; results are the same but for rounding."""

import os
import threading

import numpy as np
import pytest
from support.calls import VARIED, assert_same, outcome, problem
from support.processes import run_python
from support.representatives import compiled_names
from support.threads import threads_for_everything

from symcell import CellError, cells
from symcell.runtime import packing, threads


@pytest.mark.parametrize("name", compiled_names())
def test_rows_that_are_padded_hold_the_same(name, monkeypatch):
    """As where they would lie a multiple of 4 KiB apart."""
    kernel = cells.get(name).compile("float64")
    call = problem(kernel, 5, 7)
    expected = outcome(kernel, *call)
    monkeypatch.setattr(packing, "_WAY", 1)
    found = outcome(kernel, *call)
    for key, a in expected.items():
        np.testing.assert_array_equal(found[key], a, err_msg=str(key))


def test_rows_that_outer_products_read_across_are_padded():
    for name, columns in (("lstm", "4 * n_h"), ("sru_v1", "3 * n_h"), ("rnn", "n_h")):
        assert f"= allocate((block, B, padded({columns}, dtype)), dtype)" in cells.get(name).compile("float64").source


@pytest.mark.parametrize("T, teams", ((100, False), (1000, True)))
def test_a_team_is_woken_only_where_it_has_enough_to_do(T, teams):
    found = threads.parts_of(2, T, 1, 145_000)
    assert [part.team[0] for part in found] == ([2, 2] if teams else [1])
    assert [part.team[0] for part in threads.parts_of(2, T, 4, 145_000)] == [1, 1]  # samples are shared without


@pytest.fixture
def everything_is_worth_a_thread():
    """Three threads for the smallest tasks, which work in blocks of few steps."""
    with threads_for_everything():
        yield


@pytest.mark.usefixtures("everything_is_worth_a_thread")
@pytest.mark.parametrize("B", (1, 2, 5))
@pytest.mark.parametrize("name", VARIED)
def test_results_do_not_depend_on_the_number_of_threads(name, B):
    kernel = cells.get(name).compile("float64")
    call = problem(kernel, 23, B)
    alone = outcome(kernel, *call, threads=1)
    for count in (2, 3):
        assert_same(outcome(kernel, *call, threads=count), alone)


@pytest.mark.usefixtures("everything_is_worth_a_thread")
@pytest.mark.parametrize("name", ("gla", "mamba", "lstmp"))
def test_a_team_waits_between_products_of_which_one_reads_the_other(name):
    """One sample, and so many columns that each of the team has some of every product."""
    kernel = cells.get(name).compile("float64")
    call = problem(kernel, 6, 1, scale=32)
    alone = kernel.forward(*call, threads=1).states
    for turn in range(12):
        for name, a in kernel.forward(*call, threads=2 + turn % 2).states.items():
            np.testing.assert_allclose(a, alone[name], rtol=1e-9, atol=1e-9, err_msg=name)


@pytest.mark.usefixtures("everything_is_worth_a_thread")
def test_two_python_threads_may_call_kernels_at_once():
    kernel = cells.lstm.compile("float64")
    calls = [problem(kernel, 9, B) for B in (1, 4)]
    expected = [outcome(kernel, *call, threads=1) for call in calls]
    found = {}

    def work(k):
        for turn in range(20):
            found[k, turn] = outcome(kernel, *calls[k % 2], threads=3)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 80
    for (k, _), outcome_of in found.items():
        assert_same(outcome_of, expected[k % 2])


@pytest.mark.parametrize("threads", (0, -1, 1.5, True, "2"))
def test_a_number_of_threads_that_is_none_is_refused(threads):
    kernel = cells.rnn.compile("float64")
    with pytest.raises(CellError, match="threads must be a positive integer"):
        kernel.forward(kernel.init(n_x=2, n_h=3), np.zeros((2, 1, 2)), threads=threads)


def test_a_forked_process_has_threads_of_its_own():
    if not hasattr(os, "fork"):
        pytest.skip("no fork here")
    code = """
import os, warnings, numpy as np
from symcell import cells
warnings.simplefilter("ignore")
from symcell.runtime import threads
k = cells.rnn.compile()
threads._WORTHWHILE = 1; threads.config.NUMBA_NUM_THREADS = 2
p, x = k.init(n_x=3, n_h=4), np.ones((5, 4, 3), "float32")
k.backward(k.forward(p, x, threads=2), {"a": np.ones((5, 4, 4), "float32")})
child = os.fork()
if child == 0:
    k.backward(k.forward(p, x, threads=2), {"a": np.ones((5, 4, 4), "float32")})
    os._exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert run_python(code).strip() == "7"


def test_the_number_of_threads_is_numbas():
    assert run_python("from symcell.runtime import threads; print(threads.default_threads())", NUMBA_NUM_THREADS="1").strip() == "1"


@pytest.mark.parametrize("B", (1, 4))
@pytest.mark.parametrize("kind", ("contiguous", "turned", "read-only"))
def test_a_run_does_not_follow_its_inputs(kind, B):
    kernel = cells.lstm.compile("float64")
    params, inputs, initial = problem(kernel, 23, B)
    expected = outcome(kernel, params, inputs, initial, threads=1)
    for count in (1, 2, 3):
        x = inputs["x"].copy() if kind != "turned" else inputs["x"].transpose(2, 1, 0).copy().transpose(2, 1, 0)
        x.flags.writeable = kind != "read-only"
        run = kernel.forward(params, x, initial, threads=count)
        x.flags.writeable = True
        x[...] = np.nan
        random = np.random.default_rng(8)
        cotangents = {name: random.normal(size=a.shape) for name, a in run.states.items()}
        grads = kernel.backward(run, cotangents, {name: random.normal(size=a.shape) for name, a in run.final.items()})
        for name, a in grads.params.items():
            np.testing.assert_allclose(a, expected["params", name], rtol=1e-10, atol=1e-11)
