"""Copies of arrays, in one piece of memory: made, compared with the arrays, and taken again from them.

`places` says of each array, piece by piece, its address, where its copy lies in memory, and its bytes.
"""

import numpy as np
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from symcell.runtime.jit import ir, jit
from symcell.runtime.memory import _LINE, room
from symcell.runtime.threads import in_parallel

_WORTH_A_THREAD = 1 << 22  # bytes that are worth while to wake a thread for
_PIECE = 1 << 12  # bytes of a piece


def _address(array):
    return array.__array_interface__["data"][0]


def _copied(array):
    """A copy, which does not follow the array when that changes in place."""
    copy = room(array.shape, array.dtype)
    copy[...] = array
    return copy


def _goals(arrays):
    """Where the copies of arrays begin in their memory, each on a cache line, and where the last one ends."""
    goals = [0]
    for a in arrays.values():
        goals.append(goals[-1] + -(-a.nbytes // _LINE) * _LINE)
    return goals


def _copies(arrays, real, threads):
    """Memory in one piece, and copies of all arrays in it."""
    *goals, end = _goals(arrays)
    memory = room((end,), np.dtype(np.uint8))
    copies = {name: np.ndarray(a.shape, real, memory, goal) for (name, a), goal in zip(arrays.items(), goals, strict=True)}
    pairs = [(copy, arrays[name]) for name, copy in copies.items()]

    def part(first, last):
        for copy, a in pairs[first:last]:
            copy[...] = a

    in_parallel(part, _some(len(pairs), end, threads))
    return memory, copies


def _places(arrays, goals):
    """Where arrays and their copies are, if those begin at goals in their memory."""
    places = []
    for a, goal in zip(arrays, goals, strict=True):
        address, size = _address(a), a.nbytes
        places += [(address + k, goal + k, min(_PIECE, size - k)) for k in range(0, size, _PIECE)]
    return np.array(places, np.int64).reshape(-1, 3)


def _of_all(task, count, size, threads):
    """What task(first, last) says of so many pieces with so many bytes; several threads see to some each if there is much."""
    if size < _WORTH_A_THREAD:
        return [task(0, count)]
    found = []
    in_parallel(lambda first, last: found.append(task(first, last)), _some(count, size, threads))
    return found


def _some(count, size, threads):
    """(first, last) of the arrays or pieces that each thread has, of so many with so many bytes."""
    parts = max(1, min(threads, size // _WORTH_A_THREAD, count))
    return [(count * k // parts, count * (k + 1) // parts) for k in range(parts)]


@intrinsic
def _same_bytes(typing, address, memory, place, count):
    """Whether what lies at an address is what lies at a place in memory."""
    signature = types.boolean(types.intp, memory, types.intp, types.intp)

    def generate(context, builder, signature, arguments):
        number, byte = ir.IntType(32), cgutils.voidptr_t
        kind = ir.FunctionType(number, [byte, byte, arguments[3].type])
        compare = cgutils.get_or_insert_function(builder.module, kind, "memcmp")
        found = builder.call(compare, [*_pointers(context, builder, signature, arguments), arguments[3]])
        return builder.icmp_signed("==", found, number(0))

    return signature, generate


@intrinsic
def _take_bytes(typing, address, memory, place, count):
    """Copy what lies at an address to a place in memory."""
    signature = types.void(types.intp, memory, types.intp, types.intp)

    def generate(context, builder, signature, arguments):
        source, goal = _pointers(context, builder, signature, arguments)
        cgutils.raw_memcpy(builder, goal, source, arguments[3], 1)
        return context.get_dummy_value()

    return signature, generate


def _pointers(context, builder, signature, arguments):
    """To the address and to the place in memory that the arguments begin with."""
    address, memory, place, _ = arguments
    memory = context.make_array(signature.args[1])(context, builder, memory)
    return builder.inttoptr(address, cgutils.voidptr_t), builder.gep(memory.data, [place])


@jit
def _same(places, memory):
    """Whether arrays hold the very bits that their copies hold."""
    same = True
    for k in range(places.shape[0]):
        same = same and _same_bytes(places[k, 0], memory, places[k, 1], places[k, 2])
    return same


@jit
def _take(places, memory):
    """Copy arrays to where their copies are."""
    for k in range(places.shape[0]):
        _take_bytes(places[k, 0], memory, places[k, 1], places[k, 2])
