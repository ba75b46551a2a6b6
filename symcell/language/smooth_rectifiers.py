"""Smooth functions of one unit in place of relu."""

from typing import Any, Self

from sympy import Abs, Expr, Max, Min, Piecewise, Rational, S, erfc, exp, pi, sqrt, tanh
from sympy.codegen.cfunctions import expm1

from symcell.errors import CellError
from symcell.language.activations import sigmoid, softplus
from symcell.language.unit import Costly, Slope

__all__ = ["elu", "gelu", "gelu_tanh", "mish"]


class elu(Costly):
    """z for z > 0, alpha * (exp(z) - 1) elsewhere; alpha is 1 unless given.

    D.-A. Clevert, T. Unterthiner, S. Hochreiter, Fast and accurate deep network learning by exponential linear units (ELUs),
    ICLR 2016."""

    nargs = 2

    def __new__(cls, z: Expr | float, alpha: Expr | float = 1) -> Self:
        return super().__new__(cls, z, alpha)

    def elementary(self):
        z, alpha = self.args
        return Piecewise((z, z > 0), (alpha * expm1(z), True))

    def fdiff(self, argindex=1):
        z, alpha = self.args
        if argindex == 2:
            return Piecewise((S.Zero, z > 0), (expm1(z), True))
        return Piecewise((S.One, z > 0), (alpha * exp(z), True))


class gelu(Costly):
    """z Phi(z), where Phi is the normal distribution; approximate="tanh" gives gelu_tanh, as in PyTorch.

    D. Hendrycks, K. Gimpel, Gaussian error linear units, 2016."""

    def __new__(cls, z: Expr | float, approximate: str = "none") -> Any:
        if approximate not in ("none", "tanh"):
            raise CellError(f"gelu's approximate= is 'none' or 'tanh', found {approximate!r}")
        return gelu_tanh(z) if approximate == "tanh" else super().__new__(cls, z)

    def elementary(self):
        z = self.args[0]
        return Max(0, z) - Abs(z) * _tail(z)

    def fdiff(self, argindex=1):
        return gelu_slope(*self.args)


class gelu_slope(Slope):
    def elementary(self):
        z = self.args[0]
        return Piecewise((1 - _tail(z), z > 0), (_tail(z), True)) + z * exp(-(z**2) / 2) / sqrt(2 * pi)


def _tail(z):
    """Phi(-|z|), accurate where it is close to 0; SymPy writes erfc(-z) as 2 - erfc(z), which is not."""
    return erfc(Abs(z) / sqrt(2)) / 2


class gelu_tanh(Costly):
    """z (1 + tanh(u)) / 2, where u = sqrt(2 / pi) (z + 0.044715 z**3): gelu, approximately."""

    def elementary(self):
        return self.args[0] * sigmoid(_twice_the_argument(self.args[0]))

    def fdiff(self, argindex=1):
        return gelu_tanh_slope(*self.args)

    def _latex(self, printer, exp=None):
        return _latex_of_gelu_tanh("", self, printer, exp)


class gelu_tanh_slope(Slope):
    def elementary(self):
        z, u = self.args[0], _twice_the_argument(self.args[0])
        slope = 2 * sqrt(2 / pi) * (1 + 3 * _CUBIC * _clipped(z) ** 2)
        return sigmoid(u) + z * (sigmoid(u) * sigmoid(-u)) * slope

    def _latex(self, printer, exp=None):
        return _latex_of_gelu_tanh("'", self, printer, exp)


_CUBIC = Rational(44715, 10**6)


def _twice_the_argument(z):
    """2 u: (1 + tanh(u)) / 2 is sigmoid(2 u), which is accurate where it is close to 0."""
    z = _clipped(z)
    return 2 * sqrt(2 / pi) * z * (1 + _CUBIC * z**2)


def _clipped(z):
    """z where sigmoid(2 u) is neither 0 nor 1 to the last digit; beyond, the cube would overflow."""
    return Max(-30, Min(30, z))


def _latex_of_gelu_tanh(prime, e, printer, power):
    power = f"^{{{power}}}" if power else ""
    return rf"\operatorname{{gelu}}{prime}_{{\tanh}}{power}" + printer.brackets(printer.doprint(e.args[0]))


class mish(Costly):
    """z tanh(softplus(z)). D. Misra, Mish: a self regularized non-monotonic activation function, BMVC 2020."""

    def elementary(self):
        return self.args[0] * tanh(softplus(self.args[0]))

    def fdiff(self, argindex=1):
        return mish_slope(*self.args)


class mish_slope(Slope):
    def elementary(self):
        z, s = self.args[0], softplus(self.args[0])
        return tanh(s) + z * (4 * sigmoid(2 * s) * sigmoid(-2 * s)) * sigmoid(z)  # 1 - tanh(s)**2 would lose digits
