"""Shapes by unification: what sizes follow from the equations alone, and what kernels then bind them to."""

import numpy as np
import pytest
import sympy
from sympy import Eq, Piecewise, sqrt, symbols, tanh

from symcell import (
    Cell,
    CellError,
    Constant,
    Input,
    Param,
    State,
    affine,
    cells,
    column,
    concat,
    cumsum,
    dot,
    identity,
    matmul,
    mean,
    outer,
    part,
    repeat,
    row,
    sigmoid,
    softmax,
    total,
    variance,
)
from symcell.interpret import run as interpret
from symcell.language.sizes import size
from symcell.targets.sizes import _inverse

x, y, h, c = Input("x"), Input("y"), State("h"), State("c")
a, f, g, q, z = symbols("a f g q z")
s, M = State("s", ()), State("M", ("n_m", "n_k"))


def shapes(*equations):
    """name -> shape as text, for all that the equations speak of."""
    cell = Cell("toy", equations)
    return {q.name: ", ".join(map(str, shape)) for q, shape in cell.shapes.items()}


def test_the_lstm():
    found = {name: cells.lstm.shape(q) for name, q in ((q.name, q) for q in (*cells.lstm.params, *cells.lstm.intermediates))}
    n_x, n_h = size("n_x"), size("n_h")
    for gate in "ifgo":
        assert found[f"W_{gate}"] == (n_h, n_x)
        assert found[f"U_{gate}"] == (n_h, n_h)
        assert found[f"b_{gate}"] == found[gate] == (n_h,)
    assert cells.lstm.sizes == ("n_x", "n_h")


@pytest.mark.parametrize("name", ["gru", "gru_reset_after", "lstm", "peephole_lstm", "rnn", "slstm", "t_lstm", "zoneout_lstm"])
def test_every_gate_of_the_catalogue_is_a_vector_of_units(name):
    cell = cells.get(name)
    widths = {n for state in cell.states for n in cell.shape(state)}
    for q in cell.intermediates:
        assert set(cell.shape(q)) <= widths


