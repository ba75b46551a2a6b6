"""What the equations of a cell are for: gates, candidates and states."""

from functools import lru_cache

from sympy import Add

from symcell.derivation.carousel import Carousel
from symcell.derivation.ranges import is_gate
from symcell.derivation.reverse import recurrent_states
from symcell.language.symbols import Param, State

ROLES = ("gate", "candidate", "state")


def role(target, derivation):
    """The role of a quantity: a gate lies between 0 and 1, and a candidate is any other intermediate."""
    if isinstance(target, State):
        return "state"
    return "gate" if is_gate(target, derivation) else "candidate"


@lru_cache(maxsize=64)
def forget_biases(derivation):
    """The names of the biases of gates that keep a state."""
    keepers = {gate for s in derivation.declaration.states for gate in Carousel(derivation, s).keepers}
    terms = [a for e in derivation.declaration.equations if e.target in keepers for a in Add.make_args(e.rhs.args[0])]
    return frozenset(a.name for a in terms if isinstance(a, Param))


def kept_by_gates(derivation):
    """Gate -> the states that it keeps, as the forget gate of an LSTM keeps c."""
    found = {}
    for s in recurrent_states(derivation.forward):
        for gate in Carousel(derivation, s).keepers:
            if role(gate, derivation) == "gate":
                found.setdefault(gate, []).append(s)
    return found
