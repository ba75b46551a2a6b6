"""Fingerprints of arrays, which tell whether they have changed without a look at their copies: half as much is read.

A piece has two sums over its words x of 64 bits: of the product of the halves of x + k, where k is a word of a random key. This
is NH (UMAC, Black et al. 1999) with one addition of 64 bits for its two of 32. Two pieces that differ, whatever they hold, have
equal sums for at most one key in 2^32; for two keys that is one in 2^64, and less often than memory forgets a bit.
"""

import os

import numpy as np
from numba import types
from numba.extending import intrinsic

from symcell.runtime.copies import _PIECE, _address
from symcell.runtime.jit import exact_jit, ir, jit

_KEYS = np.frombuffer(os.urandom(2 * _PIECE), np.uint64).reshape(2, -1)  # others in every process
_LOW, _HALF = np.uint64(0xFFFFFFFF), np.uint64(32)


def _fingerprints(places, memory):
    """Those of arrays that have the values of their copies, from the copies: they stay what they are meanwhile."""
    places, found = places.copy(), np.empty((len(places), 2), np.uint64)
    places[:, 0] = _address(memory) + places[:, 1]
    _note(places, _KEYS, found)
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


@exact_jit
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
def _note(places, keys, found):
    """Write down the fingerprints of what lies at places."""
    for k in range(places.shape[0]):
        found[k, 0], found[k, 1] = _fingerprint(places[k, 0], places[k, 2], keys)


@jit
def _as_noted(places, keys, noted):
    """Whether what lies at places has the fingerprints that were noted."""
    same = True
    for k in range(places.shape[0]):
        if same:
            first, second = _fingerprint(places[k, 0], places[k, 2], keys)
            same = first == noted[k, 0] and second == noted[k, 1]
    return same
