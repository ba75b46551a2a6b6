"""Symbolic sizes and numbers, as a user writes them, and as a message does."""

from collections.abc import Sequence
from numbers import Number
from typing import Any, TypeAlias

from sympy import Basic, Dummy, Expr, Integer, Symbol, sympify

from symcell.errors import CellError
from symcell.language.identifiers import is_name, unused

Size: TypeAlias = str | int | Expr  # as a user writes one
Shape: TypeAlias = Size | Sequence[Size] | None


def size(value: Size, what: str = "a size") -> Expr:
    """A size as SymPy sees it: `"n_h"` becomes a positive integer symbol, 4 the number 4. `what` it is, a message says."""
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
    """A number or an expression as SymPy sees it; None for all else, of which SymPy would execute the texts."""
    return sympify(value) if isinstance(value, (Basic, Number)) else None


def shape_tuple(shape: Shape, what: str = "a shape") -> tuple[Expr, ...] | None:
    """`"n"`, `4`, `("n", "m")` or `()` as a tuple of sizes; `None` stays `None`."""
    if shape is None:
        return None
    return tuple(size(s, f"a size of {what}") for s in (shape if isinstance(shape, (tuple, list)) else (shape,)))


def size_text(n):
    """A size as a reader sees it; the one of a broadcast axis is any."""
    return "any" if n is None else str(n.xreplace({s: Symbol(s.name) for s in n.atoms(Dummy)}))


def shape_text(shape):
    """(n_h, n_x) as a reader sees it; a vector's as (n_h,). Sizes that nothing is known of yet have names of their own."""
    unknown = dict.fromkeys(s for n in shape if n is not None for s in sorted(n.atoms(Dummy), key=lambda s: s.dummy_index))
    taken = set()
    named = {s: Symbol(unused(s.name, taken)) for s in unknown}
    return "(" + ", ".join(size_text(n and n.xreplace(named)) for n in shape) + ("," if len(shape) == 1 else "") + ")"
