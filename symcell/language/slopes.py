"""The derivative of every function of one unit.

The derivatives at kinks are fixed: relu, leaky_relu, hard_sigmoid and hard_tanh take that of their flat or left side, so that
relu'(0) = 0; Abs'(0) = sign(0) = 0; Max and Min divide a tie equally; sign, floor, ceiling and comparisons have derivative 0.

The derivatives of quotients and square roots contain their values: d(u / v) = -(u / v) / v dv. The square v**2 could overflow, or
underflow to 0, where the derivative is an ordinary number. `Whole` keeps SymPy from combining the value and its divisor.
"""

from sympy import (
    Abs,
    Add,
    And,
    Dummy,
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
    S,
    UnevaluatedExpr,
    acos,
    acot,
    acoth,
    acsc,
    acsch,
    asec,
    asech,
    asin,
    asinh,
    atan2,
    atanh,
    ceiling,
    floor,
    frac,
    log,
    sign,
    sinc,
    sqrt,
)  # fmt: skip
from sympy.codegen.cfunctions import hypot
from sympy.core.function import Application, ArgumentIndexError

from symcell.errors import CellError
from symcell.language.definitions import is_defined, own_definition
from symcell.language.inner_functions import sinc_slope
from symcell.language.primitives import Primitive
from symcell.language.rewrites import inner_leg, leg


class Whole(UnevaluatedExpr):
    """A factor that SymPy does not combine with others."""

    is_commutative = True

    def _eval_is_extended_real(self):
        return self.args[0].is_extended_real


def partial(e: Expr, v: Expr) -> Expr:
    """The derivative of an elementwise expression with respect to one of its leaves, a symbol or a primitive, with the
    derivatives at kinks that are stated above."""
    if e == v:
        return S.One
    if isinstance(e, Primitive) or not e.has(v):
        return S.Zero  # what joins units is an atom here; its own rule looks inside
    if isinstance(e, Add):
        return Add(*[partial(a, v) for a in e.args])
    if isinstance(e, Whole):
        return partial(e.args[0], v)
    if isinstance(e, Mul):
        return Add(*[_of_factor(e, k, v) for k, a in enumerate(e.args) if a.has(v)])
    if isinstance(e, Pow):
        of_base = _of_base(e, v)
        return of_base if not e.exp.has(v) else of_base + _of_exponent(e.base, e.exp) * partial(e.exp, v)
    if isinstance(e, Piecewise):
        return Piecewise(*[(partial(value, v), condition) for value, condition in e.args])
    if isinstance(e, Application):  # Function, Max and Min
        return Add(*[_of_function(e, k) * partial(a, v) for k, a in enumerate(e.args) if a.has(v)])
    raise CellError(f"there is no derivative of {e} ({type(e).__name__})")


def _of_factor(product, k, v):
    """The term of a product's derivative for its k-th factor; that for a divisor contains the product itself."""
    factor, others = product.args[k], [*product.args[:k], *product.args[k + 1 :]]
    if is_divisor(factor):
        return _of_divisor(product, factor, partial(factor.base, v))
    return _whole_quotient(Mul(*others)) * partial(factor, v)


def _whole_quotient(e):
    """A quotient as one factor, so that it is computed first: an adjoint times the numerator alone may overflow."""
    divided = isinstance(e, Mul) and any(map(is_divisor, e.args)) and not all(is_divisor(a) or a.is_number for a in e.args)
    return Whole(e) if divided else e


def is_divisor(e):
    """Whether an expression is a power that divides."""
    return e.is_Pow and e.exp.is_number and e.exp.is_negative


def _of_divisor(whole, divisor, slope):
    """The term of a product's derivative for one of its divisors, whose base has the derivative `slope`.

    Quotients are computed before the multiplication by an adjoint, which may be tiny. To divide by what is under a root, the term
    divides by the root twice, because the root has been computed already."""
    sign, positive = (-1, -whole) if whole.could_extract_minus_sign() else (1, whole)
    base, power = divisor.args
    squared = Whole(sqrt(base)) ** 2 if (2 * power).is_Integer and not power.is_Integer else base
    if slope.is_number or slope.has(Heaviside, Piecewise):
        return sign * power * Whole(Whole(positive) / squared) * slope
    return sign * power * Whole(Whole(positive) * Whole(slope / squared))


def _of_base(e, v):
    """The term of a power's derivative for its base; 0 where a symbolic exponent is 0, at base 0 too."""
    if not e.base.has(v):
        return S.Zero
    slope = partial(e.base, v)
    return _of_divisor(e, e, slope) if is_divisor(e) else _by_base(e) * slope


