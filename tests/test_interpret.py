"""The interpreter: against the hand-written references, and against values worked out by hand."""

import numpy as np
import pytest
import sympy
from references import REFERENCES
from sympy import Eq, Heaviside, Max, Min, Mod, Piecewise, Rational, symbols

from symcell import (
    Cell,
    CellError,
    Constant,
    Input,
    Param,
    State,
    cells,
    concat,
    hard_sigmoid,
    identity,
    leaky_relu,
    mean,
    outer,
    relu,
    repeat,
    row,
    sigmoid,
    silu,
    softplus,
    stop_gradient,
    total,
)
from symcell.interpret import evaluate, run
from symcell.language.sizes import size

STEP = 1e-50
SIZES = {size("n_x"): 3, size("n_h"): 5, size("n_y"): 4}
x, h, z, w = Input("x"), State("h"), symbols("z", real=True), symbols("w", real=True)


def random_arrays(cell, T=4, B=3, seed=0):
    """params, inputs, initial and cotangents of a cell, normal random numbers."""
    rng = np.random.default_rng(seed)

    def normal(quantities, *lead):
        return {q.name: rng.normal(size=(*lead, *(int(n.subs(SIZES)) for n in cell.shape(q)))) for q in quantities}

    return normal(cell.params), normal(cell.inputs, T, B), normal(cell.states, B), normal(cell.states, T, B)


