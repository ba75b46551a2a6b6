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
_blocks = []  # what has been handed out, the latest last: (memory, where its first line begins)
_lock = threading.Lock()


def room(shape, real, small=_SMALL):
    """An array of a shape, with whatever is in it; on a cache line if it is not small."""
    size = math.prod(shape) * real.itemsize
    if size < small:
        return np.empty(shape, real)
    with _lock:
        return _taken(size).view(real).reshape(shape)


def zeros(shape, real):
    """An array of zeros."""
    if math.prod(shape) * real.itemsize < _SMALL:
        return np.zeros(shape, real)
    array = room(shape, real)
    array[...] = 0
    return array


def _taken(size):
    """So many bytes that nothing else refers to: every array in a block holds a reference to it."""
    for k, (block, start) in enumerate(_blocks):
        if block.size == size + _LINE and getrefcount(block) == _UNUSED:
            _blocks.append(_blocks.pop(k))
            return block[start : start + size]
    block = np.empty(size + _LINE, np.uint8)
    start = -block.ctypes.data % _LINE
    _blocks.append((block, start))
    while len(_blocks) > 1 and sum(b.size for b, _ in _blocks) > _KEPT:
        _blocks.pop(0)
    return block[start : start + size]


def _references():
    """What getrefcount says of memory that only `_blocks` refers to, when `_taken` asks it."""
    for _, (block, _) in enumerate([(np.empty(1), 0)]):
        return getrefcount(block)


_UNUSED = _references()


def _start_afresh():
    """In a forked process nobody else uses the lock."""
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_afresh)
