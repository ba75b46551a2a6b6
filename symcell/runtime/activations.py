"""Scalar functions that LLVM vectorises when a kernel's loop calls them; the result has the argument's dtype.

Numba calls the C library for exp and tanh, one element at a time. These are plain arithmetic instead: a
reduction by powers of two (Cody and Waite 1980), a polynomial, at most one division, and no branch. The
polynomials interpolate at Chebyshev nodes; `benchmarks/fit_activations.py` of symcell reproduces them. The
errors stated, in units in the last place (ulp), are the largest found against more precise arithmetic over
the whole range. Uncompiled, the functions are NumPy's.
"""

from typing import Any

import numpy as np
from numba import types
from numba.core import cgutils
from numba.extending import overload

from .internals import ir
from .jit import intrinsic

# Reassociation would undo the two-part reduction: contraction only.
_EXACT: Any = {"error_model": "numpy", "nogil": True, "forceinline": True, "fastmath": {"contract"}}

# (expm1(r) - r) / r^2 for |r| <= ln(2)/2, lowest power first
_EXPONENTIAL = {
    types.float32: (
        0.5, 0.1666657702559799, 0.041666554662050534, 0.008363173074513711, 0.001392617611993558,
    ),
    types.float64: (
        0.5000000000000001, 0.16666666666666669, 0.041666666666624164, 0.008333333333330065,
        0.0013888888917196719, 0.00019841269863040545, 2.4801521322368692e-05, 2.7557268480310024e-06,
        2.7620075879983367e-07, 2.5100375832561234e-08,
    ),
}  # fmt: skip
# 2 (atanh(s)/s - 1) / z with z = s^2 <= 1/9
_LOGARITHM = {
    types.float32: (0.6666664033669923, 0.40007560644911205, 0.2823661980531048, 0.2685149802283715),
    types.float64: (
        0.6666666666666666, 0.40000000000014585, 0.2857142856710876, 0.22222222717427864,
        0.18181789436132859, 0.15385570064958623, 0.13314144209654935, 0.12001072809590713,
        0.08800738486144674, 0.1616404561194353,
    ),
}  # fmt: skip
# ln(2) in two parts, the first with trailing zeros so that its product with an exponent is exact
_LN2 = {
    types.float32: (0.693145751953125, 1.4286068203094173e-06),
    types.float64: (0.6931471805601177, -1.7239444525614835e-13),
}
_REAL = {types.float32: np.float32, types.float64: np.float64}
_BITS = {types.float32: np.uint32, types.float64: np.uint64}
_FRACTION = {types.float32: 23, types.float64: 52}  # bits of the significand, the hidden one excluded
_BIAS = {types.float32: 127, types.float64: 1023}  # of the exponent


def _constants(dtype, *values):
    """The values as scalars of one dtype: a Python float would widen float32 arithmetic to float64."""
    return tuple(_REAL[dtype](value) for value in values)


@intrinsic()
def _in_registers(typing, constants):
    """The same numbers, of which LLVM does not know that they are constants: it would read those anew for every vector."""

    def generate(context, builder, signature, arguments):
        number = context.get_value_type(constants.dtype)
        name = "llvm.arithmetic.fence." + ("f32" if number == ir.FloatType() else "f64")
        fence = cgutils.get_or_insert_function(builder.module, ir.FunctionType(number, [number]), name)
        held = [builder.call(fence, [value]) for value in cgutils.unpack_tuple(builder, arguments[0])]
        return context.make_tuple(builder, signature.return_type, held)

    return constants(constants), generate


@intrinsic()
def _polynomial(typing, x, coefficients):
    """The polynomial's value, lowest power first, by Horner's rule for x^2: half as long a chain as that for x."""

    def generate(context, builder, signature, arguments):
        x, values = arguments[0], cgutils.unpack_tuple(builder, arguments[1])

        def multiplied_and_added(a, b, c):
            return builder.fadd(builder.fmul(a, b, flags=("contract",)), c, flags=("contract",))

        pairs = [multiplied_and_added(x, high, low) for low, high in zip(values[::2], values[1::2], strict=False)]
        *parts, value = pairs + values[2 * len(pairs) :]  # in powers of x^2; an odd number of coefficients leaves the highest one
        square = builder.fmul(x, x)
        for part in reversed(parts):
            value = multiplied_and_added(value, square, part)
        return value

    return x(x, coefficients), generate


