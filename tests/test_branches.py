"""A branch that is not taken has no influence on gradients, whatever it would be there: in one equation, and through values with
equations of their own."""

import numpy as np
import pytest
from sympy import Eq, Max, Min, Piecewise, exp, log, sqrt, symbols, tanh

from symcell import Cell, Input, Param, State, dot, matmul, relu, row

x, h = Input("x"), State("h")
s, u, z = symbols("s u z")
NUMBERS = np.array([-4.0, -1, 0, 0.25, 4])
_ROOT = np.sqrt(np.maximum(NUMBERS, 0))


def gradients(equations, numbers=NUMBERS):
    kernel = Cell("branches", equations).compile("float64")
    run = kernel.forward({}, numbers[None, None])
    return run.states["h"][0, 0], kernel.backward(run, {"h": np.ones((1, 1, len(numbers)))}).inputs["x"][0, 0]


@pytest.mark.parametrize(
    "equations",
    [
        [Eq(h, Piecewise((sqrt(x), x > 0), (x, True)))],
        [Eq(s, sqrt(x)), Eq(h, Piecewise((s, x > 0), (x, True)))],
        [Eq(u, sqrt(x)), Eq(s, u * u / sqrt(x)), Eq(h, Piecewise((s, x > 0), (x, True)))],
        [Eq(s, sqrt(x)), Eq(h, Piecewise((x, x <= 0), (s, True)))],
    ],
)
def test_a_root_in_a_branch(equations):
    value, slope = gradients(equations)
    assert value == pytest.approx(np.where(NUMBERS > 0, _ROOT, NUMBERS))
    assert slope == pytest.approx(np.where(NUMBERS > 0, 0.5 / np.where(NUMBERS > 0, _ROOT, 1), 1))


def test_a_root_under_many_functions_in_a_branch():
    """Of which some have rows of their own."""
    rooted = sqrt(x)
    for _ in range(6):
        rooted = 2 * tanh(rooted)
    value, slope = gradients([Eq(h, Piecewise((rooted, x > 0), (x, True)))], numbers := np.array([-4.0, 0, 0.25]))
    assert len(Cell("branches", [Eq(h, Piecewise((rooted, x > 0), (x, True)))]).derive().forward) == 2
    expected, expected_slope = 0.5, 1.0
    for _ in range(6):
        expected = 2 * np.tanh(expected)
        expected_slope *= 2 - expected**2 / 2
    assert value == pytest.approx([*numbers[:2], expected])
    assert slope == pytest.approx([1, 1, expected_slope])


@pytest.mark.parametrize(
    "equations",
    [
        [Eq(h, Max(log(x), -1))],
        [Eq(s, log(x)), Eq(h, Max(s, -1))],
        [Eq(s, -log(x)), Eq(h, -Min(s, 1))],
        [Eq(h, relu(log(x) + 1) - 1)],
        [Eq(s, log(x) + 1), Eq(h, relu(s) - 1)],
    ],
)
def test_a_logarithm_that_is_clipped(equations):
    numbers = np.array([0.0, 0.1, 1, 5])
    value, slope = gradients(equations, numbers)
    assert value == pytest.approx([-1, -1, 0, np.log(5)])
    assert slope == pytest.approx([0, 0, 1, 0.2])


def test_an_exponential_that_overflows_in_a_branch():
    value, slope = gradients([Eq(u, exp(x)), Eq(s, log(2 + u)), Eq(h, Piecewise((s, x < 100), (x, True)))], np.array([1.0, 1000]))
    assert value == pytest.approx([np.log(2 + np.e), 1000])
    assert slope == pytest.approx([np.e / (2 + np.e), 1])


def test_a_power_that_overflows_in_a_branch():
    value, slope = gradients([Eq(s, x**200), Eq(h, Piecewise((s, x < 2), (x, True)))], np.array([1.0, 1e5]))
    assert value == pytest.approx([1, 1e5])
    assert slope == pytest.approx([200, 1])


