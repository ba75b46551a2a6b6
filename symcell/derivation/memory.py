"""What a cell remembers, and what its gates do: keep, write, show or reset. Cells can be compared by these, whatever their names.

A state is a memory if its own equation is s_t = keep * s_{t-1} + write, unit by unit, its intermediates held fixed. The LSTM's
c = f * c_prev + i * g keeps f of what it was and writes i * g; the GRU's keeps 1 - i."""

from dataclasses import dataclass

from sympy import Expr, Mul, S

from symcell.derivation.reverse import recurrent_states
from symcell.derivation.roles import role
from symcell.language.primitives import Primitive, broadcast
from symcell.language.slopes import partial
from symcell.language.symbols import Previous, State

PURPOSES = ("keeps", "writes", "shows", "resets")


@dataclass(frozen=True)
class Memory:
    """state_t = keep * state_{t-1} + write, in quantities of the cell."""

    state: State
    keep: Expr
    write: Expr


def memories(derivation):
    """The memories of a cell, in the order of its states."""
    equations = {e.target: e.rhs for e in derivation.declaration.equations}
    found = (_memory(s, equations[s]) for s in recurrent_states(derivation.forward))
    return [m for m in found if m is not None]


def _memory(state, rhs):
    """The memory of a state with this equation, if the equation is linear in its previous value and units do not meet in it."""
    before = state.prev
    if any(before in p.free_symbols for p in rhs.atoms(Primitive)):
        return None
    keep = partial(rhs, before)
    return None if keep == 0 or before in keep.free_symbols else Memory(state, keep, rhs.xreplace({before: S.Zero}))


def purposes(derivation):
    """Gate -> what it does, of PURPOSES. It keeps if more of a memory is kept the more it opens; it writes if it has any other
    part in a memory's equation; it shows if a state that is no memory reads it; it resets if it scales an earlier state in a
    candidate."""
    kept = memories(derivation)
    equations = derivation.declaration.equations
    gates = [e.target for e in equations if role(e.target, derivation) == "gate"]
    keeps = {q for q in gates for m in kept if _opens(m.keep, q, derivation)}
    touched = {q for m in kept for q in m.keep.free_symbols | m.write.free_symbols}
    shown = {q for e in equations if _only_shows(e, kept) for q in e.rhs.free_symbols}
    reset = {q for e in equations if role(e.target, derivation) == "candidate" for q in _beside_earlier_states(e.rhs)}
    found = {"keeps": keeps, "writes": touched - keeps, "shows": shown, "resets": reset}
    return {q: tuple(p for p in PURPOSES if q in found[p]) for q in gates}


def _opens(keep, gate, derivation):
    """Whether `keep` grows with the gate, whatever the other values are."""
    of_units = keep.replace(lambda e: isinstance(e, broadcast), lambda e: e.args[0])
    slope = partial(of_units, gate)
    return slope != 0 and derivation.ranges.of(slope)[0] >= 0


def _only_shows(equation, kept):
    """Whether an equation is that of a state that neither is a memory nor reads its own last value."""
    q = equation.target
    return isinstance(q, State) and q.prev not in equation.rhs.free_symbols and q not in {m.state for m in kept}


def _beside_earlier_states(e):
    """The symbols that stand in a product with an earlier state."""
    products = [p for p in e.atoms(Mul) if any(isinstance(s, Previous) for s in p.free_symbols)]
    return {f for p in products for f in p.args if f.is_Symbol}
