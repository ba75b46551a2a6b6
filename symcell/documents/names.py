"""The names of a cell's quantities in LaTeX: no two of them, and no adjoint of one, look alike."""

from functools import lru_cache

from symcell.documents.letters import accented, given, spellings
from symcell.errors import CellError
from symcell.language.symbols import Constant, Param


def names_of(derivation, style):
    """The name of each quantity -> its Spelling. Raises CellError for names in a style that the cell does not have, or that would
    look like others."""
    cell = derivation.declaration
    named = (getattr(q, "state", q) for q in derivation.shapes if q.name not in cell.sizes)
    quantities = tuple({q.name: _is_timed(q, derivation) for q in named}.items())
    return _names(quantities, style, tuple(cell.names.items()), cell.name)


def _is_timed(q, derivation):
    return not (isinstance(q, (Param, Constant)) or q in derivation.once)


@lru_cache(maxsize=64)  # one derivation is printed by many
def _names(quantities, style, papers, cell):
    known, papers = dict(quantities), dict(papers)
    if unknown := [name for name in style.own if name not in known]:
        raise CellError(f"cell {cell}: the notation names {', '.join(unknown)}; the cell's quantities are {', '.join(known)}")
    letters, taken, found = {n for n in known if len(n) == 1}, {}, {}
    for name in sorted(known, key=lambda n: _rank(n, style, papers, letters, known)):
        choices = _choices(name, known[name], style, papers, letters)
        looks = [_looks(s, known[name], style) for s in choices]
        others = [taken[look] for look in sorted(looks[0] & taken.keys())]
        k = next((k for k in range(len(choices)) if not looks[k] & taken.keys()), None)
        if others and (name in style.own or others[0] in style.own or k is None):
            raise CellError(f"cell {cell}: in this notation, {name} and {others[0]} would look alike; rename one of them")
        found[name] = choices[k]
        taken |= dict.fromkeys(looks[k], name)
    return found


def _rank(name, style, papers, letters, known):
    """Names of a user come first, then those of a cell's paper; those of a preset after a cell's own, whose place they do not
    take; those without accents before others: x before x_bar, which must not look like the adjoint of x."""
    best, plain, _ = spellings(name, known[name], letters)
    preset = name in style.presets
    return (name not in style.own, name not in papers or preset, preset, best != plain)


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
