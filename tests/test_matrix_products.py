"""Products of two matrices of one sample: they are counted, and done by the runtime's tiles."""

import numpy as np
import pytest
from sympy import Eq, Symbol, symbols, tanh

from symcell import Cell, Input, Param, State, swap
from symcell.check import check
from symcell.compiler import source_of
from symcell.language.primitives import Entry
from symcell.runtime import allocate, products_of
from symcell.runtime.barrier import team_of
from symcell.runtime.matrices import multiply_matrices
from symcell.targets.numba.indexed import AXES, Indexed
from symcell.targets.numba.matrices import factors_of

j, l, k = AXES[:3]
n, m, K = symbols("n m K", integer=True, positive=True)
A, B, out = symbols("A B out")
LOOPS = ((j, n), (l, m))


def summed(e, **options):
    return Indexed(out, e, indices=(j, l), extents=(n, m), position=(j, l), op="sum", over=((k, K),), **options)


@pytest.mark.parametrize(("left", "left_transposed"), [(Entry(A, j, k), False), (Entry(A, k, j), True)], ids=str)
@pytest.mark.parametrize(("right", "right_transposed"), [(Entry(B, k, l), False), (Entry(B, l, k), True)], ids=str)
def test_products_are_recognised(left, left_transposed, right, right_transposed):
    found = factors_of(summed(left * right), LOOPS)
    assert found == (left, left_transposed, right, right_transposed)


@pytest.mark.parametrize("e", [
    Entry(A, j, k) * Entry(B, k), Entry(A, j, k) * Entry(B, k, l) * 2, Entry(A, j, k) + Entry(B, k, l), Entry(A, k, k) * Entry(B, k, l),
    Entry(A, j, k) * Entry(B, j, l, k), tanh(Entry(A, j, k)) * Entry(B, k, l),
], ids=str)  # fmt: skip
def test_other_sums_are_loops(e):
    assert factors_of(summed(e), LOOPS) is None


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("sizes", [(1, 1, 1), (3, 5, 2), (17, 33, 9), (40, 7, 70)], ids=str)
@pytest.mark.parametrize("turned", [(False, False), (True, False), (False, True), (True, True)], ids=str)
def test_the_tiles_agree_with_matmul(dtype, sizes, turned):
    rows, terms, columns = sizes
    random = np.random.default_rng(1)
    a, b = random.normal(size=(rows, terms)).astype(dtype), random.normal(size=(terms, columns)).astype(dtype)
    given = [np.ascontiguousarray(x.T) if t else x for x, t in zip((a, b), turned, strict=True)]
    found = allocate((rows, columns), np.dtype(dtype))
    found[...] = np.nan
    multiply_matrices(products_of(np.dtype(dtype)), given[0], turned[0], given[1], turned[1], found, team_of(2))
    np.testing.assert_allclose(found, a @ b, rtol=1e-5 if dtype == "float32" else 1e-13, atol=1e-5 if dtype == "float32" else 1e-13)


def test_a_cell_of_matrix_products_is_right():
    """Of a state with itself, with an input, with a parameter, of heads, and of transposes."""
    S, H = State("S", ("n_k", "n_k")), State("H", ("n_a", "n_b"), over="n_heads")
    X, G, u = Input("X", ("n_k", "n_b")), Input("G", ("n_b", "n_b"), over="n_heads"), Symbol("u")
    cell = Cell("matrices", [
        Eq(u, X @ X.T / 4),
        Eq(S, tanh(S.prev @ S.prev + u @ Param("W", ("n_k", "n_k"))) / 2),
        Eq(H, tanh(H.prev @ G + Param("V", ("n_a", "n_k")) @ X + H.prev @ swap(G, 0, 1))),
    ], outputs=[S, H])  # fmt: skip
    text = source_of(cell.declaration)
    assert text.count("multiply_matrices(") >= 8
    assert any("S_prev @ S_prev" in p for p in cell.structure.products)
    check(cell, cases=2).raise_if_failed()
