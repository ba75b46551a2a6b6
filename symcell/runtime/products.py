"""The product of rows with a matrix, in tiles of the result that stay in registers.

A BLAS repacks the weights at every call, which is dear for a few rows. Here they are packed once a sequence, in panels
as wide as a tile: panel p of packed weights (panels, K, width) holds the columns from p * width on, zeros behind the last.
"""

import numpy as np
from numba import types
from numba.core import cgutils, codegen, config
from numba.extending import intrinsic

from symcell.runtime.jit import exact_jit, jit

ir = cgutils.ir

# A tile is `height` rows by `vectors` registers of columns: 6 x 4 sums take 24 of 32 vector registers, 6 x 2 take 12 of 16.
# Four rows make up what is left of six, and one row alone takes two panels, to have as many additions in flight.
_FEATURES = codegen.get_host_cpu_features() if config.CPU_FEATURES is None else config.CPU_FEATURES
_BYTES = 64 if "+avx512f" in _FEATURES else (32 if "+avx2" in _FEATURES else 16)  # in a vector register
_TALL, _SHORT = 6, 4
_WIDTH = 4 if _BYTES == 64 or "+neon" in _FEATURES else 2  # vectors in a row of a tile, and in one of packed weights
_ROWS = 60  # rows that all panels of weights are taken for, before the next ones are
_DEPTH, _SPAN = 256, 480  # the terms, and the rows, of weight gradients that are added up at a time
_MANY = 200  # columns of weight gradients that make it worth while to copy what they are made from
_TURNED = 16  # rows of a matrix that are turned at a time


def _splat(builder, value, vector):
    """A vector that holds one scalar in every lane."""
    lane = ir.IntType(32)
    undefined = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(undefined, value, lane(0))
    return builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(lane, vector.count), None))


def _mask(builder, vector, remaining, v):
    """Which lanes of a row's v-th vector are among the `remaining` columns."""
    lanes = ir.VectorType(remaining.type, vector.count)
    columns = ir.Constant(lanes, [v * vector.count + lane for lane in range(vector.count)])
    return builder.icmp_signed("<", columns, _splat(builder, remaining, lanes))


def _masked(builder, action, vector, *operands):
    """LLVM's masked load or store, which leaves memory outside the mask alone."""
    real = "f32" if vector.element == ir.FloatType() else "f64"
    result = vector if action == "load" else ir.VoidType()
    signature = ir.FunctionType(result, [operand.type for operand in operands])
    name = f"llvm.masked.{action}.v{vector.count}{real}.p0"
    return builder.call(cgutils.get_or_insert_function(builder.module, signature, name), operands)


