"""The tiled product against NumPy's, and the compilation modes of the runtime."""

import itertools
import types

import numpy as np
import pytest
from numba import njit

from symcell.runtime import jit as compilation
from symcell.runtime.jit import _OPTIONS, exact_jit, fused
from symcell.runtime.products import add_outer_products, pack, packed
from symcell.runtime.products import multiply as multiply_packed


def jit(function):
    """Compiled as kernels are, but never cached: a cache would not see that what is tested has changed."""
    return njit(**_OPTIONS)(function)


DTYPES = (np.float32, np.float64)
BATCHES = (*range(20), 33)
DEPTHS = (0, 1, 2, 5, 33)
COLUMNS = (0, 1, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 47, 63, 64, 65, 100, 129)


def multiply(rows, start, weights, out):
    """The product with weights (K, M), which are packed first."""
    panels = packed(*weights.shape, weights.dtype)
    pack(weights, 0, weights.shape[1], True, panels, 0, 0)
    multiply_packed(rows, start, panels, out)


def operands(batch, depth, columns, start, dtype):
    """Rows, weights, a block of guard values, and the output, which is a part of that block."""
    generator = np.random.default_rng([batch, depth, columns])
    rows = generator.standard_normal((batch, start + depth + 2)).astype(dtype)
    weights = generator.standard_normal((depth, columns)).astype(dtype)
    block = np.full(batch * columns + 64, np.nan, dtype)
    return rows, weights, block, block[32 : 32 + batch * columns].reshape(batch, columns)


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_tail_agrees_with_matmul(dtype):
    tolerance = 40 * np.finfo(dtype).eps
    for batch, depth, columns in itertools.product(BATCHES, DEPTHS, COLUMNS):
        start = (batch + depth + columns) % 4
        rows, weights, block, out = operands(batch, depth, columns, start, dtype)
        multiply(rows, start, weights, out)
        part = rows[:, start : start + depth].astype(np.float64)
        scale = 1 + np.abs(part) @ np.abs(weights.astype(np.float64))
        assert np.all(np.abs(out - part @ weights) <= tolerance * scale), (batch, depth, columns)
        guards = np.delete(block, np.s_[32 : 32 + batch * columns])
        assert np.isnan(guards).all(), (batch, depth, columns)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(32, 128, 512), (1, 256, 200), (6, 200, 50)])
