"""affine(...): a sum of products whose parameters are named after the equation that it stands in."""

from sympy import Expr, Integer, S, Tuple
from sympy.core.symbol import Str

from symcell.errors import CellError
from symcell.language.hints import not_taken
from symcell.language.identifiers import is_name
from symcell.language.primitives.base import Primitive, counter
from symcell.language.sizes import Shape, shape_tuple

__all__ = ["affine"]

_calls = counter()


class Affine(Primitive):
    """`affine(...)` before its equation names its parameters. Arguments: its name or "", the number of the call, whether it has
    a bias, the mapped axes of its parameters, and its operands. A Declaration never contains one."""

    called = "affine"

    @property
    def is_whole(self):
        """Whether affine(...) created it."""
        return bool(self.args) and isinstance(self.args[0], Str)

    def _sympystr(self, printer):
        if not self.is_whole:
            return f"Affine({printer.stringify(self.args, ', ')})"
        name, _, bias, over, *operands = self.args
        options = ["bias=False"] * (bias == False) + [f"name={str(name)!r}"] * bool(str(name))  # noqa: E712 (SymPy's false)
        options += [f"over={', '.join(map(repr, map(str, over)))}"] * bool(over)
        return f"affine({', '.join([*map(printer.doprint, operands), *options])})"


def affine(*operands: Expr, bias: bool = True, name: str | None = None, over: Shape = None) -> Expr:
    """A sum of products with fresh parameters, and a bias. The parameters are named after the equation's left side
    (or `name`): W for an input, U for a state or intermediate, b for the bias. What equations share is written as one Param.
    With `over` each index of a mapped axis has parameters of its own: `affine(x, over="n_heads")` is a vector for each head."""
    if not operands:
        raise CellError("affine needs at least one operand, like affine(x, h.prev)")
    for operand in operands:
        if not isinstance(operand, Expr):
            raise CellError(f"affine takes expressions, found {not_taken(operand)}")
    if name is not None and not is_name(name):
        raise CellError(f"affine's name= becomes part of its parameters' names, an identifier like 'q'; found {name!r}")
    # Every call is distinct, so that two in one equation do not silently share their weights.
    axes = shape_tuple(over, "over= of affine") or ()
    return Affine(Str(name or ""), Integer(next(_calls)), S(bool(bias)), Tuple(*axes), *operands)
