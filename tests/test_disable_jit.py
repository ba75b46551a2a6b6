"""NUMBA_DISABLE_JIT: everything runs as plain Python, for debugging and coverage, with the same numbers to rounding."""

import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
from support.plain import plain_kernel
from support.representatives import compiled_names

from symcell import cells
from symcell.trials import random_sizes

T, LENGTHS = 5, [5, 3, 0]
FEW = ("layer_norm_lstm", "rg_lru", "skip_lstm")  # of those that have the most kinds of things


def outcome(cell, kernel):
    """All that a cell's kernel returns in some calls: (kind, name) -> array."""
    random = np.random.default_rng(7)
    sizes = random_sizes(cell, random)
    shapes = kernel.interface.shapes(**sizes)
    # Scalars are time constants: the states of a small or negative one grow beyond all bounds.
    params = {q: a if a.ndim else abs(a) + 1 for q, a in kernel.init(seed=1, dtype="float64", **sizes).items()}
    inputs = {q: random.normal(size=(T, len(LENGTHS), *shapes[q])) for q in kernel.interface.inputs}
    initial = {q: abs(random.normal(size=(len(LENGTHS), *shapes[q]))) + 1 for q in kernel.interface.states}
    found = {}
    for kind, options in {"": {}, "ragged ": {"lengths": LENGTHS}, "checkpointed ": {"checkpoint": 2}}.items():
        run = kernel.forward(params, inputs, initial, threads=2, **options)
        cotangents = {q: random.normal(size=a.shape) for q, a in run.states.items()}
        grads = kernel.backward(run, cotangents, {q: random.normal(size=a.shape) for q, a in run.final.items()})
        groups = {"states": run.states, "final": run.final, "of params": grads.params, "of inputs": grads.inputs,
                  "of initial": grads.initial}  # fmt: skip
        found |= {(kind + group, q): a for group, arrays in groups.items() for q, a in arrays.items()}
    stream = kernel.stream(kernel.freeze(params), batch=len(LENGTHS))
    stream.reset(initial)
    for t in range(T):
        some = {q: a[t] for q, a in inputs.items()}
        found |= {("stream", q): a.copy() for q, a in stream.step(some).items()}
    found |= {("step", q): a for q, a in kernel.step(params, {q: a[0] for q, a in inputs.items()}, initial).items()}
    return found


def plain_outcome(cell):
    """The same of a runtime that is not compiled, streams included: the kernel of its module is its own."""
    with np.errstate(all="ignore"):  # plain Python warns where compiled code does not
        return outcome(cell, plain_kernel(cell).module.kernel)


def assert_same(found, expected):
    """To rounding."""
    assert found.keys() == expected.keys()
    for key, a in expected.items():
        rounding = 1e-12 * max(1, np.abs(a).max(initial=0))
        np.testing.assert_allclose(found[key], a, rtol=1e-10, atol=rounding, err_msg=str(key))


@pytest.mark.parametrize("name", compiled_names())
def test_without_compilation_the_numbers_are_the_same_to_rounding(name):
    cell = cells.get(name)
    assert_same(plain_outcome(cell), outcome(cell, cell.compile("float64")))


def test_the_environment_turns_compilation_off(tmp_path):
    command = [sys.executable, __file__, str(tmp_path / "plain")]
    done = subprocess.run(command, env={**os.environ, "NUMBA_DISABLE_JIT": "1"}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    for name, found in pickle.loads((tmp_path / "plain").read_bytes()).items():
        assert_same(found, plain_outcome(cells.get(name)))


def main(path):
    from symcell.runtime.jit import DISABLED

    assert DISABLED
    with np.errstate(all="ignore"), open(path, "wb") as file:
        found = {cell: outcome(cell, cell.compile("float64")) for cell in map(cells.get, FEW)}
        pickle.dump({cell.name: arrays for cell, arrays in found.items()}, file)


if __name__ == "__main__":
    main(sys.argv[1])
