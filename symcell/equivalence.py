"""Whether two cells compute the same, up to the names of their symbols and the order of their equations.

The equations are brought into a normal form without intermediates. The symbols of one cell are matched with those of the other by
colour refinement: the colour of a symbol is what the cell looks like from it, as a number. What is found is not trusted: the
first cell's symbols are replaced by the second's, and the normal forms compared."""

from collections import Counter
from functools import lru_cache

from symcell.cell import Cell
from symcell.errors import CellError
from symcell.language.field import Values, number
from symcell.language.normal_form import Atoms, NormalForm


def equivalent(a: Cell, b: Cell) -> bool:
    """Whether two cells compute the same, so that one may take the other's place once its symbols are renamed: there are as many
    inputs, states, parameters and constants, of the same shapes, initial values and outputs, and every state is the same function
    of them.

    Names and the order of equations do not matter, nor what is an intermediate, nor how sums and products are multiplied out or
    ordered. True is certain. False may also mean that the same is written by other functions (`tanh(z)` by `sigmoid(2*z)`), with
    other parameters (a gate z where the other cell has 1 - z, one matrix for [h, x] instead of two), or with a fraction reduced:
    such cells have other weights, gradients at kinks, or rounding. Raises CellError for what is no cell."""
    for cell in (a, b):
        if not isinstance(cell, Cell):
            raise CellError(f"two cells are compared, such as symcell.cells.lstm; found {cell!r}")
    return correspondence(a, b) is not None


def correspondence(a: Cell, b: Cell):
    """Symbol of `a` -> symbol of `b`, sizes among them, where the cells compute the same; else None."""
    first, second = _look(a.declaration), _look(b.declaration)
    return _matched(first, second, first.colours, second.colours)


class _Look:
    """A declaration's normal form, and the colours of its symbols when nothing distinguishes them but their place in the cell."""

    def __init__(self, declaration):
        self.declaration, self.atoms = declaration, Atoms()
        self.form = NormalForm(declaration, self.atoms)
        shapes = {q: (tuple(d), d.over) for q, d in declaration.shapes.items() if q not in declaration.intermediates}
        sizes = dict.fromkeys(s for shape, over in shapes.values() for n in (*shape, *over) for s in n.free_symbols)
        self.facts = [*shapes.items(), *((s, self.form.of(s.initial), e) for s, e in self.form.states.items())]
        colours = {q: number(q.role, q in declaration.outputs) for q in shapes} | {n: number("size") for n in sizes}
        self.colours = self.refined(colours)

    def refined(self, colours):
        """The colours, told apart as far as the facts allow."""
        while True:
            finer = {q: self._seen_from(q, colours) for q in colours}
            if len({*finer.values()}) == len({*colours.values()}):
                return finer
            colours = finer

    def _seen_from(self, q, colours):
        values = Values(colours | {q: number("here", colours[q])}, self.atoms)
        return number(*sorted(map(values.of, self.facts)))


@lru_cache(maxsize=256)
def _look(declaration):
    return _Look(declaration)


def _matched(a, b, colours_a, colours_b):
    """Symbol of `a` -> symbol of `b`, of equal colours. Where several have one colour, one is singled out in turn."""
    counts = Counter(colours_a.values())
    if counts != Counter(colours_b.values()):
        return None
    several = [colour for colour, count in counts.items() if count > 1]
    if not several:
        of_colour = {colour: q for q, colour in colours_b.items()}
        found = {q: of_colour[colour] for q, colour in colours_a.items()}
        return found if _is_the_same(a, b, found) else None
    shared = min(several, key=counts.__getitem__)
    one = next(q for q, colour in colours_a.items() if colour == shared)
    new = number("singled out", len(counts))
    ours = a.refined(colours_a | {one: new})
    for other in (q for q, colour in colours_b.items() if colour == shared):
        found = _matched(a, b, ours, b.refined(colours_b | {other: new}))
        if found is not None:
            return found
    return None


def _is_the_same(a, b, names):
    """Whether `a` is `b` when its symbols are renamed."""
    renamed = NormalForm(a.declaration, b.atoms, names)
    return (
        renamed.states == b.form.states
        and all(getattr(q, "role", "") == getattr(r, "role", "") for q, r in names.items())
        and all(renamed.of(s.initial) == b.form.of(names[s].initial) for s in a.declaration.states)
        and all(renamed.shape(q) == b.form.shape(r) for q, r in names.items() if q in a.declaration.shapes)
        and {names[s] for s in a.declaration.outputs} == {*b.declaration.outputs}
    )
