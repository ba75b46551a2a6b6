"""Numbers of several hundred digits that carry their derivatives: forward mode over mpmath.

What is not a real number is NaN, a pole is an infinity. A derivative that does not exist is NaN, and nothing is expected then.
"""

import mpmath
from mpmath import mp, mpf

NAN, INF = mpf("nan"), mpf("inf")
_BEYOND = mpf(2) ** 1100  # exp of more than any float is an infinity: its exponent would not fit into memory


def real(v):
    """A value of mpmath's as a real number; NaN if it is complex."""
    return NAN if isinstance(v, mpmath.mpc) else v


class Jet:
    """A value, and its derivatives by each argument."""

    def __init__(self, value, slopes):
        self.value, self.slopes = value, slopes

    def map(self, value, slope):
        """A function's value here, and its derivative by the chain rule; what does not move has derivative 0."""
        return Jet(value, tuple(mpf(0) if s == 0 else slope * s for s in self.slopes))

    def __add__(self, other):
        other = jet(other, self)
        return Jet(self.value + other.value, tuple(a + b for a, b in zip(self.slopes, other.slopes, strict=True)))

    def __neg__(self):
        return Jet(-self.value, tuple(-s for s in self.slopes))

    def __sub__(self, other):
        return self + (-jet(other, self))

    def __rsub__(self, other):
        return jet(other, self) - self

    def __mul__(self, other):
        other = jet(other, self)
        return Jet(self.value * other.value, combined(self, other.value, other, self.value))

    def __truediv__(self, other):
        other = jet(other, self)
        inverse = INF if other.value == 0 else 1 / other.value
        value = self.value * inverse
        return Jet(value, combined(self, inverse, other, -value * inverse))

    def __rtruediv__(self, other):
        return jet(other, self) / self

    def __pow__(self, other):
        other = jet(other, self)
        x, p = self.value, other.value
        by_base = mpf(0) if p == 0 else p * power(x, p - 1)
        value = power(x, p)
        by_exponent = mpf(0) if x == 0 and p > 0 else value * logarithm(x)
        return Jet(value, combined(self, by_base, other, by_exponent))

    def __rpow__(self, other):
        return jet(other, self) ** self

    def __lt__(self, other):
        return self.value < jet(other, self).value

    def __gt__(self, other):
        return self.value > jet(other, self).value

    def __le__(self, other):
        return self.value <= jet(other, self).value

    def __ge__(self, other):
        return self.value >= jet(other, self).value

    __radd__, __rmul__ = __add__, __mul__


def jet(v, like):
    return v if isinstance(v, Jet) else Jet(mpf(v), (mpf(0),) * len(like.slopes))


def combined(a, by_a, b, by_b):
    """The derivatives of a function of two jets, given its two partial derivatives."""
    return tuple((p * by_a if p != 0 else mpf(0)) + (q * by_b if q != 0 else mpf(0)) for p, q in zip(a.slopes, b.slopes, strict=True))


def exponential(v):
    if v > _BEYOND or mp.isnan(v):
        return v
    if v < -_BEYOND:
        return mpf(0)
    if abs(v) < 1000:
        return mp.exp(v)
    with mp.extraprec(max(0, int(mp.mag(v)))):  # mpmath's own takes long for large whole numbers
        twos = int(mp.nint(v / mp.ln2))
        return mp.ldexp(mp.exp(v - twos * mp.ln2), twos)


def less_one(v):
    """exp(v) - 1; mpmath's own spends minutes on large arguments."""
    return mp.expm1(v) if abs(v) < 1 else exponential(v) - 1


def logarithm(v):
    return -INF if v == 0 else real(mp.log(v))


def power(x, p):
    if mp.isnan(x) or mp.isnan(p):
        return NAN
    if p == 0:
        return mpf(1)
    if x == 0:
        return mpf(0) if p > 0 else INF
    if x < 0:
        if not mp.isint(p):
            return NAN
        return power(-x, p) if p % 2 == 0 else -power(-x, p)
    return x ** int(p) if mp.isint(p) and abs(p) < 100 else exponential(p * mp.log(x))


def function(value, slope):
    """A function of jets from a function of numbers and its derivative, which may use the value: slope(x, value)."""

    def applied(a):
        v = real(value(a.value))
        return a.map(v, NAN if mp.isnan(v) else real(slope(a.value, v)))

    return applied


def inverse(v):
    return INF if v == 0 else 1 / v


def sigmoid(v):
    return 1 / (1 + exponential(-v))


def sinc_slope(x, v):
    return mpf(0) if x == 0 else (mp.cos(x) - v) / x


def domain(f, inside):
    """A function of numbers that is NaN outside its domain."""
    return lambda x: f(x) if inside(x) else NAN


