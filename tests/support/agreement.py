"""Whether a cell's kernel does what the oracle says: states, final states and all gradients, in one random call."""

from dataclasses import replace
from types import ModuleType

import numpy as np
from hypothesis import assume

from support.jax_cells import differentiated
from support.plain import empty_is_nan, plain_kernel
from support.random_calls import random_call, rounded
from symcell.compiler import source_of

TOLERANCES = {"float64": 1e-10, "float32": 2e-4}
NOISE = {"float64": 1e-15, "float32": 1e-6}  # relative: several times what rounding does to an array
ZERO = 1e-14  # an oracle in float64 that is below this says zero
FAR = 1e6  # what reaches this is no test of anything


def assert_agreement(cell, seed, left_out=(), compiled=False, dtypes=("float64",)):
    """Call a cell's kernels, and raise AssertionError with a line for each array that is wrong: of Numba's module as plain Python,
    or `compiled`, and of NumPy's. What leaves the range in which a comparison means something is not for hypothesis."""
    call = random_call(cell, seed, left_out)
    for dtype in dtypes:
        narrow = rounded(call, dtype)
        kernel = cell.compile(dtype) if compiled else plain_kernel(cell, dtype)
        expected = expected_of(cell, narrow)
        assume(all(np.all(np.abs(a) < FAR) for a in expected.values()))
        if compiled:
            found_by(kernel, narrow)  # Numba must not see what stands in for np.empty
        for target, called in (("numba", kernel), ("numpy", numpy_module(cell))):
            with empty_is_nan(), np.errstate(all="ignore"):  # plain Python warns where compiled code does not
                found = found_by(called, narrow)
            lines = disagreements(cell, narrow, found, expected, dtype)
            assert not lines, f"{target}, {dtype}: " + "; ".join(lines)


def numpy_module(cell):
    """The cell's NumPy module."""
    module = ModuleType(f"numpy_{cell.name}")
    exec(compile(source_of(cell.declaration, "numpy"), f"<{cell.name}, for NumPy>", "exec"), module.__dict__)
    return module


def found_by(kernel, call):
    """What a kernel computes: (kind, name) -> array."""
    run = kernel.forward(call.params, call.inputs, call.initial)
    gradients = kernel.backward(run, call.cotangents, call.final)
    found = {("states", name): a for name, a in run.states.items()}
    found |= {("final", name): a for name, a in run.final.items()}
    for kind in ("params", "inputs", "initial"):
        found |= {(kind, name): a for name, a in getattr(gradients, kind).items()}
    return found


def expected_of(cell, call):
    """What the oracle computes of the same call."""
    states, gradients = differentiated(cell, call)
    cotangents = {name: a.astype(float) for name, a in call.cotangents.items()}
    for name, a in call.final.items():
        cotangents[name][-1] += a
    expected = {("states", name): a for name, a in states.items()} | {("final", name): a[-1] for name, a in states.items()}
    constants = {q.name for q in cell.constants}
    for kind, group in gradients(cotangents).items():
        expected |= {(kind, name): a for name, a in group.items() if name not in constants}
    return expected


def disagreements(cell, call, found, expected, dtype):
    """One line for each array on which kernel and oracle differ by more than the cell's condition explains."""
    lines = _differences(found, expected, dtype, {})
    return lines and _differences(found, expected, dtype, _sensitivity(cell, call, expected, dtype))


def _differences(found, expected, dtype, allowed):
    """Errors are measured against their array's largest entry, and what cancels against the largest of its kind as well. What is zero
    by its mathematics, as the mean of what has been centred, is as far from it as numbers around one are rounded; nothing else is
    given an absolute tolerance."""
    lines, tolerance = [], TOLERANCES[dtype]
    for (kind, name), e in expected.items():
        f = found.get((kind, name))
        if f is None or f.shape != e.shape or f.dtype != dtype:
            lines.append(f"{kind}[{name!r}]: {'missing' if f is None else (f.shape, f.dtype)}, expected {e.shape} {dtype}")
            continue
        largest = max((np.abs(a).max(initial=0) for (other, _), a in expected.items() if other == kind), default=0)
        bound = tolerance * np.abs(e).max(initial=0) + tolerance / 100 * largest + allowed.get((kind, name), 0)
        bound += NOISE[dtype] if np.abs(e).max(initial=0) < ZERO else 0
        error = np.abs(f - e).max(initial=0)
        if not error <= bound:
            lines.append(f"{kind}[{name!r}]: error {error:.1e}, allowed {bound:.1e}")
    return lines


def _sensitivity(cell, call, expected, dtype):
    """How far every result moves when all arrays are rounded anew, a thousandfold: a bound for what conditioning excuses."""
    random, noise = np.random.default_rng(0), NOISE[dtype]

    def shaken(group):
        return {name: a.astype(float) * (1 + noise * random.normal(size=a.shape)) for name, a in group.items()}

    near = replace(call, params=shaken(call.params), inputs=shaken(call.inputs), initial=shaken(call.initial))
    moved = expected_of(cell, near)
    return {key: 1000 * np.abs(moved[key] - a).max(initial=0) for key, a in expected.items()}
