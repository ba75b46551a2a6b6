"""affine(...): a sum of products whose parameters are named after the equation that it stands in."""

from sympy import Expr, Integer, S
from sympy.core.symbol import Str

from symcell.errors import CellError
from symcell.language.primitives.base import Primitive, counter
from symcell.language.words import is_name

_calls = counter()


class Affine(Primitive):
    """`affine(...)` before its equation has named its parameters; a Cell never holds one."""


def affine(*operands: Expr, bias: bool = True, name: str | None = None) -> Expr:
    """A sum of products with fresh parameters, and a bias. The parameters are named after the equation's left side
    (or `name`): W for an input, U for a state or intermediate, b for the bias. See Cell."""
    if not operands:
        raise CellError("affine needs at least one operand, like affine(x, h.prev)")
    for operand in operands:
        if not isinstance(operand, Expr):
            raise CellError(f"affine takes expressions, found {operand!r}")
    if name is not None and not is_name(name):
        raise CellError(f"affine's name must be an identifier, found {name!r}")
    # An unnamed call is unlike every other, so that two in one equation do not silently share their weights.
    label = Str(name) if name is not None else Integer(next(_calls))
    return Affine(label, S(bool(bias)), *operands)