FUNCTIONS = {
    "exp": function(exponential, lambda x, v: v),
    "expm1": function(less_one, lambda x, v: exponential(x)),
    "exp2": function(lambda x: power(mpf(2), x), lambda x, v: v * mp.log(2)),
    "log": function(domain(logarithm, lambda x: x >= 0), lambda x, v: inverse(x)),
    "log2": function(domain(lambda x: logarithm(x) / mp.log(2), lambda x: x >= 0), lambda x, v: inverse(x * mp.log(2))),
    "log10": function(domain(lambda x: logarithm(x) / mp.log(10), lambda x: x >= 0), lambda x, v: inverse(x * mp.log(10))),
    "log1p": function(domain(lambda x: -INF if x == -1 else mp.log1p(x), lambda x: x >= -1), lambda x, v: inverse(1 + x)),
    "sqrt": function(domain(mp.sqrt, lambda x: x >= 0), lambda x, v: inverse(2 * v)),
    "sin": function(mp.sin, lambda x, v: mp.cos(x)),
    "cos": function(mp.cos, lambda x, v: -mp.sin(x)),
    "tan": function(mp.tan, lambda x, v: 1 + v * v),
    "sec": function(mp.sec, lambda x, v: v * mp.tan(x)),
    "csc": function(lambda x: INF if x == 0 else mp.csc(x), lambda x, v: -v * inverse(mp.tan(x))),
    "cot": function(lambda x: INF if x == 0 else mp.cot(x), lambda x, v: -1 - v * v),
    "asin": function(mp.asin, lambda x, v: inverse(mp.sqrt((1 - x) * (1 + x)))),
    "acos": function(mp.acos, lambda x, v: -inverse(mp.sqrt((1 - x) * (1 + x)))),
    "atan": function(mp.atan, lambda x, v: 1 / (1 + x * x)),
    "acot": function(lambda x: NAN if x == 0 else mp.acot(x), lambda x, v: -1 / (1 + x * x)),
    "asec": function(domain(mp.asec, lambda x: abs(x) >= 1), lambda x, v: inverse(abs(x) * mp.sqrt(x * x - 1))),
    "acsc": function(domain(mp.acsc, lambda x: abs(x) >= 1), lambda x, v: -inverse(abs(x) * mp.sqrt(x * x - 1))),
    "sinh": function(mp.sinh, lambda x, v: mp.cosh(x)),
    "cosh": function(mp.cosh, lambda x, v: mp.sinh(x)),
    "tanh": function(mp.tanh, lambda x, v: mp.sech(x) ** 2),
    "sech": function(mp.sech, lambda x, v: -v * mp.tanh(x)),
    "csch": function(lambda x: INF if x == 0 else mp.csch(x), lambda x, v: -abs(v) * mp.sqrt(1 + v * v)),
    "coth": function(lambda x: INF if x == 0 else mp.coth(x), lambda x, v: -inverse(mp.sinh(x) ** 2)),
    "asinh": function(mp.asinh, lambda x, v: 1 / mp.sqrt(1 + x * x)),
    "acosh": function(domain(mp.acosh, lambda x: x >= 1), lambda x, v: inverse(mp.sqrt((x - 1) * (x + 1)))),
    "atanh": function(domain(lambda x: x * INF if abs(x) == 1 else mp.atanh(x), lambda x: abs(x) <= 1), lambda x, v: inverse((1 - x) * (1 + x))),
    "asech": function(domain(lambda x: INF if x == 0 else mp.asech(x), lambda x: 0 <= x <= 1), lambda x, v: -inverse(x * mp.sqrt((1 - x) * (1 + x)))),
    "acsch": function(lambda x: INF if x == 0 else mp.acsch(x), lambda x, v: -inverse(abs(x) * mp.sqrt(1 + x * x))),
    "acoth": function(domain(lambda x: x * INF if abs(x) == 1 else mp.acoth(x), lambda x: abs(x) >= 1), lambda x, v: inverse((1 - x) * (1 + x))),
    "erf": function(mp.erf, lambda x, v: 2 / mp.sqrt(mp.pi) * exponential(-x * x)),
    "erfc": function(lambda x: mp.erfc(x) if abs(x) < 10**6 else mpf(2 * (x < 0)), lambda x, v: -2 / mp.sqrt(mp.pi) * exponential(-x * x)),
    "sinc": function(lambda x: mpf(1) if x == 0 else mp.sin(x) / x, sinc_slope),
    "sigmoid": function(sigmoid, lambda x, v: v * sigmoid(-x)),
    "softplus": function(lambda x: mp.log1p(exponential(x)), lambda x, v: sigmoid(x)),
    "log_sigmoid": function(lambda x: -mp.log1p(exponential(-x)), lambda x, v: sigmoid(-x)),
    "sign": function(mp.sign, lambda x, v: mpf(0)),
    "floor": function(mp.floor, lambda x, v: mpf(0)),
    "ceiling": function(mp.ceil, lambda x, v: mpf(0)),
    "frac": function(lambda x: x - mp.floor(x), lambda x, v: mpf(1)),
    "abs": function(abs, lambda x, v: mp.sign(x)),
}


def maximum(a, b):
    """The larger of two; a tie shares the derivative."""
    a, b = (jet(a, b), b) if isinstance(b, Jet) else (a, jet(b, a))
    if a.value == b.value:
        return Jet(a.value, combined(a, mpf(1) / 2, b, mpf(1) / 2))
    return a if a.value > b.value else b


def hypot(a, b):
    v = mp.hypot(a.value, b.value)
    return Jet(v, combined(a, a.value / v, b, b.value / v) if v else (NAN,) * len(a.slopes))


def atan2(a, b):
    a, b = (jet(a, b), b) if isinstance(b, Jet) else (a, jet(b, a))
    square = a.value**2 + b.value**2
    if square == 0:
        return Jet(NAN, (NAN,) * len(a.slopes))
    return Jet(mp.atan2(a.value, b.value), combined(a, b.value / square, b, -a.value / square))


def modulo(a, b):
    """The remainder in [0, b); its derivatives are 1, and minus the quotient rounded down."""
    b = jet(b, a)
    if b.value == 0:
        return Jet(NAN, (NAN,) * len(a.slopes))
    whole = mp.floor(a.value / b.value)
    return Jet(a.value - whole * b.value, combined(a, mpf(1), b, -whole))
