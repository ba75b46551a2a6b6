"""Bands of a matrix product: tiles of one height, from one row up to another, in as many columns as a panel has."""

from numba import types
from numba.core import cgutils

from .internals import ir
from .jit import intrinsic
from .memory import LINE
from .tiles import _BYTES, _SHORT, _TALL, _WIDTH, _array_structs, _build_tile, _lines
from .views import _in_one_piece

_ALL, _HALVES, _WIDEST = tuple(range(1, _WIDTH + 1)), (_WIDTH // 2, _WIDTH), (_WIDTH,)  # widths of tiles, in vectors
_LINES = max(1, _WIDTH * _BYTES // LINE)  # that a row of a panel takes


def _wide_enough(builder, columns, column, vector, widths, sure=0):
    """The widths, in vectors, of which one is chosen when the code runs: the first that holds all columns from one on, or the
    last. Code for a width is emitted when it is yielded, with how many of its vectors hold columns in all lanes, as some do for
    `sure`."""
    remaining = builder.sub(columns, column)
    for narrower, vectors in zip((sure, *widths), widths, strict=False):
        chosen = builder.icmp_signed(">", remaining, remaining.type(narrower * vector.count))
        if vectors < widths[-1]:
            fits = builder.icmp_signed("<=", remaining, remaining.type(vectors * vector.count))
            chosen = builder.and_(chosen, fits)
        with builder.if_then(chosen):
            yield narrower, vectors


def _band(height, widths, sure=0, fetches=False):
    """What computes the rows of `out` from `top` up to `bottom`, in columns from one on, in tiles of a height and as wide as need
    be: see _build_tile. There are columns for more vectors than are `sure`, or none is computed."""

    @intrinsic()
    def band(typing, rows, start, weights, piece, out, column, top, bottom, batch_start, batch_stop):
        n = types.intp
        signature = types.void(rows, n, weights, types.UniTuple(n, 4), out, n, n, n, n, n)

        def generate(context, builder, signature, arguments):
            arrays = _array_structs(context, builder, signature, arguments, (0, 2, 4))
            start, piece, column, top, bottom, batch_start, batch_stop = (arguments[i] for i in (1, 3, *range(5, 10)))
            first, stop, address, stride = cgutils.unpack_tuple(builder, piece)
            (_, _, breadth), _, (steps, batch, columns) = (cgutils.unpack_tuple(builder, a.shape) for a in arrays)
            last, vector = builder.sub(builder.mul(steps, builder.sub(batch_stop, batch_start)), top.type(1)), _register_of(rows)
            with cgutils.for_range_slice(builder, top, bottom, top.type(height)) as (row, _):
                lines = _lines(builder, row, height, batch_start, batch_stop, batch, last)
                begins = [builder.add(builder.mul(line, breadth), start) for line in lines]
                tile = builder.udiv(builder.sub(row, top), row.type(height))  # each fetches another line of a panel's rows
                own = builder.add(address, builder.mul(builder.urem(tile, row.type(_LINES)), row.type(LINE)))
                for whole, vectors in _wide_enough(builder, columns, column, vector, widths, sure):
                    numbers = (begins, lines), (column, whole, vectors), (first, stop, own, stride)
                    _build_tile(builder, arrays, *numbers, vector, fetches)
            return context.get_dummy_value()

        return _if_in_one_piece(signature, rows, weights, out), generate

    return band


def _band_of_sums(height, widths):
    """What computes the rows of `out` (one step) from `top` up to `bottom`, in columns from one on, as sums of products with the
    rows that begin at `places`, in tiles of a height; what is in `out` is added to if it `grows`."""

    @intrinsic()
    def band(typing, rows, start, weights, places, out, column, grows, top, bottom):
        n = types.intp
        signature = types.void(rows, n, weights, places, out, n, types.boolean, n, n)

        def generate(context, builder, signature, arguments):
            left, right, begins, sums = _array_structs(context, builder, signature, arguments, (0, 2, 3, 4))
            start, column, grows, top, bottom = (arguments[i] for i in (1, *range(5, 9)))
            (terms,), (_, count, columns) = (cgutils.unpack_tuple(builder, a.shape) for a in (begins, sums))
            last, vector = builder.sub(count, count.type(1)), _register_of(rows)
            with cgutils.for_range_slice(builder, top, bottom, top.type(height)) as (row, _):
                lines = [_least(builder, builder.add(row, row.type(i)), last) for i in range(height)]
                firsts = [builder.add(line, start) for line in lines]
                for whole, vectors in _wide_enough(builder, columns, column, vector, widths):
                    numbers = (firsts, lines), (column, whole, vectors), (terms.type(0), terms, None, None)
                    _build_tile(builder, (left, right, sums), *numbers, vector, False, begins, grows)
            return context.get_dummy_value()

        return _if_in_one_piece(signature, rows, weights, out), generate

    return band


def _least(builder, a, b):
    return builder.select(builder.icmp_signed("<", a, b), a, b)


def _if_in_one_piece(signature, *arrays):
    """The signature, if the arrays are such as tiles can read."""
    _in_one_piece(*arrays)
    return signature


def _register_of(array):
    """A register of an array's numbers."""
    return ir.VectorType(ir.FloatType() if array.dtype == types.float32 else ir.DoubleType(), 8 * _BYTES // array.dtype.bitwidth)


_tall_band, _short_band = _band(_TALL, _ALL), _band(_SHORT, _HALVES)
_fetching_tall_band, _fetching_short_band = (_band(height, _WIDEST, _WIDTH // 2, fetches=True) for height in (_TALL, _SHORT))
_narrow_row, _one_row = _band(1, (_WIDTH // 2,)), _band(1, _WIDEST, _WIDTH // 2)
_wide_row = _band(1, (2 * _WIDTH,), _WIDTH + _WIDTH // 2)
_tall_sum_band, _short_sum_band = _band_of_sums(_TALL, _ALL), _band_of_sums(_SHORT, _HALVES)
