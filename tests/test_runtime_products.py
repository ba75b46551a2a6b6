"""The tiled product against NumPy's, and the compilation modes of the runtime."""

import itertools
import types
from importlib import import_module

import numpy as np
import pytest
from numba import njit
from numba.core.errors import TypingError
from numba.extending import intrinsic

from symcell.runtime import internals, products
from symcell.runtime.cache import Cache, text_hash
from symcell.runtime.jit import _OPTIONS, exact_jit, fused, inlined
from symcell.runtime.packing import empty_panels, outer_product_buffers, pack
from symcell.runtime.products import _add_outer_products, _multiply
from symcell.runtime.threads import ALONE
from symcell.runtime.version import source_hash
from symcell.runtime.views import _descriptor, _descriptor_type

compilation = import_module("symcell.runtime.jit")  # the package has the function of that name


def jit(function):
    """Compiled as kernels are, but never cached: a cache would not see that what is tested has changed."""
    return njit(**_OPTIONS)(function)


def panels_for(terms, columns, dtype):
    """Room for the weights of one product."""
    return empty_panels(np.dtype(dtype), w=(terms, columns))["w"]


DTYPES = (np.float32, np.float64)
BATCHES = (*range(20), 33)
DEPTHS = (0, 1, 2, 5, 33)
COLUMNS = (0, 1, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 47, 63, 64, 65, 100, 129)


# The same product, which takes all weights for far ones, and a few of their terms at a time.
_few_terms = vars(products) | {"_FAR": 0, "_DEEP": 7}
_few_terms["_multiply_from_far"] = inlined(types.FunctionType(products._multiply_from_far.py_func.__code__, _few_terms))
_multiply_far = types.FunctionType(_multiply.__code__, _few_terms)
compiled_multiply, compiled_far, compiled_add = map(exact_jit, (_multiply, _multiply_far, _add_outer_products))


@intrinsic
def place(typing, array):
    """Where an array lies, as products are given it."""
    def generate(context, builder, signature, arguments):
        return _descriptor(context, builder, array, arguments[0])

    return _descriptor_type(array)(array), generate




@jit
def multiply_packed(rows, start, panels, out, turn, low, high, rank, team):
    compiled_multiply(place(rows), start, place(panels), place(out), turn, low, high, rank, place(team))


@jit
def multiply_far(rows, start, panels, out, turn, low, high, rank, team):
    compiled_far(place(rows), start, place(panels), place(out), turn, low, high, rank, place(team))


@jit
def add_outer_products(left, from_left, right, from_right, out, first, T, lengths, low, high, rank, team, places, panels):
    compiled_add(
        place(left), from_left, place(right), from_right, place(out), first, T, place(lengths), low, high, rank, place(team),
        place(places), place(panels))


def multiply(rows, start, weights, out, turn=0, product=multiply_packed):
    """The product with weights (K, M), which are packed first; rows and out have no steps."""
    panels = panels_for(*weights.shape, weights.dtype)
    pack(weights, 0, weights.shape[1], True, panels, 0, 0, 0, 1)
    product(rows[None], start, panels, out[None], turn, 0, len(rows), 0, ALONE)


def operands(batch, depth, columns, start, dtype):
    """Rows, weights, a block of guard values, and the output, which is a part of that block."""
    generator = np.random.default_rng([batch, depth, columns])
    rows = generator.standard_normal((batch, start + depth + 2)).astype(dtype)
    weights = generator.standard_normal((depth, columns)).astype(dtype)
    block = np.full(batch * columns + 64, np.nan, dtype)
    return rows, weights, block, block[32 : 32 + batch * columns].reshape(batch, columns)


@pytest.mark.parametrize("product", (multiply_packed, multiply_far))
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_tail_agrees_with_matmul(dtype, product):
    tolerance = 40 * np.finfo(dtype).eps
    for batch, depth, columns in itertools.product(BATCHES, DEPTHS, COLUMNS):
        start = (batch + depth + columns) % 4
        rows, weights, block, out = operands(batch, depth, columns, start, dtype)
        multiply(rows, start, weights, out, turn=batch, product=product)
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
@pytest.mark.parametrize("columns", (10, 30, 40, 80, 150))
def test_a_row_does_not_depend_on_the_others(columns, dtype):
    rows, weights, _, out = operands(19, 51, columns, 0, dtype)
    multiply(rows, 0, weights, out)
    for batch in (1, 2, 3, 6, 12):
        part = np.empty((batch, columns), dtype)
        multiply(rows[:batch], 0, weights, part)
        np.testing.assert_array_equal(part, out[:batch])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("depth", (0, 3, 4, 10, 11, 51, 768))
