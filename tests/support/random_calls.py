"""Random calls of a random cell's kernel: every array it takes, and the derivatives of a loss with respect to its states."""

from dataclasses import dataclass

import numpy as np
from hypothesis import assume

from symcell.language.sizes import size

# Unequal, so that no two axes are mistaken for each other; a size of another name takes one of the rest.
SIZES = {"n_x": 4, "n_h": 6, "n_p": 5, "n_k": 7, "n_y": 8}
OTHER_SIZES = (9, 10, 11, 13, 14, 15)
T, B = 5, 3


@dataclass(frozen=True)
class Call:
    """The arrays of one call of a kernel, and the derivatives of a loss with respect to every state."""

    sizes: dict
    params: dict
    inputs: dict
    initial: dict
    cotangents: dict
    final: dict
    T: int = T
    B: int = B


def random_call(cell, seed, left_out=()):
    """Normal random arrays, biases and initial states among them. The states named in `left_out` begin as they declare, if the
    other arrays tell all sizes."""
    random = np.random.default_rng(seed)
    others = iter(OTHER_SIZES)
    sizes = {size(name): SIZES.get(name) or next(others) for name in cell.sizes}

    def drawn(symbols, *lead, spread=0.6):
        return {q.name: spread * random.normal(size=(*lead, *_numbers(cell.shape(q), sizes))) for q in symbols}

    params = drawn((*cell.params, *cell.constants))
    told = {n for q in (*cell.params, *cell.constants, *cell.inputs) for n in cell.shape(q)}
    given = [s for s in cell.states if s.name not in left_out or not sizes.keys() <= told]
    return Call(
        sizes, params, drawn(cell.inputs, T, B, spread=1), drawn(given, B), drawn(cell.states, T, B), drawn(cell.states, B)
    )


def _numbers(shape, sizes):
    numbers = [n.subs(sizes) for n in shape]
    assume(all(n.is_Integer and n > 0 for n in numbers))  # malformed cells divide sizes as they like
    return map(int, numbers)


def rounded(call, dtype):
    """The call with all its arrays in another precision."""
    groups = ("params", "inputs", "initial", "cotangents", "final")
    narrow = {group: {name: np.asarray(a, dtype) for name, a in getattr(call, group).items()} for group in groups}
    return Call(call.sizes, **narrow)
