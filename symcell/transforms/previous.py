"""Transforms of what a step finds in its states: cleared where an episode begins, decayed by the time since the last step."""

from collections.abc import Mapping

from sympy import Expr, Piecewise, Symbol, exp

from symcell.cell import Cell
from symcell.language.piecewise_linear import relu
from symcell.language.symbols import Input, Param, State
from symcell.transforms.draft import Draft, Quantities


def resettable(cell: Cell, reset: str = "reset", name: str | None = None) -> Cell:
    """Sequences of several episodes: where the scalar input `reset` is above 0, the step starts from the states' initial values,
    numbers or parameters, and nothing of the step before has any influence, a NaN neither. Elsewhere the cell is as before.

    Apply it last: a transform around it would read the previous states themselves. Raises CellError where the name is taken, and
    for a state that begins at infinity, or at a parameter of rank other than 1 without a declared shape.
    Source: Lu et al., Structured state space models for in-context reinforcement learning, NeurIPS 2023, arXiv:2303.03982."""
    draft = Draft(cell, "resettable", "episodes as in Lu et al., NeurIPS 2023, arXiv:2303.03982")
    begins = Input(draft.given(reset, "reset"), ()) > 0
    carried = draft.states(None)
    for s in carried:
        _check_beginning(draft, s)
    return _with_previous(draft, {s: Piecewise((s.initial, begins), (s.prev, True)) for s in carried}, "old").finished(name)


def _check_beginning(draft: Draft, s: State) -> None:
    """Raise CellError for an initial value that no equation can hold."""
    if s.initial.is_infinite:
        raise draft.error(f"writes {s}'s initial value into an equation, found {s.initial}; a large number, 1e30, stands for it")
    if isinstance(s.initial, Param) and s.initial.declared is None and len(draft.dims(s)) != 1:
        shape = draft.dims(s)
        raise draft.error(
            f"writes the initial value of {s} into an equation, where the shape of {s.initial} must be known; "
            f"write Param({s.initial.name!r}, {tuple(map(str, shape))})"
        )


def time_gap(cell: Cell, states: Quantities | None = None, dt: str = "dt", name: str | None = None) -> Cell:
    """States that decay with the time since the step before, a scalar input dt: h.prev becomes gamma_h * h.prev, where
    gamma_h = exp(-relu(W_gamma_h * dt + b_gamma_h)) has a rate and a threshold for each unit.

    states: by default those that are carried. dt: the name of the input. Raises CellError for what is no state, and where the
    name is taken. Source: Che et al., Scientific Reports 8, 2018, arXiv:1606.01865 (GRU-D)."""
    draft = Draft(cell, "time_gap", "Che et al., Scientific Reports 8, 2018, arXiv:1606.01865")
    gap = Input(draft.given(dt, "dt"), ())
    decayed: dict[State, Expr] = {}
    factors: list[tuple[Symbol, Expr]] = []
    for s in draft.states(states):
        rate, threshold = (Param(draft.fresh(f"{letter}_gamma_{s}"), draft.dims(s), over=draft.dims(s).over) for letter in "Wb")
        gamma = Symbol(draft.fresh(f"gamma_{s}"))
        factors.append((gamma, exp(-relu(rate * gap + threshold))))
        decayed[s] = gamma * s.prev
    draft = _with_previous(draft, decayed, "decayed")
    draft.pairs = [*factors, *draft.pairs]
    return draft.finished(name)


def _with_previous(draft: Draft, values: Mapping[State, Expr], word: str) -> Draft:
    """The draft with other values in place of the previous states, each with an equation of its own, named after `word`."""
    found = {s: Symbol(draft.fresh(f"{s}_{word}")) for s in values}
    draft.replace({s.prev: q for s, q in found.items()})
    draft.pairs = [*[(found[s], value) for s, value in values.items()], *draft.pairs]
    return draft
