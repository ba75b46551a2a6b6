"""NUMBA_DISABLE_JIT: everything runs as plain Python, for debugging and coverage, with the same numbers to rounding."""

import os
import pickle
import subprocess
import sys

import numpy as np

from symcell import cells
from symcell.trials import random_sizes

T, LENGTHS = 5, [5, 3, 0]


def outcome(name):
    """All that a cell's kernel returns in some calls: (kind, name) -> array."""
    random = np.random.default_rng(7)
    kernel = cells.get(name).compile("float64")
    sizes = random_sizes(kernel.cell, random)
    shapes = kernel.interface.shapes(**sizes)
    # Scalars are time constants: the states of a small or negative one grow beyond all bounds.
    params = {q: a if a.ndim else abs(a) + 1 for q, a in kernel.init(seed=1, **sizes).items()}
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


def test_without_compilation_the_numbers_are_the_same_to_rounding(tmp_path):
    command = [sys.executable, __file__, str(tmp_path / "plain")]
    done = subprocess.run(command, env={**os.environ, "NUMBA_DISABLE_JIT": "1"}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    plain = pickle.loads((tmp_path / "plain").read_bytes())
    for name in cells.names():
        compiled = outcome(name)
        assert compiled.keys() == plain[name].keys()
        for key, a in compiled.items():
            rounding = 1e-12 * max(1, np.abs(a).max(initial=0))
            np.testing.assert_allclose(plain[name][key], a, rtol=1e-10, atol=rounding, err_msg=f"{name}: {key}")


def main(path):
    from symcell.runtime.jit import DISABLED

    assert DISABLED
    with np.errstate(all="ignore"), open(path, "wb") as file:  # plain Python warns where compiled code does not
        pickle.dump({name: outcome(name) for name in cells.names()}, file)


if __name__ == "__main__":
    main(sys.argv[1])
