"""The names of a cell's quantities in LaTeX: no two of them, and no adjoint of one, look alike."""

from functools import lru_cache
from itertools import count

from symcell.documents.letters import Spelling, accented, given, letter, spellings, written
from symcell.errors import CellError
from symcell.language.symbols import Constant, Param


def names_of(derivation, style):
    """The name of each quantity -> its Spelling. Raises CellError for names in a style that the cell does not have, or that would
    look like others."""
    cell = derivation.declaration
    named = (getattr(q, "state", q) for q in derivation.shapes if q.name not in cell.sizes)
    quantities = tuple({q.name: _is_timed(q, derivation) for q in named}.items())
    return _names(quantities, tuple(_parents(derivation).items()), style, tuple(cell.names.items()), cell.name)


def _parents(derivation):
    """The name of a value inside of an equation -> the letter for its kind, and the name of the equation's quantity."""
    declared = {e.number: e.target.name for e in derivation.declaration.equations}
    found = {}
    for row in derivation.forward:
        if row.target in derivation.hidden:
            kind, parent = row.target.name.partition("_")[0], declared[row.equation]
            found[row.target.name] = _LETTERS.get(kind, "v"), parent
    return found


_LETTERS = {"z": "z", "w": "w", "mean": "mu", "variance": "nu"}  # of values inside of equations, by the kind of their row


def _is_timed(q, derivation):
    return not (isinstance(q, (Param, Constant)) or q in derivation.once)


@lru_cache(maxsize=64)  # one derivation is printed by many
def _names(quantities, parents, style, papers, cell):
    known, parents, papers = dict(quantities), dict(parents), dict(papers)
    if unknown := [name for name in style.own if name not in known]:
        raise CellError(f"cell {cell}: the notation names {', '.join(unknown)}; the cell's quantities are {', '.join(known)}")
    letters, taken, found = {n for n in known if len(n) == 1}, {}, {}
    for name in sorted(known, key=lambda n: _rank(n, style, papers, letters, known, parents)):
        choices = _choices(name, known[name], style, papers, letters)
        if name in parents and name not in style.own and name not in papers:
            choices = [*choices[:-3], _inside(*parents[name], found, known[name], taken, style), *choices[-3:]]
        looks = [_looks(s, known[name], style) for s in choices]
        others = [taken[look] for look in sorted(looks[0] & taken.keys())]
        k = next((k for k in range(len(choices)) if not looks[k] & taken.keys()), None)
        if others and (name in style.own or others[0] in style.own or k is None):
            raise CellError(f"cell {cell}: in this notation, {name} and {others[0]} would look alike; rename one of them")
        found[name] = choices[k]
        taken |= dict.fromkeys(looks[k], name)
    return found


def _rank(name, style, papers, letters, known, parents):
    """Names of a user come first, then those of a cell's paper; values inside of equations last, in their order. Names of a
    preset come after a cell's own, whose place they do not take; those without accents before others: x before x_bar, which must
    not look like the adjoint of x."""
    best, plain, _ = spellings(name, known[name], letters)
    preset = name in style.presets
    order = () if name in parents else (preset, best != plain)
    return (name not in style.own, name not in papers or preset, name in parents, *order)


def _inside(kind, parent, found, timed, taken, style):
    """The name of a value inside of an equation: a letter with the equation's quantity as its index, and a number from the second
    such value on."""
    for n in count(1):
        spelling = Spelling(letter(kind), (written(found[parent]), *([str(n)] if n > 1 else [])))
        if not _looks(spelling, timed, style) & taken.keys():
            return spelling


def _choices(name, timed, style, papers, letters):
    if name in style.own:
        return [given(style.own[name])]
    paper = [given(papers[name])] if name in papers else []
    if name in style.presets:
        return [given(style.presets[name]), *paper, *spellings(name, timed, letters)]
    return paper or spellings(name, timed, letters)


def _looks(spelling, timed, style):
    """What a quantity and its adjoint look like. Subscripts of one letter each look like a subscript of a word."""
    forms = (spelling, adjoint_spelling(spelling, style))
    return {(s.base, ",".join(s.below), ",".join(s.above), timed) for s in forms}


def adjoint_spelling(spelling, style):
    """The name of an adjoint: a bar over the quantity, or a delta before it."""
    if style.adjoint == "bar":
        return accented(spelling, "bar")
    base = rf"\left({spelling.base}\right)" if spelling.open else spelling.base
    return type(spelling)(rf"\delta {base}", spelling.below, spelling.above)
