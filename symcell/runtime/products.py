"""The product of a few rows with a matrix, in tiles of the result that stay in registers.

A BLAS repacks the weights at every call, which is dear for a few rows. Here they are read as they lie;
packing them once a sequence would gain 5 to 12 per cent, too little for a second form of every weight.
"""

from numba import types
from numba.core import cgutils, codegen, config
from numba.extending import intrinsic

from symcell.runtime.jit import exact_jit, jit

ir = cgutils.ir

# A tile is `height` rows by `vectors` registers of columns: 8 x 3 sums take 24 of 32 vector registers,
# 4 x 3 take 12 of 16, and one row alone takes 8, to have as many additions in flight.
_FEATURES = codegen.get_host_cpu_features() if config.CPU_FEATURES is None else config.CPU_FEATURES
_WIDE = "+avx512f" in _FEATURES
_BYTES = 64 if _WIDE else (32 if "+avx2" in _FEATURES else 16)  # in a vector register
_TALL = 8 if _WIDE or "+neon" in _FEATURES else 4
_SHORT = 4


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


def _build_tile(builder, x, w, y, start, row, column, height, vector, masks):
    """Emit y[row : row + height, column:] = x[row : row + height, start:] @ w[:, column:].

    There are as many vectors in a row as masks; None stands for all lanes. Rows past the last one repeat it.
    """
    index, align = ir.IntType(64), 4 if vector.element == ir.FloatType() else 8
    (count, columns), (_, width), (depth, _) = (cgutils.unpack_tuple(builder, a.shape) for a in (y, x, w))

    def vectors_of(array, line):
        first = builder.gep(array.data, [builder.add(builder.mul(line, columns), column)])
        steps = [builder.gep(first, [index(v * vector.count)]) for v in range(len(masks))]
        return [builder.bitcast(step, vector.as_pointer()) for step in steps]

    def load(pointer, mask):
        if mask is None:
            return builder.load(pointer, align=align)
        return _masked(builder, "load", vector, pointer, ir.IntType(32)(align), mask, vector(None))

    def store(value, pointer, mask):
        if mask is None:
            return builder.store(value, pointer, align=align)
        return _masked(builder, "store", vector, value, pointer, ir.IntType(32)(align), mask)

    last = builder.sub(count, index(1))
    lines = [builder.add(row, index(i)) for i in range(height)]
    lines = [builder.select(builder.icmp_signed("<", line, last), line, last) for line in lines]
    sources = [builder.gep(x.data, [builder.add(builder.mul(line, width), start)]) for line in lines]
    # Stack slots, which LLVM turns into registers.
    sums = [[cgutils.alloca_once_value(builder, vector(None)) for _ in masks] for _ in lines]
    with cgutils.for_range(builder, depth) as loop:
        weights = [load(*pair) for pair in zip(vectors_of(w, loop.index), masks, strict=True)]
        for source, row_sums in zip(sources, sums, strict=True):
            factor = _splat(builder, builder.load(builder.gep(source, [loop.index])), vector)
            for total, weight in zip(row_sums, weights, strict=True):
                term = builder.fmul(factor, weight, flags=("contract",))
                builder.store(builder.fadd(builder.load(total), term, flags=("contract",)), total)
    for line, row_sums in zip(lines, sums, strict=True):
        for total, pointer, mask in zip(row_sums, vectors_of(y, line), masks, strict=True):
            store(builder.load(total), pointer, mask)


@intrinsic(prefer_literal=True)
def _tile(typing, rows, start, weights, out, row, column, height, vectors, masked):
    """Compute one tile of `out`; with `masked`, columns past the last are neither read nor written."""
    literals = (height, vectors, masked)
    count, width, partial = (literal.literal_value for literal in literals)
    signature = types.void(rows, types.intp, weights, out, types.intp, types.intp, *literals)
    real = ir.FloatType() if rows.dtype == types.float32 else ir.DoubleType()
    vector = ir.VectorType(real, 8 * _BYTES // rows.dtype.bitwidth)

    def generate(context, builder, signature, arguments):
        kinds = signature.args
        x, w, y = (context.make_array(kinds[i])(context, builder, arguments[i]) for i in (0, 2, 3))
        start, row, column = arguments[1], arguments[4], arguments[5]
        masks = [None] * width
        if partial:
            remaining = builder.sub(cgutils.unpack_tuple(builder, y.shape)[1], column)
            masks = [_mask(builder, vector, remaining, v) for v in range(width)]
        _build_tile(builder, x, w, y, start, row, column, count, vector, masks)
        return context.get_dummy_value()

    return signature, generate


def _band(height, vectors):
    """The function that computes the rows from `first` up to `last` in tiles of one size."""

    @exact_jit
    def band(rows, start, weights, out, first, last):
        width = vectors * (_BYTES // out.itemsize)
        for column in range(0, out.shape[1], width):
            for row in range(first, last, height):
                if column + width <= out.shape[1]:
                    _tile(rows, start, weights, out, row, column, height, vectors, False)
                else:
                    _tile(rows, start, weights, out, row, column, height, vectors, True)

    return band


_tall_band = _band(_TALL, 3)
_short_band = _band(_SHORT, 3)
_one_row = _band(1, 8)


@jit
def multiply(rows, start, weights, out):
    """out[b, m] = sum over k of rows[b, start + k] * weights[k, m], all C-contiguous and of one float dtype.

    Shapes: rows (B, at least start + K), weights (K, M), out (B, M), which is overwritten and overlaps
    neither. Each sum runs over k in order, whatever the tile, so that a row's result does not depend on the
    rows beside it.
    """
    count = out.shape[0]
    # More than _SHORT rows left over are worth a tall tile.
    tall = max(count + _TALL - _SHORT - 1, 0) // _TALL * _TALL
    _tall_band(rows, start, weights, out, 0, min(tall, count))
    if count - tall == 1:
        _one_row(rows, start, weights, out, tall, count)
    elif count > tall:
        _short_band(rows, start, weights, out, tall, count)
