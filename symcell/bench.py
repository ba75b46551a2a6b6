"""How fast a cell's kernels are on this machine: a few usual sizes, one thread and all of them."""

import statistics
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numba.core import config
from numpy.typing import DTypeLike

from symcell.cell import Cell
from symcell.compiler import program_of
from symcell.language.sizes import size

POINTS = ((100, 1, 32), (100, 32, 32), (100, 1, 128), (100, 32, 128), (50, 64, 256))
_ENOUGH = 0.3  # seconds for each time that is measured


@dataclass(frozen=True)
class Speed:
    """One measured point: seconds of a forward pass, and of one with its backward pass; `rate` is that of the matrix products in
    them, multiplications and additions a second."""

    T: int
    B: int
    N: int
    threads: int
    forward: float
    both: float
    rate: float


def speeds(
    cell: Cell, points: Iterable[tuple[int, int, int]] = POINTS, dtype: DTypeLike = "float32", seed: int = 0
) -> Iterator[Speed]:
    """Yield the Speed of each point (T, B, N), every size of the cell N, with one thread and with as many as Numba has."""
    kernel = cell.compile(dtype)
    for T, B, N in points:
        params, inputs, initial, cotangents = _random_call(kernel, T, B, N, seed)
        for threads in sorted({1, config.NUMBA_NUM_THREADS}):  # type: ignore[attr-defined]

            def forward(threads=threads, call=(params, inputs, initial)):
                return kernel.forward(*call, threads=threads)

            def both(forward=forward, params=params, cotangents=cotangents):
                train(params)
                return kernel.backward(forward(), cotangents)

            whole = _seconds(both)
            yield Speed(T, B, N, threads, _seconds(forward), whole, T * B * operations(cell, N) / whole)


def train(params):
    """Change parameters between two calls, so that what was packed is packed again. As in training, where all of them change, a
    comparison ends at the first number."""
    first = next(iter(params.values())).reshape(-1)[:1]
    np.nextafter(first, -first, out=first)


def operations(cell, N):
    """Multiplications and additions in the matrix products of one sample and step, forward and backward, every size N."""
    program, count = program_of(cell.declaration), 0
    sizes = {size(name): N for name in cell.sizes}
    for s in (*program.forward, *program.backward):
        if hasattr(s, "expr"):
            continue
        left, right = (_width(program, side, sizes) for side in s.sides)
        count += 2 * left * right
    return count


def _width(program, symbols, sizes):
    return sum(int(np.prod([n.subs(sizes) for n in program.shapes[q].whole], dtype=float)) for q in symbols)


def _random_call(kernel, T, B, N, seed):
    random, sizes = np.random.default_rng(seed), dict.fromkeys(kernel.declaration.sizes, N)
    shapes = kernel.module.shapes(*[sizes[n] for n in kernel.declaration.sizes])

    def drawn(symbols, *lead):
        return {q.name: random.uniform(0.1, 1, (*lead, *shapes[q.name])).astype(kernel.dtype) for q in symbols}

    cell = kernel.declaration
    return kernel.init(seed=seed, **sizes), drawn(cell.inputs, T, B), drawn(cell.states, B), drawn(cell.outputs, T, B)


def _seconds(call):
    call()
    times, begin = [], time.perf_counter()
    while len(times) < 3 or time.perf_counter() - begin < _ENOUGH:
        last = time.perf_counter()
        call()
        times.append(time.perf_counter() - last)
    return statistics.median(times)