def _reduced_expm1(x):
    """(expm1(r), m): x = k ln(2) + r, |r| <= ln(2)/2, and the low bits of the integer m hold k + 2 bias."""


@overload(_reduced_expm1, jit_options=_EXACT)
def _reduced_expm1_overload(x):
    real, bits, polynomial = _REAL[x], _BITS[x], _constants(x, *_EXPONENTIAL[x])
    # Adding 1.5 * 2^fraction rounds to an integer, which is then the low bits of the sum.
    constants = _constants(x, 1 / np.log(2), 1.5 * 2 ** _FRACTION[x] + 2 * _BIAS[x], *_LN2[x])

    def implementation(x):
        scale, shift, high, low = _in_registers(constants)
        shifted = x * scale + shift
        k = shifted - shift
        r = (x - k * high) - k * low
        return r * r * _polynomial(r, _in_registers(polynomial)) + r, real(shifted).view(bits)

    return implementation


def exp(x):
    """Exponential, subnormal results included. Largest error: 1.1 ulp in float32, 1.1 in float64."""
    return np.exp(x)


@overload(exp, jit_options=_EXACT)
def _exp_overload(x):
    real, bits, fraction = _REAL[x], _BITS[x], _FRACTION[x]
    constants = _constants(x, *{types.float32: (-104, 89, 1), types.float64: (-746, 710, 1)}[x])
    single = bits(1)

    def implementation(x):
        lowest, highest, one = _in_registers(constants)
        clamped = highest if x > highest else x
        clamped = lowest if clamped < lowest else clamped
        p, m = _reduced_expm1(clamped)
        # 2^k as a product of two powers, so that neither leaves the normal range.
        half = bits(m >> single)
        rest = bits(m - half)
        return (p + one) * bits(half << bits(fraction)).view(real) * bits(rest << bits(fraction)).view(real)

    return implementation


def expm1(x):
    """exp(x) - 1, without loss of digits near 0. Largest error: 2.2 ulp in float32, 2.2 in float64."""
    return np.expm1(x)


@overload(expm1, jit_options=_EXACT)
def _expm1_overload(x):
    real, bits, fraction, bias = _REAL[x], _BITS[x], _FRACTION[x], _BIAS[x]
    # it rounds to -1 below the first; half the power of two, which itself may be too large
    constants = _constants(x, *{types.float32: (-30, 89), types.float64: (-50, 710)}[x], 0.5)

    def implementation(x):
        lowest, highest, half = _in_registers(constants)
        clamped = highest if x > highest else x
        clamped = lowest if clamped < lowest else clamped
        p, m = _reduced_expm1(clamped)
        power = bits(bits(m - bits(bias + 1)) << bits(fraction)).view(real)
        grown = power * p + (power - half)
        return grown + grown

    return implementation


def tanh(x):
    """Hyperbolic tangent, expm1(2x) / (expm1(2x) + 2). Largest error: 2.5 ulp in float32, 2.6 in float64."""
    return np.tanh(x)


@overload(tanh, jit_options=_EXACT)
def _tanh_overload(x):
    real, bits, fraction, bias = _REAL[x], _BITS[x], _FRACTION[x], _BIAS[x]
    # tanh rounds to one from 10 or 20 on
    constants = _constants(x, {types.float32: 10, types.float64: 20}[x], 1, 2)

    def implementation(x):
        highest, one, two = _in_registers(constants)
        size = abs(x)
        size = highest if size > highest else size
        p, m = _reduced_expm1(size + size)
        power = bits(bits(m - bits(bias)) << bits(fraction)).view(real)
        grown = power * p + (power - one)
        return np.copysign(grown / (grown + two), x)

    return implementation


