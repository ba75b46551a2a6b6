"""Fingerprints: the sums that they are said to be, other ones after every change, and few keys that hide one."""

import numpy as np
import pytest
from symcell.runtime.copies import _of_all, _places, _take
from symcell.runtime.fingerprints import _PIECE

from symcell.runtime import fingerprints

SIZES = (0, 1, 2, 3, 7, 16, _PIECE // 4 - 1, _PIECE // 4, _PIECE // 4 + 1, 3 * _PIECE // 4 + 5)  # of arrays of float32
KEYS = fingerprints._KEYS


def noted(a):
    pieces = fingerprints._pieces({"a": a})
    found = np.empty((len(pieces), 2), np.uint64)
    fingerprints._note(pieces, KEYS, found)
    return pieces, found


@pytest.mark.parametrize("size", SIZES)
def test_fingerprints_are_these_sums(size):
    a = np.random.default_rng(size).integers(0, 1 << 32, size, np.uint32)
    _, found = noted(a)
    assert len(found) == -(-a.nbytes // _PIECE)
    for piece, sums in zip(np.split(a, range(_PIECE // 4, size, _PIECE // 4)), found, strict=False):
        words = np.append(piece, np.zeros(len(piece) % 2, np.uint32)).view(np.uint64)
        for keys, expected in zip(KEYS, sums, strict=True):
            both = [(int(x) + int(k)) % 2**64 for x, k in zip(words, keys, strict=False)]
            assert sum((b % 2**32) * (b >> 32) for b in both) % 2**64 == expected


@pytest.mark.parametrize("size", (1, 2, 3, 9, _PIECE // 4 + 1))
def test_every_bit_counts(size):
    a = np.random.default_rng(size).normal(size=size).astype(np.float32)
    pieces, found = noted(a)
    bits = a.view(np.uint32)
    for place, bit in np.ndindex(size, 32):
        bits[place] ^= np.uint32(1 << bit)
        assert not fingerprints._as_noted(pieces, KEYS, found)
        bits[place] ^= np.uint32(1 << bit)
    assert fingerprints._as_noted(pieces, KEYS, found)


def test_numbers_that_change_places_are_seen():
    a = np.arange(2 * _PIECE, dtype=np.float32)
    pieces, found = noted(a)
    for k, m in ((0, 1), (0, 2), (2, 3), (0, _PIECE // 4), (5, _PIECE)):
        a[[k, m]] = a[[m, k]]
        assert not fingerprints._as_noted(pieces, KEYS, found)
        a[[k, m]] = a[[m, k]]
    assert fingerprints._as_noted(pieces, KEYS, found)


@pytest.mark.parametrize("half", (3, 4, 5))
def test_at_most_one_key_in_so_many_hides_a_difference(half):
    """The bound that fingerprints rest on, shown for words of few bits: the products of two words that differ by d themselves
    differ by no amount for more than one key in 2**half."""
    count, low = 1 << 2 * half, (1 << half) - 1
    y = np.arange(count)
    product = (y & low) * (y >> half)
    for d in range(1, count):
        assert np.bincount((product - np.roll(product, -d)) % count).max() <= 1 << half


@pytest.mark.parametrize("threads", (1, 2, 3))
def test_copies_have_the_fingerprints_of_their_arrays_whoever_looks(threads):
    random = np.random.default_rng(0)
    arrays = {f"a{k}": random.normal(size=size).astype(np.float32) for k, size in enumerate((*SIZES, 1 << 20, 1 << 19))}
    copies, panels = {name: a.copy() for name, a in arrays.items()}, np.zeros((3, 700, 16), np.float32)
    arrays["m"], held = random.normal(size=(600, 40)).astype(np.float32), [(panels, [("m", 0, 30, 50, 7), ("m", 30, 10, 50, 37)])]
    _take(_places(arrays, copies, held))
    pieces, end = fingerprints._pieces(arrays), sum(a.nbytes for a in arrays.values())
    found = fingerprints._fingerprints(arrays, copies, held)

    def unchanged():
        return all(_of_all(lambda a, b: fingerprints._as_noted(pieces[a:b], KEYS, found[a:b]), len(pieces), end, threads))

    assert unchanged()
    for a in arrays.values():
        flat = a.reshape(-1)
        for k in {0, a.size // 2, a.size - 1} if a.size else ():
            before, flat[k] = flat[k], np.nan
            assert not unchanged()
            flat[k] = before
    assert unchanged()
    assert end > 1 << 22  # so that several threads look