SHAPES = {
    "a lone input is n_x": ([Eq(h, tanh(affine(Input("u"), h.prev)))], {"u": "n_x", "W_h": "n_h, n_x", "U_h": "n_h, n_h"}),
    "several inputs have sizes of their own": (
        [Eq(h, affine(x, y))],
        {"x": "n_x", "y": "n_y", "W_h_x": "n_h, n_x", "W_h_y": "n_h, n_y", "b_h": "n_h"},
    ),
    "a declared input leaves the name to the other": ([Eq(h, affine(x, Input("u", ())))], {"x": "n_x", "u": "", "W_h_u": "n_h"}),
    "an input added to a state has its size": ([Eq(h, x + h.prev)], {"x": "n_h", "h": "n_h"}),
    "a declared state": ([Eq(State("p", "n_p"), affine(x))], {"p": "n_p", "W_p": "n_p, n_x", "b_p": "n_p"}),
    "a state of a number of units": ([Eq(State("h", 4), affine(x))], {"h": "4", "W_h": "4, n_x"}),
    "a state of one unit": ([Eq(State("h", 1), affine(x))], {"h": "1", "W_h": "1, n_x"}),
    "two widths": (
        [Eq(h, affine(x, State("p", "n_p").prev)), Eq(State("p", "n_p"), affine(h))],
        {"h": "n_h", "p": "n_p", "U_h": "n_h, n_p", "U_p": "n_p, n_h"},
    ),
    "bare parameters are vectors": ([Eq(h, Param("v") * h.prev + x)], {"v": "n_h"}),
    "parameters before @ are matrices": ([Eq(h, Param("A") @ x)], {"A": "n_h, n_x"}),
    "under .T as well": ([Eq(z, Param("A") @ x), Eq(h, Param("A").T @ z + h.prev)], {"A": "n_z, n_h", "x": "n_h", "z": "n_z"}),
    "in a sum before @": ([Eq(h, matmul(Param("A") - Param("A").T, h.prev) + x)], {"A": "n_h, n_h"}),
    "with the identity": ([Eq(h, matmul(Param("A") + identity("n_h"), h.prev) + x)], {"A": "n_h, n_h"}),
    "shared by two equations": ([Eq(z, Param("A") @ x), Eq(h, Param("A") @ tanh(z))], {"A": "n_h, n_h", "x": "n_h", "z": "n_h"}),
    "scalars go with everything": (
        [Eq(z, Param("k", ()) * x), Eq(h, z * Input("u", ()) + Param("A") @ x)],
        {"k": "", "u": "", "x": "n_h", "A": "n_h, n_h"},
    ),
    "a scalar in affine": ([Eq(h, affine(Input("u", ()), h.prev))], {"u": "", "W_h": "n_h", "U_h": "n_h, n_h"}),
    "a scalar state": ([Eq(s, s.prev + mean(x)), Eq(h, s * x)], {"s": "", "x": "n_h"}),
    "a scalar fills a state": ([Eq(s, s.prev + mean(x)), Eq(h, s)], {"s": "", "h": "n_h", "x": "n_x"}),
    "a chain of free sizes": (
        [Eq(z, Param("A") @ x), Eq(a, Param("C") @ tanh(z)), Eq(h, Param("D") @ a)],
        {"z": "n_z", "A": "n_z, n_x", "a": "n_a", "C": "n_a, n_z", "D": "n_h, n_a"},
    ),
    "an intermediate takes its partner's size": (
        [Eq(z, Param("A") @ x), Eq(a, z * Param("v")), Eq(h, a + h.prev)],
        {"z": "n_h", "v": "n_h", "A": "n_h, n_x"},
    ),
    "blocks of a matrix": ([Eq(h, Param("R", blocks=4) @ h.prev + x)], {"R": "4, n_h/4, n_h/4"}),
    "blocks of a matrix of a given shape": ([Eq(h, Param("R", ("n_h", "n_h"), blocks="n_b") @ h.prev + x)], {"R": "n_b, n_h/n_b, n_h/n_b"}),
    "a matrix state": (
        [Eq(M, M.prev + outer(Param("V") @ x, Param("K") @ x)), Eq(State("y", "n_m"), M @ (Param("Q") @ x))],
        {"M": "n_m, n_k", "V": "n_m, n_x", "K": "n_k, n_x", "Q": "n_k, n_x", "y": "n_m"},
    ),
    "the transpose of a matrix state": (
        [Eq(M, M.prev * x.func("r", ())), Eq(State("y", "n_k"), M.T @ x)],
        {"x": "n_m", "r": "", "y": "n_k"},
    ),
    "a column and a row": (
        [Eq(M, M.prev * column(sigmoid(affine(x, name="f"))) * row(sigmoid(affine(x, name="g"))))],
        {"W_f": "n_m, n_x", "b_f": "n_m", "W_g": "n_k, n_x", "b_g": "n_k"},
    ),
    "a product of matrices": ([Eq(M, M.prev @ Param("A", ("n_k", "n_k")).T + outer(x, y))], {"A": "n_k, n_k"}),
    "reductions are scalars": (
        [Eq(z, mean(x) + total(h.prev) + dot(x, Param("v")) + variance(x)), Eq(h, z * h.prev)],
        {"z": "", "v": "n_x", "x": "n_x"},
    ),
    "reductions of a matrix": (
        [Eq(M, M.prev * Input("u", ())), Eq(State("y", "n_m"), total(M, axis=1)), Eq(State("w", "n_k"), mean(M, axis=0))],
        {"M": "n_m, n_k", "y": "n_m", "w": "n_k"},
    ),
    "softmax and running sums keep a shape": ([Eq(z, softmax(affine(x))), Eq(h, cumsum(z) * x)], {"z": "n_h", "W_z": "n_h, n_h"}),
    "concatenation adds": ([Eq(h, Param("A") @ concat(h.prev, x))], {"A": "n_h, n_h + n_x"}),
    "a concatenation of three": ([Eq(h, Param("A") @ concat(x, y, h.prev))], {"A": "n_h, n_h + n_x + n_y"}),
    "blocks on the diagonal": ([Eq(h, Param("R", blocks=2) @ h.prev + x)], {"R": "2, n_h/2, n_h/2"}),
    "repetition multiplies": ([Eq(h, repeat(affine(x, name="r"), 2) * h.prev)], {"W_r": "n_h/2, n_x", "b_r": "n_h/2"}),
    "a named multiple": ([Eq(State("h", 2 * size("n_r")), repeat(affine(x, name="r"), 2))], {"h": "2*n_r", "W_r": "n_r, n_x"}),
    "conditions have a shape too": ([Eq(h, Piecewise((Input("u", ()), x > 0), (h.prev, True)))], {"x": "n_h", "u": ""}),
    "numbers in a parameter bind an input": ([Eq(State("h", 4), Param("A", (4, 3)) @ x)], {"x": "3"}),
    "sizes are numbers in an equation": ([Eq(h, affine(x, h.prev) / sqrt(size("n_x")))], {"x": "n_x"}),
    "constants": ([Eq(h, Constant("A") @ x + Constant("k") * h.prev)], {"A": "n_h, n_x", "k": "n_h"}),
    "an initial parameter that names a size": ([Eq(State("h", initial=Param("h0", "n_h")), tanh(Param("A") @ x))], {"A": "n_h, n_x"}),
    "an initial parameter": ([Eq(State("h", initial=Param("h0")), affine(x))], {"h0": "n_h"}),
}  # fmt: skip


