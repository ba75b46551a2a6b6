"""What passes read of parameters: matrices packed for products, values of parameters alone, and copies of the rest."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.strategies import integers
from support.agreement import assert_agreement
from support.plain import plain_kernel, plain_runtime
from sympy import Eq, exp, tanh

from symcell import Cell, Constant, Input, Param, State, cells, concat, identity, matmul, stop_gradient

x, y, h, c = Input("x"), Input("y"), State("h"), State("c")
W, U, V = Param("W", ("n_h", "n_x")), Param("U", ("n_h", "n_h")), Param("V")
SIZES = {"n_x": 5, "n_h": 3, "n_y": 4}

# The equations, and the parameters that passes read as they are: all others are packed, or computed with once a sequence.
CELLS = {
    "as usual": ([Eq(h, tanh(matmul(W, x) + matmul(U, h.prev)))], set()),
    "a matrix that meets two values": ([Eq(c, tanh(matmul(U, c.prev) + matmul(W, x))), Eq(h, matmul(U, c) - h.prev)], set()),
    "columns that lie apart": ([Eq(h, tanh(matmul(V, concat(h.prev, x))))], set()),
    "columns that need no gradient": ([Eq(h, tanh(matmul(V, concat(stop_gradient(h.prev), x))))], set()),
    "other columns in the one and the other direction": (
        [Eq(c, tanh(matmul(V, concat(x, stop_gradient(h.prev))))), Eq(h, tanh(matmul(V, concat(c.prev, stop_gradient(y)))))], set()),
    "a matrix that is computed with": ([Eq(h, tanh(matmul(W, x) + matmul(exp(U), h.prev)))], set()),
    "one that is multiplied with, too": ([Eq(h, tanh(matmul(W, x) + matmul(exp(U), h.prev) + matmul(U, h.prev)))], set()),
    "one that is transposed": ([Eq(h, tanh(matmul(W, x) + matmul(U.T, h.prev)))], set()),
    "one that is transposed elsewhere": ([Eq(h, tanh(matmul(W, x) + matmul(U, h.prev) + matmul(U.T, h.prev)))], set()),
    "one of antisymmetric parts": ([Eq(h, tanh(matmul(U - U.T - identity("n_h") / 9, h.prev) + matmul(W, x)))], set()),
    "no matrix": ([Eq(h, tanh(Param("w", ("n_h",)) * h.prev + matmul(W, x)))], {"w"}),
    "a constant": ([Eq(h, tanh(Constant("k", ("n_h",)) * h.prev + matmul(Constant("K", ("n_h", "n_x")), x)))], {"k"}),
    "a first state": ([Eq(h, tanh(matmul(W, x) + matmul(U, State("h", initial=Param("begin", ("n_h",))).prev)))], set()),
}  # fmt: skip


def cell_of(case):
    equations = CELLS[case][0]
    if case == "a first state":
        equations = [Eq(State("h", initial=Param("begin", ("n_h",))), equations[0].rhs)]
    return Cell(f"packed_{list(CELLS).index(case)}", equations)


@pytest.mark.parametrize("case", CELLS)
def test_what_only_products_read_is_packed_and_not_copied(case):
    kernel = plain_kernel(cell_of(case))
    weights = packed(kernel)
    assert set(kernel.interface.copied) == weights.copies.keys() == CELLS[case][1]


@pytest.mark.parametrize("case", CELLS)
def test_what_is_packed_gives_the_right_states_and_gradients(case):
    @settings(max_examples=3, deadline=None, database=None, derandomize=True)
    @given(integers(0, 99))
    def some(seed):
        assert_agreement(cell_of(case), seed)

    some()


def packed(kernel):
    sizes = {n: SIZES.get(n, 4) for n in kernel.interface.sizes}
    return kernel.passes.pack(sizes, kernel.init(**sizes), np.dtype("float32"))


@pytest.mark.parametrize("name", cells.names())
def test_all_numbers_of_packed_matrices_are_written(name, monkeypatch):
    """Into memory that holds NaN: padding is zeros, and nothing is left as it was."""
    kernel = plain_kernel(cells.get(name), "float32")
    sizes = dict.fromkeys(kernel.interface.sizes, 8)
    params = {p: a + 1 for p, a in kernel.init(**sizes).items()}
    monkeypatch.setattr(plain_runtime().packing, "allocate", lambda shape, dtype, small=0: np.full(shape, np.nan, dtype))
    weights = kernel.passes.pack(sizes, params, np.dtype("float32"))
    for pack, a in weights.packs.items():
        assert not np.isnan(a).any(), pack
