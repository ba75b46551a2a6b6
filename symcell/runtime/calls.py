"""A call of `forward`: what it was given, checked, and its segments, which are the steps that are computed at a time. Without
checkpoints there is one.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from .arguments import SEQUENCE, Arrays, by_name, check_shapes, checked_arrays, initial_of, positive, steps_and_samples
from .interface import Interface
from .parameters import Weights

_WORTH_A_CALL = 1 << 17  # units and steps of a segment beside which the calls for it cost little


class Call(NamedTuple):
    """What a call of `forward` was given, checked.

    ragged: whether some samples are shorter than T; given: the states whose initial value was; segments: the steps (first, last)
    that are computed at a time."""

    T: int
    B: int
    sizes: dict[str, int]
    shapes: dict[str, tuple[int, ...]]
    dtype: np.dtype
    weights: Weights
    inputs: Arrays
    lengths: np.ndarray
    ragged: bool
    given: tuple[str, ...]
    threads: int
    segments: list[tuple[int, int]]


class Given(NamedTuple):
    """Inputs and initial states that were checked, but for their shapes; (T, B), or (B,) of one step."""

    inputs: Arrays
    initial: Arrays
    lead: tuple[int, ...]
    axes: tuple[str, ...]


def given_arrays(cell: Interface, inputs: Any, initial: Any, dtype: np.dtype, axes: tuple[str, ...] = SEQUENCE) -> Given:
    arrays = checked_arrays(cell, "inputs", by_name(cell, inputs), cell.inputs, dtype)
    lead = steps_and_samples(cell, arrays, axes)
    states = checked_arrays(cell, initial_of(axes), {} if initial is None else initial, cell.states, dtype, partly=True)
    return Given(arrays, states, lead, axes)


def check_given(cell: Interface, given: Given, shapes: dict[str, tuple[int, ...]]) -> None:
    """The shapes of inputs and initial states."""
    check_shapes(cell, "inputs", given.inputs, cell.inputs, shapes, given.lead, given.axes)
    check_shapes(cell, initial_of(given.axes), given.initial, cell.states, shapes, given.lead[-1:], given.axes)


def initial_states(cell: Interface, given: Arrays, params: Any, shapes: dict, B: int, dtype: np.dtype) -> Arrays:
    """The states before the first step; those that were given may be the caller's arrays."""
    return {
        name: given[name] if name in given else _declared(cell.initial[name], params, (B, *shapes[name]), dtype)
        for name in cell.states
    }


def _declared(source: float | str, params: Any, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """The declared value of a state before the first step."""
    start = np.zeros(shape, dtype)
    if source != 0:
        start[...] = params[source] if isinstance(source, str) else source
    return start


def segments_of(cell: Interface, T: int, B: int, checkpoint: Any, shapes: dict) -> list[tuple[int, int]]:
    """(first, last) of each segment."""
    if checkpoint is None or checkpoint is False:
        return [(0, T)]
    units = B * sum(math.prod(shapes[name]) for name in cell.states)
    enough = _WORTH_A_CALL // max(1, units)
    length = max(int(np.sqrt(T)), enough) if checkpoint is True else positive(cell, "checkpoint", checkpoint)
    return [(first, min(first + length, T)) for first in range(0, T, length)] or [(0, 0)]


def put(whole: Arrays, part: Arrays, first: int, last: int, T: int) -> None:
    """Write the arrays of some steps into those of all; if there are no others, they are those."""
    for name, a in part.items():
        if last - first == T:
            whole[name] = a
            continue
        if name not in whole:
            whole[name] = np.empty((T, *a.shape[1:]), a.dtype)
        whole[name][first:last] = a
