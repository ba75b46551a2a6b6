"""Memory for the arrays of a call.

Fresh memory of the system costs a page fault every 4 KiB, which takes longer than computing what is written there. So blocks are
lent: a block comes back when the last array on it is gone, and the next array of its size has it. Each begins on a cache line.
"""

import ctypes
import math
from contextlib import suppress
from typing import Any

import numpy as np

LINE = 64  # bytes in a cache line, which vector loads should not straddle
SMALL, _KEPT = 1 << 15, 1 << 28  # bytes: smaller arrays lie anywhere; with more in all blocks, idle ones are not kept
_blocks: dict[int, tuple[list[int], np.ndarray]] = {}  # the address of a block -> idle blocks of its size, and its memory
_idle: dict[int, list[int]] = {}  # bytes -> the addresses of blocks that nobody has
_made = 0  # bytes of all blocks


class _Lent(ctypes.c_char * (1 << 46)):  # type: ignore[misc]  # as long as the longest; arrays take what they need
    """A block as it is lent: NumPy's arrays on it keep it alive, and its end gives the block back."""

    def __del__(self, address_of: Any = ctypes.addressof, blocks: dict = _blocks) -> None:  # at exit, globals are gone
        address = address_of(self)
        blocks[address][0].append(address)


def allocate(shape: tuple[int, ...], dtype: np.dtype, small: int = SMALL) -> np.ndarray:
    """An array with whatever is in it; on a cache line if it is not small."""
    size = math.prod(shape) * dtype.itemsize
    if size < small:
        return np.empty(shape, dtype)
    try:
        address = _idle[size].pop()
    except (KeyError, IndexError):
        address = _new_block(size)
    return np.ndarray(shape, dtype, _Lent.from_address(address))


def zeros(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """An array of zeros."""
    if math.prod(shape) * dtype.itemsize < SMALL:
        return np.zeros(shape, dtype)
    array = allocate(shape, dtype)
    array[...] = 0
    return array


def _new_block(size: int) -> int:
    """The address of so many bytes. Where that is too much, idle blocks are given back to the system."""
    global _made
    memory = np.empty(size + LINE, np.uint8)
    address: int = memory.ctypes.data
    address += -address % LINE
    _blocks[address] = _idle.setdefault(size, []), memory
    _made += size
    if _made > _KEPT:
        _drop_idle()
    return address


def _drop_idle() -> None:
    global _made
    for size, addresses in list(_idle.items()):
        with suppress(IndexError):  # no more are idle: other threads take some meanwhile
            while True:
                del _blocks[addresses.pop()]
                _made -= size
