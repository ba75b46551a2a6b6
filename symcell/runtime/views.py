"""Parts of arrays in one piece, as kernels take them at every step. A slice would be the same, with checks for indices that are
negative or too large: in a kernel of many arrays, those take a fifth of the time to compile it.
"""

from itertools import accumulate

from numba import types
from numba.core import cgutils, errors

from . import plain
from .jit import inlined, intrinsic


def _in_one_piece(*arrays):
    """Places are counted as C does."""
    if any(a.layout != "C" for a in arrays):
        raise errors.TypingError("kernels take C-contiguous arrays")


def _part(context, builder, signature, arguments, place, shape):
    """The array of a shape, a list, that begins at a place of the first argument's numbers."""
    whole = context.make_array(signature.args[0])(context, builder, arguments[0])
    return _array_at(context, builder, signature.return_type, builder.gep(whole.data, [place]), shape)


def _array_at(context, builder, kind, data, shape):
    """The array of a kind and of a shape, a list, whose numbers begin where `data` points to."""
    array, index = context.make_array(kind)(context, builder), context.get_value_type(types.intp)
    size = context.get_constant(types.intp, context.get_abi_sizeof(context.get_data_type(kind.dtype)))
    *strides, count = accumulate(shape[::-1], builder.mul, initial=index(1))
    strides = [builder.mul(n, size) for n in strides[::-1]]
    array.data, array.itemsize, array.nitems = data, size, count
    array.shape, array.strides = (cgutils.pack_array(builder, numbers, index) for numbers in (shape, strides))
    return array._getvalue()


def _descriptor_type(kind):
    """What a function that is called by address is given of an argument of a kind: of an array, where it lies, and its shape.
    With all that Numba's arrays have, a call would take as long as a small product."""
    return types.Tuple((types.CPointer(kind.dtype), *[types.intp] * kind.ndim)) if isinstance(kind, types.Array) else kind


@intrinsic()
def _from_descriptor(typing, place):
    """The array that lies where `place` says."""
    signature = types.Array(place[0].dtype, len(place) - 1, "C")(place)

    def generate(context, builder, signature, arguments):
        data, *shape = cgutils.unpack_tuple(builder, arguments[0])
        return _array_at(context, builder, signature.return_type, data, shape)

    return signature, generate


def _descriptor(context, builder, kind, argument):
    """What such a function is given of an argument, when the code runs."""
    if not isinstance(kind, types.Array):
        return argument
    array = context.make_array(kind)(context, builder, argument)
    return context.make_tuple(builder, _descriptor_type(kind), [array.data, *cgutils.unpack_tuple(builder, array.shape)])


def _place(builder, indices, shape):
    """Where the part begins that the first indices of an array choose, and the part's shape."""
    place = indices[0]
    for i, n in zip(indices[1:], shape[1:], strict=False):
        place = builder.add(builder.mul(place, n), i)
    for n in shape[len(indices) :]:
        place = builder.mul(place, n)
    return place, shape[len(indices) :]


@intrinsic(plain.row_at)
def row_at(typing, array, t, b):
    """array[t, b]"""
    _in_one_piece(array)
    signature = types.Array(array.dtype, array.ndim - 2, "C")(array, types.intp, types.intp)

    def generate(context, builder, signature, arguments):
        shape = cgutils.unpack_tuple(builder, context.make_array(signature.args[0])(context, builder, arguments[0]).shape)
        return _part(context, builder, signature, arguments, *_place(builder, arguments[1:], shape))

    return signature, generate


@intrinsic(plain.columns_at)
def columns_at(typing, array, t, b, start, stop):
    """array[t, b, start:stop]"""
    _in_one_piece(array)
    signature = types.Array(array.dtype, 1, "C")(array, *[types.intp] * 4)

    def generate(context, builder, signature, arguments):
        shape = cgutils.unpack_tuple(builder, context.make_array(signature.args[0])(context, builder, arguments[0]).shape)
        place, _ = _place(builder, arguments[1:3], shape)
        start, stop = arguments[3:]
        return _part(context, builder, signature, arguments, builder.add(place, start), [builder.sub(stop, start)])

    return signature, generate


@intrinsic(plain.steps_at)
def steps_at(typing, array, start, stop):
    """array[start:stop]"""
    _in_one_piece(array)
    signature = array.copy(layout="C")(array, types.intp, types.intp)

    def generate(context, builder, signature, arguments):
        shape = cgutils.unpack_tuple(builder, context.make_array(signature.args[0])(context, builder, arguments[0]).shape)
        place, rest = _place(builder, arguments[1:2], shape)
        return _part(context, builder, signature, arguments, place, [builder.sub(arguments[2], arguments[1]), *rest])

    return signature, generate


@intrinsic()
def matrix_at(typing, array, place, count, breadth):
    """array.flat[place : place + count * breadth] as an array (1, count, breadth)"""
    _in_one_piece(array)
    signature = types.Array(array.dtype, 3, "C")(array, *[types.intp] * 3)

    def generate(context, builder, signature, arguments):
        _, place, *shape = arguments
        return _part(context, builder, signature, arguments, place, [shape[0].type(1), *shape])

    return signature, generate


@intrinsic(plain.copy)
def _copy(typing, source, place, target, goal, count):
    """target.flat[goal : goal + count] = source.flat[place : place + count]"""
    _in_one_piece(source, target)
    signature = types.void(source, types.intp, target, types.intp, types.intp)

    def generate(context, builder, signature, arguments):
        source, target = (context.make_array(signature.args[i])(context, builder, arguments[i]) for i in (0, 2))
        size = context.get_abi_sizeof(context.get_data_type(signature.args[0].dtype))
        pointers = [builder.gep(a.data, [arguments[i]]) for a, i in ((target, 3), (source, 1))]
        cgutils.raw_memcpy(builder, *pointers, arguments[4], size)
        return context.get_dummy_value()

    return signature, generate


@inlined
def hold_final(later, final, t, lengths, batch_start, sweep_stop):
    """Of samples that end before step t, what is carried back is still what the loss gives the final state."""
    for b in range(batch_start, sweep_stop):
        if t >= lengths[b]:
            width = later.size // later.shape[0]
            _copy(final, b * width, later, b * width, width)


@inlined
def copy_steps(given, kept, first, last, batch_start, sweep_stop):
    """Copy some samples of an input at some steps, just before they are used: a run does not follow its arguments afterwards."""
    if given.ctypes.data != kept.ctypes.data:
        samples = given.shape[1]
        width = given.size // (given.shape[0] * samples)
        for t in range(first, last):
            place = (t * samples + batch_start) * width
            _copy(given, place, kept, place, (sweep_stop - batch_start) * width)
