"""Long sequences, extreme weights and saturated gates: finite where the mathematics is finite, and right."""

import mpmath
import numpy as np
import pytest
from support.plain import plain_kernel
from support.representatives import compiled_names, in_single_precision
from sympy import Eq, Rational

from symcell import Cell, Input, State, cells, interpret
from symcell.trials import random_sizes

STEPS = 10_000


def normal(random, cell, kernel, sizes, T, B, scale=1.0):
    """params, inputs and initial states of a cell, as float64."""
    shapes = kernel.interface.shapes(**sizes)
    params = {q.name: scale * random.normal(size=shapes[q.name]) for q in (*cell.params, *cell.constants)}
    inputs = {q.name: random.normal(size=(T, B, *shapes[q.name])) for q in cell.inputs}
    return params, inputs, {q.name: random.normal(size=(B, *shapes[q.name])) for q in cell.states}


def cast(group, dtype):
    return {name: a.astype(dtype) for name, a in group.items()}


def passes(kernel, params, inputs, initial):
    """The run, and the gradients for cotangents of one at every step."""
    params, inputs, initial = (cast(group, kernel.dtype) for group in (params, inputs, initial))
    run = kernel.forward(params, inputs, initial)
    return run, kernel.backward(run, {name: np.ones_like(a) for name, a in run.states.items()})


def every_array(run, gradients):
    return {**run.states, **{f"d {n}": a for g in (gradients.params, gradients.inputs, gradients.initial) for n, a in g.items()}}


@pytest.mark.parametrize("name", ["gru_reset_after", "slstm", "mingru", "layer_norm_lstm"])
def test_ten_thousand_steps_in_single_precision_follow_double_precision(name):
    cell, random = cells.get(name), np.random.default_rng(11)
    sizes = random_sizes(cell, random)
    kernel = cell.compile("float32")
    params, inputs, initial = normal(random, cell, kernel, sizes, STEPS, 2, scale=0.3)
    if name == "slstm":
        initial["n"] = np.abs(initial["n"]) + 1
    single = every_array(*passes(kernel, params, inputs, initial))
    double = every_array(*passes(cell.compile("float64"), params, inputs, initial))
    for key, a in double.items():
        assert np.isfinite(single[key]).all(), key
        assert np.abs(single[key] - a).max() <= 2e-3 * np.abs(a).max(), key


BOUNDED = ["gru_cho", "gru_reset_after", "jordan", "li_gru", "lstm", "lstm_1997", "lstmp", "mgu", "mingru", "multiplicative_lstm", "on_lstm", "peephole_lstm", "qrnn", "rhn", "rnn", "rnn_readout", "slstm", "sru", "ugrnn", "zoneout_lstm", "gla", "t_lstm", "layer_norm_lstm"]  # fmt: skip


@pytest.mark.parametrize("scale", [1e-30, 1e3])
@pytest.mark.parametrize("name", BOUNDED)
def test_tiny_and_huge_weights(name, scale):
    """Gates all open or all shut, in both precisions: no NaN, no infinity, and the states that the interpreter finds. Kernels are
    compiled for the representatives, and run as plain Python for the others."""
    cell, random = cells.get(name), np.random.default_rng(12)
    sizes = random_sizes(cell, random)
    for dtype in ("float64", "float32"):
        compiled = name in (compiled_names() if dtype == "float64" else in_single_precision())
        kernel = cell.compile(dtype) if compiled else plain_kernel(cell, dtype)
        params, inputs, initial = normal(random, cell, kernel, sizes, 6, 2, scale)
        inputs, initial = ({n: np.abs(a) for n, a in g.items()} if name in ("t_lstm", "slstm") else g for g in (inputs, initial))
        with np.errstate(all="ignore"):  # plain Python warns where compiled code does not
            run, gradients = passes(kernel, params, inputs, initial)
        for key, a in every_array(run, gradients).items():
            assert np.isfinite(a).all(), (key, dtype)
        if dtype == "float64":
            for key, a in interpret.run(cell, params, inputs, initial).items():
                assert np.abs(run.states[key] - a).max() <= 1e-9 * np.abs(a).max(), key


def test_the_constant_error_carousel_is_exactly_one_over_ten_thousand_steps():
    kernel = cells.lstm_1997.compile("float32")
    params = {n: np.zeros_like(a) for n, a in kernel.init(n_x=2, n_h=3).items()}  # g = 4 sigmoid(0) - 2 = 0: nothing is added
    c = np.array([[0.1, -7.3, 1e-20]], np.float32)
    run = kernel.forward(params, np.ones((STEPS, 1, 2), np.float32), {"c": c})
    np.testing.assert_array_equal(run.final["c"], c)
    gradients = kernel.backward(run, final={"c": np.ones_like(c)})
    np.testing.assert_array_equal(gradients.initial["c"], np.ones_like(c))