def test_a_norm_in_a_branch():
    equations = [Eq(s, sqrt(dot(x, x))), Eq(z, x / s), Eq(h, Piecewise((z, s > 0), (x, True)))]
    value, slope = gradients(equations, np.zeros(3))
    assert (value == 0).all()
    assert slope == pytest.approx(1)


def test_a_previous_state_in_a_branch():
    root, gate = State("root"), Input("gate", ())
    cell = Cell("previous", [Eq(root, sqrt(x)), Eq(h, Piecewise((root.prev, gate > 0), (x, True)))])
    numbers = np.array([[[4.0, 0.0, -1.0]], [[1.0, 2.0, 3.0]], [[9.0, 4.0, 0.25]]])
    kernel = cell.compile("float64")
    run = kernel.forward({}, {"x": numbers, "gate": np.array([[0.0], [0.0], [1.0]])})
    found = kernel.backward(run, {"h": np.ones((3, 1, 3))}).inputs["x"]
    assert found[0, 0] == pytest.approx(1)
    assert found[1, 0] == pytest.approx(1 + 0.5 / np.sqrt(numbers[1, 0]))
    assert (found[2] == 0).all()


def test_a_product_in_a_branch():
    """The weights meet no number in samples whose branch is another."""
    gate, W = Input("gate", ()), Param("W", ("n_h", "n_x"))
    cell = Cell("product", [Eq(s, sqrt(x)), Eq(z, W @ s), Eq(h, Piecewise((z, gate > 0), (tanh(W @ x), True)))])
    kernel = cell.compile("float64")
    params = kernel.init(n_x=2, n_h=3, seed=1)
    numbers = np.array([[[1.0, 4], [-1, 0.5]]])
    run = kernel.forward(params, {"x": numbers, "gate": np.array([[1.0, 0]])})
    found = kernel.backward(run, {"h": np.ones((1, 2, 3))})
    inner = 1 - np.tanh(params["W"] @ numbers[0, 1]) ** 2
    assert found.params["W"] == pytest.approx(np.tile([1.0, 2], (3, 1)) + np.outer(inner, numbers[0, 1]))
    assert found.inputs["x"][0, 0] == pytest.approx(params["W"].sum(0) * [0.5, 0.25])
    assert found.inputs["x"][0, 1] == pytest.approx(inner @ params["W"])


def test_products_of_values_in_a_branch():
    """Entries that are no numbers, in rows that the branch of no unit reads; of the second product, in columns."""
    A, M, g, S = Input("A", ("n", "n")), Input("M", ("n", "n")), Input("g", "n"), State("S", ("n", "n"))
    gate = np.array([1.0, -1, 1])
    roots = np.array([[4.0, 1, 9], [-1, 4, -2], [1, 16, 4]])
    given = {"A": np.array([[2.0, 1, -1], [0, 3, 1], [1, 1, -2]]), "g": gate, "x": np.array([1.0, -2, 3])}

    def found(name, equations, M):
        kernel = Cell(name, equations).compile("float64")
        run = kernel.forward({}, {k: v[None, None] for k, v in {**given, "M": M}.items() if k in kernel.interface.inputs})
        shown = {s: np.ones_like(v) for s, v in run.states.items()}
        return {k: v[0, 0] for k, v in kernel.backward(run, shown).inputs.items()}

    one = Input("x", "n")
    by_rows = found("rows", [Eq(z, sqrt(M) @ one), Eq(State("h", "n"), Piecewise((z, g > 0), (one, True)))], roots)
    taken = (gate > 0)[:, None]
    root = np.sqrt(np.where(taken, roots, 1))
    assert by_rows["M"] == pytest.approx(np.where(taken, given["x"] / (2 * root), 0))
    assert by_rows["x"] == pytest.approx(np.where(taken, root, 0).sum(0) + (gate <= 0))
    by_columns = found("columns", [Eq(z, matmul(A, sqrt(M))), Eq(S, Piecewise((z, row(g) > 0), (A, True)))], roots.T)
    assert by_columns["M"] == pytest.approx(np.where(taken, given["A"].sum(0) / (2 * root), 0).T)
    assert by_columns["A"] == pytest.approx(np.tile(np.where(taken, root, 0).sum(0), (3, 1)) + (gate <= 0))
