"""Expressions of sizes and indices -> text, which Python, C and their like read alike but for quotients."""

from sympy import Add, Mod, Mul, floor

from symcell.errors import CellError


def is_index(e):
    """Whether an expression speaks of indices and sizes only."""
    if e.is_Symbol or e.is_Integer:
        return bool(e.is_integer)
    if isinstance(e, (floor, Mod)):
        return all(is_index(part) for a in e.args for part in a.as_numer_denom())
    whole = isinstance(e, (Add, Mul)) or (e.is_Pow and e.exp.is_Integer and e.exp > 0)
    return whole and bool(e.free_symbols) and all(is_index(a) for a in e.args)


def index_text(e, name=str):
    """An integer expression of indices and sizes as Python text; quotients round down."""
    if e.is_Symbol or e.is_Integer:
        return name(e)
    if isinstance(e, floor):
        return index_text(e.args[0], name)
    if isinstance(e, Mod):
        return " % ".join(_tight(a, name) for a in e.args)
    numerator, denominator = e.as_numer_denom()
    if denominator != 1:
        return f"{_tight(numerator, name)} // {_tight(denominator, name)}"
    if e.is_Add:
        terms = sorted(e.args, key=lambda a: (a.could_extract_minus_sign(), a.is_number, str(a)))
        text = index_text(terms[0], name)
        for a in terms[1:]:
            negative = a.could_extract_minus_sign()
            text += (" - " if negative else " + ") + index_text(-a if negative else a, name)
        return text
    if e.is_Mul:
        return " * ".join(_tight(a, name) for a in e.args)
    if e.is_Pow and e.exp.is_Integer and e.exp > 0:
        return " * ".join([_tight(e.base, name)] * int(e.exp))
    raise CellError(f"no index expression: {e}")


def _tight(e, name):
    text = index_text(e, name)
    return text if e.is_Symbol or e.is_Integer else f"({text})"
