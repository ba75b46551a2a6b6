"""What a function is, by others: as its class says, as SymPy rewrites it, or as its NumPy implementation computes it."""

from sympy import ITE, And, Dummy, Expr, Not, Or, Piecewise, S, atan, exp, floor, sin

from symcell.errors import CellError
from symcell.language.rewrites import REWRITES
from symcell.language.tracing import traced


def definition(f):
    """A function application by other functions; None where nothing says what it is. Raises CellError for a definition that is
    none."""
    if isinstance(f, ITE):
        condition, a, b = f.args
        return Or(And(condition, a), And(Not(condition), b))
    if is_defined(f):
        return own_definition(f)
    if type(f) in REWRITES:
        return REWRITES[type(f)](*f.args)
    for target in (exp, Piecewise, sin, floor, atan):
        g = f.rewrite(target, deep=False)
        if g != f and not g.has(type(f), S.ImaginaryUnit):
            return g
    return None


def is_defined(f):
    """Whether the class of a function says what it is: by a method `elementary`, or by the attribute in which SymPy keeps a NumPy
    implementation, `_imp_`."""
    return hasattr(f, "elementary") or hasattr(f, "_imp_")


def own_definition(f):
    name = type(f).__name__
    found = f.elementary() if hasattr(f, "elementary") else traced(type(f)._imp_, name, f.args)
    if not isinstance(found, Expr):
        raise CellError(f"{name}.elementary returns an expression, found {found!r}")
    if found.xreplace({a: Dummy() for a in f.args}).has(type(f)):
        raise CellError(f"{name}.elementary defines {name} by itself: {found}")
    return found
