"""Sums over many steps and samples are as exact as short ones. Equal numbers are the worst: rounding goes one way."""

import numpy as np
import pytest
from sympy import Eq

from symcell import Cell, Input, Param, State, affine, total

EXACT = 2e-6  # relative; one number after another gives 1e-4 for a hundred thousand numbers, and 1e-2 for a million


@pytest.fixture(scope="module")
def adding():
    """Everything that is added up over steps and samples: a bias, a matrix, a scalar, a gradient of weights, and what a state
    begins with."""
    x, m, h, v, s, M = Input("x"), Input("m", ("n_x", 2)), State("h"), State("v", "n_x"), State("s", ()), State("M", ("n_x", 2))
    first = State("first", "n_x", initial=Param("begin"))
    return Cell("adding", [
        Eq(h, affine(x, bias=False)), Eq(v, x + Param("b")), Eq(s, Param("k", shape=()) * total(x)), Eq(M, m * Param("A", ("n_x", 2))),
        Eq(first, first.prev),
    ]).compile("float32")  # fmt: skip


@pytest.mark.parametrize("T, B, options", (
    (200_000, 1, {}),
    (200_000, 1, {"checkpoint": True}),
    (200_000, 1, {"checkpoint": 200}),
    (1, 200_000, {}),
    (50, 4000, {"threads": 2}),
))  # fmt: skip
def test_gradients_of_many_steps_and_samples(adding, T, B, options):
    params = adding.init(n_x=2, n_h=2)
    inputs = {"x": np.full((T, B, 2), 0.7, "float32"), "m": np.full((T, B, 2, 2), 0.7, "float32")}
    run = adding.forward(params, inputs, **options)
    given = np.float32(0.1)
    cotangents = {name: np.broadcast_to(given, (T, *a.shape)) for name, a in run.final.items() if name != "first"}
    grads = adding.backward(run, cotangents, final={"first": np.full((B, 2), given)}).params
    x, bar = float(inputs["x"][0, 0, 0]), float(given)
    for name, each in (("b", bar), ("W_h", bar * x), ("k", 2 * bar * x), ("A", bar * x)):
        np.testing.assert_allclose(grads[name], T * B * each, rtol=EXACT, err_msg=name)
    np.testing.assert_allclose(grads["begin"], B * bar, rtol=EXACT)


@pytest.mark.parametrize("steps", (70, 5000))
def test_infinity_is_added_up_to_infinity(adding, steps):
    """Compensated sums make NaN of it."""
    params = adding.init(n_x=2, n_h=2)
    inputs = {"x": np.ones((steps, 1, 2), "float32"), "m": np.ones((steps, 1, 2, 2), "float32")}
    run = adding.forward(params, inputs)
    bar = np.ones((steps, 1, 2), "float32")
    bar[steps // 2] = np.inf
    for name, param in (("v", "b"), ("h", "W_h")):
        assert (adding.backward(run, {name: bar}).params[param] == np.inf).all()