def test_how_far_weights_are_makes_no_difference(depth, dtype):
    """Pieces of sums go on where the last one ended: to the bit the sums of weights that are near. Also with threads, which
    compute some panels each, from either end."""
    team = ALONE.copy()
    team[0] = 2
    for batch, columns in itertools.product((2, 7, 33), (10, 64, 150, 300)):
        rows, weights, _, out = operands(batch, depth, columns, 0, dtype)
        multiply(rows, 0, weights, out)
        panels, far = panels_for(depth, columns, np.dtype(dtype)), np.full((1, batch, columns), np.nan, dtype)
        pack(weights, 0, columns, True, panels, 0, 0, 0, 1)
        for rank in range(2):
            multiply_far(rows[None], 0, panels, far, rank, 0, batch, rank, team)
        np.testing.assert_array_equal(far[0], out)


@pytest.mark.parametrize("batch", (1, 2, 7, 130))
@pytest.mark.parametrize("columns", (10, 30, 40, 80, 150, 290, 600))
def test_the_turn_makes_no_difference(columns, batch):
    """Panels are gone through from either end, one or two at a time, with tails of all widths."""
    rows, weights, _, out = operands(batch, 40, columns, 0, np.float32)
    multiply(rows, 0, weights, out)
    back = np.full_like(out, np.nan)
    multiply(rows, 0, weights, back, turn=1)
    np.testing.assert_array_equal(back, out)


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
    panels, whole = panels_for(14, 91, np.dtype(dtype)), np.zeros((14, 91), dtype)
    panels[:] = 0
    for matrix, first, length, transposed, term, column in (
        (left, 2, 6, False, 0, 0), (right, 0, 5, False, 0, 37), (turned, 3, 38, True, 6, 0), (turned, 0, 41, True, 6, 50)):  # fmt: skip
        for rank in range(3):  # each of three threads fills some panels
            pack(matrix, first, length, transposed, panels, term, column, rank, 3)
        piece = matrix[:, first : first + length] if transposed else matrix[:, first : first + length].T
        whole[term : term + piece.shape[0], column : column + piece.shape[1]] = piece
    out = np.full((1, 14, 91), np.nan, dtype)
    multiply_packed(np.eye(14, dtype=dtype)[None], 0, panels, out, 0, 0, 14, 0, ALONE)
    np.testing.assert_array_equal(out[0], whole)


def test_panels_of_several_products_lie_side_by_side_with_padding_of_zeros():
    found = empty_panels(np.dtype("float32"), W=(5, 40), U=(7, 64), V=(0, 3))
    for (name, panels), (terms, columns) in zip(found.items(), ((5, 40), (7, 64), (0, 3)), strict=True):
        count, width = panels.shape[0], panels.shape[2]
        assert panels.shape[1] == terms and count * width >= columns > (count - 1) * width, name
        assert not panels.transpose(1, 0, 2).reshape(terms, count * width)[:, columns:].any()
        assert not any(np.shares_memory(panels, other) for key, other in found.items() if key != name)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("samples", ((0, 1), (0, 7), (2, 3), (1, 6), (3, 7), (2, 2)))
