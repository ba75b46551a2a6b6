"""Functions of SymPy that targets have no name for, by functions that they have: in real arithmetic, and accurate for all
arguments, where textbook formulas overflow or lose digits."""

from sympy import (
    Abs,
    Eq,
    Mod,
    Ne,
    Piecewise,
    Rational,
    S,
    acot,
    acoth,
    acsc,
    acsch,
    asec,
    asech,
    asinh,
    atan,
    atan2,
    atanh,
    cos,
    cosh,
    cot,
    coth,
    csc,
    csch,
    frac,
    log,
    sec,
    sech,
    sign,
    sin,
    sinc,
    sinh,
    sqrt,
    tan,
    tanh,
)

_NEAR_ZERO = Rational(1, 10**9)  # below it 1/z may overflow, and acsch(z) and asech(z) are log(2/z) to the last digit


def leg(z):
    """sqrt(z**2 - 1) without the square, which would overflow, or lose digits near 1."""
    return sqrt(Abs(z) - 1) * sqrt(Abs(z) + 1)


def inner_leg(z):
    """sqrt(1 - z**2), accurate near 1."""
    return sqrt((1 - z) * (1 + z))


REWRITES = {
    sec: lambda z: 1 / cos(z),
    csc: lambda z: 1 / sin(z),
    cot: lambda z: 1 / tan(z),
    sech: lambda z: 1 / cosh(z),
    csch: lambda z: 1 / sinh(z),
    coth: lambda z: 1 / tanh(z),
    asec: lambda z: atan2(leg(z), sign(z)),
    acsc: lambda z: atan2(sign(z), leg(z)),
    acot: lambda z: atan(1 / z),
    acoth: lambda z: Piecewise((log((z + 1) / (z - 1)) / 2, Abs(z) < 2), (atanh(1 / z), True)),
    asech: lambda z: Piecewise((log(2) - log(z), z < _NEAR_ZERO), (asinh(inner_leg(z) / z), True)),
    acsch: lambda z: Piecewise((1 / z, Eq(z, 0)), (sign(z) * (log(2) - log(Abs(z))), Abs(z) < _NEAR_ZERO), (asinh(1 / z), True)),
    sinc: lambda z: Piecewise((sin(z) / z, Ne(z, 0)), (S.One, True)),
    frac: lambda z: Mod(z, 1, evaluate=False),
}
