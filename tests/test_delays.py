"""Windows and convolutions over past steps: the states that they add, their values, and what is refused."""

import pickle

import numpy as np
import pytest
from sympy import Eq, symbols, tanh

from symcell import Cell, CellError, Constant, Input, Param, State, affine, convolve, window
from symcell.interpret import run

x, h, y = Input("x"), State("h"), State("y")
u, v = symbols("u v")
T, B, N_X, N_H = 6, 2, 3, 5
RNG = np.random.default_rng(3)
X = RNG.normal(size=(T, B, N_X))


def values(cell, initial=(), **params):
    shapes = {q.name: tuple({"n_x": N_X, "n_h": N_H}[str(n)] for n in cell.shape(q)) for q in (*cell.params, *cell.states)}
    params = {q.name: params.get(q.name, RNG.normal(size=shapes[q.name])) for q in cell.params}
    first = {name: RNG.normal(size=(B, *shapes[name])) for name in initial}
    return params, first, run(cell.declaration, params, {"x": X}, first)


def earlier(a, *initial):
    """a, one step earlier and two ..., after the values before the first step, the last of them first."""
    return [np.concatenate([*[b[None] for b in initial[:k][::-1]], a])[: len(a)] for k in range(len(initial) + 1)]


def test_windows_share_their_states():
    cell = Cell("c", [Eq(u, Param("W") @ x), Eq(h, tanh(sum(window(u, 3)) + window(u, 2)[1] * h.prev))])
    assert [s.name for s in cell.states] == ["h", "u_1", "u_2"]
    assert [str(e) for e in cell.equations[2:]] == ["u_1 = u", "u_2 = u_1_prev"]
    assert cell.shape("u_2") == cell.shape(u) and cell.outputs == (h,)


def test_the_output_is_the_last_state_that_is_no_delay():
    assert Cell("c", [Eq(y, sum(window(x, 2)))]).outputs == (y,)


def test_a_window_survives_pickle():
    found = pickle.loads(pickle.dumps(window(x, 4)))
    assert found == window(x, 4) and hash(found) == hash(window(x, 4)) and found[:2] == window(x, 2)
    assert found[1] != State("x_1").prev and found[1] != window(symbols("x"), 2)[1]


def test_a_window_goes_on_after_the_previous_state_and_after_a_delay():
    assert window(h, 3) == (h, *window(h.prev, 2))
    assert window(window(x, 4)[1], 3) == window(x, 4)[1:]


def test_values_of_an_input_and_of_a_state():
    cell = Cell("c", [Eq(y, sum(k * e for k, e in enumerate(window(h.prev, 3), 1))), Eq(h, Param("W") @ window(x, 3)[2] + h.prev)])
    params, first, states = values(cell, ("x_1", "x_2", "h", "h_2", "h_3", "y"))
    two_ago = earlier(X, first["x_1"], first["x_2"])[2]
    expected_h = first["h"] + np.cumsum(two_ago @ params["W"].T, axis=0)
    np.testing.assert_allclose(states["h"], expected_h)
    of_h = earlier(expected_h, first["h"], first["h_2"], first["h_3"])
    np.testing.assert_allclose(states["y"], of_h[1] + 2 * of_h[2] + 3 * of_h[3])


def test_a_convolution_is_its_sum():
    cell = Cell("c", [Eq(h, convolve(x, 3) + convolve(x, 2, bias=False, name="q"))])
    assert [q.name for q in cell.params] == ["K_h_0", "K_h_1", "K_h_2", "b_h", "K_q_0", "K_q_1"]
    cell = Cell("c", [Eq(u, Param("W") @ x), Eq(h, convolve(u, 3))])
    params, first, states = values(cell, ("u_1", "u_2"))
    of_u = earlier(X @ params["W"].T, first["u_1"], first["u_2"])
    np.testing.assert_allclose(states["h"], sum(params[f"K_h_{k}"] * of_u[k] for k in range(3)) + params["b_h"])


def test_an_earlier_input_has_the_weights_of_an_input():
    cell = Cell("c", [Eq(h, tanh(affine(*window(x, 2), *window(h.prev, 2))))])
    assert [q.name for q in cell.params] == ["W_h_x", "W_h_x_1", "U_h_h", "U_h_h_2", "b_h"]


def test_a_scalar_is_convolved_with_scalars():
    cell = Cell("c", [Eq(h, convolve(Input("t", ()), 2, bias=False) * x)])
    assert cell.shape("K_h_1") == () and cell.shape("t_1") == ()


@pytest.mark.parametrize(("build", "words"), [
    (lambda: window(x, 0), ("positive integer", "found 0")),
    (lambda: window(x, "n"), ("positive integer", "'n'")),
    (lambda: window(Param("W") @ x, 2), ("found W @ x", "an equation of its own")),
    (lambda: window(Constant("A"), 2), ("the constant A", "the same at every step")),
    (lambda: window(7, 2), ("found 7",)),
    (lambda: convolve(x, 3, name="1"), ("convolve's name=", "'1'")),
    (lambda: Cell("c", [Eq(h, window(x, 2)[1]), Eq(symbols("x_1"), x)]), ("'x_1' stands for two things", "that window adds for x")),
    (lambda: Cell("c", [Eq(h, window(u, 2)[1] + x), Eq(u, x)]), ("equation 1", "an earlier value of u")),
    (lambda: Cell("c", [Eq(h, convolve(Input("X", ("n_a", "n_b")), 2))]), ("convolve takes vectors and scalars", "matrix X")),
    (lambda: Cell("c", [Eq(h, convolve(x, 2) + convolve(x, 3))]), ("2 unnamed convolve(...)",)),
])  # fmt: skip
def test_what_is_refused(build, words):
    with pytest.raises(CellError) as error:
        build()
    assert all(word in str(error.value) for word in words), error.value
