"""Symbolic sizes and numbers, as a user writes them, and as a message does."""

from collections.abc import Sequence
from numbers import Number
from typing import Any, TypeAlias

from sympy import Basic, Dummy, Expr, Integer, Symbol, sympify

from symcell.errors import CellError
from symcell.language.words import is_name

Size: TypeAlias = str | int | Expr  # as a user writes one
Shape: TypeAlias = Size | Sequence[Size] | None


def size(value: Size) -> Expr:
    """A size as SymPy sees it: `"n_h"` becomes a positive integer symbol, 4 the number 4."""
    if isinstance(value, str):
        if not is_name(value):
            raise CellError(f"the size {value!r} is no identifier; write it like 'n_h'")
        return Symbol(value, integer=True, positive=True)
    n = symbolic(value)
    if isinstance(n, Integer) and n < 1:
        raise CellError(f"a size is at least 1, found {n}")
    if not isinstance(n, Expr) or not (n.is_integer or (n.free_symbols and n.is_integer is not False)):
        raise CellError(f"a size is a name, a positive integer or an expression of sizes, found {value!r}")
    return n


def symbolic(value: Any) -> Any:
    """A number or an expression as SymPy sees it; None for all else, of which SymPy would execute the texts."""
    return sympify(value) if isinstance(value, (Basic, Number)) else None


def shape_tuple(shape: Shape) -> tuple[Expr, ...] | None:
    """`"n"`, `4`, `("n", "m")` or `()` as a tuple of sizes; `None` stays `None`."""
    if shape is None:
        return None
    return tuple(size(s) for s in (shape if isinstance(shape, (tuple, list)) else (shape,)))


def size_text(n):
    """A size as a reader sees it: one that nothing is known of is free, and the one of a broadcast axis any."""
    if n is None:
        return "any"
    return f"{n.name} (free)" if isinstance(n, Dummy) else str(n)


def shape_text(shape):
    """(n_h, n_x) as a reader sees it; a vector's as (n_h,)."""
    return "(" + ", ".join(map(size_text, shape)) + ("," if len(shape) == 1 else "") + ")"