def _build_tile(builder, x, w, y, places, height, vectors, masked, vector):
    """Emit a tile of y: `height` rows from `row`, `vectors` vectors of columns from `column` on, as a sum over terms.

    With packed weights w (panels, terms, width), y is replaced by x[:, from_x:] @ w. With w a matrix, the transpose of
    x[:, from_x:] @ w[:, from_w:] is added to y, a term a row. With `masked`, what is behind y's last column is not written,
    nor read from a matrix. Rows past the last one repeat it."""
    from_x, from_w, row, column = places
    index, align = ir.IntType(64), 4 if vector.element == ir.FloatType() else 8
    sizes = [cgutils.unpack_tuple(builder, a.shape) for a in (x, w, y)]
    (_, breadth), (count, columns), packed = sizes[0], sizes[2], len(sizes[1]) == 3
    terms = sizes[1][-2]
    remaining = builder.sub(columns, column)
    masks = [_mask(builder, vector, remaining, v) if masked else None for v in range(vectors)]

    def add(a, b):
        return builder.add(a, b)

    def cast(pointer):
        return builder.bitcast(pointer, vector.as_pointer())

    def load(pointer, mask):
        if mask is None:
            return builder.load(pointer, align=align)
        return _masked(builder, "load", vector, pointer, ir.IntType(32)(align), mask, vector(None))

    def store(value, pointer, mask):
        if mask is None:
            return builder.store(value, pointer, align=align)
        return _masked(builder, "store", vector, value, pointer, ir.IntType(32)(align), mask)

    def weights(term):
        """The vectors of a term, one for each of the tile's."""
        for v in range(vectors):
            lanes = index(v * vector.count)
            if not packed:
                place = add(builder.mul(term, sizes[1][1]), add(add(from_w, column), lanes))
                yield load(cast(builder.gep(w.data, [place])), masks[v])
                continue
            panels, _, width = sizes[1]
            panel = add(builder.udiv(column, width), index(v // _WIDTH))
            panel = builder.select(builder.icmp_signed("<", panel, panels), panel, builder.sub(panels, index(1)))
            place = add(builder.mul(add(builder.mul(panel, terms), term), width), index(v % _WIDTH * vector.count))
            yield load(cast(builder.gep(w.data, [place])), None)

    def factor(line, term):
        across, along = (line, term) if packed else (term, line)
        place = add(builder.mul(across, breadth), add(along, from_x))
        return _splat(builder, builder.load(builder.gep(x.data, [place])), vector)

    end = builder.sub(count, index(1))
    lines = [add(row, index(i)) for i in range(height)]
    lines = [builder.select(builder.icmp_signed("<", line, end), line, end) for line in lines]
    begins = [add(builder.mul(line, columns), column) for line in lines]
    targets = [[cast(builder.gep(y.data, [add(b, index(v * vector.count))])) for v in range(vectors)] for b in begins]
    # Stack slots, which LLVM turns into registers.
    sums = [[cgutils.alloca_once(builder, vector) for _ in range(vectors)] for _ in lines]
    for row_sums, pointers in zip(sums, targets, strict=True):
        for total, pointer, mask in zip(row_sums, pointers, masks, strict=True):
            builder.store(vector(None) if packed else load(pointer, mask), total)
    with cgutils.for_range(builder, terms) as loop:
        row_of_weights = list(weights(loop.index))
        for line, row_sums in zip(lines, sums, strict=True):
            x_line = factor(line, loop.index)
            for total, weight in zip(row_sums, row_of_weights, strict=True):
                product = builder.fmul(x_line, weight, flags=("contract",))
                builder.store(builder.fadd(builder.load(total), product, flags=("contract",)), total)
    for row_sums, pointers in zip(sums, targets, strict=True):
        for total, pointer, mask in zip(row_sums, pointers, masks, strict=True):
            store(builder.load(total), pointer, mask)


@intrinsic(prefer_literal=True)
def _tile(typing, rows, weights, out, places, height, vectors, masked):
    """Compute one tile of `out`: see _build_tile."""
    literals = (height, vectors, masked)
    signature = types.void(rows, weights, out, places, *literals)
    real = ir.FloatType() if rows.dtype == types.float32 else ir.DoubleType()
    vector = ir.VectorType(real, 8 * _BYTES // rows.dtype.bitwidth)

    def generate(context, builder, signature, arguments):
        arrays = [context.make_array(signature.args[i])(context, builder, arguments[i]) for i in range(3)]
        indices = cgutils.unpack_tuple(builder, arguments[3])
        _build_tile(builder, *arrays, indices, *[literal.literal_value for literal in literals], vector)
        return context.get_dummy_value()

    return signature, generate


def _band(height, vectors, masked):
    """The function that computes the rows of `out` from `top` up to `bottom`, in the columns from one on, in tiles of a size."""

    @exact_jit
    def band(rows, from_rows, weights, from_weights, out, column, top, bottom):
        for row in range(top, bottom, height):
            _tile(rows, weights, out, (from_rows, from_weights, row, column), height, vectors, masked)

    return band


_tall_band, _narrow_tall_band = _band(_TALL, _WIDTH, True), _band(_TALL, _WIDTH // 2, True)
_short_band, _narrow_short_band = _band(_SHORT, _WIDTH, True), _band(_SHORT, _WIDTH // 2, True)
_one_row, _whole_tall_band = _band(1, 2 * _WIDTH, True), _band(_TALL, _WIDTH, False)


def packed(terms, columns, real):
    """Room for the weights of a product: terms (K) by columns (M), as `multiply` reads them."""
    width = _WIDTH * _BYTES // np.dtype(real).itemsize
    return np.zeros((-(-columns // width), terms, width), real)


@jit
def pack(weights, first, length, transposed, panels, term, column):
    """Put columns of a matrix, `length` of them from `first` on, into packed weights at a term and a column.

    As they lie if the product is with the transpose, turned if it is with the matrix itself."""
    width = panels.shape[2]
    count = length if transposed else weights.shape[0]
    low = 0
    while low < count:  # up to the end of a panel, and not so many that turning them leaves the cache
        panel, lane = divmod(column + low, width)
        high = min(low + min(width - lane, _TURNED), count)
        if transposed:
            for k in range(weights.shape[0]):
                for m in range(low, high):
                    panels[panel, term + k, lane + m - low] = weights[k, first + m]
        else:
            for k in range(length):
                for m in range(low, high):
                    panels[panel, term + k, lane + m - low] = weights[m, first + k]
        low = high


@jit
def multiply(rows, start, weights, out):
    """out[b, m] = sum over k of rows[b, start + k] * the packed weights[k, m], all C-contiguous and of one float dtype.

    Shapes: rows (B, at least start + K), out (B, M), which is overwritten and overlaps neither. Each sum runs over k in order,
    whatever the tile, so that a row's result does not depend on the rows beside it.
    """
    count, width = out.shape[0], weights.shape[2]
    if count == 1:
        for column in range(0, out.shape[1], 2 * width):
            _one_row(rows, start, weights, 0, out, column, 0, 1)
        return
    tall = max(0, count - (0, 7, 8, 3, 4, -1)[count % _TALL])  # the rest goes into short tiles
    for top in range(0, tall, _ROWS):
        for column in range(0, out.shape[1], width):
            if out.shape[1] - column > width // 2:
                _tall_band(rows, start, weights, 0, out, column, top, min(top + _ROWS, tall))
            else:
                _narrow_tall_band(rows, start, weights, 0, out, column, top, min(top + _ROWS, tall))
    if tall < count:
        for column in range(0, out.shape[1], width):
            if out.shape[1] - column > width // 2:
                _short_band(rows, start, weights, 0, out, column, tall, count)
            else:
                _narrow_short_band(rows, start, weights, 0, out, column, tall, count)


@exact_jit
def _copy(source, target):
    for k in range(source.shape[0]):
        target[k] = source[k]


@jit
def add_outer_products(left, from_left, right, from_right, out):
    """out[m, k] += sum over r of left[r, from_left + m] * right[r, from_right + k]: a gradient of weights, over all rows r.

    All C-contiguous and of one float dtype; out overlaps neither. As many rows and columns at a time as the cache holds."""
    width, rows = _WIDTH * (_BYTES // out.itemsize), left.shape[0]
    block = np.empty((min(_DEPTH, rows), _SPAN), out.dtype)
    panel = np.empty((min(_DEPTH, rows), width), out.dtype)
    for first in range(0, rows, _DEPTH):
        last = min(first + _DEPTH, rows)
        for top in range(0, out.shape[0], _SPAN):
            bottom = min(top + _SPAN, out.shape[0])
            above, from_above = left[first:last], from_left
            if out.shape[1] >= _MANY:  # rows far apart share their places in the cache
                above, from_above = block[: last - first], -top
                for r in range(last - first):
                    _copy(left[first + r, from_left + top : from_left + bottom], block[r])
            for column in range(0, out.shape[1], width):
                below, from_below, wide = right[first:last], from_right, min(width, out.shape[1] - column)
                if out.shape[1] >= _MANY:
                    below, from_below = panel[: last - first], -column
                    for r in range(last - first):
                        _copy(right[first + r, from_right + column : from_right + column + wide], panel[r])
                if wide == width:
                    _whole_tall_band(above, from_above, below, from_below, out, column, top, bottom)
                elif wide > width // 2:
                    _tall_band(above, from_above, below, from_below, out, column, top, bottom)
                else:
                    _narrow_tall_band(above, from_above, below, from_below, out, column, top, bottom)
