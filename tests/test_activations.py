"""Functions of one unit, in a kernel: values and derivatives against arbitrary precision, kinks, what is not finite; and in
place of tanh and sigma in published cells."""

from functools import cache

import mpmath
import numpy as np
import pytest
import sympy
from support.plain import plain_kernel
from sympy import Abs, Eq, Function, Heaviside, Max, Min, Mod, Piecewise, Rational, Symbol, ceiling, floor, sign, tanh

from symcell import (
    Cell,
    CellError,
    Input,
    Param,
    State,
    affine,
    cells,
    elu,
    gelu,
    gelu_tanh,
    hard_sigmoid,
    hard_tanh,
    leaky_relu,
    log_sigmoid,
    mish,
    relu,
    sigmoid,
    silu,
    softmax,
    softplus,
    stop_gradient,
)
from symcell.interpret import run as interpret

x, y = Symbol("x"), Symbol("y")


class cube(Function):
    """A user's own function, which SymPy can differentiate and rewrite."""

    nargs = 1

    def fdiff(self, argindex=1):
        return 3 * self.args[0] ** 2

    def _eval_rewrite(self, rule, args, **hints):
        return args[0] ** 3


LINE = np.linspace(-3.37, 3.41, 23)
UNIT, POSITIVE, ABOVE_ONE = np.linspace(-0.97, 0.96, 23), np.linspace(0.03, 4.1, 23), np.linspace(1.02, 5.3, 23)

# name -> (function of x, and perhaps y; where it is compared)
SMOOTH = {
    "sigmoid": (sigmoid(x), LINE * 9),
    "tanh": (tanh(x), LINE * 3),
    "softplus": (softplus(x), LINE * 9),
    "silu": (silu(x), LINE * 3),
    "log_sigmoid": (log_sigmoid(x), LINE * 9),
    "log_of_sigmoid": (sympy.log(sigmoid(x)), LINE * 9),
    "exp": (sympy.exp(x), LINE * 9),
    "log": (sympy.log(x), POSITIVE),
    "sin": (sympy.sin(x), LINE),
    "cos": (sympy.cos(x), LINE),
    "tan": (sympy.tan(x / 3), LINE),
    "asin": (sympy.asin(x), UNIT),
    "acos": (sympy.acos(x), UNIT),
    "atan": (sympy.atan(x), LINE),
    "sinh": (sympy.sinh(x), LINE),
    "cosh": (sympy.cosh(x), LINE),
    "asinh": (sympy.asinh(x), LINE),
    "acosh": (sympy.acosh(x), ABOVE_ONE),
    "atanh": (sympy.atanh(x), UNIT),
    "erf": (sympy.erf(x), LINE),
    "erfc": (sympy.erfc(x), LINE),
    "gelu": (gelu(x), LINE),
    "gelu_tanh": (gelu_tanh(x), LINE),
    "mish": (mish(x), LINE * 3),
    "elu": (elu(x), LINE),
    "elu_of_two": (elu(x, y), LINE),
    "hard_tanh": (hard_tanh(x), LINE),
    "softsign": (x / (1 + Abs(x)), LINE),
    "sech": (sympy.sech(x), LINE),
    "coth": (sympy.coth(x), LINE),
    "sinc": (sympy.sinc(x), LINE + 0.2),
    "sqrt": (sympy.sqrt(x), POSITIVE),
    "rsqrt": (1 / sympy.sqrt(x), POSITIVE),
    "cbrt": (sympy.cbrt(x), POSITIVE),
    "reciprocal": (1 / x, POSITIVE),
    "square": (x**2, LINE),
    "fifth": (x**5, LINE),
    "minus_third": (x**-3, POSITIVE),
    "two_to_the": (2**x, LINE),
    "to_the": (x**y, POSITIVE),
    "atan2": (sympy.atan2(x, y), LINE),
    "cube": (cube(x), LINE),
    "huge": (x * 10**25, LINE),
    "rational": (x * Rational(123456789123456789, 987654321987654321) + sympy.pi, LINE),
    "relu": (relu(x), LINE),
    "leaky_relu": (leaky_relu(x), LINE),
    "leaky_fifth": (leaky_relu(x, Rational(1, 5)), LINE),
    "prelu": (leaky_relu(x, y), LINE),
    "hard_sigmoid": (hard_sigmoid(x), LINE * 2),
    "absolute": (Abs(x), LINE),
    "signed": (sign(x) * x**2, LINE),
    "floored": (floor(x) * x, LINE),
    "ceiled": (ceiling(x) * x, LINE),
    "fraction": (sympy.frac(x), LINE),
    "stepped": (Heaviside(x) * x, LINE),
    "largest": (Max(x, y), LINE),
    "smallest": (Min(x, y), LINE),
    "clipped": (Max(-1, Min(1, x)), LINE),
    "largest_of_three": (Max(x, y, 0), LINE),
    "remainder": (Mod(x, y), POSITIVE),
    "cases": (Piecewise((x**2, sympy.And(x > y, x < 1)), (x * y, sympy.Or(x < -1, y < 0)), (sympy.sin(x), True)), LINE),
    "undefined_elsewhere": (Piecewise((sympy.sqrt(x), x > 0), (0, True)), LINE),
}  # fmt: skip


