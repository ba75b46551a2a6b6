"""Random calls of a kernel, for `check`: asymmetric, unequal sizes, no zeros, and the edges."""

from dataclasses import dataclass, replace

import numpy as np

from symcell.errors import CellError
from symcell.interpret import run as interpret

KINDS = ("params", "inputs", "initial")
_FAR = 30.0  # a state beyond this may overflow an exponential, or drown another


@dataclass(frozen=True)
class Case:
    """One call of a kernel, and the derivatives of a loss. `initial` None: the states begin at their declared values.
    `edge` names what is special about it."""

    params: dict
    inputs: dict
    initial: dict | None
    cotangents: dict
    final: dict
    text: str
    edge: str = ""

    def arrays(self):
        """(kind, name) -> array, for all that a loss may be differentiated by."""
        groups = (self.params, self.inputs, self.initial or {})
        return {(kind, name): a for kind, group in zip(KINDS, groups, strict=True) for name, a in group.items()}

    def moved(self, change):
        """The case in double precision, with (kind, name) -> difference added to its arrays."""
        def widened(kind, group):
            return {name: a.astype(float) + change.get((kind, name), 0) for name, a in group.items()}

        return replace(self, params=widened("params", self.params), inputs=widened("inputs", self.inputs),
                       initial=None if self.initial is None else widened("initial", self.initial))


def random_cases(kernel, random, count):
    """`count` ordinary cases, the second with more samples than a tile of a product has rows; and the edges."""
    cell = kernel.declaration
    for k in range(count):
        T, B = (2, 11) if k == 1 else (int(random.integers(4, 7)), int(random.integers(2, 5)))
        yield _case(kernel, random, T, B, random_sizes(cell, random))
    for edge, T, B in (("T=0", 0, 2), ("T=1", 1, 3), ("B=1", 4, 1)):
        yield _case(kernel, random, T, B, random_sizes(cell, random), edge)
    declared = replace(_case(kernel, random, 3, 2, random_sizes(cell, random), "declared initial"), initial=None)
    # A cell may be defined for other initial values only.
    if _begins_by_itself(cell) and np.isfinite(largest_state(cell, declared)):
        yield declared
    ones = dict.fromkeys(cell.sizes, 1)
    if ones and fits(cell, ones):
        yield _case(kernel, random, 3, 2, ones, "sizes 1")


def random_sizes(cell, random):
    """Unequal small sizes that the cell's shapes can have, multiples and divisors of 12 where shapes divide them. Two is too few:
    what is normalised over two units is nearly constant."""
    names, divisors = cell.sizes, {s.name for n in _lengths(cell) for s in n.as_numer_denom()[1].free_symbols}
    for attempt in range(40):
        drawn = random.choice(np.arange(3, 11 + len(names)), len(names), replace=False) * (1 if attempt < 20 else 12)
        sizes = dict(zip(names, map(int, drawn), strict=True))
        if attempt >= 20:
            sizes |= {name: int(random.choice([2, 3, 4])) for name in names if name in divisors}
        if fits(cell, sizes):
            return sizes
    raise CellError(f"cell {cell.name}: no sizes were found that all its shapes allow")


def fits(cell, sizes):
    """Whether every shape of the cell is one of positive integers."""
    numbers = [n.subs({s: sizes[s.name] for s in n.free_symbols}) for n in _lengths(cell)]
    return all(n.is_Integer and n > 0 for n in numbers)


def _lengths(cell):
    """The lengths of all axes of the cell's quantities."""
    known = (*cell.params, *cell.constants, *cell.inputs, *cell.states, *cell.intermediates)
    return {n for q in known for n in cell.shape(q)}


def _begins_by_itself(cell):
    """Whether parameters and inputs tell all sizes, so that initial states may be left out."""
    told = {n for q in (*cell.params, *cell.constants, *cell.inputs) for n in cell.shape(q) if n.is_Symbol}
    return {n.name for n in told} == set(cell.sizes)


def _case(kernel, random, T, B, sizes, edge=""):
    """Normal random numbers everywhere; where they lead far away, or out of the cell's domain, smaller ones or positive ones."""
    cell, real = kernel.declaration, np.dtype(kernel.dtype)
    shapes = kernel.module.shapes(*[sizes[n] for n in kernel.declaration.sizes])
    text = ", ".join(f"{name}={n}" for name, n in {"T": T, "B": B, **sizes}.items())

    def drawn(fitted, symbols, *lead):
        return {q.name: np.asarray(fitted(0.7 * random.normal(size=(*lead, *shapes[q.name]))), real) for q in symbols}

    finite = None
    for fitted in (np.asarray, lambda a: a / 8, np.abs, lambda a: np.abs(a) / 8):
        params, inputs = drawn(fitted, (*cell.params, *cell.constants)), drawn(fitted, cell.inputs, T, B)
        cotangents, final = drawn(np.asarray, cell.states, T, B), drawn(np.asarray, cell.states, B)
        case = Case(params, inputs, drawn(fitted, cell.states, B), cotangents, final, text, edge)
        largest = largest_state(cell, case)
        if largest < _FAR:
            return case
        finite = finite or (case if np.isfinite(largest) else None)
    if finite is None:
        raise CellError(f"cell {cell.name}: no random inputs were found for which all states are finite ({text})")
    return finite


def interpreted(cell, case):
    return interpret(cell, case.params, case.inputs, case.initial)


def largest_state(cell, case):
    """The largest magnitude among all states; NaN if any is."""
    return float(np.max([np.abs(a).max(initial=0) for a in interpreted(cell, case).values()]))
