"""The linear maps of a Jacobian, and how they are printed.

A derivative between vectors is a sum of products of linear maps. Elementwise maps are `diag(e)`; a Jacobian of elementwise
maps alone is the expression `e` itself.
"""

from sympy import Add, Function, Mul, Symbol
from sympy.printing.precedence import PRECEDENCE

from symcell.language.primitives import Unevaluated, transpose
from symcell.language.symbols import Hole


class LinearMap(Unevaluated, Function):
    """A factor of a Jacobian. Factors do not commute."""

    is_commutative = False


class diag(LinearMap):
    """Multiplication by `e`, unit by unit."""

    def _sympystr(self, printer):
        return "I" if self.args[0] == 1 else f"diag({printer.doprint(self.args[0])})"

    def _latex(self, printer, exp=None):
        return "I" if self.args[0] == 1 else rf"\operatorname{{diag}}\left({printer.doprint(self.args[0])}\right)"


class matrix(LinearMap):
    """The product with a matrix."""

    def _sympystr(self, printer):
        return printer.parenthesize(self.args[0], PRECEDENCE["Pow"])

    def _latex(self, printer, exp=None):
        return printer.parenthesize_factor(self.args[0])


class columns(LinearMap):
    """The product with some columns of a matrix: columns(A, start, length)."""

    def _sympystr(self, printer):
        a, start, length = self.args
        return f"{printer.doprint(a)}[:, {printer.doprint(start)}:{printer.doprint(start + length)}]"

    def _latex(self, printer, exp=None):
        a, start, length = self.args
        first, last = printer.doprint(start + 1), printer.doprint(start + length)
        return rf"{printer.brackets(printer.doprint(a))}_{{\cdot,\,{first}:{last}}}"


class vector(LinearMap):
    """From a scalar to a vector: the scalar times `u`; 1 stands for a vector of ones."""

    def _sympystr(self, printer):
        return "ones" if self.args[0] == 1 else printer.parenthesize(self.args[0], PRECEDENCE["Pow"])

    def _latex(self, printer, exp=None):
        return r"\mathbf{1}" if self.args[0] == 1 else printer.beside(self.args[0])


class covector(LinearMap):
    """From a vector to a scalar: the inner product with `u`; 1 stands for a vector of ones."""

    def _sympystr(self, printer):
        return ("ones" if self.args[0] == 1 else printer.parenthesize(self.args[0], PRECEDENCE["Pow"])) + ".T"

    def _latex(self, printer, exp=None):
        return (r"\mathbf{1}" if self.args[0] == 1 else printer.raised(self.args[0])) + r"^{\top}"


class rate(LinearMap):
    """The symbol of a derivative of one quantity by another."""

    def _sympystr(self, printer):
        return f"d {self.args[0]} / d {self.args[1]}"

    def _latex(self, printer, exp=None):
        of, by = map(printer.doprint, self.args)
        return rf"\frac{{\partial {of}}}{{\partial {by}}}"


def _dotted(e):
    """A dot takes the place of the argument."""
    return e.xreplace({hole: Symbol("·") for hole in e.atoms(Hole)})


class linear(LinearMap):
    """Any other linear map: a primitive of a Hole, which stands for the argument."""

    def _sympystr(self, printer):
        return f"({printer.doprint(_dotted(self.args[0]))})"

    def _latex(self, printer, exp=None):
        return printer.brackets(printer.doprint(self.args[0]))


class transposed_map(LinearMap):
    """The transpose of a linear map that has no name of its own."""

    def _sympystr(self, printer):
        return f"{printer.doprint(self.args[0])}.T"

    def _latex(self, printer, exp=None):
        return printer.doprint(self.args[0]) + r"^{\top}"


def transposed(e):
    """The transpose of a sum of products of linear maps."""
    if e.is_Add:
        return Add(*[transposed(a) for a in e.args])
    if e.is_Mul and not e.is_commutative:
        return Mul(*[a for a in e.args if a.is_commutative], *[transposed(a) for a in reversed(e.args) if not a.is_commutative])
    if e.is_Pow and not e.is_commutative:
        return transposed(e.base) ** e.exp
    if isinstance(e, matrix):
        return matrix(transpose(e.args[0]))
    if isinstance(e, columns):
        return transposed_map(e)
    if isinstance(e, (vector, covector)):
        return (covector if isinstance(e, vector) else vector)(e.args[0])
    return transposed_map(e) if isinstance(e, linear) else e
