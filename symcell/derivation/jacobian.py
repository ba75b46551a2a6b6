"""Step Jacobians, read off the forward rows: all other previous states, and the inputs, are held fixed."""

from sympy import Symbol

from symcell.derivation.chain import derivative
from symcell.errors import CellError
from symcell.language.registry import described


def jacobian(derivation, new, prev):
    """d new / d prev over one step, as a SymPy expression; both may be given by their names."""
    declaration = derivation.declaration
    states, previous = states_by_name(declaration), _previous_by_name(declaration)
    new = chosen_symbol(declaration, new, states, "a Jacobian's numerator is one of the states")
    prev = chosen_symbol(declaration, prev, previous, "a Jacobian's denominator is one of the previous states")
    return derivative(derivation, new, prev)


def states_by_name(declaration):
    return {s.name: s for s in declaration.states}


def _previous_by_name(declaration):
    """Both names of c_{t-1}: c_prev, and c.prev as Python writes it."""
    return {s.prev.name: s.prev for s in declaration.states} | {f"{s.name}.prev": s.prev for s in declaration.states}


def chosen_symbol(declaration, q, by_name, sentence):
    """The quantity `q`, or the one of that name. Raises CellError, which lists the possible ones, if there is none."""
    found = by_name.get(q) if isinstance(q, str) else q
    if isinstance(found, Symbol) and found in by_name.values():
        return found
    known = ", ".join(dict.fromkeys(known.name for known in by_name.values()))
    raise CellError(f"cell {declaration.name}: {sentence} {known}; found {described(q) if isinstance(q, Symbol) else repr(q)}")