@pytest.mark.parametrize("case", SHAPES.values(), ids=SHAPES)
def test_shapes_follow_from_use(case):
    equations, expected = case
    found = shapes(*equations)
    assert {name: found[name] for name in expected} == expected


def test_a_size_without_a_name_takes_one_that_is_free():
    found = shapes(
        Eq(symbols("n_z"), tanh(x)), Eq(z, Param("A") @ x), Eq(h, h.prev + Param("B") @ z + Param("D") @ symbols("n_z"))
    )
    assert found["A"] == "n_z_2, n_x"


def test_the_order_of_sizes_is_that_of_appearance():
    cell = Cell("toy", [Eq(State("p", "n_p"), affine(x)), Eq(h, affine(State("p", "n_p"), y))])
    assert cell.sizes == ("n_x", "n_p", "n_y", "n_h")


def test_an_expression_of_a_cell_has_a_shape():
    n_x, n_h = size("n_x"), size("n_h")
    lstm_c = cells.lstm.states[0]
    assert cells.lstm.shape(lstm_c * lstm_c.prev) == (n_h,)
    assert cells.lstm.shape(mean(lstm_c)) == ()
    assert cells.lstm.shape(outer(lstm_c, cells.lstm.inputs[0])) == (n_h, n_x)
    with pytest.raises(CellError, match="no symbol of this cell"):
        cells.lstm.shape(z)


def test_a_symbol_may_be_given_by_its_name():
    n_x, n_h = size("n_x"), size("n_h")
    assert cells.lstm.shape("h") == cells.lstm.shape("c_prev") == cells.lstm.shape("c.prev") == cells.lstm.shape("i") == (n_h,)
    assert cells.lstm.shape("W_i") == (n_h, n_x)
    assert cells.lstm.shape(2) == cells.lstm.shape(n_h) == ()


@pytest.mark.parametrize("odd", ["n", "h + c", None, ["h"], True, cells.lstm.equations[0]])
def test_what_is_no_expression_has_no_shape(odd):
    with pytest.raises(CellError, match="cell lstm: shape takes one of its symbols, or its name, or an expression, found "):
        cells.lstm.shape(odd)


