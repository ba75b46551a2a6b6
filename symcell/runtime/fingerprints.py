"""Fingerprints of arrays, which tell whether they have changed without a look at their copies: half as much is read.

A piece has two sums over its words x of 64 bits: of the product of the halves of x + k, where k is a word of a random key. This
is NH (UMAC, Black et al. 1999) with one addition of 64 bits for its two of 32. Two pieces that differ, whatever they hold, have
equal sums for at most one key in 2^32; for two keys that is one in 2^64, and less often than memory forgets a bit.
"""

import os

import numpy as np
from numba import types
from numba.extending import intrinsic

from symcell.runtime.copies import _address, _places, _take
from symcell.runtime.jit import exact_jit, inlined, ir, jit

_PIECE = 1 << 12  # bytes of a piece
_KEYS = np.frombuffer(os.urandom(2 * _PIECE), np.uint64).reshape(2, -1)  # others in every process
_LOW, _HALF = np.uint64(0xFFFFFFFF), np.uint64(32)


def _pieces(arrays):
    """The address and the bytes of each piece of arrays."""
    pieces = []
    for a in arrays.values():
        address, size = _address(a), a.nbytes
        pieces += [(address + k, min(_PIECE, size - k)) for k in range(0, size, _PIECE)]
    return np.array(pieces, np.int64).reshape(-1, 2)


def _fingerprints(arrays, copies, held):
    """Those of arrays that have the values of their copies, from the copies: they stay what they are meanwhile."""
    again = {name: a.copy() for name, a in arrays.items()}
    _take(_places(again, copies, held)[:, [1, 0, 2, 3, 5, 4]])  # back from the copies
    pieces = _pieces(again)
    found = np.empty((len(pieces), 2), np.uint64)
    _note(pieces, _KEYS, found)
    return found


@intrinsic
def _word_at(typing, address, index, kind):
    """The word at an index of an array of unsigned integers of a kind, which begins at an address; as 64 bits."""
    signature = types.uint64(types.intp, types.intp, kind)

    def generate(context, builder, signature, arguments):
        word = context.get_data_type(kind.instance_type)
        pointer = builder.gep(builder.inttoptr(arguments[0], word.as_pointer()), [arguments[1]])
        return builder.zext(builder.load(pointer, align=4), ir.IntType(64))

    return signature, generate


@inlined
def _product(word, key):
    both = word + key
    return (both & _LOW) * (both >> _HALF)


@exact_jit
def _fingerprint(address, size, keys):
    """The two sums of so many bytes from an address on. There is an odd half word at the end, or none."""
    count = size // 8
    first = second = np.uint64(0)
    for k in range(count):
        word = _word_at(address, k, np.uint64)
        first += _product(word, keys[0, k])
        second += _product(word, keys[1, k])
    if size % 8:
        word = _word_at(address, size // 4 - 1, np.uint32)
        first += _product(word, keys[0, count])
        second += _product(word, keys[1, count])
    return first, second


@jit
def _note(pieces, keys, found):
    """Write down the fingerprints of pieces."""
    for k in range(pieces.shape[0]):
        found[k, 0], found[k, 1] = _fingerprint(pieces[k, 0], pieces[k, 1], keys)


@jit
def _as_noted(pieces, keys, noted):
    """Whether pieces have the fingerprints that were noted."""
    for k in range(pieces.shape[0]):
        first, second = _fingerprint(pieces[k, 0], pieces[k, 1], keys)
        if first != noted[k, 0] or second != noted[k, 1]:
            return False
    return True
