"""Reproduces the coefficients of symcell/runtime/activations.py: `python benchmarks/fit_activations.py`.

Two functions are approximated, each by the polynomial that interpolates it at the Chebyshev nodes of its
interval (close to the minimax polynomial, and free of Remez's iterations), in 60-digit arithmetic:

    expm1(r) = r + r^2 q(r)            |r| <= ln(2)/2
    log1p(e) = 2 s + s z g(z),         s = e/(2 + e), z = s^2, 0 <= z <= 1/9   (the series of 2 atanh(s))

Printed with each: the largest error of the exact polynomial, relative to the function itself.
"""

import mpmath as mp
import numpy as np

mp.mp.dps = 60
HALF_LN2 = mp.log(2) / 2


def exponential(r):
    """q(r) = (expm1(r) - r) / r^2, by its series, which has no cancellation."""
    return mp.fsum(r**k / mp.factorial(k + 2) for k in range(40))


def logarithm(z):
    """g(z) = 2 (atanh(s)/s - 1) / z with z = s^2, by its series."""
    return 2 * mp.fsum(z**k / (2 * k + 3) for k in range(80))


def interpolate(function, low, high, count):
    """Coefficients, lowest power first, of the interpolant at `count` Chebyshev nodes of [low, high]."""
    middle, radius = (low + high) / 2, (high - low) / 2
    nodes = [middle + radius * mp.cos(mp.pi * (2 * k + 1) / (2 * count)) for k in range(count)]
    powers = mp.matrix([[x**k for k in range(count)] for x in nodes])
    return list(mp.lu_solve(powers, mp.matrix([function(x) for x in nodes])))


def fit(name, function, low, high, count, real, weight):
    """Print the coefficients rounded to `real`, and the error that they leave in the whole function."""
    coefficients = interpolate(function, low, high, count)
    grid = [low + (high - low) * k / 400 for k in range(401)]
    error = max(abs(weight(x) * (mp.polyval(coefficients[::-1], x) - function(x))) for x in grid)
    print(f"{name} {np.dtype(real)}: relative error {float(error):.1e}")
    print("    (" + ", ".join(repr(float(mp.nstr(c, 25))) for c in coefficients) + ")")


def split(value, bits):
    """A high part of `bits` bits and the rest (Cody and Waite)."""
    scale = mp.mpf(2) ** bits
    high = mp.nint(value * scale) / scale
    return float(high), float(value - high)


def main():
    for real, order, terms in ((np.float32, 5, 4), (np.float64, 10, 10)):
        fit("exponential", exponential, -HALF_LN2, HALF_LN2, order, real, lambda r: r**2 / mp.expm1(r or 1))
        fit("logarithm", logarithm, mp.mpf(0), mp.mpf(1) / 9, terms, real, lambda z: z / 2)
    print("ln 2 float32:", split(mp.log(2), 15))
    print("ln 2 float64:", split(mp.log(2), 40))


if __name__ == "__main__":
    main()