def test_cells_of_one_process_do_not_share_states():
    """SymPy keeps equal expressions once: states of one name in two cells must not be equal unless they are the same."""
    for shape in (None, 4, "n_q", ()):
        for initial in (0, 1, Param("h0")):
            state = State("h", shape, initial=initial)
            product = Param("w", ()) * state.prev if shape == () else Param("W") @ state.prev
            cell = Cell("toy", [Eq(state, tanh(product + Input("u", ())))])
            assert cell.states[0].initial == initial
            assert cell.shape(state) == cell.shape(state.prev) == cell.derive().shape(state.prev)
            assert cell.derive().adjoint


# One compiled kernel serves every size.


@pytest.fixture(scope="module")
def wide():
    """Two inputs, three states of different ranks, sizes that are sums and multiples of others."""
    cell = Cell("wide", [
        Eq(q, tanh(Param("A") @ concat(h.prev, x) + affine(y))),
        Eq(M, M.prev * column(sigmoid(affine(x, name="f"))) + outer(tanh(affine(q, name="v")), softmax(Param("K") @ h.prev))),
        Eq(s, s.prev / 2 + mean(q) / sqrt(size("n_x"))),
        Eq(h, s * tanh(Param("R") @ (M @ (Param("Q") @ x))) + repeat(Param("w"), 2)),
    ])  # fmt: skip
    return cell, cell.compile("float64")


@pytest.mark.parametrize("n", [1, 2, 5])
@pytest.mark.parametrize("T, B", [(1, 1), (3, 2)])
def test_one_kernel_for_all_sizes(wide, n, T, B):
    cell, kernel = wide
    params = kernel.init(n_x=n, n_y=n + 1, n_h=2 * n, n_m=n + 2, n_k=3, n_q=4)
    random = np.random.default_rng(n)
    inputs = {"x": random.normal(size=(T, B, n)), "y": random.normal(size=(T, B, n + 1))}
    found = kernel.forward(params, inputs)
    for name, expected in interpret(cell, params, inputs).items():
        np.testing.assert_allclose(found.states[name], expected, rtol=1e-12, atol=1e-14)
    gradients = kernel.backward(found, {name: np.ones_like(v) for name, v in found.states.items()})
    assert {name: v.shape for name, v in gradients.params.items()} == {name: params[name].shape for name in gradients.params}
    assert {name: v.shape for name, v in gradients.inputs.items()} == {name: v.shape for name, v in inputs.items()}
    assert {name: v.shape for name, v in gradients.initial.items()} == {name: v.shape for name, v in found.final.items()}


def test_a_size_that_is_no_multiple(wide):
    _, kernel = wide
    with pytest.raises(CellError, match="n_h"):
        kernel.init(n_x=2, n_y=3, n_h=5, n_m=2, n_k=3, n_q=4)


@pytest.mark.parametrize("others", [[], ["r", "s", "t"]])
def test_a_size_is_read_off_a_parameter_with_an_axis_of_twice_the_size_and_one(others):
    n, v = size("n_h"), State("v", 2 * size("n_h") + 1)
    equations = [Eq(v, tanh(Param("W") @ concat(part(v.prev, 1, 2 * n), x))), Eq(h, part(v, n, n) * part(v, 1, n))]
    kernel = Cell("toy", [*equations, *(Eq(State(name), h) for name in others)]).compile("float64")
    params = kernel.init(n_x=3, n_h=4)
    assert params["W"].shape == (9, 11)
    assert kernel.forward(params, np.ones((2, 5, 3))).final["h"].shape == (5, 4)
    assert kernel.step(params, np.ones((5, 3)))["v"].shape == (5, 9)


@pytest.mark.parametrize("multiple", [1, 2, 3, -2, sympy.Rational(1, 2), sympy.Rational(3, 2)])
@pytest.mark.parametrize("plus", [0, 1, -2, 7])
def test_the_inverse_of_a_linear_size(multiple, plus):
    n = size("n")
    times, divisor, shift = _inverse(multiple * n + plus, n)
    for k in range(2, 30, 2):
        assert int(multiple * k + plus) * times // divisor + shift == k
