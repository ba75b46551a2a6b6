"""Formulas that people write by hand: the derivation starts from functions that neither overflow nor lose digits."""

import numpy as np
import pytest
from sympy import Eq, Piecewise, erf, erfc, exp, log, sqrt, symbols, tanh
from sympy.codegen.cfunctions import expm1, log1p

from symcell import Cell, Input, Param, State, log_sigmoid, sigmoid, softplus, total
from symcell.language.inner_functions import logistic, quotient_tanh
from symcell.language.slopes import Whole
from symcell.language.stable import stable

x, h = Input("x"), State("h")
a = symbols("a")


@pytest.mark.parametrize(
    ("written", "computed"),
    [
        (1 / (1 + exp(-x)), logistic(x)),
        (exp(x) / (1 + exp(x)), logistic(x)),
        (a * exp(x) / (1 + exp(x)), a * logistic(x)),
        (1 / (1 + exp(x)) ** 2, logistic(-x) ** 2),
        (exp(-x) / (1 + exp(-x)) ** 2, logistic(x) * logistic(-x)),
        ((exp(x) - exp(-x)) / (exp(x) + exp(-x)), tanh(x)),
        ((exp(-x) - exp(x)) / (exp(x) + exp(-x)), -tanh(x)),
        ((1 - exp(-2 * x)) / (1 + exp(-2 * x)), tanh(x)),
        (a * exp(x) - a, a * expm1(x)),
        (Piecewise((x, x > 0), (exp(x) - 1, True)), Piecewise((x, x > 0), (expm1(x), True))),
        (1 - exp(-exp(x)), -expm1(-exp(x))),
        (log(1 + x), log1p(x)),
        (log(1 + exp(x)), softplus(x)),
        (log(sigmoid(x)), log_sigmoid(x)),
        (log(1 - 1 / (1 + exp(-x))), log_sigmoid(-x)),
        (1 - erf(x), erfc(x)),
        (a * exp(x) / exp(h), a * exp(x) / Whole(exp(h))),
        (total(log(1 + exp(x))), total(softplus(x))),
        (x / sqrt(1 + x**2), x / sqrt(1 + x**2)),
    ],
)
def test_a_formula_is_computed_by_its_function(written, computed):
    found = stable(written)
    assert found.xreplace({f: tanh(f.args[0]) for f in found.atoms(quotient_tanh)}) == computed


def test_a_cell_keeps_its_equations_as_written():
    cell = Cell("logistic", [Eq(h, 1 / (1 + exp(-x)))])
    assert cell.equations[0].rhs == 1 / (1 + exp(-x))
    assert cell.derive().forward[0].rhs == logistic(x)


def gradient(e, numbers, dtype="float32", weights=1):
    """The values of h = e, and the derivatives with respect to x, for one row of numbers."""
    kernel = Cell("formula", [Eq(h, e)]).compile(dtype)
    run = kernel.forward({}, np.array(numbers, dtype)[None, None])
    cotangents = np.broadcast_to(np.asarray(weights, dtype), run.states["h"].shape)
    return run.states["h"][0, 0], kernel.backward(run, {"h": cotangents}).inputs["x"][0, 0]


@pytest.mark.parametrize("shift", (0, 40, 85, -60, -85))
def test_softmax_by_hand(shift):
    """The square of the divisor leaves float32 from 45 on, and below -45."""
    z = np.array([0.0, 1.0, 2.0])
    p = np.exp(z) / np.exp(z).sum()
    value, slope = gradient(exp(x) / total(exp(x)), z + shift, weights=[1, 0, 0])
    assert value == pytest.approx(p, rel=1e-5)
    assert slope == pytest.approx(p * ([1, 0, 0] - p[0]), rel=1e-4)


@pytest.mark.parametrize("scale", (1e-30, 1, 1e30))
def test_quotients_far_from_one(scale):
    """The squares of these divisors are no numbers of float32."""
    numbers = np.array([1.0, 2.0]) * scale
    value, slope = gradient(total(x) / x, numbers, weights=scale)
    assert value == pytest.approx([3, 1.5], rel=1e-6)
    assert slope == pytest.approx([-1.5, 0.75], rel=1e-5)
    value, slope = gradient(total(x) / sqrt(x), numbers, weights=np.sqrt(scale))
    assert slope == pytest.approx(np.array([1 + 2**-0.5 - 1.5, 1 + 2**-0.5 - 1.5 * 2**-1.5]) , rel=1e-5)


@pytest.mark.parametrize(("cotangent", "number"), [(1e-25, 1e-25), (1e25, 1e25)])
def test_adjoints_far_from_one(cotangent, number):
    """The adjoint times the quotient is no number of float32; times the derivative it is."""
    y = symbols("y")
    kernel = Cell("adjoints", [Eq(y, x + 0), Eq(h, Param("p") * x / y)]).compile("float32")
    params, one = {"p": np.full(2, number, "f")}, np.full((1, 1, 2), number, "f")
    found = kernel.backward(kernel.forward(params, one), {"h": np.full((1, 1, 2), cotangent, "f")})
    assert found.params["p"] == pytest.approx(cotangent)


def test_elu_by_hand_keeps_small_numbers():
    value, slope = gradient(Piecewise((x, x > 0), (exp(x) - 1, True)), [-1e-8, -1e-3, -200, 2])
    assert value == pytest.approx(np.where([1, 1, 1, 0], np.expm1([-1e-8, -1e-3, -200, 2]), 2), rel=1e-6)
    assert slope == pytest.approx([1, np.exp(-1e-3), 0, 1], rel=1e-6)


@pytest.mark.parametrize("dtype", ("float32", "float64"))
def test_an_exact_zero_under_a_root_stays_one(dtype):
    numbers = np.random.default_rng(0).uniform(0.1, 3, 100)
    y = symbols("y")
    kernel = Cell("zero", [Eq(y, x * x), Eq(h, sqrt(x * x - y) + sqrt(x**3 - x * y))]).compile(dtype)
    assert (kernel.forward({}, numbers[None, None].astype(dtype)).states["h"] == 0).all()


@pytest.mark.parametrize("p", (0.0, 0.5, 1.0, 2.0))
def test_zero_to_the_power_of_a_parameter(p):
    kernel = Cell("power", [Eq(h, x ** Param("p", ()))]).compile("float64")
    run = kernel.forward({"p": np.array(p)}, np.zeros((1, 1, 1)))
    gradients = kernel.backward(run, {"h": np.ones((1, 1, 1))})
    assert run.states["h"].item() == 0.0**p
    assert gradients.inputs["x"].item() == {0: 0, 0.5: np.inf, 1: 1, 2: 0}[p]
    assert gradients.params["p"] == 0
