"""A call of `forward`: what it was given, checked, and its segments, which are the steps that are computed at a time. Without
checkpoints there is one.
"""

import math
from typing import NamedTuple

import numpy as np

from symcell.runtime.copies import _ready
from symcell.runtime.lengths import _checked_lengths, _lengths_between
from symcell.runtime.memory import room
from symcell.runtime.parameters import Frozen, _known_parameters, _new_parameters, _Parameters, _weights

_PARAMETERS_TELL = all(places[0][0] == "params" for places in SIZES.values())  # all sizes
_WORTH_A_CALL = 1 << 17  # units and steps of a segment beside which the calls for it cost little


class _Call(NamedTuple):
    """What a call of `forward` was given, checked. `segments`: the steps (first, last) that are computed at a time."""

    T: int
    B: int
    sizes: dict
    shapes: dict
    real: np.dtype
    params: _Parameters
    inputs: dict
    lengths: np.ndarray  # how many steps each sample has
    ragged: bool  # whether some do not have all
    given: tuple  # the states whose initial value was
    threads: int
    segments: list


def _checked_call(params, inputs, initial, dtype, axes, threads=None, checkpoint=None, lengths=None):
    """The call, and the states that it begins with, which may be the caller's arrays. The inputs have these axes before their
    own: those of one step have no T."""
    real = _real_dtype(dtype) if dtype is not None else _dtype_of(params, inputs)
    threads = _number_of_threads(threads)
    known = _known_parameters(params, real, threads)
    arrays = (known.given or known.copies) if known else _arrays("params", params, (*PARAMS, *CONSTANTS), real)
    inputs = _arrays("inputs", _by_name(inputs), tuple(INPUTS), real)
    lead, before = _steps_and_samples(inputs, axes), _initial_of(axes)
    T, B = lead if axes is _SEQUENCE else (1, *lead)
    given = _arrays(before, {} if initial is None else initial, tuple(STATES), real, partly=True)
    told = known and _PARAMETERS_TELL
    sizes = known.sizes if told else _sizes({"params": arrays, "inputs": inputs, "initial": given}, axes)
    if not known or known.sizes != sizes:
        wanted = shapes(**sizes)
        _check_shapes("params", arrays, {**PARAMS, **CONSTANTS}, wanted, (), axes)
        frozen = isinstance(params, Frozen)
        known = params._of(sizes, wanted) if frozen else _new_parameters(params, arrays, sizes, wanted, real, threads)
    wanted = known.shapes
    _check_shapes("inputs", inputs, INPUTS, wanted, lead, axes)
    _check_shapes(before, given, STATES, wanted, (B,), axes)
    ragged, lengths = lengths is not None, _checked_lengths(lengths, T, B)
    states = [(name, wanted[name]) for name in STATES]
    segments = _segments(T, checkpoint, B * sum(math.prod(n) for _, n in states) if checkpoint else 0)
    start = {name: given[name] if name in given else _initial(name, known.copies, (B, *n), real) for name, n in states}
    return _Call(T, B, sizes, wanted, real, known, inputs, lengths, ragged, tuple(given), threads, segments), start


def _segments(T, checkpoint, units):
    """(first, last) of each segment; `units` are those of all states and samples."""
    if checkpoint is None or checkpoint is False:
        return [(0, T)]
    enough = _WORTH_A_CALL // max(1, units)
    length = max(int(np.sqrt(T)), enough) if checkpoint is True else _positive("checkpoint", checkpoint)
    return [(first, min(first + length, T)) for first in range(0, T, length)] or [(0, 0)]


def _run_segment(call, first, last, start, given=None):
    """The states of some steps, the initial one before them, and their tape. What is given as inputs is kept in the call's."""
    kept = call.inputs if given else {name: _ready(a[first:last]) for name, a in call.inputs.items()}
    weights = _weights(call.params, "forward", _forward_weights, call.params.held, call.threads)
    return _forward(last - first, call.B, call.sizes, call.real, call.params.copies, weights, given or kept, kept, start,
                    _lengths_between(call, first, last), call.threads)  # fmt: skip


def _replayed(run):
    """All states of a run with checkpoints, computed again."""
    states = {}
    for (first, last), start in zip(run._call.segments, run._starts, strict=True):
        sequences, _ = _run_segment(run._call, first, last, start)
        _put(states, {name: a[1:] for name, a in sequences.items()}, first, last, run._call.T)
    return states


def _put(whole, part, first, last, T):
    """Write the arrays of some steps into those of all; if there are no others, they are those."""
    for name, a in part.items():
        if last - first == T:
            whole[name] = a
            continue
        if name not in whole:
            whole[name] = room((T, *a.shape[1:]), a.dtype)
        whole[name][first:last] = a
