"""Which expressions are affine maps: a box draws what it applies to their value, and lines from what they read."""

from sympy import Add, Dummy, Expr, Mul

from symcell.language.primitives import Primitive, concat, dot, matmul, merge, outer
from symcell.language.symbols import Constant, Param, Previous

HOLE = Dummy("hole", real=True)  # stands for the value that a function is applied to


class Affine:
    """Tells affine maps of moving values, those that change with time, from other expressions."""

    def __init__(self, once):
        self.once = once

    def moves(self, e: Expr) -> bool:
        """Whether a value changes from step to step."""
        return any(not (isinstance(s, (Param, Constant)) or s in self.once or s.is_integer or s == HOLE) for s in e.free_symbols)

    def read(self, e: Expr) -> dict[Expr, bool] | None:
        """The values that a sum of products with parameters reads -> whether by a matrix; None for any other expression."""
        terms = [self._term(a) for a in Add.make_args(e) if self.moves(a)]
        if not terms or any(t is None for t in terms) or not any(heavy for heavy, _ in terms):
            return None
        if any(isinstance(v, Previous) for heavy, values in terms if not heavy for v in values):
            return None  # a state is kept unit by unit: that is no part of a box
        return _joined((a, heavy) for heavy, values in terms for a in values)

    def summed(self, e: Expr) -> dict[Expr, bool] | None:
        """The same for the argument of a function, where some terms may be other values: r * (U @ h) in tanh(W @ x + ...)."""
        terms = [(a, self._term(a)) for a in Add.make_args(e) if self.moves(a)]
        if not any(found and (found[0] or len(terms) > 1) for _, found in terms):
            return None
        return _joined((v, bool(found and found[0])) for a, found in terms for v in (found[1] if found else [a]))

    def _term(self, e):
        """(whether a matrix takes part, the values read) of a product with parameters."""
        moving = [a for a in Mul.make_args(e) if self.moves(a)]
        if len(moving) != 1:
            return None
        (value,) = moving
        held = [a for a in Mul.make_args(e) if a.free_symbols and not self.moves(a)]
        if isinstance(value, (matmul, dot)):
            still = [a for a in value.args if not self.moves(a)]
            return (True, self._through(next(a for a in value.args if self.moves(a)))) if still else None
        if is_view(value):
            inner = self._term(viewed(value, self))
            return inner and (inner if inner[0] or not held else (False, inner[1]))
        return (False, self._through(value)) if held else None

    def _through(self, e):
        """The values behind further linear maps."""
        if isinstance(e, concat):
            return [v for a in e.args if self.moves(a) for v in self._through(a)]
        if is_view(e):
            return self._through(viewed(e, self))
        if isinstance(e, Add):
            inner = [self._linear(a) for a in e.args if self.moves(a)]
            return [v for values in inner for v in values] if all(inner) else [e]
        return self._linear(e) or [e]

    def _linear(self, e):
        found = self._term(e)
        if found:
            return found[1]
        moving = [a for a in Mul.make_args(e) if self.moves(a)]
        return moving if len(moving) == 1 and moving[0].is_Symbol else None


def _joined(read):
    found: dict = {}
    for value, heavy in read:
        found[value] = found.get(value, False) or heavy
    return found


def is_view(e: Expr) -> bool:
    """Whether an expression only renames the entries of one value, which a diagram does not show."""
    return isinstance(e, Primitive) and (e.view or isinstance(e, merge)) and not isinstance(e, (concat, outer))


def viewed(e: Expr, affine: Affine) -> Expr:
    """The value behind a view."""
    return next((a for a in e.args if affine.moves(a)), e.args[0])
