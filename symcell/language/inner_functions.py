"""Functions of one unit that only derivations use, because they stay accurate where the user's expression loses digits."""

from sympy import Abs, Piecewise, Rational, S, cos, factorial, sin, tanh

from symcell.language.activations import sigmoid
from symcell.language.unit import Slope, Unit

_SERIES = 9  # terms of the series of sinc's derivative: for arguments below 1 the tenth is below float64's rounding


class logistic(sigmoid):
    """sigmoid where a user writes 1 / (1 + exp(-z)). Its derivative sigmoid(z) sigmoid(-z) costs more, and stays accurate where
    sigmoid(z) is close to 1."""

    def fdiff(self, argindex=1):
        return self * sigmoid(-self.args[0])


class quotient_tanh(Unit):
    """tanh where a user writes (exp(z) - exp(-z)) / (exp(z) + exp(-z)). Its derivative 4 sigmoid(2 z) sigmoid(-2 z) stays
    accurate where tanh(z) is close to 1."""

    def elementary(self):
        return tanh(self.args[0])

    def fdiff(self, argindex=1):
        z = self.args[0]
        return 4 * sigmoid(2 * z) * sigmoid(-2 * z)

    def _latex(self, printer, exp=None):
        return printer.doprint(self.elementary() if exp is None else self.elementary() ** exp)


class sinc_slope(Slope):
    """The derivative of sinc: a series near 0, where the closed form loses digits."""

    def elementary(self):
        z, series = self.args[0], S.Zero
        for k in range(_SERIES, 0, -1):
            series = Rational((-1) ** k * 2 * k, factorial(2 * k + 1)) + z**2 * series
        return Piecewise((z * series, Abs(z) < 1), (cos(z) / z - sin(z) / z**2, True))
