"""The order of definitions within a step: each stands after those that it reads."""

from symcell.errors import CellError
from symcell.language.symbols import State


def read_by(rhs):
    """The names of the quantities that an expression reads; that of the state for a previous state."""
    return {getattr(q, "state", q).name for q in rhs.free_symbols}


def in_order_of_reading(cell, definitions):
    """The (symbol, expression) pairs of name -> pair. Each stays where it is, but for those that an earlier one reads, which come
    before it. Raises CellError for a cycle within the step."""
    reads = {n: _read_at_once(rhs, definitions) for n, (_, rhs) in definitions.items()}
    found = {}
    for first in definitions:
        path = [] if first in found else [first]
        while path:
            missing = next((n for n in reads[path[-1]] if n not in found), None)
            if missing in path:
                raise CellError(_cycle(cell, path[path.index(missing) :], definitions))
            if missing is None:
                last = path.pop()
                found[last] = definitions[last]
            else:
                path.append(missing)
    return list(found.values())


def _read_at_once(rhs, definitions):
    """The names that an expression reads within the step, in the order of the definitions."""
    now = {q.name for q in rhs.free_symbols}  # that of a previous state is no definition's
    return [n for n in definitions if n in now]


def _cycle(cell, names, definitions):
    chain = " and ".join(f"{n} needs {m}" for n, m in zip(names, [*names[1:], names[0]], strict=True))
    states = [n for n in names if isinstance(definitions[n][0], State)]
    return f"cell {cell}: a cycle within the step: {chain}" + (f"; did you mean {states[0]}.prev?" if states else "")
