"""Which processors the workers run on. A worker that has slept is often woken on the processor of the thread that wakes it: both
then share that one for milliseconds, while others are idle. So workers may run on every processor of the caller but its own.

The caller's own affinity is never changed; systems without affinity have none of this.
"""

import ctypes
import os
import threading
from collections.abc import Callable

_workers: list[int] = []  # the system's numbers of the worker threads
_placed: tuple[frozenset[int], int, int] | None = None  # the caller's processors, its own, and how many workers were placed


def _find_getcpu() -> Callable[[], int] | None:
    if not hasattr(os, "sched_setaffinity"):
        return None
    return getattr(ctypes.PyDLL(None), "sched_getcpu", None)


_getcpu = _find_getcpu()


def register() -> None:
    """Begin a worker."""
    _workers.append(threading.get_native_id())


def keep_apart() -> None:
    """Let all workers run on the caller's processors except for the one that it is on."""
    global _placed
    if _getcpu is None:
        return
    allowed, here = frozenset(os.sched_getaffinity(0)), _getcpu()
    wanted = allowed, here, len(_workers)
    if wanted == _placed:
        return
    for worker in list(_workers):
        try:
            os.sched_setaffinity(worker, allowed - {here} or allowed)
        except OSError:  # a worker that has ended, or a system that forbids it: placement is only a matter of speed
            continue
    _placed = wanted


def _forget_workers() -> None:
    """In a forked process there are none."""
    global _placed
    _workers.clear()
    _placed = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_workers)