def _by_base(e):
    base, power = e.args
    if power == S.Half:
        return S.Half / Whole(e)
    slope = power * base ** (power - 1)
    return slope if power.is_number or base.is_number else Piecewise((S.Zero, Eq(power, 0)), (slope, True))


def _of_exponent(base, power):
    """The derivative of a power with respect to its exponent; at base 0 its limit, since 0 times the logarithm is NaN."""
    slope = base**power * log(base)
    return slope if base.is_number else Piecewise((S.Zero, And(Eq(base, 0), power >= 0)), (slope, True))


def _of_function(e, k):
    """The derivative of a function application with respect to its k-th argument."""
    if type(e) in _SLOPES:
        return _SLOPES[type(e)](*e.args)
    for kind, rule in _DERIVATIVES.items():
        if isinstance(e, kind):
            return rule(e, k)
    if is_defined(e) and type(e).fdiff is Function.fdiff:
        return _by_definition(e, k)
    try:
        derivative = _fdiff(e, k)
    except ArgumentIndexError:
        raise CellError(_not_differentiable(e)) from None
    except (AttributeError, NotImplementedError, TypeError) as error:
        raise CellError(f"{_not_differentiable(e)} ({type(error).__name__}: {error})") from error
    if derivative.is_Derivative or derivative.has(S.NaN) or "Derivative" in str(derivative.func):
        raise CellError(_not_differentiable(e))
    return derivative


def _not_differentiable(e):
    return f"SymPy cannot differentiate {e.func.__name__}; give the function an fdiff, or write it out"


def _by_definition(e, k):
    """The derivative of a function from the definition in its class."""
    placed = e.func(*[a if a.is_number else Dummy() for a in e.args])
    slope = partial(own_definition(placed), placed.args[k])
    return slope.xreplace(dict(zip(placed.args, e.args, strict=True)))


def _fdiff(e, k):
    """SymPy's own derivative. A quotient in the argument stays one factor, so that its square does not overflow."""
    whole = {z: Dummy() for z in e.args if isinstance(z, Mul) and any(map(is_divisor, z.args))}
    if not whole:
        return e.fdiff(k + 1)
    placed = e.func(*[whole.get(z, z) for z in e.args])
    return placed.fdiff(k + 1).xreplace({placed: e}).xreplace({p: Whole(z) for z, p in whole.items()})


def _of_extremum(e, k):
    """Max and Min: 1 for the argument that is chosen, an equal share for each of several."""
    sense = 1 if isinstance(e, Max) else -1
    if len(e.args) == 2:
        return Heaviside(sense * (e.args[k] - e.args[1 - k]), S.Half)
    wins = [Mul(*[Heaviside(sense * (a - b), 1) for b in e.args if b != a]) for a in e.args]
    return wins[k] / Add(*wins)


def _of_angle(angle, k):
    """atan2: the other coordinate divided by the radius twice, since its square would overflow."""
    y, x = angle.args
    radius = hypot(x, y)
    return Whole((x if k == 0 else -y) / radius) / radius


# Where SymPy's own fdiff is absent, a distribution (delta functions), or undefined at a kink.
_DERIVATIVES = {
    Max: _of_extremum,
    Min: _of_extremum,
    Abs: lambda e, k: sign(e.args[0]),
    Mod: lambda e, k: S.One if k == 0 else Whole((e - e.args[0]) / e.args[1]),
    frac: lambda e, k: S.One,
    atan2: _of_angle,
    sinc: lambda e, k: sinc_slope(e.args[0]),
    **{flat: lambda e, k: S.Zero for flat in (sign, floor, ceiling, Heaviside)},
}

# Where SymPy's own derivative overflows or loses digits. These have sign(z) / z for 1 / |z|: LLVM would take a divisor |z| into a
# square root beside it, as z**2.
_SLOPES = {
    asin: lambda z: 1 / inner_leg(z),
    acos: lambda z: -1 / inner_leg(z),
    asinh: lambda z: 1 / hypot(1, z),
    atanh: lambda z: 1 / ((1 - z) * (1 + z)),
    asec: lambda z: sign(z) / (z * leg(z)),
    acsc: lambda z: -sign(z) / (z * leg(z)),
    acot: lambda z: -1 / hypot(1, z) ** 2,
    acoth: lambda z: 1 / ((1 - z) * (1 + z)),
    asech: lambda z: -1 / (z * inner_leg(z)),
    acsch: lambda z: Piecewise((-sign(z) / (z * sqrt(1 + z**2)), Abs(z) < 1), (-1 / (z**2 * sqrt(1 + 1 / z**2)), True)),
}
