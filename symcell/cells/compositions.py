"""Words that published cells share, composed of the language's own: nothing here is known to the compiler."""

from typing import Any

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


class Pair:
    """A complex number as real and imaginary parts, each an expression: enough arithmetic to write a recurrence down."""

    def __init__(self, real: Any, imaginary: Any) -> None:
        self.real, self.imaginary = real, imaginary

    def __add__(self, other: "Pair") -> "Pair":
        return Pair(self.real + other.real, self.imaginary + other.imaginary)

    def __mul__(self, other: Any) -> "Pair":
        if not isinstance(other, Pair):
            return Pair(self.real * other, self.imaginary * other)
        return Pair(
            self.real * other.real - self.imaginary * other.imaginary, self.real * other.imaginary + self.imaginary * other.real
        )

    __rmul__ = __mul__

    def __rmatmul__(self, matrix: Any) -> "Pair":
        """A real matrix times a complex vector."""
        return Pair(matrix @ self.real, matrix @ self.imaginary)

    def __matmul__(self, vector: Any) -> "Pair":
        """A complex matrix times a real or complex vector."""
        if not isinstance(vector, Pair):
            return Pair(self.real @ vector, self.imaginary @ vector)
        return Pair(
            self.real @ vector.real - self.imaginary @ vector.imaginary,
            self.real @ vector.imaginary + self.imaginary @ vector.real,
        )

    @property
    def prev(self) -> "Pair":
        return Pair(self.real.prev, self.imaginary.prev)
