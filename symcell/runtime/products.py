"""The product of rows with a matrix, in tiles of the result that stay in registers.

A BLAS repacks the weights at every call, which is dear for a few rows. Here they are packed once, until parameters change, in
panels as wide as a tile.
"""

import sys
import threading
from types import ModuleType

import numpy as np
from numba import types
from numba.extending import intrinsic

from symcell.runtime.jit import exact_jit, jit, pointed
from symcell.runtime.memory import room, zeros
from symcell.runtime.tiles import (
    _BYTES,
    _TALL,
    _TURN,
    _WIDTH,
    _narrow_row,
    _narrow_short_band,
    _narrow_sum_band,
    _narrow_tall_band,
    _one_row,
    _short_band,
    _sum_band,
    _tall_band,
    _turn,
    _wide_row,
    ir,
)
from symcell.runtime.views import _copy, lines_at

_NEAR, _FAR = 1 << 16, 1 << 20  # bytes of weights, between which they are in the second cache
_ROWS = 60  # rows that all panels of weights are taken for, before the next ones are
_DEPTH, _SPAN = 256, 480  # the terms, and the rows, of weight gradients that are added up at a time


def packed(terms, columns, real):
    """Room for the weights of a product: terms (K) by columns (M), as `multiply` reads them."""
    width = _WIDTH * _BYTES // real.itemsize
    panels = room((-(-columns // width), terms, width), real, small=0)
    if columns % width:
        panels[-1, :, columns % width :] = 0
    return panels


def outer_room(threads, columns, real):
    """Room for what `add_outer_products` notes, for each thread: where rows of the left begin, and rows of the right, packed."""
    width = _WIDTH * _BYTES // real.itemsize
    panels = -(-max(columns) // width)
    return room((threads, _DEPTH), np.dtype(np.int64)), room((threads, panels, _DEPTH, width), real)


def sums_of_products(shape, real, count):
    """Room for what `add_outer_products` makes of so many rows: if there are none, zeros."""
    return room(shape, real) if count else zeros(shape, real)


def _pack(weights, first, length, transposed, panels, term, column, rank, threads):
    """Put columns of a matrix, `length` of them from `first` on, into packed weights at a term and a column.

    As they lie if the product is with the transpose, turned if it is with the matrix itself. Each thread fills some panels."""
    _, terms, width = panels.shape
    own = panels.shape[0] * rank // threads, panels.shape[0] * (rank + 1) // threads
    count, deep = (length, weights.shape[0]) if transposed else (weights.shape[0], length)
    stride, low = weights.shape[1], 0
    while low < count:  # up to the end of a panel
        panel, lane = divmod(column + low, width)
        high = min(low + width - lane, count)
        goal = (panel * terms + term) * width + lane
        if own[0] <= panel < own[1] and transposed:
            for k in range(deep):
                _copy(weights, k * stride + first + low, panels, goal + k * width, high - low)
        elif own[0] <= panel < own[1]:
            whole, along = (high - low) // _TURN * _TURN, deep // _TURN * _TURN
            for m in range(0, whole, _TURN):
                for k in range(0, along, _TURN):
                    _turn(weights, (low + m) * stride + first + k, stride, panels, goal + k * width + m, width)
            for m in range(high - low):
                for k in range(along if m < whole else 0, deep):
                    panels[panel, term + k, lane + m] = weights[low + m, first + k]
        low = high


def _multiply(rows, start, weights, out, low, high, rank, team):
    """out[t, b, m] = sum over k of rows[t, b, start + k] * the packed weights[k, m], for the samples b from `low` up to `high`;
    of a team, each thread computes some of the columns.

    Shapes: rows (S, B, at least start + K), out (S, B, M), which is overwritten and overlaps neither; all C-contiguous and of
    one float dtype. Each sum runs over k in order, whatever the tile, so that a row's result does not depend on the rows beside
    it."""
    count, (panels, terms, width) = out.shape[0] * (high - low), weights.shape
    left, right = 0, panels * width
    if team[0] > 1:
        left, right = panels * rank // team[0] * width, panels * (rank + 1) // team[0] * width
    if count == 1:
        _multiply_one_row(rows, start, weights, terms, out, left, min(right, out.shape[2]), low, high)
        return
    tall = max(0, count - (0, 7, 8, 3, 4, -1)[count % _TALL])  # the rest goes into short tiles
    for top in range(0, tall, _ROWS):
        bottom = min(top + _ROWS, tall)
        for column in range(left, right, width):
            if out.shape[2] - column > width // 2:
                _tall_band(rows, start, weights, terms, out, column, top, bottom, low, high)
            else:
                _narrow_tall_band(rows, start, weights, terms, out, column, top, bottom, low, high)
    if tall < count:
        for column in range(left, right, width):
            if out.shape[2] - column > width // 2:
                _short_band(rows, start, weights, terms, out, column, tall, count, low, high)
            else:
                _narrow_short_band(rows, start, weights, terms, out, column, tall, count, low, high)


@exact_jit
def _multiply_one_row(rows, start, weights, terms, out, left, right, low, high):
    """The columns from `left` up to `right` of a single row: panel after panel, as they lie in the second cache, which is fastest
    there, or two panels at a time, if they are nearer, and wait for arithmetic, or farther away."""
    width, column = weights.shape[2], left
    in_pairs = not _NEAR < weights.size * weights.itemsize <= _FAR
    while column < right:
        if in_pairs and right - column > width:
            _wide_row(rows, start, weights, terms, out, column, 0, 1, low, high)
            column += 2 * width
        elif right - column > width // 2:
            _one_row(rows, start, weights, terms, out, column, 0, 1, low, high)
            column += width
        else:
            _narrow_row(rows, start, weights, terms, out, column, 0, 1, low, high)
            column += width


def _add_outer_products(left, from_left, right, from_right, out, grows, low, high, rank, team, places, panels):
    """out[m, k] = the sum over the steps and the samples from `low` up to `high` of left[t, b, from_left + m] *
    right[t, b, from_right + k], of which there are some, or out grows by that: a gradient of weights.

    Shapes: left (S, B, at least from_left + M), right (S, B, at least from_right + K), out (M, K), which overlaps neither; all
    C-contiguous and of one float dtype. As many rows of the right at a time as the cache holds are packed in panels; those of the
    left are read where they are, at `places`. Of a team, each thread adds to some of the rows of out."""
    samples, (height, breadth), width = high - low, out.shape, panels.shape[2]
    rows = left.shape[0] * samples
    above, below = height * rank // team[0], height * (rank + 1) // team[0]
    for first in range(0, rows, _DEPTH):
        count = min(_DEPTH, rows - first)
        for r in range(count):
            t, b = divmod(first + r, samples)
            places[r] = (t * left.shape[1] + low + b) * left.shape[2] + from_left
            line = (t * right.shape[1] + low + b) * right.shape[2] + from_right
            for column in range(0, breadth, width):
                _copy(right, line + column, panels, column * _DEPTH + r * width, min(width, breadth - column))
        terms = places[:count]
        for top in range(above, below, _SPAN):
            tall = min(_SPAN, below - top)
            part = lines_at(out, top * breadth, tall, breadth)
            for column in range(0, breadth, width):
                if breadth - column > width // 2:
                    _sum_band(left, top, panels, terms, part, column, grows or first > 0)
                else:
                    _narrow_sum_band(left, top, panels, terms, part, column, grows or first > 0)


# Both products are compiled once for a dtype, and called by address: a kernel with their code in it would have to be optimised
# together with them. All modules of a process that have the same products share them.
_shared = vars(sys.modules.setdefault(f"symcell_products_{globals().get('RUNTIME_HASH')}", ModuleType("symcell_products")))
_compiled_products = _shared.setdefault("compiled", {})
_compiling_products = _shared.setdefault("lock", threading.Lock())
pack = _shared.setdefault("pack", jit(_pack))


def _kinds_of_arguments(number):
    """The types of the arguments of both products."""
    rows, n, team = types.Array(number, 3, "C"), types.intp, types.Array(types.int64, 1, "C")
    return (
        (rows, n, rows, rows, n, n, n, team),
        (rows, n, rows, n, types.Array(number, 2, "C"), types.boolean, n, n, n, team, team, rows),
    )


def products_of(real):
    """The addresses of both products for a dtype, compiled when they are first asked for."""
    if real in _compiled_products:
        return _compiled_products[real][0]
    with _compiling_products:
        if real not in _compiled_products:
            kinds = _kinds_of_arguments(types.float32 if real == np.float32 else types.float64)
            compiled = [pointed(f, types.void(*k)) for f, k in zip((_multiply, _add_outer_products), kinds, strict=True)]
            _compiled_products[real] = np.array([f.address for f in compiled], np.int64), compiled
        return _compiled_products[real][0]


def _called(k, products, rows):
    """The signature and the code of a call of the k-th product."""
    kinds = _kinds_of_arguments(rows.dtype)[k]
    signature = types.void(products, *kinds)

    def generate(context, builder, signature, arguments):
        addresses = context.make_array(signature.args[0])(context, builder, arguments[0])
        types_of_values = [context.get_value_type(kind) for kind in (types.none, *kinds)]
        address = builder.load(builder.gep(addresses.data, [ir.IntType(64)(k)]))
        function = ir.FunctionType(types_of_values[0], types_of_values[1:]).as_pointer()
        builder.call(builder.inttoptr(address, function), arguments[1:])
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def multiply(typing, products, rows, start, weights, out, low, high, rank, team):
    """See _multiply; `products` says where it is."""
    return _called(0, products, rows)


@intrinsic
def add_outer_products(typing, products, left, from_left, right, from_right, out, grows, low, high, rank, team, places, panels):
    """See _add_outer_products; `products` says where it is."""
    return _called(1, products, left)
