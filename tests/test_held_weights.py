"""Which parameters have no copy but the packed weights of the backward pass."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.strategies import integers
from support.agreement import assert_agreement
from sympy import Eq, exp, tanh

from symcell import Cell, Input, Param, State, cells, concat, matmul, stop_gradient
from symcell.compiler import source_of
from symcell.kernel import load_module

x, y, h, c = Input("x"), Input("y"), State("h"), State("c")
W, U, V = Param("W", ("n_h", "n_x")), Param("U", ("n_h", "n_h")), Param("V")
SIZES = {"n_x": 5, "n_h": 3, "n_y": 4}

CELLS = {
    "as usual": ([Eq(h, tanh(matmul(W, x) + matmul(U, h.prev)))], {"W", "U"}),
    "a matrix that meets two values": ([Eq(c, tanh(matmul(U, c.prev) + matmul(W, x))), Eq(h, matmul(U, c) - h.prev)], {"W", "U"}),
    "columns that lie apart": ([Eq(h, tanh(matmul(V, concat(h.prev, x))))], {"V"}),
    "columns that need no gradient": ([Eq(h, tanh(matmul(V, concat(stop_gradient(h.prev), x))))], set()),
    "other columns in the one and the other direction": (
        [Eq(c, tanh(matmul(V, concat(x, stop_gradient(h.prev))))), Eq(h, tanh(matmul(V, concat(c.prev, stop_gradient(y)))))], set()),
    "a matrix that is computed with": ([Eq(h, tanh(matmul(W, x) + matmul(exp(U), h.prev)))], {"W"}),
    "one that is multiplied with, too": ([Eq(h, tanh(matmul(W, x) + matmul(exp(U), h.prev) + matmul(U, h.prev)))], {"W"}),
    "one that is transposed": ([Eq(h, tanh(matmul(W, x) + matmul(U.T, h.prev)))], {"W"}),
    "one that is transposed elsewhere": ([Eq(h, tanh(matmul(W, x) + matmul(U, h.prev) + matmul(U.T, h.prev)))], {"W"}),
    "no matrix": ([Eq(h, tanh(Param("w", ("n_h",)) * h.prev + matmul(W, x)))], {"W"}),
}  # fmt: skip


def held(name, equations):
    cell = Cell(name, equations)
    module = load_module(name, source_of(cell))
    sizes = {n: SIZES[n] for n in cell.sizes}
    return cell, {part[0] for _, parts in module._held_weights(sizes, np.dtype("float32")) for part in parts}


def agrees(cell):
    @settings(max_examples=3, deadline=None, database=None)
    @given(integers(0, 99))
    def some(seed):
        assert_agreement(cell, seed)

    some()


@pytest.mark.parametrize("case", CELLS)
def test_what_only_products_read_is_held(case):
    equations, expected = CELLS[case]
    cell, found = held(f"held_{list(CELLS).index(case)}", equations)
    assert found == expected
    agrees(cell)


def test_the_first_state_is_no_weight():
    first = Param("h_first", ("n_h",))
    cell, found = held("held_initial", [Eq(State("h", initial=first), tanh(matmul(W, x) + matmul(U, State("h", initial=first).prev)))])
    assert found == {"W", "U"}
    agrees(cell)


@pytest.mark.parametrize("name", cells.names())
def test_held_parts_are_whole_and_apart(name):
    """All numbers of a held parameter lie somewhere, and no two at one place."""
    module = load_module(name, source_of(cells.get(name)))
    sizes = {n: 6 + 2 * k for k, n in enumerate(module.shapes.__code__.co_varnames[: module.shapes.__code__.co_argcount])}
    try:
        shapes = module.shapes(**sizes)
    except module.CellError:
        sizes = dict.fromkeys(sizes, 8)
        shapes = module.shapes(**sizes)
    columns = {}
    for panels, parts in module._held_weights(sizes, np.dtype("float64")):
        taken = np.zeros((panels.shape[1], panels.shape[0] * panels.shape[2]), int)
        for q, first, length, term, column in parts:
            rows = int(np.prod(shapes[q][:-1]))
            taken[term : term + rows, column : column + length] += 1
            assert taken[term : term + rows, column : column + length].shape == (rows, length)
            columns.setdefault(q, set()).update(range(first, first + length))
        assert taken.max() == 1
    for q, some in columns.items():
        assert some == set(range(shapes[q][-1]))
