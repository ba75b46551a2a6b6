"""Memory for the arrays of a call.

Fresh memory costs a page fault every 4 KiB, which takes longer than computing what is written there. So large blocks are lent:
a block comes back when the last array on it is gone, and the next array of its size has it.
"""

import math
from typing import Any

import numpy as np

LINE = 64  # bytes in a cache line, which vector loads should not straddle
_SMALL, _KEPT = 1 << 15, 1 << 28  # bytes: smaller arrays are not worth lending, and no more than that is kept idle
_Block = tuple[np.ndarray, int]  # memory, and the address of its first cache line
_idle: dict[int, list[_Block]] = {}  # bytes -> blocks that nobody has; the size that came back last stands last


class _Loan:
    """A block that is lent. NumPy's arrays on it keep the loan alive, and its end gives the block back."""

    __slots__ = ("__array_interface__", "block", "size")
    __array_interface__: dict[str, Any]

    def __init__(self, size: int, block: _Block, shape: tuple[int, ...], dtype: np.dtype) -> None:
        self.size, self.block = size, block
        self.__array_interface__ = {"shape": shape, "typestr": dtype.str, "data": (block[1], False), "version": 3}

    def __del__(self) -> None:
        if hasattr(self, "block"):  # else an interrupt came before
            _give_back(self.size, self.block)


def allocate(shape: tuple[int, ...], dtype: np.dtype, small: int = _SMALL) -> np.ndarray:
    """An array with whatever is in it; on a cache line if it is not small."""
    size = math.prod(shape) * dtype.itemsize
    if size < small:
        return np.empty(shape, dtype)
    if size < _SMALL:
        memory, address = _new_block(size)
        return np.ndarray(shape, dtype, memory, address - memory.ctypes.data)
    return np.asarray(_Loan(size, _idle_block(size), shape, dtype))


def zeros(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """An array of zeros."""
    if math.prod(shape) * dtype.itemsize < _SMALL:
        return np.zeros(shape, dtype)
    array = allocate(shape, dtype)
    array[...] = 0
    return array


def _idle_block(size: int) -> _Block:
    try:
        return _idle[size].pop()
    except (KeyError, IndexError):
        return _new_block(size)


def _new_block(size: int) -> _Block:
    memory = np.empty(size + LINE, np.uint8)
    address = memory.ctypes.data
    return memory, address + -address % LINE


def _give_back(size: int, block: _Block) -> None:
    """Keep a block for the next array of its size; blocks of the size that was used least lately go first."""
    blocks = _idle.pop(size, [])
    blocks.append(block)
    _idle[size] = blocks
    kept = list(_idle.items())  # one operation of C, as are the others: all threads give back, and no loan may fail to end
    excess = sum(n * len(some) for n, some in kept) - _KEPT
    for oldest, some in kept:
        while some and excess > 0:
            del some[-1:]
            excess -= oldest
        if not some:
            _idle.pop(oldest, None)
