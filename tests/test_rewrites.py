"""Functions that generated code has no name for: values and derivatives against arbitrary precision, from the smallest numbers
to the largest, in both precisions."""

from functools import cache

import mpmath
import numpy as np
import pytest
import sympy
from sympy import Eq, Symbol
from sympy.codegen.cfunctions import expm1

from symcell import Cell, Input, State
from symcell.language.functions import elementary

# function -> its derivative, by mpmath
SLOPES = {
    sympy.sec: lambda z: mpmath.sec(z) * mpmath.tan(z),
    sympy.csc: lambda z: -mpmath.csc(z) * mpmath.cot(z),
    sympy.cot: lambda z: -(mpmath.csc(z) ** 2),
    sympy.sech: lambda z: -mpmath.sech(z) * mpmath.tanh(z),
    sympy.csch: lambda z: -mpmath.csch(z) * mpmath.coth(z),
    sympy.coth: lambda z: -(mpmath.csch(z) ** 2),
    sympy.asec: lambda z: 1 / (abs(z) * mpmath.sqrt(z**2 - 1)),
    sympy.acsc: lambda z: -1 / (abs(z) * mpmath.sqrt(z**2 - 1)),
    sympy.acot: lambda z: -1 / (1 + z**2),
    sympy.acoth: lambda z: 1 / (1 - z**2),
    sympy.asech: lambda z: -1 / (z * mpmath.sqrt(1 - z**2)),
    sympy.acsch: lambda z: -1 / (abs(z) * mpmath.sqrt(1 + z**2)),
    sympy.sinc: lambda z: (mpmath.cos(z) - mpmath.sin(z) / z) / z,
    expm1: mpmath.exp,
}
IDS = [f.__name__ for f in SLOPES]
POSITIVE = np.concatenate(
    [10.0 ** np.arange(-45, 21), [0.5, 0.9, 0.999, 1 - 2**-20, 1 + 2**-20, 1.001, 1.1, 1.5, 2, 3, 5, 20, 50, 88, 89, 100, 700]]
)
DOMAINS = {
    sympy.asec: lambda z: abs(z) > 1,
    sympy.acsc: lambda z: abs(z) > 1,
    sympy.acoth: lambda z: abs(z) > 1,
    sympy.asech: lambda z: (z > 0) & (z < 1),
}


@cache
def kernel(dtype):
    """All of them at once, each of an input of its own."""
    equations = [Eq(State(f"s_{f.__name__}", "n"), f(Input(f"x_{f.__name__}", "n"))) for f in SLOPES]
    return Cell("probe", equations).compile(dtype)


@cache
def everywhere(dtype):
    """The points, and the values and derivatives of every function there."""
    return computed(dtype, np.concatenate([POSITIVE, -POSITIVE]))


def computed(dtype, points):
    at = np.array(points, dtype)
    compiled = kernel(dtype)
    zeros = {name: np.zeros((1, at.size), dtype) for name in compiled.interface.states}
    run = compiled.forward({}, dict.fromkeys(compiled.interface.inputs, at[None, None]), zeros)
    slopes = compiled.backward(run, {name: np.ones((1, 1, at.size), dtype) for name in run.states}).inputs
    return at, {f: (run.states[f"s_{f.__name__}"][0, 0], slopes[f"x_{f.__name__}"][0, 0]) for f in SLOPES}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("function", SLOPES, ids=IDS)
def test_values_and_derivatives_are_right_to_rounding(function, dtype):
    points, found = everywhere(dtype)
    inside = DOMAINS.get(function, np.isfinite)(points)
    of_precise = getattr(mpmath, function.__name__)
    for precise, values in zip((of_precise, SLOPES[function]), found[function], strict=True):
        with mpmath.workdps(150):
            expected = [float(mpmath.re(precise(mpmath.mpf(float(z))))) for z in points[inside]]
        with np.errstate(over="ignore"):
            expected = np.array(expected).astype(dtype)
        np.testing.assert_allclose(values[inside], expected, rtol=4 * np.finfo(dtype).eps, atol=np.finfo(dtype).tiny)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("function, values", [
    (sympy.sec, (1, np.nan, np.nan)),
    (sympy.csc, (np.inf, np.nan, np.nan)),
    (sympy.cot, (np.inf, np.nan, np.nan)),
    (sympy.sech, (1, 0, 0)),
    (sympy.csch, (np.inf, 0, 0)),
    (sympy.coth, (np.inf, 1, -1)),
    (sympy.asec, (np.nan, np.pi / 2, np.pi / 2)),
    (sympy.acsc, (np.nan, 0, 0)),
    (sympy.acot, (np.pi / 2, 0, 0)),
    (sympy.acoth, (np.nan, 0, 0)),
    (sympy.asech, (np.inf, np.nan, np.nan)),
    (sympy.sinc, (1, np.nan, np.nan)),
    (expm1, (0, np.inf, -1)),
])  # fmt: skip
def test_zero_infinity_and_nan(function, values, dtype):
    _, found = computed(dtype, [0, np.inf, -np.inf, np.nan])
    np.testing.assert_allclose(found[function][0], np.array([*values, np.nan], dtype), rtol=1e-6)


def test_a_function_that_sympy_writes_with_complex_numbers_is_written_otherwise():
    class secant(sympy.Function):
        nargs = 1

        def _eval_rewrite(self, rule, args, **hints):
            return sympy.sec(args[0]).rewrite(sympy.exp) if rule is sympy.exp else 1 / sympy.cos(args[0])

    assert elementary(secant(Symbol("z"))) == 1 / sympy.cos(Symbol("z"))
