"""Whether a cell's kernel does what the oracle says: states, final states and all gradients, in one random call."""

import ctypes
import math
from contextlib import contextmanager
from dataclasses import replace
from types import ModuleType
from unittest.mock import patch

import numpy as np
from hypothesis import assume
from numba.core import config

from support.jax_cells import differentiated
from support.random_calls import B as SAMPLES
from support.random_calls import random_call, rounded
from symcell.compiler import source_of
from symcell.kernel import Kernel

TOLERANCES = {"float64": 1e-10, "float32": 2e-4}
NOISE = {"float64": 1e-15, "float32": 1e-6}  # relative: several times what rounding does to an array
ZERO = 1e-14  # an oracle in float64 that is below this says zero
FAR = 1e6  # what reaches this is no test of anything


def assert_agreement(cell, seed, left_out=(), compiled=False, dtypes=("float64",)):
    """Call a cell's kernel, and raise AssertionError with a line for each array that is wrong. The kernel is the generated
    module as plain Python, or `compiled`. What leaves the range in which a comparison means something is not for hypothesis."""
    call = random_call(cell, seed, left_out)
    for dtype in dtypes:
        narrow = rounded(call, dtype)
        kernel = cell.compile(dtype) if compiled else plain_kernel(cell, dtype)
        expected = expected_of(cell, narrow)
        assume(all(np.all(np.abs(a) < FAR) for a in expected.values()))
        if compiled:
            found_by(kernel, narrow)  # Numba must not see what stands in for np.empty
        with empty_is_nan(), np.errstate(all="ignore"):  # plain Python warns where compiled code does not
            found = found_by(kernel, narrow)
        lines = disagreements(cell, narrow, found, expected, dtype)
        assert not lines, f"{dtype}: " + "; ".join(lines)


def plain_kernel(cell, dtype="float64", source=None):
    """The cell's kernel as plain Python: the generated module uncompiled, where an index out of bounds is an error. Its
    products, which are made of machine instructions, are replaced by NumPy's; its blocks have two steps."""
    module = ModuleType(f"plain_{cell.name}")
    source = (source or source_of(cell)).replace('RUNTIME_HASH = "', 'RUNTIME_HASH = "plain_')  # compiled modules must not share its products
    with patch.object(config, "DISABLE_JIT", True):
        exec(compile(source, f"<{cell.name}, generated>", "exec"), module.__dict__)
    if hasattr(module, "multiply"):
        module.products_of, module.pack, module.turn_over, module._WAY = id, _pack, _turn_over, 1  # all rows that may be spread are
        module.multiply, module.multiply_and_fetch, module.add_outer_products = _multiply, _multiply, _add_outer_products
        module.noted_ahead = lambda ahead, sequences, low, upto: ahead[:0]
    module.row_at, module.columns_at = lambda a, t, b: a[t, b], lambda a, t, b, start, stop: a[t, b, start:stop]
    module.keep, module.wait, module.lines_at = _keep, _wait, _lines_at
    module.scratch, module.array_in, module.release = _scratch, _array_in, id
    module.steps_at = lambda a, start, stop: a[start:stop]
    module._same, module._take = _same, _take
    module.meet, module._ROWS_IN_CACHE = id, 2 * SAMPLES
    return Kernel(cell, module, dtype)


def _keep(given, kept, first, last, low, upto):
    kept[first:last, low:upto] = given[first:last, low:upto]


def _wait(later, final, t, lengths, low, upto):
    ended = low + np.flatnonzero(t >= lengths[low:upto])
    later[ended] = final[ended]


def _lines_at(array, place, count, breadth):
    return array.reshape(-1)[place : place + count * breadth].reshape(1, count, breadth)


def _rows(places):
    """(address of an array's row, address of its copy, bytes)"""
    for source, goal, size, rows, stride, pitch in places.tolist():
        yield from ((source + row * stride, goal + row * pitch, size) for row in range(rows))


def _same(places):
    return all(ctypes.string_at(source, size) == ctypes.string_at(goal, size) for source, goal, size in _rows(places))


def _take(places):
    for source, goal, size in _rows(places):
        ctypes.memmove(goal, source, size)


def _pack(weights, first, length, transposed, panels, term, column, rank, threads):
    piece = weights[:, first : first + length] if transposed else weights[:, first : first + length].T
    for k, m in np.ndindex(piece.shape):
        panel, lane = divmod(column + m, panels.shape[2])
        panels[panel, term + k, lane] = piece[k, m]


def _turn_over(held, from_term, from_column, count, length, panels, term, column, rank, threads):
    whole = held.transpose(1, 0, 2).reshape(held.shape[1], -1)
    piece = whole[from_term : from_term + count, from_column : from_column + length]
    _pack(piece, 0, length, False, panels, term, column, rank, threads)


def _scratch(count, like):
    return np.full(count, np.nan, like.dtype)


def _array_in(memory, place, shape):
    return memory.reshape(-1)[place : place + math.prod(shape)].reshape(shape)


def _multiply(products, rows, start, panels, out, turn, low, high, rank, team, ahead=None):
    _, terms, width = panels.shape
    weights = panels.transpose(1, 0, 2).reshape(terms, len(panels) * width)[:, : out.shape[2]]
    out[:, low:high] = rows[:, low:high, start : start + terms] @ weights


def _add_outer_products(products, left, from_left, right, from_right, out, first, T, lengths, low, high, rank, team, *scratch):
    (_, height, width), last = out.shape, first + len(left)
    left, right = left[:, low:high, from_left : from_left + height], right[:, low:high, from_right : from_right + width]
    there = np.arange(first, last)[:, None] < lengths[low:high]
    total = np.einsum("rm,rk->mk", left[there], right[there])
    out[0] = out[0] + total if last < T else total


@contextmanager
def empty_is_nan():
    """Uninitialised memory holds NaN here, so that whatever reads it shows."""

    def filled(shape, dtype=float, **options):
        return np.full(shape, np.nan, dtype)

    with patch.object(np, "empty", filled):
        yield


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
