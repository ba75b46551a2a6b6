"""Functions of one unit that SymPy lacks, each with its derivative; the derivatives of all others stand in `slopes`. Six that
SymPy keeps for code generation are offered here too."""

from typing import Any, Self

from sympy import (
    Abs,
    Expr,
    Function,
    Heaviside,
    Max,
    Min,
    Piecewise,
    Rational,
    S,
    cos,
    exp,
    factorial,
    log,
    sin,
    tanh,
)
from sympy.codegen.cfunctions import exp2 as exp2
from sympy.codegen.cfunctions import expm1 as expm1
from sympy.codegen.cfunctions import hypot as hypot
from sympy.codegen.cfunctions import log1p as log1p
from sympy.codegen.cfunctions import log2 as log2
from sympy.codegen.cfunctions import log10 as log10

from symcell.errors import CellError

_SERIES = 9  # terms of the series of sinc's derivative: for arguments below 1 the tenth is below float64's rounding


class Unit(Function):
    """A function of one unit, defined by elementary ones (`elementary`) for those who cannot call it by its name."""

    nargs = 1

    def __new__(cls, *args: Any, **options: Any) -> Self:
        for a in args:
            if isinstance(a, bool) or not isinstance(a, (Expr, int, float)):  # SymPy would evaluate a text
                raise CellError(f"{cls.__name__} takes expressions, found {a!r}")
        return super().__new__(cls, *args, **options)

    def elementary(self):
        raise NotImplementedError

    def _eval_is_extended_real(self):
        return self.args[0].is_extended_real

    def _eval_evalf(self, prec):
        return self.elementary()._eval_evalf(prec)

    def _eval_rewrite(self, rule, args, **hints):
        return self.func(*args).elementary()


class sigmoid(Unit):
    """1 / (1 + exp(-z)), the logistic function; its derivative is sigmoid (1 - sigmoid)."""

    def elementary(self):
        return 1 / (1 + exp(-self.args[0]))

    def fdiff(self, argindex=1):
        return self * (1 - self)

    def _latex(self, printer, exp=None):
        power = f"^{{{exp}}}" if exp else ""
        return rf"\sigma{power}" + printer.brackets(printer.doprint(self.args[0]))


class logistic(sigmoid):
    """sigmoid, as 1 / (1 + exp(-z)) by hand: its derivative sigmoid(z) sigmoid(-z) takes longer, and keeps its digits where
    sigmoid(z) is next to 1."""

    def fdiff(self, argindex=1):
        return self * sigmoid(-self.args[0])


class quotient_tanh(Unit):
    """tanh, as (exp(z) - exp(-z)) / (exp(z) + exp(-z)) by hand: its derivative 4 sigmoid(2 z) sigmoid(-2 z) keeps its digits
    where tanh(z) is next to 1."""

    def elementary(self):
        return tanh(self.args[0])

    def fdiff(self, argindex=1):
        z = self.args[0]
        return 4 * sigmoid(2 * z) * sigmoid(-2 * z)

    def _latex(self, printer, exp=None):
        return printer.doprint(self.elementary() if exp is None else self.elementary() ** exp)


class relu(Unit):
    """max(0, z), with derivative 0 at z = 0."""

    def elementary(self):
        return Max(0, self.args[0])

    def fdiff(self, argindex=1):
        return Heaviside(self.args[0], 0)


class leaky_relu(Unit):
    """z for z > 0, slope * z elsewhere; the slope is 1/100 unless given."""

    nargs = 2

    def __new__(cls, z: Expr | float, slope: Expr | float | None = None) -> Self:
        return super().__new__(cls, z, Rational(1, 100) if slope is None else slope)

    def elementary(self):
        z, slope = self.args
        return Piecewise((z, z > 0), (slope * z, True))

    def fdiff(self, argindex=1):
        z, slope = self.args
        if argindex == 2:
            return Piecewise((S.Zero, z > 0), (z, True))
        return Heaviside(z, 0) + slope * Heaviside(-z, 1)


class hard_sigmoid(Unit):
    """z/6 + 1/2, clipped to [0, 1] (the slope of PyTorch and Keras 3; ONNX has 1/5)."""

    def elementary(self):
        return Max(0, Min(1, self.args[0] / 6 + Rational(1, 2)))

    def fdiff(self, argindex=1):
        z = self.args[0]
        return (Heaviside(z + 3, 0) - Heaviside(z - 3, 1)) / 6


class softplus(Unit):
    """log(1 + exp(z)), which neither overflows nor loses digits; its derivative is sigmoid(z)."""

    def elementary(self):
        return log(1 + exp(self.args[0]))

    def fdiff(self, argindex=1):
        return sigmoid(self.args[0])


class log_sigmoid(Unit):
    """log(sigmoid(z)), which does not underflow where sigmoid does; its derivative is sigmoid(-z)."""

    def elementary(self):
        return -log(1 + exp(-self.args[0]))

    def fdiff(self, argindex=1):
        return sigmoid(-self.args[0])

    def _latex(self, printer, exp=None):
        text = r"\log \sigma" + printer.brackets(printer.doprint(self.args[0]))
        return rf"\left({text}\right)^{{{exp}}}" if exp else text


class silu(Unit):
    """z sigmoid(z), also known as swish."""

    def elementary(self):
        return self.args[0] / (1 + exp(-self.args[0]))

    def fdiff(self, argindex=1):
        s = sigmoid(self.args[0])
        return s + self * (1 - s)


class sinc_slope(Unit):
    """The derivative of sinc. Its closed form loses its digits near 0, where the series takes over."""

    def elementary(self):
        z, series = self.args[0], S.Zero
        for k in range(_SERIES, 0, -1):
            series = Rational((-1) ** k * 2 * k, factorial(2 * k + 1)) + z**2 * series
        return Piecewise((z * series, Abs(z) < 1), (cos(z) / z - sin(z) / z**2, True))

    def _latex(self, printer, exp=None):
        power = f"^{{{exp}}}" if exp else ""
        return rf"\operatorname{{sinc}}'{power}" + printer.brackets(printer.doprint(self.args[0]))


class stop_gradient(Unit):
    """The identity forward; no adjoint passes back."""

    def elementary(self):
        return self.args[0]

    def fdiff(self, argindex=1):
        return S.Zero
