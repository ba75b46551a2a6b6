"""Memory for the arrays of a call. Fresh memory costs a page fault every 4 KiB, which takes longer than computing what is written
there; so what nothing refers to any more is used again.
"""

import math
import os
import threading
from sys import getrefcount

import numpy as np

_LINE = 64  # bytes in a cache line, which vector loads should not straddle
_SMALL, _KEPT = 1 << 15, 1 << 28  # bytes: smaller arrays are not worth keeping, and no more than that is kept
_blocks = {}  # bytes -> what has been handed out: (memory, where its first line begins); the latest size last
_lock = threading.Lock()


def room(shape, real, small=_SMALL):
    """An array of a shape, with whatever is in it; on a cache line if it is not small."""
    size = math.prod(shape) * real.itemsize
    if size < small:
        return np.empty(shape, real)
    with _lock:
        return np.ndarray(shape, real, *_taken(size))


def zeros(shape, real):
    """An array of zeros."""
    if math.prod(shape) * real.itemsize < _SMALL:
        return np.zeros(shape, real)
    array = room(shape, real)
    array[...] = 0
    return array


def _taken(size):
    """So many bytes that nothing else refers to, and where they begin: every array in a block holds a reference to it."""
    blocks = _blocks.pop(size, [])
    for block, start in blocks:
        if getrefcount(block) == _UNUSED:
            _blocks[size] = blocks
            return block, start
    block = np.empty(size + _LINE, np.uint8)  # if there is no memory for it, no list without blocks is left behind
    _blocks[size] = blocks
    blocks.append((block, -block.ctypes.data % _LINE))
    while sum(n * len(some) for n, some in _blocks.items()) > _KEPT and (len(_blocks) > 1 or len(blocks) > 1):
        oldest = next(iter(_blocks))
        _blocks[oldest].pop(0)
        if not _blocks[oldest]:
            del _blocks[oldest]
    return blocks[-1]


def _references():
    """What getrefcount says of memory that only `_blocks` refers to, when `_taken` asks it."""
    for block, _ in [(np.empty(1), 0)]:
        return getrefcount(block)


_UNUSED = _references()


def _unlock_in_child():
    """In a forked process nobody else uses the lock."""
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_unlock_in_child)
