"""One step, called from Python again and again: no weights are packed, no arguments copied, and parameters are found by address.

A product is a dot product with each row of the weights, eight rows at a time.
"""

from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from symcell.runtime.jit import exact_jit, ir
from symcell.runtime.tiles import _splat, _Vectors
from symcell.runtime.views import _array_at, _in_one_piece

_EIGHT = 8  # rows of weights that are gone through side by side


@intrinsic
def array_at(typing, address, shape, like):
    """The array of that shape, and of the dtype of `like`, that lies at an address."""
    array = types.Array(like.dtype, len(shape), "C")

    def generate(context, builder, signature, arguments):
        address, shape, _ = arguments
        data = builder.inttoptr(address, context.get_data_type(array.dtype).as_pointer())
        return _array_at(context, builder, array, data, cgutils.unpack_tuple(builder, shape))

    return array(address, shape, like), generate


def _sums_of_lanes(builder, vectors):
    """Of eight vectors with eight lanes, the vector of their sums: two vectors become one, half of whose lanes are of each."""
    half = len(vectors) // 2
    while half:
        of_each = [lane + (_EIGHT if lane & half else 0) for lane in range(_EIGHT)]
        own, other = (
            ir.Constant(ir.VectorType(ir.IntType(32), _EIGHT), lanes)
            for lanes in (of_each, [of_each[lane] ^ half for lane in range(_EIGHT)])
        )
        vectors = [
            builder.fadd(builder.shuffle_vector(a, b, own), builder.shuffle_vector(a, b, other))
            for a, b in zip(vectors[:half], vectors[half:], strict=True)
        ]
        half //= 2
    return vectors[0]


@intrinsic
def _eight_sums(typing, x, start, w, first, stride, length, out, place):
    """out.flat[place + i] += the sum over k < length of x.flat[start + k] * w.flat[first + i * stride + k], for eight i."""
    _in_one_piece(x, w, out)
    signature = types.void(x, types.intp, w, types.intp, types.intp, types.intp, out, types.intp)

    def generate(context, builder, signature, arguments):
        x, w, out = (context.make_array(signature.args[i])(context, builder, arguments[i]) for i in (0, 2, 6))
        _, start, _, first, stride, length, _, place = arguments
        real = context.get_data_type(signature.args[0].dtype)
        vector = ir.VectorType(real, _EIGHT)
        memory, index = _Vectors(builder, vector), length.type
        sums = [cgutils.alloca_once_value(builder, vector(None)) for _ in range(_EIGHT)]
        rows = [builder.add(first, builder.mul(index(i), stride)) for i in range(_EIGHT)]

        def add(k, mask=None):
            factor = memory.load(memory.at(x, builder.add(start, k)), mask)
            for row, total in zip(rows, sums, strict=True):
                product = builder.fmul(factor, memory.load(memory.at(w, builder.add(row, k)), mask), flags=("contract",))
                builder.store(builder.fadd(builder.load(total), product, flags=("contract",)), total)

        whole = builder.and_(length, index(-vector.count))
        with cgutils.for_range_slice(builder, index(0), whole, index(vector.count)) as (k, _):
            add(k)
        rest = builder.sub(length, whole)
        with builder.if_then(builder.icmp_signed(">", rest, index(0))):
            lanes = ir.VectorType(index, vector.count)
            add(whole, builder.icmp_signed("<", ir.Constant(lanes, list(range(vector.count))), _splat(builder, rest, lanes)))
        eight = _sums_of_lanes(builder, [builder.load(total) for total in sums])
        memory.store(builder.fadd(memory.load(memory.at(out, place)), eight), memory.at(out, place))
        return context.get_dummy_value()

    return signature, generate


@exact_jit
def apply(weights, first, length, transposed, rows, start, out, column):
    """out[b, column + m] += the sum over k of weights[m, first + k] * rows[b, start + k], k < length; with `transposed`, of
    weights[k, first + m] * rows[b, start + k], m < length. Packed weights are never needed."""
    (height, breadth), samples = weights.shape, rows.shape[0]
    for b in range(samples):
        source, target = b * rows.shape[1] + start, b * out.shape[1] + column
        if transposed:
            for k in range(height):
                for m in range(length):
                    out[b, column + m] += weights[k, first + m] * rows[b, start + k]
            continue
        whole = height // _EIGHT * _EIGHT
        for m in range(0, whole, _EIGHT):
            _eight_sums(rows, source, weights, m * breadth + first, breadth, length, out, target + m)
        for m in range(whole, height):
            total = out[b, column + m]
            for k in range(length):
                total += weights[m, first + k] * rows[b, start + k]
            out[b, column + m] = total