def test_usual_sizes(shape, dtype):
    rows, weights, _, out = operands(*shape, 3, dtype)
    multiply(rows, 3, weights, out)
    want = rows[:, 3 : 3 + shape[1]].astype(np.float64) @ weights
    np.testing.assert_allclose(out, want, rtol=0, atol=2000 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_row_does_not_depend_on_the_others(dtype):
    rows, weights, _, out = operands(19, 50, 150, 0, dtype)
    multiply(rows, 0, weights, out)
    for batch in (1, 2, 3, 6, 12):
        part = np.empty((batch, 150), dtype)
        multiply(rows[:batch], 0, weights, part)
        np.testing.assert_array_equal(part, out[:batch])


@pytest.mark.parametrize("value", (np.nan, np.inf))
@pytest.mark.parametrize("batch", (1, 3, 9))
def test_nan_and_infinity_pass_only_where_they_belong(batch, value):
    rows, weights, _, out = operands(batch, 10, 70, 1, np.float32)
    rows[:, 0] = np.nan  # in front of `start`, so never read
    rows[-1, 4] = value
    weights[6, 69] = value
    multiply(rows, 1, weights, out)
    with np.errstate(invalid="ignore"):
        want = rows[:, 1:11] @ weights
    np.testing.assert_allclose(out, want, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", DTYPES)
def test_weights_are_packed_beside_and_below_one_another(dtype):
    """Parts of matrices, turned or not, at any place: the product with the packed weights is that with the whole."""
    random = np.random.default_rng(3)
    left, right, turned = (random.standard_normal(shape).astype(dtype) for shape in ((37, 9), (50, 5), (5, 41)))
    panels, whole = packed(14, 91, dtype), np.zeros((14, 91), dtype)
    for matrix, first, length, transposed, term, column in (
        (left, 2, 6, False, 0, 0), (right, 0, 5, False, 0, 37), (turned, 3, 38, True, 6, 0), (turned, 0, 41, True, 6, 50)):  # fmt: skip
        pack(matrix, first, length, transposed, panels, term, column)
        piece = matrix[:, first : first + length] if transposed else matrix[:, first : first + length].T
        whole[term : term + piece.shape[0], column : column + piece.shape[1]] = piece
    out = np.full((14, 91), np.nan, dtype)
    multiply_packed(np.eye(14, dtype=dtype), 0, panels, out)
    np.testing.assert_array_equal(out, whole)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rows", (0, 1, 7, 129, 600))
def test_outer_products_are_added(dtype, rows):
    random = np.random.default_rng(rows)
    for height, width in itertools.product((1, 5, 6, 31, 500), (1, 8, 17, 32, 33, 64, 100, 210)):
        left, right = (random.standard_normal((rows, n + 4)).astype(dtype) for n in (height, width))
        block = np.full(height * width + 64, np.nan, dtype)
        out = block[32 : 32 + height * width].reshape(height, width)
        out[:] = 1
        add_outer_products(left, 3, right, 1, out)
        turned, right = left[:, 3 : 3 + height].astype(float).T, right[:, 1 : 1 + width].astype(float)
        scale = 1 + np.abs(turned) @ np.abs(right)
        assert np.all(np.abs(out - 1 - turned @ right) <= 40 * np.finfo(dtype).eps * scale), (height, width)
        assert np.isnan(np.delete(block, np.s_[32 : 32 + height * width])).all(), (height, width)


@fused
def gates_row(z, n_prev, n, d_z):
    for j in range(n.size):
        n[j] = z[j] * n_prev[j] + 1
        d_z[j] = n[j] * n_prev[j]


@jit
def gates(z, n, d_z):
    for t in range(z.shape[0]):
        for b in range(z.shape[1]):
            gates_row(z[t, b], n[t, b], n[t + 1, b], d_z[t, b])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("units", (1, 7, 32, 50))
def test_fused_rows_of_one_array(units, dtype):
    """Step t + 1 is written and step t is read of one array: the stores of one call are seen by the next."""
    z = np.random.default_rng(units).uniform(0, 1, (5, 3, units)).astype(dtype)
    n, d_z = np.ones((6, 3, units), dtype), np.full_like(z, np.nan)
    gates(z, n, d_z)
    want = [np.ones((3, units), dtype)]
    for row in z:
        want.append(row * want[-1] + 1)
    np.testing.assert_allclose(n, want, rtol=1e-6)
    np.testing.assert_allclose(d_z, n[1:] * n[:-1], rtol=1e-6)


def test_a_kernel_is_cached_under_its_content_hash():
    scope = {"CONTENT_HASH": "0123abcd"}
    original = test_a_kernel_is_cached_under_its_content_hash
    function = types.FunctionType((lambda x: x + 1).__code__, scope, "successor")
    function.__module__ = original.__module__
    compiled = compilation.jit(function)
    assert compiled.py_func.__qualname__.endswith("_0123abcd")
    assert compiled(1) == 2


def test_without_a_writable_folder_kernels_are_compiled_uncached(monkeypatch):
    def njit(cache=False, **options):
        if cache:
            raise RuntimeError("cannot cache function 'f': no locator available for file 'f.py'")
        return lambda function: options

    monkeypatch.setattr(compilation, "njit", njit)
    options = compilation.jit(lambda x: x)
    assert options["error_model"] == "numpy" and options["nogil"]
    assert not options["fastmath"] & {"nnan", "ninf"}


def test_a_module_that_no_import_finds_is_compiled_uncached(monkeypatch):
    monkeypatch.setattr(compilation, "njit", lambda **options: lambda function: options)
    function = types.FunctionType((lambda x: x).__code__, {}, "stray")
    function.__module__ = "no_such_module"
    assert "cache" not in compilation.jit(function)


def test_other_failures_of_the_cache_are_not_hidden(monkeypatch):
    def njit(**options):
        raise RuntimeError("something else")

    monkeypatch.setattr(compilation, "njit", njit)
    with pytest.raises(RuntimeError, match="something else"):
        compilation.jit(lambda x: x)


def test_exact_helpers_keep_the_order_of_operations():
    compensation = exact_jit(lambda total, term: ((total + term) - total) - term)
    kernel = jit(lambda total, term: compensation(total, term))
    assert kernel(1e16, 1.0) == -1.0
