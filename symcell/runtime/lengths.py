"""Sequences of several lengths side by side. The passes compute the steps that a sample has, and no others: products read what
lies behind its end as well, each row for itself, but nothing reads what they make of it.
"""

from typing import Any

import numpy as np

from .arguments import Arrays, copied, ready
from .calls import Call
from .errors import CellError
from .interface import Interface
from .memory import zeros


def checked_lengths(cell: Interface, lengths: Any, T: int, B: int) -> np.ndarray:
    """How many steps each sample has; all of them by default."""
    if lengths is None:
        found = np.empty(B, np.int64)
        found.fill(T)
        return found
    try:
        found = np.asarray(lengths, np.int64 if B == 0 and len(lengths) == 0 else None)
    except (TypeError, ValueError):  # no sequence, or rows of several lengths
        found = np.empty(0, object)
    if found.shape != (B,) or found.dtype.kind not in "iu":
        raise CellError(
            f"{cell.name}: lengths must be an integer for each of the {B} samples, found {type(lengths).__name__}"
            f" of shape {found.shape} and dtype {found.dtype}"
        )
    for sample in np.flatnonzero((found < 0) | (found > T))[:1]:
        raise CellError(f"{cell.name}: lengths[{sample}] is {found[sample]}, expected 0 to T = {T}")
    return found.astype(np.int64)


def within(array: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """A sequence with zeros behind the end of each sample, in place."""
    array[np.arange(len(array))[:, None] >= lengths] = 0
    return array


def lengths_between(call: Call, first: int, last: int) -> np.ndarray:
    """How many of some steps each sample has."""
    return call.lengths if last - first == call.T else np.clip(call.lengths - first, 0, last - first)


def states_at_ends(call: Call, sequences: Arrays, first: int, last: int, before: Arrays) -> Arrays:
    """The states after each sample's last step, if that is none behind `last`; of those that ended before `first`, as they were
    then. `sequences` begin with the state before `first`."""
    if not call.ragged:
        return {name: a[-1].copy() for name, a in sequences.items()}
    ends, ended = lengths_between(call, first, last), call.lengths < first
    found = {name: a[ends, np.arange(call.B)] for name, a in sequences.items()}
    for name, a in before.items():
        found[name][ended] = a[ended]
    return found


def cotangents_between(
    call: Call, recurrent: tuple[str, ...], cotangents: Arrays, carried: Arrays, first: int, last: int
) -> Arrays:
    """What the loss gives each state at some steps; zeros stand there once. Where no step reads a state, its final cotangent is
    added to that of the sample's last step."""
    given = {}
    for name in carried:
        zero = (1, call.B, *call.shapes[name])
        given[name] = ready(cotangents[name][first:last]) if name in cotangents else zeros(zero, call.dtype)
        if name not in recurrent and carried[name].any():
            some = np.flatnonzero((first < call.lengths) & (call.lengths <= last))
            given[name] = copied(np.broadcast_to(given[name], (last - first, *zero[1:])))
            given[name][call.lengths[some] - 1 - first, some] += carried[name][some]
            carried[name][some] = 0
    return given
