"""Symbolic sizes: how a user writes them, and how messages show them."""

from collections.abc import Iterable, Sequence
from numbers import Number
from typing import Any, Self, TypeAlias

from sympy import Basic, Dummy, Expr, Integer, Symbol, sympify

from symcell.errors import CellError
from symcell.language.identifiers import is_name, unused

Size: TypeAlias = str | int | Expr  # as a user writes one
Shape: TypeAlias = Size | Sequence[Size] | None


class Dims(tuple):
    """The sizes of one value's own axes. `over` are its mapped axes, each given by its size: there is such a value for each of
    their indices. An array has the mapped axes first, and has the shape `whole`."""

    over: tuple[Expr, ...]

    def __new__(cls, own: Iterable[Expr] = (), over: Iterable[Expr] = ()) -> Self:
        self = super().__new__(cls, own)
        self.over = tuple(over)
        return self

    def __eq__(self, other):
        return super().__eq__(other) and self.over == getattr(other, "over", ())

    def __ne__(self, other):
        return not self == other

    __hash__ = tuple.__hash__

    def __getnewargs__(self):
        return tuple(self), self.over

    @property
    def whole(self) -> tuple[Expr, ...]:
        return (*self.over, *self)

    def map(self, function):
        """The same with a function applied to every size."""
        return Dims(map(function, self), map(function, self.over))


def axes_of(shapes):
    """The mapped axes of what is computed from values of these shapes."""
    found = dict.fromkeys(n for shape in shapes for n in getattr(shape, "over", ()))
    return tuple(sorted(found, key=str))


def size(value: Size, what: str = "a size") -> Expr:
    """A size as a SymPy expression: `"n_h"` becomes a positive integer symbol, 4 the number 4. `what` names it in messages."""
    if isinstance(value, str):
        if not is_name(value):
            raise CellError(f"{what} is no identifier: {value!r}; write the size like 'n_h'")
        return Symbol(value, integer=True, positive=True)
    n = symbolic(value)
    if isinstance(n, Integer) and n < 1:
        raise CellError(f"{what} is at least 1, found {n}")
    if not isinstance(n, Expr) or not (n.is_integer or (n.free_symbols and n.is_integer is not False)):
        raise CellError(f"{what} is the name of a size, a positive integer or an expression of sizes, found {value!r}")
    return n


def symbolic(value: Any) -> Any:
    """A number or an expression as SymPy's; None for anything else, since SymPy would evaluate a string."""
    return sympify(value) if isinstance(value, (Basic, Number)) else None


def shape_tuple(shape: Shape, what: str = "a shape") -> tuple[Expr, ...] | None:
    """`"n"`, `4`, `("n", "m")` or `()` as a tuple of sizes; `None` stays `None`."""
    if shape is None:
        return None
    return tuple(size(s, f"a size of {what}") for s in (shape if isinstance(shape, (tuple, list)) else (shape,)))


def size_text(n):
    """A size in a message; "any" for a broadcast axis."""
    return "any" if n is None else str(n.xreplace({s: Symbol(s.name) for s in n.atoms(Dummy)}))


def shape_text(shape):
    """A shape in a message, such as (n_h, n_x) or (n_h,). Different unknown sizes have different names."""
    over = [size_text(n) for n in getattr(shape, "over", ())]
    unknown = dict.fromkeys(s for n in shape if n is not None for s in sorted(n.atoms(Dummy), key=lambda s: s.dummy_index))
    taken = set()
    named = {s: Symbol(unused(s.name, taken)) for s in unknown}
    own = "(" + ", ".join(size_text(n and n.xreplace(named)) for n in shape) + ("," if len(shape) == 1 else "") + ")"
    return own + (f" for each of {', '.join(over)}" if over else "")
