"""The equations as a user writes them, as pairs of a symbol and the expression that defines it."""

from contextlib import contextmanager
from dataclasses import dataclass

from sympy import Expr, Symbol
from sympy.core.relational import Equality
from sympy.logic.boolalg import Boolean, BooleanAtom

from symcell.errors import CellError
from symcell.language.hints import not_taken
from symcell.language.symbols import Quantity, State
from symcell.language.writing import written

_LONGEST = 10_000  # symbols and operations in an equation: nobody reads more, and SymPy would take hours

_FOLDED = {
    True: "both its sides were the same. The left side is a symbol, which the right side defines",
    False: "its right side was infinite, NaN or one of SymPy's matrices, or both sides were numbers. A large finite number, "
           "such as 1e30, stands for infinity; a matrix is a Param, a Constant or a State of two sizes",
}  # fmt: skip


@dataclass(frozen=True)
class Equation:
    """One equation of a cell, with every affine written out."""

    number: int
    target: Symbol
    rhs: Expr

    def __str__(self):
        return f"{self.target} = {self.rhs}"


def declared_pairs(cell, equations):
    """Equations -> (target, rhs) pairs. Raises CellError for what is no equation."""
    try:
        equations = list(equations)
    except TypeError:
        raise CellError(f"cell {cell}: expected a list of SymPy equations, found {equations!r}") from None
    if not equations:
        raise CellError(f"cell {cell} has no equations")
    pairs = []
    for number, e in enumerate(equations, 1):
        if isinstance(e, bool):
            raise CellError(f"cell {cell}, equation {number}: found {e}; h == x is Python's comparison, write Eq(h, x)")
        if isinstance(e, BooleanAtom):
            raise CellError(f"cell {cell}, equation {number}: SymPy has folded this Eq to {e}; {_FOLDED[bool(e)]}")
        if not isinstance(e, Equality):
            raise CellError(f"cell {cell}, equation {number}: expected Eq(symbol, expression), found {not_taken(e)}")
        with _prefixed(f"cell {cell}, equation {number}"):
            check_length(e)
        pairs.append(_sides(cell, number, e))
    return pairs


def located(cell, number, target):
    """Add the cell and the equation to the message of a CellError."""
    return _prefixed(f"cell {cell}, equation {number} ({target} = ...)")


@contextmanager
def _prefixed(place):
    try:
        yield
    except CellError as error:
        raise CellError(f"{place}: {error}") from None


def check_length(e):
    """Raise CellError for an expression that is too long when written out."""
    if (length := written_length(e)) > _LONGEST:
        raise CellError(
            f"{length} symbols and operations when written out, more than {_LONGEST}; "
            "give what it repeats a name, by an equation of its own"
        )


def written_length(e, meanings=None):
    """The number of symbols and operations of an expression when it is written out: shared parts count once for each use, and
    symbols in `meanings` count as their values."""
    meanings = meanings or {}
    known, waiting = {}, [e]
    while waiting:
        a = waiting[-1]
        parts = meanings.get(a, a).args
        missing = [b for b in parts if id(b) not in known]
        if missing:
            waiting += missing
        else:
            known[id(a)] = 1 + sum(known[id(b)] for b in parts)
            waiting.pop()
    return known[id(e)]


def _sides(cell, number, e):
    target, rhs = e.lhs, e.rhs
    plain = isinstance(target, Symbol) and (isinstance(target, State) or not isinstance(target, Quantity))
    if not plain:
        kind = getattr(target, "role", "expression")
        raise CellError(
            f"cell {cell}, equation {number}: the left side must be a state or a plain symbol, "
            f"found the {kind} {written(target)}" + ("; SymPy keeps Eq's sides as written" if kind == "expression" else "")
        )
    if target.is_integer and not isinstance(target, State):
        raise CellError(
            f"cell {cell}, equation {number}: {target} is declared an integer, which is what sizes are; "
            f"a value needs a plain symbol, symbols({target.name!r})"
        )
    if not isinstance(rhs, Expr):
        raise CellError(
            f"cell {cell}, equation {number} ({target} = ...): the right side must be an expression, found {not_taken(rhs)}"
            f"{_value_of(rhs)}"
        )
    return target, rhs


def _value_of(condition):
    """A hint for a condition that stands where a value is expected."""
    if isinstance(condition, BooleanAtom):
        return "; a == b compares the expressions themselves, Eq(a, b) their values"
    return "; Piecewise((1, condition), (0, True)) is the value of one" if isinstance(condition, Boolean) else ""
