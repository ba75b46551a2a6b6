"""Copies of arrays: made, compared with the arrays, and taken again from them. A copy lies as the array does, or in panels, as
packed weights.

`places` says of each array, some rows at a time, the addresses of the first one and of its copy, the bytes and the number of
rows, and the bytes from row to row in the array and in the copy.
"""

import numpy as np
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from symcell.runtime.jit import inlined, ir, jit
from symcell.runtime.memory import room
from symcell.runtime.threads import in_parallel

_WORTH_A_THREAD = 1 << 22  # bytes that are worth while to wake a thread for
_SOME = 1 << 16  # bytes that are compared or copied at a time


def _address(array):
    return array.__array_interface__["data"][0]


def _copied(array):
    """A copy, which does not follow the array when that changes in place."""
    copy = room(array.shape, array.dtype)
    copy[...] = array
    return copy


def _ready(array):
    """The array as compiled code takes it: in one piece, in order, on its own addresses, and not read-only."""
    return array if array.flags.carray else _copied(array)


def _places(arrays, copies, held):
    """Where arrays are, and where their copies are: name -> copy, and (panels, parts): see _held_weights."""
    places = {name: [] for name in arrays}
    for name, copy in copies.items():
        source, goal, size = _address(arrays[name]), _address(copy), copy.nbytes
        places[name] += [(source + k, goal + k, min(_SOME, size - k), 1, 0, 0) for k in range(0, size, _SOME)]
    for panels, parts in held:
        for name, *where in parts:
            places[name] += _rows_in_panels(arrays[name], panels, *where)
    return np.array([place for some in places.values() for place in some], np.int64).reshape(-1, 6)


def _rows_in_panels(array, panels, first, length, term, column):
    """The places of a matrix, `length` of its columns from `first` on, as `pack` puts them into panels with `transposed`."""
    _, terms, width = panels.shape
    number, source, goal = array.itemsize, _address(array), _address(panels)
    stride, pitch, low = array.shape[-1] * number, width * number, 0
    while low < length:  # up to the end of a panel
        panel, lane = divmod(column + low, width)
        some = min(width - lane, length - low) * number
        start, line = source + (first + low) * number, goal + ((panel * terms + term) * width + lane) * number
        height, at_once = array.nbytes // stride, _SOME // some
        for row in range(0, height, at_once):
            yield start + row * stride, line + row * pitch, some, min(at_once, height - row), stride, pitch
        low += width - lane


def _of_all(task, count, size, threads):
    """What task(first, last) says of so many places with so many bytes; several threads see to some each if there is much."""
    if size < _WORTH_A_THREAD:
        return [task(0, count)]
    found = []
    in_parallel(lambda first, last: found.append(task(first, last)), _some(count, size, threads))
    return found


def _some(count, size, threads):
    """(first, last) of the places that each thread has, of so many with so many bytes."""
    parts = max(1, min(threads, size // _WORTH_A_THREAD, count))
    return [(count * k // parts, count * (k + 1) // parts) for k in range(parts)]


@intrinsic
def _same_bytes(typing, address, other, count):
    """Whether so many bytes at two addresses are the same."""
    signature = types.boolean(types.intp, types.intp, types.intp)

    def generate(context, builder, signature, arguments):
        number, byte = ir.IntType(32), cgutils.voidptr_t
        kind = ir.FunctionType(number, [byte, byte, arguments[2].type])
        compare = cgutils.get_or_insert_function(builder.module, kind, "memcmp")
        found = builder.call(compare, [*(builder.inttoptr(a, byte) for a in arguments[:2]), arguments[2]])
        return builder.icmp_signed("==", found, number(0))

    return signature, generate


@intrinsic
def _take_bytes(typing, address, goal, count):
    """Copy so many bytes from an address to another one."""
    signature = types.void(types.intp, types.intp, types.intp)

    def generate(context, builder, signature, arguments):
        source, goal = (builder.inttoptr(a, cgutils.voidptr_t) for a in arguments[:2])
        cgutils.raw_memcpy(builder, goal, source, arguments[2], 1)
        return context.get_dummy_value()

    return signature, generate


@inlined
def _rows_at(places, k):
    return places[k, 0], places[k, 1], places[k, 2], places[k, 3], places[k, 4], places[k, 5]


@jit
def _same(places):
    """Whether arrays hold the very bits that their copies hold."""
    for k in range(places.shape[0]):
        source, goal, size, rows, stride, pitch = _rows_at(places, k)
        for row in range(rows):
            if not _same_bytes(source + row * stride, goal + row * pitch, size):
                return False
    return True


@jit
def _take(places):
    """Copy arrays to where their copies are."""
    for k in range(places.shape[0]):
        source, goal, size, rows, stride, pitch = _rows_at(places, k)
        for row in range(rows):
            _take_bytes(source + row * stride, goal + row * pitch, size)