@pytest.mark.parametrize("name", REFERENCES)
def test_states_are_those_of_the_reference(name):
    params, inputs, initial, _ = random_arrays(cells.get(name))
    found = run(cells.get(name), params, inputs, initial)
    expected, _ = REFERENCES[name].forward(params, inputs, initial)
    assert found.keys() == expected.keys()
    for state, a in expected.items():
        np.testing.assert_allclose(found[state], a, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("name", REFERENCES)
def test_the_complex_step_gives_the_gradient_of_the_reference(name):
    params, inputs, initial, cotangents = random_arrays(cells.get(name))
    states, tape = REFERENCES[name].forward(params, inputs, initial)
    final = {state: np.zeros_like(a) for state, a in initial.items()}
    gradients = REFERENCES[name].backward(params, inputs, initial, states, tape, cotangents, final)
    rng = np.random.default_rng(1)
    for which, group in enumerate((params, inputs, initial)):
        for key, a in group.items():
            direction = rng.normal(size=a.shape)
            groups = [params, inputs, initial]
            groups[which] = group | {key: a + 1j * STEP * direction}
            slope = sum((cotangents[state] * value.imag).sum() for state, value in run(cells.get(name), *groups).items()) / STEP
            terms = gradients[which][key] * direction
            assert abs(terms.sum() - slope) <= 1e-13 * np.abs(terms).sum(), key


# Functions of one unit: expression, point, value, derivative, to be met to rounding.

FUNCTIONS = [
    (sympy.tanh(z), 0.5, np.tanh(0.5), 1 - np.tanh(0.5) ** 2),
    (sympy.exp(z), -2.0, np.exp(-2), np.exp(-2)),
    (sympy.log(z), 3.0, np.log(3), 1 / 3),
    (sympy.sqrt(z), 2.25, 1.5, 1 / 3),
    (z ** 3, -2.0, -8.0, 12.0),
    (z ** -2, -2.0, 0.25, 0.25),
    (z ** Rational(3, 2), 4.0, 8.0, 3.0),
    (2 ** z, 3.0, 8.0, 8 * np.log(2)),
    (z ** z, 2.0, 4.0, 4 * (1 + np.log(2))),
    (sympy.sin(z) / z, 1.5, np.sin(1.5) / 1.5, (1.5 * np.cos(1.5) - np.sin(1.5)) / 2.25),
    (sympy.atan2(z, 2), -1.0, np.arctan2(-1, 2), 0.4),
    (sympy.atan2(2, z), -1.0, np.arctan2(2, -1), -0.4),
    (sympy.erf(z), 0.0, 0.0, 2 / np.sqrt(np.pi)),
    (sympy.erfc(z), 0.0, 1.0, -2 / np.sqrt(np.pi)),
    (sympy.sech(z), 0.5, 1 / np.cosh(0.5), -np.tanh(0.5) / np.cosh(0.5)),
    (sigmoid(z), -800.0, 0.0, 0.0),
    (sigmoid(z), 0.0, 0.5, 0.25),
    (sigmoid(z), 800.0, 1.0, 0.0),
    (softplus(z), 0.0, np.log(2), 0.5),
    (softplus(z), 800.0, 800.0, 1.0),
    (silu(z), 1.0, 1 / (1 + np.exp(-1)), 0.9276705118714869),
    (relu(z), 2.0, 2.0, 1.0),
    (relu(z), 0.0, 0.0, 0.0),
    (relu(z), -2.0, 0.0, 0.0),
    (leaky_relu(z), -2.0, -0.02, 0.01),
    (leaky_relu(z, Rational(1, 5)), -2.0, -0.4, 0.2),
    (hard_sigmoid(z), 1.5, 0.75, 1 / 6),
    (hard_sigmoid(z), 3.5, 1.0, 0.0),
    (Max(z, 1, -z), 3.0, 3.0, 1.0),
    (Min(z, 1), 3.0, 1.0, 0.0),
    (Max(z, z ** 2), 1.0, 1.0, 1.5),  # a tie is shared
    (sympy.Abs(z), -2.0, 2.0, -1.0),
    (sympy.Abs(z), 0.0, 0.0, 0.0),
    (z * sympy.sign(z), -2.0, 2.0, -1.0),
    (z * sympy.floor(z), 2.5, 5.0, 2.0),
    (z * sympy.ceiling(z), 2.5, 7.5, 3.0),
    (z * Heaviside(z, 0), 0.0, 0.0, 0.0),
    (Heaviside(z), 0.0, 0.5, 0.0),
    (Mod(z, 2), -0.5, 1.5, 1.0),
    (Mod(5, z), 2.0, 1.0, -2.0),
    (Piecewise((z ** 2, z > 1), (z, (z > 0) | (z < -1)), (7, True)), 2.0, 4.0, 4.0),
    (Piecewise((z ** 2, z > 1), (z, (z > 0) | (z < -1)), (7, True)), -2.0, -2.0, 1.0),
    (Piecewise((z ** 2, z > 1), (z, (z > 0) & ~(z > 2)), (7, True)), -0.5, 7.0, 0.0),
    (Piecewise((sympy.log(z), z > 0), (z, True)), -1.0, -1.0, 1.0),  # the other branch is undefined
    (stop_gradient(z) * z, 3.0, 9.0, 3.0),
]


@pytest.mark.parametrize(("e", "at", "value", "slope"), FUNCTIONS, ids=lambda v: str(v))
def test_functions_and_their_complex_step(e, at, value, slope):
    with np.errstate(all="ignore"):
        real, moved = evaluate(e, {z: np.float64(at)}), evaluate(e, {z: np.array([at + 1j * STEP])})
    np.testing.assert_allclose(real, value, rtol=1e-15, atol=1e-300)
    np.testing.assert_allclose(np.real(moved), [value], rtol=1e-15, atol=1e-300)
    np.testing.assert_allclose(np.imag(moved) / STEP, [slope], rtol=4e-15, atol=1e-300)


def test_an_unknown_function_is_named():
    with pytest.raises(CellError, match="LambertW"):
        evaluate(sympy.LambertW(z), {z: np.float64(1)})
    with pytest.raises(CellError, match="w has no value"):
        evaluate(z + w, {z: np.float64(1)})


# Whole cells by hand.


def test_a_recurrence_by_hand():
    cell = Cell("leaky", [Eq(h, h.prev / 2 + Param("W") @ x + Constant("k"))])
    params = {"W": np.array([[1.0, 2.0]]), "k": np.array([0.5])}
    inputs = {"x": np.array([[[1.0, 1.0]], [[0.0, 3.0]], [[-1.0, 0.0]]])}
    np.testing.assert_array_equal(run(cell, params, inputs)["h"].ravel(), [3.5, 8.25, 3.625])
    np.testing.assert_array_equal(run(cell, params, inputs, {"h": np.array([[4.0]])})["h"].ravel(), [5.5, 9.25, 4.125])


def test_a_matrix_state_and_two_inputs():
    k, v, M, y = Input("k"), Input("v"), State("M", ("n_v", "n_k")), State("y", "n_v")
    cell = Cell("memory", [Eq(M, M.prev + outer(v, k)), Eq(y, M @ k)])
    rng = np.random.default_rng(0)
    inputs = {"k": rng.normal(size=(3, 2, 4)), "v": rng.normal(size=(3, 2, 5))}
    states = run(cell, {}, inputs)
    expected = np.einsum("tbi,tbj->tbij", inputs["v"], inputs["k"]).cumsum(axis=0)
    np.testing.assert_allclose(states["M"], expected, rtol=1e-14)
    np.testing.assert_allclose(states["y"], np.einsum("tbij,tbj->tbi", expected, inputs["k"]), rtol=1e-13)


def test_sizes_in_expressions_are_read_off_the_arrays():
    n = size("n_h")
    A, B = Param("A"), Param("B")
    cell = Cell("sizes", [Eq(h, repeat(B @ concat(x, h.prev), 2) / n + (A + identity(n)) @ h.prev * mean(x) - total(h.prev) / n)])
    rng = np.random.default_rng(0)
    params, inputs = {"A": rng.normal(size=(4, 4)), "B": rng.normal(size=(2, 7))}, {"x": rng.normal(size=(1, 1, 3))}
    initial = {"h": rng.normal(size=(1, 4))}
    u, start = inputs["x"][0, 0], initial["h"][0]
    repeated = np.repeat(params["B"] @ np.concatenate([u, start]), 2)
    expected = repeated / 4 + (params["A"] @ start + start) * u.mean() - start.mean()
    np.testing.assert_allclose(run(cell, params, inputs, initial)["h"][0, 0], expected, rtol=1e-14)


def test_scalars_are_broadcast_to_the_state():
    s = Input("s", ())
    cell = Cell("broadcast", [Eq(h, s * Param("p")), Eq(State("M", ("n_h", 2)), row(Param("q")) * s + 0 * outer(h, Param("q")))])
    states = run(cell, {"p": np.ones(3), "q": np.array([1.0, 2.0])}, {"s": np.full((1, 2), 5.0)})
    np.testing.assert_array_equal(states["M"][0, 1], [[5, 10]] * 3)


def test_declared_initial_values():
    c, d = State("c", "n_h", initial=Param("c_0", "n_h")), State("d", "n_h", initial=3)
    cell = Cell("initial", [Eq(c, c.prev * Param("p")), Eq(d, d.prev + c * x)])
    states = run(cell, {"c_0": np.array([1.0, 2.0]), "p": np.array([3.0, 4.0])}, {"x": np.ones((1, 1, 2))})
    np.testing.assert_array_equal(states["c"][0, 0], [3, 8])
    np.testing.assert_array_equal(states["d"][0, 0], [6, 11])


def test_no_steps_and_complex_dtype():
    params, inputs, initial, _ = random_arrays(cells.lstm, T=0)
    assert run(cells.lstm, params, inputs, initial)["h"].shape == (0, 3, 5)
    params, inputs, initial, _ = random_arrays(cells.lstm)
    assert run(cells.lstm, {name: a.astype(np.float32) for name, a in params.items()}, inputs, initial)["h"].dtype == np.float64
    assert run(cells.lstm, params, inputs, initial | {"c": initial["c"] + 0j})["h"].dtype == np.complex128


def test_what_does_not_fit_is_refused():
    params, inputs, initial, _ = random_arrays(cells.lstm)
    with pytest.raises(CellError, match="params lacks U_f"):
        run(cells.lstm, {name: a for name, a in params.items() if name != "U_f"}, inputs, initial)
    with pytest.raises(CellError, match="U_f has shape"):
        run(cells.lstm, params | {"U_f": np.ones((5, 4))}, inputs, initial)
    with pytest.raises(CellError, match="x has shape"):
        run(cells.lstm, params, {"x": inputs["x"][..., 0]}, initial)
    with pytest.raises(CellError, match="steps or samples"):
        run(cells.lstm, params, inputs, initial | {"c": initial["c"][:2]})
    with pytest.raises(CellError, match="unknown names s"):
        run(cells.lstm, params, inputs | {"s": inputs["x"]}, initial)
    x_and_h = Cell("apart", [Eq(h, h.prev + total(x))])
    with pytest.raises(CellError, match="cannot be read off"):
        run(x_and_h, {}, inputs)