CHUNK = 15  # functions in a kernel: compiling takes longer than in proportion


def own_symbols(name, e):
    """The expression of inputs of its own, so that no function's NaN meets another's."""
    return e.subs({x: Input(f"x_{name}", "n"), y: Input(f"y_{name}", "n")}, simultaneous=True)


@cache
def kernel_of(chunk):
    """Several functions at once, each a state."""
    names = list(SMOOTH)[chunk * CHUNK : (chunk + 1) * CHUNK]
    return Cell("probe", [Eq(State(f"s_{n}", "n"), own_symbols(n, SMOOTH[n][0])) for n in names]).compile("float64")


def computed(name, at, beside=None):
    """A function's values, and its derivatives by x and by y, as a kernel computes them."""
    kernel = kernel_of(list(SMOOTH).index(name) // CHUNK)
    at = np.asarray(at, float)
    beside = np.full_like(at, 0.7) if beside is None else np.asarray(beside, float)
    inputs = {n: np.ones((1, 1, at.size)) for n in kernel.interface.inputs} | {f"x_{name}": at[None, None]}
    if f"y_{name}" in inputs:
        inputs[f"y_{name}"] = beside[None, None]
    run = kernel.forward({}, inputs, {n: np.zeros((1, at.size)) for n in kernel.interface.states})
    slopes = kernel.backward(run, {f"s_{name}": np.ones((1, 1, at.size))}).inputs
    by_y = slopes[f"y_{name}"][0, 0] if f"y_{name}" in slopes else np.zeros(at.size)
    return run.states[f"s_{name}"][0, 0], slopes[f"x_{name}"][0, 0], by_y


def precise(e):
    """The function in arbitrary precision."""
    while units := [f for f in e.atoms(Function) if hasattr(f, "elementary")]:
        e = e.xreplace({f: f.elementary() for f in units})
    return sympy.lambdify((x, y), e.replace(cube, lambda a: a**3), "mpmath")


@pytest.mark.parametrize("name", SMOOTH)
def test_values_and_derivatives(name):
    e, points = SMOOTH[name]
    function = precise(e)
    values, by_x, by_y = computed(name, points)
    with mpmath.workdps(40):
        beside = mpmath.mpf(0.7)
        expected = [function(mpmath.mpf(p), beside) for p in points]
        slopes = [mpmath.diff(lambda a: function(a, beside), mpmath.mpf(p)) for p in points]
        others = [mpmath.diff(lambda b, p=p: function(mpmath.mpf(p), b), beside) for p in points]
    np.testing.assert_allclose(values, np.array(expected, float), rtol=5e-15, atol=1e-15)
    np.testing.assert_allclose(by_x, np.array(slopes, float), rtol=1e-14, atol=5e-15)
    np.testing.assert_allclose(by_y, np.array(others, float), rtol=1e-14, atol=5e-15)


# function -> (x, y), its value there, its derivatives by x and by y: as the docstrings state them
KINKS = {
    "relu": ((0.0, 0), 0, 0, 0),
    "leaky_relu": ((0.0, 0), 0, 0.01, 0),
    "leaky_fifth": ((0.0, 0), 0, 0.2, 0),
    "absolute": ((0.0, 0), 0, 0, 0),
    "signed": ((0.0, 0), 0, 0, 0),
    "floored": ((2.0, 0), 4, 2, 0),
    "ceiled": ((2.0, 0), 4, 2, 0),
    "fraction": ((2.0, 0), 0, 1, 0),
    "stepped": ((0.0, 0), 0, 0.5, 0),
    "largest": ((1.5, 1.5), 1.5, 0.5, 0.5),
    "smallest": ((1.5, 1.5), 1.5, 0.5, 0.5),
    "clipped": ((1.0, 0), 1, 0.5, 0),
    "largest_of_three": ((0.0, 0.0), 0, 1 / 3, 1 / 3),
    "remainder": ((1.5, 0.5), 0, 1, -3),
    "cases": ((0.25, 0.25), np.sin(0.25), np.cos(0.25), 0),
    "softsign": ((0.0, 0), 0, 1, 0),
    "sinc": ((0.0, 0), 1, 0, 0),
    "undefined_elsewhere": ((0.0, 0), 0, 0, 0),
    "fifth": ((0.0, 0), 0, 0, 0),
    "square": ((0.0, 0), 0, 0, 0),
}


@pytest.mark.parametrize("name", KINKS)
def test_kinks_have_the_stated_derivative(name):
    (at, beside), *expected = KINKS[name]
    np.testing.assert_allclose([a[0] for a in computed(name, [at], [beside])], expected, rtol=1e-15, atol=1e-300)


def test_what_is_clipped_is_flat_at_both_ends():
    values, slopes, _ = computed("hard_tanh", [-1.0, 1.0, -7.0, 7.0, 0.0])
    np.testing.assert_array_equal([values, slopes], [[-1, 1, -1, 1, 0], [0, 0, 0, 0, 1]])
    values, slopes, _ = computed("hard_sigmoid", [-3.0, 3.0, -7.0, 7.0, 0.0])
    np.testing.assert_allclose(values, [0, 1, 0, 1, 0.5], atol=1e-16)
    np.testing.assert_array_equal(slopes, [0, 0, 0, 0, 1 / 6])


@pytest.mark.parametrize("name", [name for name in SMOOTH if name not in ("cases", "undefined_elsewhere")])
def test_nan_goes_through(name):
    values, _, _ = computed(name, [np.nan, SMOOTH[name][1][-1]])
    assert np.isnan(values[0]) and np.isfinite(values[1])


@pytest.mark.parametrize(
    "name", ["sigmoid", "tanh", "softplus", "silu", "relu", "leaky_relu", "hard_sigmoid", "absolute", "exp", "square"]
)
def test_nan_goes_through_the_derivative(name):
    assert np.isnan(computed(name, [np.nan])[1][0])


@pytest.mark.parametrize("name, values, slopes", [
    ("tanh", (-1, 1), (0, 0)),
    ("sigmoid", (0, 1), (0, 0)),
    ("softplus", (0, np.inf), (0, 1)),
    ("relu", (0, np.inf), (0, 1)),
    ("leaky_relu", (-np.inf, np.inf), (0.01, 1)),
    ("hard_sigmoid", (0, 1), (0, 0)),
    ("absolute", (np.inf, np.inf), (-1, 1)),
    ("largest", (0.7, np.inf), (0, 1)),
    ("smallest", (-np.inf, 0.7), (1, 0)),
    ("exp", (0, np.inf), (0, np.inf)),
    ("erf", (-1, 1), (0, 0)),
    ("atan", (-np.pi / 2, np.pi / 2), (0, 0)),
    ("elu", (-1, np.inf), (0, 1)),
    ("hard_tanh", (-1, 1), (0, 0)),
])  # fmt: skip
def test_infinity(name, values, slopes):
    found = computed(name, [-np.inf, np.inf])
    np.testing.assert_allclose(found[0], values)
    np.testing.assert_allclose(found[1], slopes)


@pytest.mark.parametrize("name, e", [("sigmoid", sigmoid(x)), ("tanh", tanh(x)), ("softplus", softplus(x)), ("silu", silu(x))])
def test_large_arguments_neither_overflow_nor_lose_digits(name, e):
    points = np.array([-700.0, -40, -1e-300, 0, 1e-300, 1e-8, 40, 700])
    with mpmath.workdps(400):
        expected = [float(precise(e)(mpmath.mpf(p), 0)) for p in points]
    np.testing.assert_allclose(computed(name, points)[0], expected, rtol=1e-15, atol=1e-320)


@pytest.mark.parametrize("base", [relu, Abs])
def test_the_gradient_of_an_exponent_is_zero_at_base_zero(base):
    u = Input("x", "n")
    kernel = Cell("toy", [Eq(State("h", "n"), base(u) ** Param("p"))]).compile("float64")
    at, p = np.array([0.0, 0.0, 0.5, 0.0]), np.array([2.0, 0.5, 1.5, -1.0])
    run = kernel.forward({"p": p}, at[None, None])
    slopes = kernel.backward(run, {"h": np.ones((1, 1, 4))}).params["p"]
    np.testing.assert_allclose(slopes, [0, 0, 0.5**1.5 * np.log(0.5), -np.inf], rtol=1e-14)


def test_the_derivative_of_sinc_reads_well():
    h, u = State("h"), Input("x")
    assert r"\operatorname{sinc}'" in Cell("toy", [Eq(h, sympy.sinc(u))]).derive().latex()


def test_a_function_without_a_derivative_is_refused():
    class opaque(Function):
        nargs = 1

    with pytest.raises(CellError, match=r"toy.*equation 1 \(h = \.\.\.\).*opaque"):
        Cell("toy", [Eq(State("h"), opaque(Input("x")))])


def test_a_function_with_a_derivative_but_no_text_is_refused():
    class untold(Function):
        nargs = 1

        def fdiff(self, argindex=1):
            return self.args[0]

    with pytest.raises(CellError, match=r"toy.*kernels do not support untold"):
        Cell("toy", [Eq(State("h"), untold(Input("x")))])


# Published cells with other functions in place of tanh and sigma.


def steeper(z):
    return leaky_relu(z, Rational(1, 5))


def gate(z):
    return Piecewise((z / (1 + z), z > 0), (0, True))


VARIANTS = [
    ("rnn", {tanh: relu}),
    ("rnn_readout", {tanh: leaky_relu}),
    ("gru", {tanh: softplus, sigmoid: hard_sigmoid}),
    ("gru_inverted_update", {tanh: relu, sigmoid: softmax}),
    ("lstm", {tanh: steeper, sigmoid: softmax}),
    ("peephole_lstm", {tanh: softmax, sigmoid: gate}),
]


def variant(name, functions):
    """A published cell with its functions exchanged, and its parameters as they were."""
    equations = []
    for e in cells.get(name).equations:
        rhs = e.rhs
        for old, new in functions.items():
            rhs = rhs.replace(old, new)
        equations.append(Eq(e.target, rhs))
    return Cell(f"{name}_variant", equations)


@pytest.mark.parametrize("name, functions", VARIANTS, ids=[name for name, _ in VARIANTS])
def test_any_function_in_any_cell(name, functions):
    cell = variant(name, functions)
    assert {p.name for p in cell.params} == {p.name for p in cells.get(name).params}
    kernel = plain_kernel(cell)
    random = np.random.default_rng(len(name))
    params = kernel.init(seed=2, **dict.fromkeys(cell.sizes, 3) | {"n_x": 2, "n_h": 4})
    params = {n: 2 * a for n, a in params.items()}
    inputs = {"x": random.normal(size=(5, 3, 2))}
    found = kernel.forward(params, inputs)
    bars = {n: random.normal(size=a.shape) for n, a in found.states.items()}
    for n, expected in interpret(cell, params, inputs).items():
        np.testing.assert_allclose(found.states[n], expected, rtol=1e-12, atol=1e-14)
    gradients = kernel.backward(found, bars)
    for group, values in (("params", params), ("inputs", inputs)):
        for n, a in values.items():
            direction = random.normal(size=a.shape)
            moved = {"params": params, "inputs": inputs} | {group: values | {n: a + 1e-50j * direction}}
            expected = sum((bars[s] * b.imag).sum() for s, b in interpret(cell, **moved).items()) / 1e-50
            assert (getattr(gradients, group)[n] * direction).sum() == pytest.approx(expected, rel=1e-9, abs=1e-12), n


def test_stop_gradient_stops():
    h, u = State("h"), Input("x")
    kernel = Cell("toy", [Eq(h, stop_gradient(h.prev) + Param("p") * u)]).compile("float64")
    params = kernel.init(n_h=3)
    run = kernel.forward(params, np.ones((4, 2, 3)))
    np.testing.assert_allclose(run.final["h"], np.broadcast_to(4 * params["p"], (2, 3)))
    gradients = kernel.backward(run, None, {"h": np.ones((2, 3))})
    assert not gradients.inputs["x"][:-1].any() and not gradients.initial["h"].any()
    np.testing.assert_allclose(gradients.inputs["x"][-1], np.broadcast_to(params["p"], (2, 3)))
    np.testing.assert_allclose(gradients.params["p"], np.full(3, 2.0))


def test_affine_alone_is_linear():
    cell = Cell("toy", [Eq(State("h"), affine(Input("x")))])
    assert cell.derive().adjoint[0].rhs.free_symbols
