"""Functions of one unit that SymPy lacks, and the derivative of every function of one unit.

Kinks have a stated derivative: relu, leaky_relu and hard_sigmoid take the value of their flat or left side, relu'(0) = 0;
Abs'(0) = sign(0) = 0; Max and Min share a tie evenly; sign, floor, ceiling and comparisons are flat.
"""

from sympy import (
    Abs,
    Add,
    And,
    Eq,
    Expr,
    Function,
    Heaviside,
    Max,
    Min,
    Mod,
    Mul,
    Piecewise,
    Pow,
    Rational,
    S,
    ceiling,
    cos,
    exp,
    factorial,
    floor,
    frac,
    log,
    sign,
    sin,
    sinc,
)
from sympy.core.function import Application, ArgumentIndexError

from symcell.errors import CellError
from symcell.language.primitives import Primitive
from symcell.language.writings import SLOPES

_SERIES = 9  # terms of the series of sinc's derivative: for arguments below 1 the tenth is below float64's rounding


class Unit(Function):
    """A function of one unit, defined by elementary ones (`elementary`) for those who cannot call it by its name."""

    nargs = 1

    def __new__(cls, *args, **options):
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


class relu(Unit):
    """max(0, z), with derivative 0 at z = 0."""

    def elementary(self):
        return Max(0, self.args[0])

    def fdiff(self, argindex=1):
        return Heaviside(self.args[0], 0)


class leaky_relu(Unit):
    """z for z > 0, slope * z elsewhere; the slope is 1/100 unless given."""

    nargs = 2

    def __new__(cls, z, slope=None):
        return super().__new__(cls, z, Rational(1, 100) if slope is None else slope)

    def elementary(self):
        z, slope = self.args
        return Piecewise((z, z > 0), (slope * z, True))

    def fdiff(self, argindex=1):
        z, slope = self.args
        if argindex == 2:
            return Piecewise((S.Zero, z > 0), (z, True))
        return slope + (1 - slope) * Heaviside(z, 0)


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


def _of_extremum(e, k):
    """Max and Min: one where the argument wins, an even share of a tie."""
    sense = 1 if isinstance(e, Max) else -1
    if len(e.args) == 2:
        return Heaviside(sense * (e.args[k] - e.args[1 - k]), S.Half)
    wins = [Mul(*[Heaviside(sense * (a - b), 1) for b in e.args if b != a]) for a in e.args]
    return wins[k] / Add(*wins)


# Where SymPy's own fdiff is absent, a distribution (delta functions), or undefined at a kink.
_DERIVATIVES = {
    Max: _of_extremum,
    Min: _of_extremum,
    Abs: lambda e, k: sign(e.args[0]),
    Mod: lambda e, k: S.One if k == 0 else -floor(e.args[0] / e.args[1]),
    frac: lambda e, k: S.One,
    sinc: lambda e, k: sinc_slope(e.args[0]),
    **{flat: lambda e, k: S.Zero for flat in (sign, floor, ceiling, Heaviside)},
}


def partial(e: Expr, v: Expr) -> Expr:
    """The derivative of an expression of units with respect to one of its atoms (a symbol, or a primitive that stands
    for one), with the derivatives at kinks as stated above."""
    if e == v:
        return S.One
    if isinstance(e, Primitive) or not e.has(v):
        return S.Zero  # what joins units is an atom here; its own rule looks inside
    if isinstance(e, Add):
        return Add(*[partial(a, v) for a in e.args])
    if isinstance(e, Mul):
        return Add(*[Mul(*e.args[:k], partial(a, v), *e.args[k + 1 :]) for k, a in enumerate(e.args)])
    if isinstance(e, Pow):
        base, power = e.args
        of_base = power * base ** (power - 1) * partial(base, v)
        return of_base if not power.has(v) else of_base + _of_exponent(base, power) * partial(power, v)
    if isinstance(e, Piecewise):
        return Piecewise(*[(partial(value, v), condition) for value, condition in e.args])
    if isinstance(e, Application):  # Function, Max and Min
        return Add(*[_of_function(e, k) * partial(a, v) for k, a in enumerate(e.args) if a.has(v)])
    raise CellError(f"there is no derivative of {e} ({type(e).__name__})")


def _of_exponent(base, power):
    """The derivative of a power with respect to its exponent; its limit at base 0, where 0 times the logarithm is no number."""
    slope = base**power * log(base)
    return slope if base.is_number else Piecewise((S.Zero, And(Eq(base, 0), power > 0)), (slope, True))


def _of_function(e, k):
    """The derivative of a function application with respect to its k-th argument."""
    if type(e) in SLOPES:
        return SLOPES[type(e)](*e.args)
    for kind, rule in _DERIVATIVES.items():
        if isinstance(e, kind):
            return rule(e, k)
    try:
        derivative = e.fdiff(k + 1)
    except (ArgumentIndexError, AttributeError, NotImplementedError, TypeError):
        derivative = None
    if derivative is None or derivative.is_Derivative or derivative.has(S.NaN) or "Derivative" in str(derivative.func):
        raise CellError(f"SymPy cannot differentiate {e.func.__name__}; give the function an fdiff, or write it out")
    return derivative


__all__ = ["hard_sigmoid", "leaky_relu", "log_sigmoid", "partial", "relu", "sigmoid", "silu", "softplus", "stop_gradient"]
