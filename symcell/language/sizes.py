"""Symbolic sizes, as a user writes them."""

from sympy import Expr, Integer, Symbol, SympifyError, sympify

from symcell.errors import CellError
from symcell.language.words import is_name


def size(value):
    """A size as SymPy sees it: `"n_h"` becomes a positive integer symbol, 4 the number 4."""
    if isinstance(value, str):
        if not is_name(value):
            raise CellError(f"the size {value!r} is no identifier; write it like 'n_h'")
        return Symbol(value, integer=True, positive=True)
    try:
        value = sympify(value)
    except (SympifyError, AttributeError, TypeError):
        raise CellError(f"a size is a name, a positive integer or an expression of sizes, found {value!r}") from None
    if isinstance(value, Integer) and value < 1:
        raise CellError(f"a size is at least 1, found {value}")
    if not isinstance(value, Expr) or not (value.is_integer or (value.free_symbols and value.is_integer is not False)):
        raise CellError(f"a size is a name, a positive integer or an expression of sizes, found {value!r}")
    return value


def shape_tuple(shape):
    """`"n"`, `4`, `("n", "m")` or `()` as a tuple of sizes; `None` stays `None`."""
    if shape is None:
        return None
    return tuple(size(s) for s in (shape if isinstance(shape, (tuple, list)) else (shape,)))
