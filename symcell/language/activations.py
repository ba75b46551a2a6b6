"""Functions of one unit that SymPy lacks, and six from its module for code generation; `piecewise_linear` has those with kinks.

Add a function as one class (see Unit), whose name is in `__all__`. The derivatives of SymPy's functions are in `slopes`."""

from typing import Any, Self

from sympy import Abs, Expr, Max, Min, Piecewise, Rational, S, erfc, exp, log, pi, sqrt, tanh
from sympy.codegen.cfunctions import exp2 as exp2
from sympy.codegen.cfunctions import expm1 as expm1
from sympy.codegen.cfunctions import hypot as hypot
from sympy.codegen.cfunctions import log1p as log1p
from sympy.codegen.cfunctions import log2 as log2
from sympy.codegen.cfunctions import log10 as log10

from symcell.errors import CellError
from symcell.language.unit import Costly, Unit

__all__ = [
    "elu",
    "exp2",
    "expm1",
    "gelu",
    "gelu_tanh",
    "hypot",
    "log1p",
    "log2",
    "log10",
    "log_sigmoid",
    "mish",
    "sigmoid",
    "silu",
    "softplus",
    "stop_gradient",
]


class sigmoid(Costly):
    """1 / (1 + exp(-z)), the logistic function; its derivative is sigmoid (1 - sigmoid)."""

    bounds = (S.Zero, S.One)

    def elementary(self):
        return 1 / (1 + exp(-self.args[0]))

    def fdiff(self, argindex=1):
        return self * (1 - self)

    def _latex(self, printer, exp=None):
        power = f"^{{{exp}}}" if exp else ""
        return rf"\sigma{power}" + printer.brackets(printer.doprint(self.args[0]))


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


class softplus(Costly):
    """log(1 + exp(z)), which neither overflows nor loses digits; its derivative is sigmoid(z)."""

    bounds = (S.Zero, S.Infinity)

    def elementary(self):
        return log(1 + exp(self.args[0]))

    def fdiff(self, argindex=1):
        return sigmoid(self.args[0])


class log_sigmoid(Unit):
    """log(sigmoid(z)), which does not underflow where sigmoid does; its derivative is sigmoid(-z)."""

    def elementary(self):
        return -softplus(-self.args[0])

    def fdiff(self, argindex=1):
        return sigmoid(-self.args[0])

    def _latex(self, printer, exp=None):
        text = r"\log \sigma" + printer.brackets(printer.doprint(self.args[0]))
        return rf"\left({text}\right)^{{{exp}}}" if exp else text


class silu(Costly):
    """z sigmoid(z), also known as swish."""

    def elementary(self):
        return self.args[0] * sigmoid(self.args[0])

    def fdiff(self, argindex=1):
        s = sigmoid(self.args[0])
        return s + self * (1 - s)


class gelu(Costly):
    """z Phi(z), where Phi is the normal distribution; approximate="tanh" gives gelu_tanh, as in PyTorch.

    D. Hendrycks, K. Gimpel, Gaussian error linear units, 2016."""

    def __new__(cls, z: Expr | float, approximate: str = "none") -> Any:
        if approximate not in ("none", "tanh"):
            raise CellError(f"gelu's approximate= is 'none' or 'tanh', found {approximate!r}")
        return gelu_tanh(z) if approximate == "tanh" else super().__new__(cls, z)

    def elementary(self):
        z = self.args[0]
        return Max(0, z) - Abs(z) * self._tail()

    def fdiff(self, argindex=1):
        z, tail = self.args[0], self._tail()
        return Piecewise((1 - tail, z > 0), (tail, True)) + z * exp(-(z**2) / 2) / sqrt(2 * pi)

    def _tail(self):
        """Phi(-|z|), which keeps its digits where it is next to 0; SymPy writes erfc(-z) as 2 - erfc(z), which does not."""
        return erfc(Abs(self.args[0]) / sqrt(2)) / 2


class gelu_tanh(Costly):
    """z (1 + tanh(u)) / 2, where u = sqrt(2 / pi) (z + 0.044715 z**3): gelu, approximately."""

    def elementary(self):
        return self.args[0] * sigmoid(self._twice_the_argument())

    def fdiff(self, argindex=1):
        z, u = self.args[0], self._twice_the_argument()
        slope = 2 * sqrt(2 / pi) * (1 + 3 * _CUBIC * _clipped(z) ** 2)
        return sigmoid(u) + z * (sigmoid(u) * sigmoid(-u)) * slope

    def _twice_the_argument(self):
        """2 u: (1 + tanh(u)) / 2 is sigmoid(2 u), which keeps its digits where it is next to 0."""
        z = _clipped(self.args[0])
        return 2 * sqrt(2 / pi) * z * (1 + _CUBIC * z**2)

    def _latex(self, printer, exp=None):
        power = f"^{{{exp}}}" if exp else ""
        return rf"\operatorname{{gelu}}_{{\tanh}}{power}" + printer.brackets(printer.doprint(self.args[0]))


_CUBIC = Rational(44715, 10**6)


def _clipped(z):
    """z where sigmoid(2 u) is neither 0 nor 1 to the last digit; beyond, the cube would overflow."""
    return Max(-30, Min(30, z))


class mish(Costly):
    """z tanh(softplus(z)). D. Misra, Mish: a self regularized non-monotonic activation function, BMVC 2020."""

    def elementary(self):
        return self.args[0] * tanh(softplus(self.args[0]))

    def fdiff(self, argindex=1):
        z, s = self.args[0], softplus(self.args[0])
        return tanh(s) + z * (4 * sigmoid(2 * s) * sigmoid(-2 * s)) * sigmoid(z)  # 1 - tanh(s)**2 would lose its digits


class stop_gradient(Unit):
    """The identity forward; no adjoint passes back."""

    def elementary(self):
        return self.args[0]

    def fdiff(self, argindex=1):
        return S.Zero

    def evaluate(self, z):
        return z.real
