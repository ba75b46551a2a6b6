"""Kernels, runs, gradients, frozen parameters and streams are copied and pickled, and go on elsewhere with the same numbers."""

import copy
import multiprocessing
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from symcell import CellError, cells
from symcell.generated import rnn

T, B, N = 9, 2, 8
COPIES = {"deepcopy": copy.deepcopy, "pickle": lambda some: pickle.loads(pickle.dumps(some))}
KERNELS = {"compiled": cells.rnn.compile("float32"), "module": rnn.kernel}
CALLS = {"plain": {}, "ragged": {"lengths": [T, 4]}, "checkpointed": {"checkpoint": 4}, "both": {"checkpoint": 4, "lengths": [T, 4]}}
COTANGENTS = {"a": np.ones((T, B, N), "float32")}

copied_by = pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
of_kernels = pytest.mark.parametrize("kernel", KERNELS.values(), ids=KERNELS)


def problem():
    params = rnn.init(n_x=3, n_h=N, seed=1)
    return params, np.random.default_rng(0).normal(size=(T, B, 3)).astype("float32")


def same(found, expected):
    return found.keys() == expected.keys() and all(np.array_equal(found[name], a) for name, a in expected.items())


@of_kernels
@copied_by
@pytest.mark.parametrize("frozen", (False, True))
@pytest.mark.parametrize("options", CALLS.values(), ids=CALLS)
def test_a_run_goes_backward_after_its_journey(options, frozen, copied, kernel):
    params, x = problem()
    run = kernel.forward(kernel.freeze(params) if frozen else params, x, **options)
    there, theirs = copied((kernel, run))
    grads, found = kernel.backward(run, COTANGENTS), there.backward(theirs, COTANGENTS)
    assert same(theirs.states, run.states) and same(theirs.final, run.final) and repr(theirs) == repr(run)
    assert same(found.params, grads.params) and same(found.inputs, grads.inputs) and same(found.initial, grads.initial)
    assert same(kernel.backward(theirs, COTANGENTS).params, grads.params)  # the kernel that it comes from takes it, too
    returned = copied(found)
    assert same(returned.params, grads.params) and repr(returned) == repr(grads)


@of_kernels
@copied_by
def test_a_copy_of_frozen_parameters_is_one_of_its_own(copied, kernel):
    params, x = problem()
    others = {name: 2 * a for name, a in params.items()}
    frozen = kernel.freeze(params)
    theirs = copied(frozen)
    theirs.update(others)
    assert same(frozen, params) and same(theirs, others)
    assert same(kernel.forward(frozen, x).final, kernel.forward(params, x).final)
    assert same(kernel.forward(theirs, x).final, kernel.forward(others, x).final)
    frozen.update(others)
    assert same(kernel.forward(frozen, x).final, kernel.forward(theirs, x).final)
    with pytest.raises(ValueError, match="read-only"):
        theirs["b_a"][0] = 1


@of_kernels
@copied_by
def test_the_copy_of_a_run_follows_the_copy_of_its_frozen_parameters(copied, kernel):
    params, x = problem()
    frozen = kernel.freeze(params)
    run = kernel.forward(frozen, x)
    theirs, parameters = copied((run, frozen))
    parameters.update({name: 2 * a for name, a in params.items()})
    with pytest.raises(CellError, match="were updated after forward"):
        kernel.backward(theirs, COTANGENTS)
    kernel.backward(run, COTANGENTS)


@of_kernels
@copied_by
@pytest.mark.parametrize("steps", (0, 1, 70))
def test_a_stream_goes_on_from_where_it_is(steps, copied, kernel):
    params, x = problem()
    stream = kernel.stream(kernel.freeze(params), batch=B)
    for t in range(steps):
        stream.step(x[t % T])
    theirs = copied(stream)
    assert same(theirs.state, stream.state)
    for t in range(3):
        assert same(theirs.step(x[t]), stream.step(x[t]))


@copied_by
def test_a_cell_and_its_kernel_travel_together(copied):
    cell, kernel = copied((cells.rnn, KERNELS["compiled"]))
    assert repr(cell) == repr(cells.rnn) and kernel.cell is cell and kernel.source == KERNELS["compiled"].source
    assert kernel.module is KERNELS["compiled"].module  # one text is one module


def test_the_error_travels():
    with pytest.raises(CellError) as raised:
        rnn.forward({}, problem()[1])
    for copied in COPIES.values():
        error = copied(raised.value)
        assert type(error) is CellError and str(error) == str(raised.value)


# Into other processes.


def went_backward(some):
    """What another process does: all that it is given goes on."""
    kernel, run, stream, frozen, x = some
    grads = kernel.backward(run, COTANGENTS)
    return grads, {name: a.copy() for name, a in stream.step(x[0]).items()}, kernel.forward(frozen, x)


def traveller():
    kernel, (params, x) = KERNELS["compiled"], problem()
    frozen = kernel.freeze(params)
    stream = kernel.stream(frozen, batch=B)
    stream.step(x[0])
    return kernel, kernel.forward(frozen, x, lengths=[T, 4]), stream, frozen, x


def assert_went_backward(found):
    grads, state, run = went_backward(traveller())
    for there, here in ((found[0].params, grads.params), (found[1], state), (found[2].final, run.final)):
        assert there.keys() == here.keys()
        for name, a in here.items():
            np.testing.assert_allclose(there[name], a, rtol=1e-5, atol=1e-6)
    KERNELS["compiled"].backward(found[2], COTANGENTS)  # what was made there goes on here


def test_all_travel_into_a_spawned_process():
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert_went_backward(pool.apply(went_backward, (traveller(),)))


def test_all_travel_with_joblib():
    joblib = pytest.importorskip("joblib")
    for found in joblib.Parallel(n_jobs=2)(joblib.delayed(went_backward)(traveller()) for _ in range(2)):
        assert_went_backward(found)


def test_all_travel_to_a_machine_with_another_cache(tmp_path):
    """Where nothing is compiled, neither there nor by this test."""
    code = """
import pickle, sys
from pathlib import Path
from test_travel import went_backward
path = Path(sys.argv[1])
found = went_backward(pickle.loads((path / "sent").read_bytes()))
assert Path(found[2]._kernel.module.__file__).parent == path / "cache"
(path / "found").write_bytes(pickle.dumps(found))
"""
    (tmp_path / "sent").write_bytes(pickle.dumps(traveller()))
    env = {**os.environ, "SYMCELL_CACHE_DIR": str(tmp_path / "cache"), "NUMBA_DISABLE_JIT": "1"}
    env["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent), env["PYTHONPATH"]])
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assert_went_backward(pickle.loads((tmp_path / "found").read_bytes()))
