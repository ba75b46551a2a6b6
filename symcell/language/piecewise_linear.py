"""Piecewise linear functions of one unit. Their derivatives at kinks are fixed; `evaluate` has the same ones."""

from typing import Self

import numpy as np
from sympy import Expr, Heaviside, Max, Min, Piecewise, Rational, S

from symcell.language.unit import Unit

__all__ = ["hard_sigmoid", "hard_tanh", "leaky_relu", "relu"]


class relu(Unit):
    """max(0, z), with derivative 0 at z = 0."""

    def elementary(self):
        return Max(0, self.args[0])

    def fdiff(self, argindex=1):
        return Heaviside(self.args[0], 0)

    def evaluate(self, z):
        return np.where(z.real > 0, z, 0)


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

    def evaluate(self, z):
        return np.where(np.abs(z.real) < 3, z / 6 + 0.5, np.clip(z.real / 6 + 0.5, 0, 1))


class hard_tanh(Unit):
    """z, clipped to [-1, 1], with derivative 0 at both ends."""

    def elementary(self):
        return Max(-1, Min(1, self.args[0]))

    def fdiff(self, argindex=1):
        z = self.args[0]
        return Heaviside(z + 1, 0) - Heaviside(z - 1, 1)

    def evaluate(self, z):
        return np.where(np.abs(z.real) < 1, z, np.clip(z.real, -1, 1))
