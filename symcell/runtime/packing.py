"""Matrices packed in panels as wide as a tile, panel after panel: as tiles read them.

A BLAS packs weights at every call, which is dear for a few rows. Here they are packed once a sequence, or once for frozen ones.
"""

import numpy as np
from numba import types

from . import plain
from .internals import ir
from .jit import inlined, intrinsic, jit
from .memory import LINE, allocate
from .sums import _DEPTH
from .tiles import _BYTES, _WIDTH, _array_structs, _Vectors
from .views import _copy, _in_one_piece

_BLOCK = 8  # rows and columns of a block of a matrix that is transposed in registers
_LITTLE = 1 << 17  # bytes of panels that become zero in less time than what is behind their last columns
_WAY = 1 << 12  # bytes after which places in the first cache repeat


def empty_panels(dtype, /, **sizes):
    """Room for the weights of products, name -> panels, each for so many terms (K) and columns (M), as `multiply` reads them."""
    width, found, place = _WIDTH * _BYTES // dtype.itemsize, {}, 0
    shapes = {name: (-(-columns // width), terms, width) for name, (terms, columns) in sizes.items()}
    memory = allocate((sum([panels * terms for panels, terms, _ in shapes.values()]) * width,), dtype, small=LINE)
    at_once = memory.nbytes < _LITTLE
    if at_once:
        memory[...] = 0
    for name, shape in shapes.items():
        after, columns = place + shape[0] * shape[1] * width, sizes[name][1] % width
        found[name] = panels = memory[place:after].reshape(shape)
        place = after
        if columns and not at_once:
            panels[-1, :, columns:] = 0
    return found


def padded(columns, dtype):
    """So many columns, or a cache line more where rows would lie a multiple of 4 KiB apart: then all that a tile of
    `add_outer_products` reads of many rows would compete for one place in the first cache."""
    return columns if columns * dtype.itemsize % _WAY else columns + LINE // dtype.itemsize


def outer_product_buffers(threads, columns, dtype):
    """Room for what `add_outer_products` notes, for each thread: where rows of the left begin, and rows of the right, packed."""
    width = _WIDTH * _BYTES // dtype.itemsize
    panels = -(-max(columns) // width)
    return allocate((threads, _DEPTH), np.dtype(np.int64)), allocate((threads, panels, _DEPTH, width), dtype)


@inlined
def _put_row(source, place, count, panels, term):
    """Put so many numbers, from a place on, into panels, at a term: a line into each."""
    _, terms, width = panels.shape
    for column in range(0, count, width):
        _copy(source, place + column, panels, column * terms + term * width, min(width, count - column))


def _transpose_plainly(source, place, stride, target, goal, width):
    plain.put_transposed(source, place, stride, target, goal, width, _BLOCK)


@intrinsic(_transpose_plainly)
def _transpose_block(typing, source, place, stride, target, goal, width):
    """Turn a block of _BLOCK by _BLOCK: target.flat[goal + i * width + k] = source.flat[place + k * stride + i]."""
    _in_one_piece(source, target)
    signature = types.void(source, types.intp, types.intp, target, types.intp, types.intp)

    def generate(context, builder, signature, arguments):
        source, target = _array_structs(context, builder, signature, arguments, (0, 3))
        _, place, stride, _, goal, width = arguments
        memory = _Vectors(builder, ir.VectorType(context.get_data_type(signature.args[0].dtype), _BLOCK))
        index = place.type
        rows = [memory.load(memory.at(source, builder.add(place, builder.mul(index(k), stride)))) for k in range(_BLOCK)]
        distance = _BLOCK // 2
        while distance:  # rows k and k + distance exchange every second run of so many columns
            even = [lane if not lane & distance else lane - distance + _BLOCK for lane in range(_BLOCK)]
            odd = [lane + distance for lane in even]
            masks = [ir.Constant(ir.VectorType(ir.IntType(32), _BLOCK), lanes) for lanes in (even, odd)]
            for k in range(_BLOCK):
                if not k & distance:
                    pair = rows[k], rows[k + distance]
                    rows[k], rows[k + distance] = (builder.shuffle_vector(*pair, mask) for mask in masks)
            distance //= 2
        for i, row in enumerate(rows):
            memory.store(row, memory.at(target, builder.add(goal, builder.mul(index(i), width))))
        return context.get_dummy_value()

    return signature, generate


@inlined
def _put_transposed(source, place, stride, count, deep, panels, goal):
    """panels.flat[goal + k * width + m] = source.flat[place + m * stride + k], for m < count and k < deep."""
    width = panels.shape[2]
    whole, along = count // _BLOCK * _BLOCK, deep // _BLOCK * _BLOCK
    for m in range(0, whole, _BLOCK):
        for k in range(0, along, _BLOCK):
            _transpose_block(source, place + m * stride + k, stride, panels, goal + k * width + m, width)
    for m in range(count):
        for k in range(along if m < whole else 0, deep):
            _copy(source, place + m * stride + k, panels, goal + k * width + m, 1)


@jit
def pack(weights, first, length, transposed, panels, term, column, rank, threads):
    """Put columns of a matrix, `length` of them from `first` on, into packed weights at a term and a column.

    As they lie if the product is with the transpose, transposed if it is with the matrix itself. Each thread fills some
    panels."""
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
            _put_transposed(weights, low * stride + first, stride, high - low, deep, panels, goal)
        low = high