def sigmoid(x):
    """Logistic function 1 / (1 + exp(-x)). Largest error: 2.5 ulp in float32, 2.4 in float64."""
    return np.where(x < 0, np.exp(-np.abs(x)), 1) / (1 + np.exp(-np.abs(x)))


@overload(sigmoid, jit_options=_EXACT)
def _sigmoid_overload(x):
    real, bits, fraction, bias = _REAL[x], _BITS[x], _FRACTION[x], _BIAS[x]
    # 2^-shift / (2^-shift + exp(-x) 2^-shift): scaled, exp(-x) neither overflows nor underflows where it counts.
    shift, lowest, highest = {types.float32: (64, -104, 43), types.float64: (512, -746, 350)}[x]
    constants = _constants(x, 2.0**-shift, lowest, highest)
    offset = bits(bias + shift)

    def implementation(x):
        scale, lowest, highest = _in_registers(constants)
        clamped = highest if x > highest else x
        clamped = lowest if clamped < lowest else clamped
        p, m = _reduced_expm1(-clamped)
        power = bits(bits(m - offset) << bits(fraction)).view(real)
        return scale / (power * p + (power + scale))

    return implementation


def softplus(x):
    """log(1 + exp(x)), as max(x, 0) + log1p(exp(-|x|)). Largest error: 2.8 ulp in float32, 2.8 in float64."""
    return np.logaddexp(x, 0)


@overload(softplus, jit_options=_EXACT)
def _softplus_overload(x):
    polynomial, constants = _constants(x, *_LOGARITHM[x]), _constants(x, 0, 2)

    def implementation(x):
        zero, two = _in_registers(constants)
        decayed = exp(-abs(x))
        s = decayed / (decayed + two)
        z = s * s
        return (zero if x < 0 else x) + (s * z * _polynomial(z, _in_registers(polynomial)) + (s + s))

    return implementation


def added(sum_, term):
    """sum_ + term, which a loop may add up in any order, several at a time."""
    return sum_ + term


@overload(added, jit_options=_EXACT | {"fastmath": {"reassoc", "nsz"}})
def _added_overload(sum_, term):
    def implementation(sum_, term):
        return sum_ + term

    return implementation


def heaviside(x, half):
    """0 below zero, `half` at zero, 1 above; NaN for NaN. Exact."""
    return np.heaviside(x, half)


@overload(heaviside, jit_options=_EXACT)
def _heaviside_overload(x, half):
    real = _REAL[x]
    zero, one = _constants(x, 0, 1)

    def implementation(x, half):
        return zero if x < zero else (one if x > zero else (real(half) if x == zero else x))

    return implementation


def remainder(x, y):
    """x - floor(x / y) y, of the sign of y and smaller. Exact, but for one rounding where signs differ; NaN for y = 0."""
    return np.mod(x, y)


@overload(remainder, jit_options=_EXACT)
def _remainder_overload(x, y):
    zero = _REAL[x](0)

    def implementation(x, y):
        rest = np.fmod(x, y)
        if rest != zero and (rest < zero) != (y < zero):
            moved = rest + y
            return moved if moved != y else np.nextafter(y, zero)
        return rest

    return implementation


def sign(x):
    """-1, 0 or 1; NaN for NaN. Exact."""
    return np.sign(x)


@overload(sign, jit_options=_EXACT)
def _sign_overload(x):
    zero, one = _constants(x, 0, 1)

    def implementation(x):
        return -one if x < zero else (one if x > zero else x)

    return implementation


def maximum(x, y):
    """The larger one; NaN if either is. Exact."""
    return np.maximum(x, y)


@overload(maximum, jit_options=_EXACT)
def _maximum_overload(x, y):
    def implementation(x, y):
        return x if x > y or x != x else y

    return implementation


def minimum(x, y):
    """The smaller one; NaN if either is. Exact."""
    return np.minimum(x, y)


@overload(minimum, jit_options=_EXACT)
def _minimum_overload(x, y):
    def implementation(x, y):
        return x if x < y or x != x else y

    return implementation
