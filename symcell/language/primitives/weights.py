"""affine(...) and convolve(...): sums of products whose parameters are named after the equation that they stand in."""

from sympy import Expr, Integer, S, Tuple
from sympy.core.symbol import Str

from symcell.errors import CellError
from symcell.language.delays import window
from symcell.language.hints import not_taken
from symcell.language.identifiers import is_name
from symcell.language.primitives.base import Primitive, counter
from symcell.language.sizes import Shape, shape_tuple

__all__ = ["affine", "convolve"]

_calls = counter()


class Affine(Primitive):
    """`affine(...)` before its equation names its parameters. Arguments: its name or "", the number of the call, whether it has
    a bias, the mapped axes of its parameters, and its operands. A Declaration never contains one."""

    called = "affine"

    @property
    def is_whole(self):
        """Whether affine(...) created it."""
        return bool(self.args) and isinstance(self.args[0], Str)

    def named(self, name):
        """The same call with this name, unless it has one."""
        return self if str(self.args[0]) else self.func(Str(name), *self.args[1:])

    def _sympystr(self, printer):
        if not self.is_whole:
            return f"{type(self).__name__}({printer.stringify(self.args, ', ')})"
        name, _, bias, over, *operands = self.args
        options = ["bias=False"] * (bias == False) + [f"name={str(name)!r}"] * bool(str(name))  # noqa: E712 (SymPy's false)
        options += [f"over={', '.join(map(repr, map(str, over)))}"] * bool(over)
        return f"{self.called}({', '.join([*self._shown(printer, operands), *options])})"

    def _shown(self, printer, operands):
        return map(printer.doprint, operands)


class Convolution(Affine):
    """`convolve(...)` before its equation names its parameters: like Affine, with the values of a window as operands."""

    called = "convolve"

    def _shown(self, printer, operands):
        return printer.doprint(operands[0]), str(len(operands))


def affine(*operands: Expr, bias: bool = True, name: str | None = None, over: Shape = None) -> Expr:
    """A sum of products with fresh parameters, and a bias. The parameters are named after the equation's left side
    (or `name`): W for an input, U for a state or intermediate, b for the bias. What equations share is written as one Param.
    With `over` each index of a mapped axis has parameters of its own: `affine(x, over="n_heads")` is a vector for each head."""
    if not operands:
        raise CellError("affine needs at least one operand, like affine(x, h.prev)")
    for operand in operands:
        if not isinstance(operand, Expr):
            raise CellError(f"affine takes expressions, found {not_taken(operand)}")
    return _named(Affine, operands, bias, name, over)


def convolve(e: Expr, width: int, bias: bool = True, name: str | None = None, over: Shape = None) -> Expr:
    """A causal convolution over time, unit by unit: K_0 * x_t + K_1 * x_{t-1} + ..., `width` terms, and a bias.

    `e` is an input, a state or an intermediate, whose earlier values are states of the cell: see `window`. The parameters are
    named after the equation's left side (or `name`): K_u_0, K_u_1 ... of the shape of `e`, and b_u. A product with a matrix
    for each step is `affine(*window(e, width))`. `over`: as in affine."""
    return _named(Convolution, window(e, width), bias, name, over)


def _named(kind, operands, bias, name, over):
    if name is not None and not is_name(name):
        raise CellError(f"{kind.called}'s name= becomes part of its parameters' names, an identifier like 'q'; found {name!r}")
    # Every call is distinct, so that two in one equation do not silently share their weights.
    axes = shape_tuple(over, f"over= of {kind.called}") or ()
    return kind(Str(name or ""), Integer(next(_calls)), S(bool(bias)), Tuple(*axes), *operands)
