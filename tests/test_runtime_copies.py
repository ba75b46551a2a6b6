"""Copies of arrays, as they lie and in panels."""

import numpy as np
import pytest
from symcell.runtime.copies import _SOME, _places, _same, _take

from symcell.runtime.packing import pack, packed, turn_over

PARTS = (  # the shape of a matrix; the first column, and how many; the term and the column where they lie; terms and columns there
    ((5, 7), 0, 7, 0, 0, 5, 7),
    ((5, 7), 2, 3, 4, 0, 11, 3),
    ((3, 200), 1, 190, 2, 0, 9, 190),
    ((3, 200), 0, 200, 0, 50, 3, 300),
    ((1, 1), 0, 1, 3, 70, 4, 71),
    ((2500, 3), 1, 1, 0, 63, 2500, 65),
    ((2500, 3), 0, 3, 7, 62, 2600, 65),
    ((130, 128), 0, 128, 0, 0, 130, 128),
)


def matrix(shape, dtype):
    return np.random.default_rng(0).normal(size=shape).astype(dtype)


@pytest.mark.parametrize("dtype", ("float32", "float64"))
@pytest.mark.parametrize("part", PARTS, ids=str)
def test_copies_in_panels_are_what_pack_makes(part, dtype):
    shape, first, length, term, column, terms, columns = part
    a, real = matrix(shape, dtype), np.dtype(dtype)
    found, expected = packed(terms, columns, real), packed(terms, columns, real)
    found[...], expected[...] = 0, 0
    places = _places({"a": a}, {}, [(found, [("a", first, length, term, column)])])
    _take(places)
    pack(a, first, length, True, expected, term, column, 0, 1)
    np.testing.assert_array_equal(found, expected)
    assert np.count_nonzero(found) == shape[0] * length
    assert np.max(places[:, 2] * places[:, 3]) <= _SOME


@pytest.mark.parametrize("part", PARTS, ids=str)
def test_any_change_of_either_side_is_seen(part):
    shape, first, length, term, column, terms, columns = part
    a, panels, b = matrix(shape, "float32"), packed(terms, columns, np.dtype("float32")), matrix((1030,), "float32")
    copy = b.copy()
    places = _places({"a": a, "b": b}, {"b": copy}, [(panels, [("a", first, length, term, column)])])
    _take(places)
    assert _same(places)
    for row in {0, shape[0] // 2, shape[0] - 1}:
        for k in {first, first + length // 2, first + length - 1}:
            before, a[row, k] = a[row, k], -a[row, k]
            assert not _same(places)
            a[row, k] = before
    for array in (b, copy):
        for k in (0, 1023, 1024, 1029):
            before, array[k] = array[k], np.nan
            assert not _same(places)
            array[k] = before
    panel, lane = divmod(column + length - 1, panels.shape[2])
    panels[panel, term, lane] += 1
    assert not _same(places)


def test_a_matrix_with_three_axes_lies_as_its_rows():
    a, panels = matrix((4, 3, 10), "float64"), packed(12, 10, np.dtype("float64"))
    _take(_places({"a": a}, {}, [(panels, [("a", 0, 10, 0, 0)])]))
    np.testing.assert_array_equal(panels.transpose(1, 0, 2).reshape(12, -1)[:, :10], a.reshape(12, 10))


@pytest.mark.parametrize("dtype", ("float32", "float64"))
@pytest.mark.parametrize("part", PARTS, ids=str)
@pytest.mark.parametrize("threads", (1, 3))
def test_what_is_turned_over_is_what_pack_makes(part, dtype, threads):
    shape, first, length, term, column, terms, columns = part
    a, real = matrix(shape, dtype), np.dtype(dtype)
    held, found, expected = packed(terms, columns, real), *(packed(length + 3, shape[0] + 5, real) for _ in range(2))
    found[...], expected[...] = 0, 0
    _take(_places({"a": a}, {}, [(held, [("a", first, length, term, column)])]))
    pack(a, first, length, False, expected, 2, 5, 0, 1)
    for rank in reversed(range(threads)):
        turn_over(held, term, column, shape[0], length, found, 2, 5, rank, threads)
    np.testing.assert_array_equal(found, expected)
    assert np.count_nonzero(found) == shape[0] * length