@pytest.mark.parametrize("w", [1 - 2**-14, 0.5, -1.0, 1 + 2**-14])
def test_a_linear_unit_against_its_closed_form(w):
    """The final state is w^T a_0, its derivative by w is T w^(T-1) a_0; w^T is told by mpmath."""
    kernel = cells.scalar_rnn.compile("float64")
    params = {"w": np.array(w), "v": np.array(0.0)}
    run = kernel.forward(params, np.zeros((STEPS, 1)), {"a": np.array([3.0])})
    gradients = kernel.backward(run, final={"a": np.ones(1)})
    with mpmath.workdps(50):
        power = float(mpmath.mpf(w) ** STEPS)
        slope = float(STEPS * mpmath.mpf(w) ** (STEPS - 1) * 3)
    assert run.final["a"][0] == pytest.approx(3 * power, rel=1e-11, abs=1e-300)
    assert gradients.initial["a"][0] == pytest.approx(power, rel=1e-11, abs=1e-300)
    assert float(gradients.params["w"]) == pytest.approx(slope, rel=1e-11, abs=1e-290)


class ExactSLSTM:
    """One unit of sLSTM without the stabiliser, in as many digits as it takes: c and n grow like exp of the exponents' sum."""

    def __init__(self, exponent, steps):
        random = np.random.default_rng(13)
        self.exponent, self.x = exponent, random.normal(size=(steps, 1, 1))
        names = ("W_i", "b_i", "R_i", "W_f", "b_f", "R_f", "W_z", "b_z", "R_z", "W_o", "b_o", "R_o")
        self.weights = {n: random.normal() * (exponent if n[2:] in "if" else 1) for n in names}
        self.weights["R_i"] = self.weights["R_f"] = exponent / 10

    def params(self):
        shapes = {"W": (1, 1), "b": (1,), "R": (1, 1, 1)}
        return {n: np.full(shapes[n[0]], w) for n, w in self.weights.items()}

    def total(self, **moved):
        """The sum of h over all steps, with some weights moved; mpmath's exponents have no end."""
        w = {n: mpmath.mpf(moved.get(n, a)) for n, a in self.weights.items()}
        h, c, n, whole = mpmath.mpf(0), mpmath.mpf(0), mpmath.mpf(0), mpmath.mpf(0)
        for x in map(mpmath.mpf, self.x.ravel()):
            i, f, z, o = (w[f"W_{g}"] * x + w[f"b_{g}"] + w[f"R_{g}"] * h for g in "ifzo")
            f = 1 / (1 + mpmath.exp(-f))
            c, n = f * c + mpmath.exp(i) * mpmath.tanh(z), f * n + mpmath.exp(i)
            h = c / n / (1 + mpmath.exp(-o))
            whole += h
        return whole


@pytest.mark.parametrize("exponent", [1, 100, 3000])
def test_the_stabiliser_of_slstm_at_extreme_exponents(exponent):
    exact, kernel = ExactSLSTM(exponent, 12), cells.slstm.compile("float64")
    run = kernel.forward(exact.params(), exact.x)
    gradients = kernel.backward(run, {"h": np.ones_like(run.states["h"])})
    with mpmath.workdps(60):
        assert run.states["h"].sum() == pytest.approx(float(exact.total()), rel=1e-10)
        for name, w in exact.weights.items():
            step = mpmath.mpf(10) ** -25
            slope = (exact.total(**{name: w + step}) - exact.total(**{name: w - step})) / (2 * step)
            # c / n is the same for any shift of b_i: terms of order one, each rounded, add up to next to nothing
            assert gradients.params[name].sum() == pytest.approx(float(slope), rel=1e-8, abs=1e-15), name


@pytest.mark.parametrize("power", (-1, Rational(-1, 2), Rational(-3, 2), Rational(1, 2)))
def test_quotients_and_roots_over_the_whole_range(power):
    """In vectors and in what is left of them, subnormal numbers, zero and infinity included."""
    x = Input("x")
    values = np.geomspace(1e-45, 3e38, 61).astype(np.float32)
    values = np.concatenate([values, [0, np.inf, np.nan]]).astype(np.float32).reshape(1, 1, -1)
    kernel = Cell("power", [Eq(State("h"), x**power)]).compile("float32")
    with np.errstate(over="ignore", divide="ignore"):
        expected = (values.astype(np.float64) ** float(power)).astype(np.float32)
    for found in (kernel.forward({}, values).states["h"], kernel.step({}, values[0])["h"][None]):
        np.testing.assert_allclose(found, expected, rtol=4e-7, atol=np.finfo("f4").tiny)
