"""The tiled product against NumPy's, and the compilation modes of the runtime."""

import itertools
import types

import numpy as np
import pytest
from numba import njit

from symcell.runtime import jit as compilation
from symcell.runtime.jit import _OPTIONS, exact_jit, fused
from symcell.runtime.products import multiply


def jit(function):
    """Compiled as kernels are, but never cached: a cache would not see that what is tested has changed."""
    return njit(**_OPTIONS)(function)


DTYPES = (np.float32, np.float64)
BATCHES = (*range(20), 33)
DEPTHS = (0, 1, 2, 5, 33)
COLUMNS = (0, 1, 3, 7, 8, 9, 15, 16, 17, 23, 24, 25, 47, 48, 49, 64, 100, 129)


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
