"""Sequences of several lengths side by side. What lies behind the end of one has no effect: inputs are zeros there, and so are
the states that are shown and what the loss gives them.
"""

import numpy as np

from symcell.runtime.copies import _copied
from symcell.runtime.memory import zeros


def _checked_lengths(lengths, T, B):
    """How many steps each sample has."""
    try:
        found = np.asarray(lengths)
    except ValueError:  # rows of several lengths
        found = np.empty(0, object)
    if found.shape != (B,) or found.dtype.kind not in "iu":
        raise CellError(
            f"{NAME}: lengths must be an integer for each of the {B} samples, found {type(lengths).__name__}"
            f" of shape {found.shape} and dtype {found.dtype}"
        )
    for sample in np.flatnonzero((found < 0) | (found > T))[:1]:
        raise CellError(f"{NAME}: lengths[{sample}] is {found[sample]}, expected 0 to T = {T}")
    return found.astype(np.int64)


def _within(array, lengths):
    """A sequence with zeros behind the end of each sample."""
    if lengths is None:
        return array
    copy = _copied(array)
    copy[np.arange(len(copy))[:, None] >= lengths] = 0
    return copy


def _states_at_ends(call, sequences, first, last, before):
    """The states after each sample's last step, if that is none behind `last`; of those that ended before `first`, as they were
    then. `sequences` begin with the state before `first`."""
    if call.lengths is None:
        return {name: a[-1].copy() for name, a in sequences.items()}
    ends, ended = np.clip(call.lengths - first, 0, last - first), call.lengths < first
    found = {name: a[ends, np.arange(call.B)] for name, a in sequences.items()}
    for name, a in before.items():
        found[name][ended] = a[ended]
    return found


def _given_at_ends(call, cotangents, final):
    """What the loss gives the states at all steps, what it gives the final ones included, each at the end of its sample; and what
    it gives those of samples without steps, which are the initial ones."""
    given = {name: _within(a, call.lengths) for name, a in cotangents.items()}
    some = np.flatnonzero(call.lengths)
    for name, a in final.items():
        if name not in given:
            given[name] = zeros((call.T, *a.shape), call.real)
        given[name][call.lengths[some] - 1, some] += a[some]
    initial = {name: _copied(a) for name, a in final.items()}
    for a in initial.values():
        a[some] = 0
    return given, initial
