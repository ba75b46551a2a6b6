"""Bands of a matrix product: the tiles of one size, from one row up to another, in as many columns as a tile is wide."""

from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from symcell.runtime.jit import ir
from symcell.runtime.tiles import _BYTES, _SHORT, _TALL, _WIDTH, _array_structs, _build_tile
from symcell.runtime.views import _in_one_piece


def _band(height, vectors, far=False):
    """What computes the rows of `out` from `top` up to `bottom`, in columns from one on, in tiles of a size: see _build_tile."""

    @intrinsic
    def band(typing, rows, start, weights, piece, out, column, top, bottom, low, high):
        n = types.intp
        signature = types.void(rows, n, weights, types.UniTuple(n, 3), out, n, n, n, n, n)

        def generate(context, builder, signature, arguments):
            arrays = _array_structs(context, builder, signature, arguments, (0, 2, 4))
            start, piece, column, top, bottom, low, high = (arguments[i] for i in (1, 3, *range(5, 10)))
            samples, steps = builder.sub(high, low), cgutils.unpack_tuple(builder, arrays[-1].shape)[0]
            last = builder.sub(builder.mul(steps, samples), samples.type(1))
            with cgutils.for_range_slice(builder, top, bottom, top.type(height)) as (row, _):
                numbers = row, column, start, cgutils.unpack_tuple(builder, piece), low, high, last
                _build_tile(builder, arrays, numbers, height, vectors, _register_of(rows), far)
            return context.get_dummy_value()

        return _if_in_one_piece(signature, rows, weights, out), generate

    return band


def _band_of_sums(height, vectors):
    """What computes the rows of `out` (one step) from `top` up to `bottom`, in columns from one on, as sums of products with the
    rows that begin at `places`, in tiles of a size; what is in `out` is added to if it `grows`."""

    @intrinsic
    def band(typing, rows, start, weights, places, out, column, grows, top, bottom):
        n = types.intp
        signature = types.void(rows, n, weights, places, out, n, types.boolean, n, n)

        def generate(context, builder, signature, arguments):
            left, right, begins, sums = _array_structs(context, builder, signature, arguments, (0, 2, 3, 4))
            start, column, grows, top, bottom = (arguments[i] for i in (1, *range(5, 9)))
            (terms,), (_, count, _) = (cgutils.unpack_tuple(builder, a.shape) for a in (begins, sums))
            none, last = count.type(0), builder.sub(count, count.type(1))
            with cgutils.for_range_slice(builder, top, bottom, top.type(height)) as (row, _):
                numbers = row, column, start, (none, terms, none), none, count, last
                _build_tile(builder, (left, right, sums), numbers, height, vectors, _register_of(rows), False, begins, grows)
            return context.get_dummy_value()

        return _if_in_one_piece(signature, rows, weights, out), generate

    return band


def _if_in_one_piece(signature, *arrays):
    """The signature, if the arrays are such as tiles can read."""
    _in_one_piece(*arrays)
    return signature


def _register_of(array):
    """A register of an array's numbers."""
    return ir.VectorType(ir.FloatType() if array.dtype == types.float32 else ir.DoubleType(), 8 * _BYTES // array.dtype.bitwidth)


_tall_band, _narrow_tall_band = _band(_TALL, _WIDTH), _band(_TALL, _WIDTH // 2)
_short_band, _narrow_short_band = _band(_SHORT, _WIDTH), _band(_SHORT, _WIDTH // 2)
_far_tall_band, _far_short_band = _band(_TALL, _WIDTH, far=True), _band(_SHORT, _WIDTH, far=True)
_wide_row, _one_row, _narrow_row = _band(1, 2 * _WIDTH), _band(1, _WIDTH), _band(1, _WIDTH // 2)
_tall_sum_band, _narrow_tall_sum_band = _band_of_sums(_TALL, _WIDTH), _band_of_sums(_TALL, _WIDTH // 2)
_short_sum_band, _narrow_short_sum_band = _band_of_sums(_SHORT, _WIDTH), _band_of_sums(_SHORT, _WIDTH // 2)
