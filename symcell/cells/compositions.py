"""Words that published cells share, composed of the language's own: nothing here is known to the compiler."""

from sympy import Expr, Rational, floor, sqrt

from symcell import mean, stop_gradient, total, variance

EPSILON = Rational(1, 10**5)


def layer_norm(e: Expr, gain: Expr | float = 1, bias: Expr | float = 0, epsilon: Expr | float = EPSILON) -> Expr:
    """Layer normalisation over the units of `e` (Ba, Kiros, Hinton, arXiv:1607.06450): no mean, unit variance, then a gain."""
    return gain * ((e - mean(e)) / sqrt(variance(e) + epsilon)) + bias


def rms_norm(e: Expr, gain: Expr | float = 1, epsilon: Expr | float = EPSILON) -> Expr:
    """Root mean square normalisation over the units of `e` (Zhang, Sennrich, NeurIPS 2019, arXiv:1910.07467)."""
    return gain * (e / sqrt(mean(e**2) + epsilon))


def normalised(e: Expr, epsilon: Expr | float = EPSILON) -> Expr:
    """A vector divided by its length."""
    return e / sqrt(total(e**2) + epsilon)


def rounded(e: Expr) -> Expr:
    """The nearest whole number, halves up; its derivative is 0."""
    return floor(e + Rational(1, 2))


def straight_through(value: Expr, slope_of: Expr) -> Expr:
    """`value` forwards; backwards as if it were `slope_of` (Bengio, Leonard, Courville, arXiv:1308.3432)."""
    return slope_of + stop_gradient(value - slope_of)
