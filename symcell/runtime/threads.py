"""Threads: samples do not meet, so that each thread takes its own ones through all steps, and no thread waits for another."""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from numba.core import config

_WORTHWHILE = 1 << 22  # products of two numbers for which it is worth while to wake a thread
_ROWS_IN_CACHE = 256  # rows, of all samples and some steps, that are worked on before the next ones are


@cache
def _pool():
    return ThreadPoolExecutor(max_workers=max(1, config.NUMBA_NUM_THREADS), thread_name_prefix="symcell")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # its threads stay with the parent


def shares(threads, B, work):
    """Runs of samples, (low, high) for each thread: as many as there are threads, samples and work for."""
    count = max(1, min(threads, B, work // _WORTHWHILE))
    return [(k * B // count, (k + 1) * B // count) for k in range(count)]


def steps_at_a_time(T, B):
    """The steps of a block."""
    return max(1, min(T, _ROWS_IN_CACHE // max(1, B)))


def in_parallel(task, parts):
    """task(k, low, high) for each part at once, the first in this thread."""
    waiting = [_pool().submit(task, k, *part) for k, part in enumerate(parts) if k]
    try:
        task(0, *parts[0])
    finally:
        faults = [future.exception() for future in waiting]  # when it is done
    for fault in filter(None, faults):
        raise fault


def summed(parts):
    """The sum of what each thread added up."""
    for part in parts[1:]:
        parts[0] += part
    return parts[0]