def test_samples_of_several_steps(samples, dtype):
    """Other samples, which are another thread's, are neither read nor written."""
    low, high = samples
    random = np.random.default_rng(high)
    for steps, depth, columns in itertools.product((1, 2, 5, 9), (1, 12), (5, 64, 70)):
        rows, weights = random.standard_normal((steps, 7, depth)).astype(dtype), random.standard_normal((depth, columns)).astype(dtype)
        rows[:, :low], rows[:, high:] = np.nan, np.nan
        panels, out = panels_for(depth, columns, np.dtype(dtype)), np.full((steps, 7, columns), 3, dtype)
        pack(weights, 0, columns, True, panels, 0, 0, 0, 1)
        multiply_packed(rows, 0, panels, out, 0, low, high, 0, ALONE)
        np.testing.assert_allclose(out[:, low:high], rows[:, low:high] @ weights, rtol=1e-4, atol=1e-5)
        assert (out[:, :low] == 3).all() and (out[:, high:] == 3).all()
        total = np.ones((depth, columns), dtype)
        places, scratch = outer_product_buffers(1, [columns], np.dtype(dtype))
        out[:, :low], out[:, high:] = np.nan, np.nan
        ends = np.full(7, steps + 1)  # a step more than these was added before
        add_outer_products(rows, 0, out, 0, total[None], 0, steps + 1, ends, low, high, 0, ALONE, places[0], scratch[0])
        want = 1 + np.einsum("tbm,tbk->mk", rows[:, low:high], out[:, low:high])
        np.testing.assert_allclose(total, want, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_team_computes_all_columns_once(dtype):
    random = np.random.default_rng(5)
    team = ALONE.copy()
    team[0] = 3
    for columns in (3, 64, 200, 450):
        rows, weights = random.standard_normal((2, 1, 20)).astype(dtype), random.standard_normal((20, columns)).astype(dtype)
        panels, out = panels_for(20, columns, np.dtype(dtype)), np.full((2, 1, columns), np.nan, dtype)
        total, (places, scratch) = np.zeros((20, columns), dtype), outer_product_buffers(1, [columns], np.dtype(dtype))
        pack(weights, 0, columns, True, panels, 0, 0, 0, 1)
        for rank in range(3):
            multiply_packed(rows, 0, panels, out, 1, 0, 1, rank, team)
        for rank in range(3):
            ends = np.array([2])
            add_outer_products(rows, 0, out, 0, total[None], 0, 2, ends, 0, 1, rank, team, places[0], scratch[0])
        np.testing.assert_allclose(out, rows @ weights, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(total, np.einsum("tbm,tbk->mk", rows, out), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rows, before", ((0, 1), (1, 1), (7, 1), (129, 1), (600, 1), (1, np.nan), (7, np.nan), (600, np.nan)))
def test_outer_products_are_added_or_replace_what_was_there(dtype, rows, before):
    random = np.random.default_rng(rows)
    for height, width in itertools.product((*range(1, 14), 31, 500, 700), (1, 8, 17, 32, 33, 64, 100, 210)):
        left, right = (random.standard_normal((1, rows, n + 4)).astype(dtype) for n in (height, width))
        space = np.full(height * width + 64, np.nan, dtype)
        out = space[32 : 32 + height * width].reshape(height, width)
        out[:] = before
        places, panels = outer_product_buffers(1, [width], np.dtype(dtype))
        ends, T = np.full(rows, 1), 1 + (before == 1)
        add_outer_products(left, 3, right, 1, out[None], 0, T, ends, 0, rows, 0, ALONE, places[0], panels[0])
        turned, right = left[0, :, 3 : 3 + height].astype(float).T, right[0, :, 1 : 1 + width].astype(float)
        scale = 1 + np.abs(turned) @ np.abs(right)
        want = np.nan_to_num(before) + turned @ right
        assert np.all(np.abs(out - want) <= 40 * np.finfo(dtype).eps * scale), (height, width)
        assert np.isnan(np.delete(space, np.s_[32 : 32 + height * width])).all(), (height, width)


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


def test_kernels_are_named_after_their_module_and_the_texts_of_both():
    """Compiled code carries this name: equal names mean equal code."""
    compiled = compilation.jit(types.FunctionType((lambda x: x + 1).__code__, globals(), "successor"))
    again = compilation.jit(types.FunctionType((lambda x: x + 1).__code__, globals(), "successor"))
    other = types.FunctionType((lambda x: x + 1).__code__, globals(), "successor")
    other.__module__ = "another"
    assert source_hash() in compiled.py_func.__qualname__ and text_hash(test_arrays_that_are_not_contiguous_are_refused) in compiled.py_func.__qualname__
    assert compiled.py_func.__qualname__ == again.py_func.__qualname__ != compilation.jit(other).py_func.__qualname__
    assert compiled(1) == 2


def test_kernels_are_cached():
    assert isinstance(compilation.jit(types.FunctionType((lambda x: x).__code__, globals(), "same"))._cache, Cache)
    options = compilation._OPTIONS
    assert options["error_model"] == "numpy" and options["nogil"]
    assert not options["fastmath"] & {"nnan", "ninf"}


def test_a_function_that_could_not_be_read_back_is_compiled_uncached():
    """That of a module that no import finds, and one whose text is in no file."""
    stray = types.FunctionType((lambda x: x).__code__, globals(), "stray")
    stray.__module__ = "no_such_module"
    scope = dict(globals())
    exec(compile("def typed(x): return x", "<typed>", "exec"), scope)
    for function in (stray, scope["typed"]):
        compiled = compilation.jit(function)
        assert not isinstance(compiled._cache, Cache) and compiled(3) == 3


def test_arrays_that_are_not_contiguous_are_refused():
    panels, turned = panels_for(4, 4, np.dtype("float32")), np.zeros((4, 4), "float32").T
    with pytest.raises(TypingError, match="C-contiguous"):
        pack(turned, 0, 4, True, panels, 0, 0, 0, 1)


def test_calls_with_different_literals_share_one_compilation():
    inner = jit(lambda a, n: a[0] + n)
    outer = jit(lambda a, n: inner(a, 0) + inner(a, 1) + inner(a, n))
    assert internals.share_literals(inner) is inner
    assert outer(np.ones(2), 5) == 9
    assert len(inner.signatures) == 1


def test_exact_helpers_keep_the_order_of_operations():
    compensation = exact_jit(lambda total, term: ((total + term) - total) - term)
    kernel = jit(lambda total, term: compensation(total, term))
    assert kernel(1e16, 1.0) == -1.0
