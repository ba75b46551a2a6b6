"""What SymPy's functions are in NumPy, for the interpreter: analytic between their kinks, so that a tiny imaginary part carries a
derivative along. Comparisons use real parts, and piecewise constant functions return real numbers.
"""

import math

import numpy as np
import sympy
from sympy.codegen.cfunctions import exp2, expm1, hypot, log1p, log2, log10

from symcell.language.activations import sigmoid, softplus

_REACH = 1e-3  # the step of central differences of sixth order, which balances truncation and rounding
_WEIGHTS = {1: 3 / 4, 2: -3 / 20, 3: 1 / 60}


def of_real_numbers(implementation):
    """A user's NumPy implementation, which need not accept complex numbers: its derivative comes from central differences."""

    def call(*values):
        real = [np.real(v) for v in values]

        def slope(k):
            def at(step):
                return implementation(*[v + _REACH * step if j == k else v for j, v in enumerate(real)])

            return sum(w * (at(step) - at(-step)) for step, w in _WEIGHTS.items()) / _REACH

        terms = [(lambda k=k: slope(k), v) for k, v in enumerate(values)]
        return _with_slopes(np.asarray(implementation(*real), float), *terms)

    return call


def _with_slopes(value, *terms):
    """The real `value` of a function, and the imaginary part that its arguments add; terms: (derivative, argument)."""
    for slope, argument in terms:
        if np.iscomplexobj(argument):  # an infinite slope is of no account where nothing moves
            value = value + 1j * np.where(argument.imag == 0, 0, slope() * argument.imag)
    return value


def _power(base, exponent):
    p, x = exponent.real, base.real
    if np.ndim(p) == 0 and p == int(p) and not np.iscomplexobj(exponent):
        return base ** int(p) if p >= 0 else 1 / base ** int(-p)
    return _with_slopes(x ** p, (lambda: p * x ** (p - 1), base), (lambda: np.log(x) * x ** p, exponent))


def _sigmoid(z):
    small = np.exp(np.where(z.real > 0, -z, z))  # at most one, so that nothing overflows
    return np.where(z.real > 0, 1, small) / (1 + small)


def _softplus(z):
    return _with_slopes(np.logaddexp(z.real, 0), (lambda: _sigmoid(z.real), z))


def _extremum(largest):
    """Max or Min of any number of arguments; a tie divides the derivative equally."""

    def choose(*arguments):
        stacked = np.stack(np.broadcast_arrays(*arguments))
        best = stacked.real.max(axis=0) if largest else stacked.real.min(axis=0)
        wins = stacked.real == best
        return np.where(wins, stacked, 0).sum(axis=0) / wins.sum(axis=0)

    return choose


def _gaussian(z):
    return 2 / np.sqrt(np.pi) * np.exp(-z.real ** 2)


def _atan2(y, x):
    square = y.real ** 2 + x.real ** 2
    return _with_slopes(np.arctan2(y.real, x.real), (lambda: x.real / square, y), (lambda: -y.real / square, x))


def _hypot(x, y):
    r = np.hypot(x.real, y.real)
    return _with_slopes(r, (lambda: x.real / r, x), (lambda: y.real / r, y))


def _remainder(x, y):
    quotient = np.floor_divide(x.real, y.real)
    return _with_slopes(np.mod(x.real, y.real), (lambda: 1.0, x), (lambda: -quotient, y))


def _joined(combine):
    """And, Or of any number of conditions."""

    def condition(*arguments):
        whole = arguments[0]
        for a in arguments[1:]:
            whole = combine(whole, a)
        return whole

    return condition


_erf_of_all = np.vectorize(math.erf, otypes=[float])
_erfc_of_all = np.vectorize(math.erfc, otypes=[float])

FUNCTIONS = {
    sympy.exp: np.exp, sympy.log: np.log, expm1: np.expm1, log1p: np.log1p,
    exp2: np.exp2, log2: np.log2, log10: np.log10, hypot: _hypot, sympy.sin: np.sin, sympy.cos: np.cos, sympy.tan: np.tan,
    sympy.sinh: np.sinh, sympy.cosh: np.cosh, sympy.tanh: np.tanh,
    sympy.asin: np.arcsin, sympy.acos: np.arccos, sympy.atan: np.arctan,
    sympy.asinh: np.arcsinh, sympy.acosh: np.arccosh, sympy.atanh: np.arctanh,
    sympy.Pow: _power, sigmoid: _sigmoid, softplus: _softplus,
    sympy.Abs: lambda z: np.sign(z.real) * z,
    sympy.Max: _extremum(largest=True), sympy.Min: _extremum(largest=False),
    sympy.sign: lambda z: np.sign(z.real), sympy.floor: lambda z: np.floor(z.real), sympy.ceiling: lambda z: np.ceil(z.real),
    sympy.Heaviside: lambda z, half: np.heaviside(z.real, half.real),
    sympy.frac: lambda z: z - np.floor(z.real),
    sympy.Mod: _remainder,
    sympy.erf: lambda z: _with_slopes(_erf_of_all(z.real), (lambda: _gaussian(z), z)),
    sympy.erfc: lambda z: _with_slopes(_erfc_of_all(z.real), (lambda: -_gaussian(z), z)),
    sympy.atan2: _atan2,
    sympy.Lt: lambda a, b: a.real < b.real, sympy.Le: lambda a, b: a.real <= b.real,
    sympy.Gt: lambda a, b: a.real > b.real, sympy.Ge: lambda a, b: a.real >= b.real,
    sympy.Eq: lambda a, b: a.real == b.real, sympy.Ne: lambda a, b: a.real != b.real,
    sympy.ITE: np.where, sympy.And: _joined(np.logical_and), sympy.Or: _joined(np.logical_or), sympy.Not: np.logical_not,
}
