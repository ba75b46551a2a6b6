"""The real and the imaginary part of each kind of expression, by those of its arguments.

A rule takes `parts`, which gives the two parts of an expression, and the expression; it returns None for a real one. What has
no rule takes real arguments alone."""

from itertools import product

from sympy import Abs, Add, Mul, Piecewise, Pow, S, conjugate, cos, exp, im, log, re, sin
from sympy.codegen.cfunctions import hypot
from sympy.core.relational import Relational

from symcell.errors import CellError
from symcell.language.activations import stop_gradient
from symcell.language.primitives import Affine, Primitive, concat
from symcell.language.writing import written


def real_function(parts, e):
    """A function of real values alone. Raises CellError for a complex one."""
    arguments = [_real(parts, a, e) for a in e.args]
    return e if tuple(arguments) == e.args else e.func(*arguments)


def _real(parts, a, e):
    real, imaginary = parts(a)
    if imaginary:
        name = "a comparison" if isinstance(e, Relational) else getattr(e, "called", "") or type(e).__name__
        hint = "write Param('U', dtype=complex) @ u" if isinstance(e, Affine) else "re(...), im(...) and Abs(...) of it are real"
        raise CellError(f"{name} takes real values, found the complex {written(a)} in {written(e)}; {hint}")
    return real


def _sum(parts, e):
    real, imaginary = zip(*map(parts, e.args), strict=True)
    return Add(*real), Add(*imaginary)


def _product(parts, e):
    scale, whole = S.One, (S.One, S.Zero)
    for factor in e.args:
        divisor, pair = _over(parts, factor)
        scale = scale / divisor * (S.One if pair[1] else pair[0])
        whole = _times(whole, pair) if pair[1] else whole
    return scale * whole[0], scale * whole[1]


def _over(parts, e):
    """A real divisor, and the parts of the value before the division."""
    a, b = parts(e.base) if isinstance(e, Pow) else (S.Zero, S.Zero)
    if not (b and e.exp.is_Integer and e.exp < 0):
        return S.One, parts(e)
    return (a**2 + b**2) ** -e.exp, _to_the(-e.exp, (a, -b))


def _power(parts, e):
    base, exponent = map(parts, e.args)
    if not base[1] and not exponent[1]:
        return None
    if exponent[1] and base[0].is_positive and not base[1]:
        return parts(exp(e.exp * log(e.base)))
    if not e.exp.is_Integer:
        raise CellError(f"a complex value has whole powers only, found {written(e)}")
    return _to_the(e.exp, base) if e.exp > 0 else _product(parts, Mul(e, S.One, evaluate=False))


def _times(z, w):
    (a, b), (c, d) = z, w
    return a * c - b * d, a * d + b * c


def _to_the(n, z):
    """z**n for a positive integer n, by squaring."""
    if n == 1:
        return z
    half = _to_the(n // 2, z)
    square = _times(half, half)
    return _times(square, z) if n % 2 else square


def _exponential(parts, e):
    a, b = parts(e.args[0])
    return (exp(a) * cos(b), exp(a) * sin(b)) if b else None


def _conjugate(parts, e):
    a, b = parts(e.args[0])
    return a, -b


def _modulus(parts, e):
    a, b = parts(e.args[0])
    return (hypot(a, b), S.Zero) if b else None


def _cases(parts, e):
    conditions = [real_function(parts, pair.cond) for pair in e.args]
    values = [parts(pair.expr) for pair in e.args]
    return tuple(Piecewise(*zip(column, conditions, strict=True)) for column in zip(*values, strict=True))


def _affine(parts, e):
    return e.func(*e.args[:3], *(_real(parts, operand, e) for operand in e.args[3:])), S.Zero


def _primitive(parts, e):
    """The sum over its arguments' parts of a primitive that is linear in each argument: its tangent is the default."""
    pairs = [parts(a) for a in e.args]
    if type(e).tangent is not Primitive.tangent:
        return None
    found = [S.Zero, S.Zero]
    for choice in product(*(range(2) if b else range(1) for _, b in pairs)):
        arguments = [pair[k] for pair, k in zip(pairs, choice, strict=True)]
        if all(a != 0 for a, pair in zip(arguments, pairs, strict=True) if pair[1]):
            found[sum(choice) % 2] += (-1) ** (sum(choice) // 2) * e.func(*arguments)
    return tuple(found)


def _joined(parts, e):
    pairs = [parts(a) for a in e.args]
    return tuple(concat(*column) for column in zip(*pairs, strict=True)) if all(b for _, b in pairs) else None


RULES = {
    Add: _sum,
    Mul: _product,
    exp: _exponential,
    Pow: _power,
    conjugate: _conjugate,
    re: lambda parts, e: (parts(e.args[0])[0], S.Zero),
    im: lambda parts, e: (parts(e.args[0])[1], S.Zero),
    Abs: _modulus,
    Piecewise: _cases,
    stop_gradient: lambda parts, e: tuple(e.func(part) for part in parts(e.args[0])),
    Affine: _affine,
    concat: _joined,
    Primitive: _primitive,
}
