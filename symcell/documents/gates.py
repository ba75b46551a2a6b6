"""Gates over time: what one sequence makes of a cell's gates, and of the state that they keep."""

from dataclasses import dataclass

import numpy as np

from symcell.derivation.carousel import carousels
from symcell.derivation.roles import role
from symcell.documents.step_values import before_each_step, step_values


@dataclass(frozen=True)
class Gates:
    """One sample at every step: `input` (T,), and of each quantity by name its units (T, n). Gates lie between 0 and 1."""

    input: np.ndarray
    gates: dict
    states: dict


def gates_of(derivation):
    """The gates of a cell that have a value at every step, in the order of its equations."""
    found = derivation.declaration.intermediates
    return [q for q in found if q not in derivation.once and role(q, derivation) == "gate"]


def gates_over_time(derivation, gates, kernel, params, inputs, shown):
    """Gates of a cell, and the state whose carousel is the freest, as inputs by name move them: arrays (T, 1, *shape). `shown` is
    what is said of the inputs, (T,)."""
    before = before_each_step(kernel, params, inputs)
    states = [c.state for c in carousels(derivation)[:1]]
    wanted = [(q, q) for q in (*gates, *states)]
    found = step_values(derivation, wanted, params, inputs, before)
    units = {q.name: a.reshape(len(a), -1) for (q, _), a in zip(wanted, found, strict=True)}
    return Gates(shown, *({q.name: units[q.name] for q in group} for group in (gates, states)))
