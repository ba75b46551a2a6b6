"""Threads. Samples are independent, so each thread takes its own ones through all steps, and no thread waits for another.

Where there are fewer samples than threads, the threads are a team (see barrier): each computes some columns of every product, the
first one all the rest, and they wait for one another before and after.
"""

import os
import threading
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numba import typeof

from .barrier import ABORTED, abort, team_of
from .internals import config
from .jit import DISABLED
from .workers import Task, submit

_WORTHWHILE = 1 << 22  # multiplications that are worth waking a thread for
_WORTH_A_BARRIER = 1 << 17  # and, in one step, worth two barriers
_WORTH_A_TEAM = 1 << 24  # and, in all steps, worth waiting until the others have woken up
_WORTH_PACKING = 1 << 18  # weights that are worth a thread of their own
_ROWS_IN_CACHE = 256  # rows, of all samples and some steps, that are worked on before the next ones are

ALONE = team_of(1)
_team = threading.Lock()  # teams run one after another: two of them might each have half of the workers
_compiled: set[tuple[Any, np.dtype]] = set()  # passes that are ready for a dtype


class Part(NamedTuple):
    """What one thread does. Its products are for the samples from `batch_start` up to `batch_stop`; it sweeps those before
    `sweep_stop`; gradients are added up in place `own`; it has a rank in its team."""

    thread: int
    own: int
    batch_start: int
    batch_stop: int
    sweep_stop: int
    rank: int
    team: np.ndarray

    @property
    def share(self) -> tuple:
        """What a pass is told of it."""
        return self[2:]


def default_threads() -> int:
    """Numba's number of threads, which NUMBA_NUM_THREADS sets."""
    return 1 if DISABLED else config.NUMBA_NUM_THREADS


def parts_of(threads: int, T: int, B: int, work: int) -> list[Part]:
    """What each thread is to do; `work` is the number of multiplications for one sample and step."""
    wanted = T * B * work // _WORTHWHILE
    wanted = min(wanted, threads, default_threads()) if wanted > 1 else 1
    if wanted < 2:
        return [Part(0, 0, 0, B, B, 0, ALONE)]
    if wanted > B and B * work >= _WORTH_A_BARRIER and T * B * work >= _WORTH_A_TEAM:
        team = team_of(wanted)
        return [Part(k, 0, 0, B, 0 if k else B, k, team) for k in range(wanted)]
    count = min(wanted, B)
    bounds = [(k * B // count, (k + 1) * B // count) for k in range(count)]
    return [Part(k, k, start, stop, stop, 0, ALONE) for k, (start, stop) in enumerate(bounds)]


def packers(threads: int, size: int) -> list[tuple[int, int]]:
    """(rank, count) for each thread that packs some of so many weights."""
    count = size // _WORTH_PACKING
    count = max(1, min(count, threads, default_threads())) if count > 1 else 1
    return [(k, count) for k in range(count)]


def steps_at_a_time(T: int, B: int) -> int:
    """The steps of a block."""
    return max(1, min(T, _ROWS_IN_CACHE // max(1, B)))


def run_pass(
    pass_: Any, parts: Sequence[Part], dtype: np.dtype, steps: tuple, shared: tuple, own: Sequence = (), each: Sequence = ()
) -> None:
    """Call a pass for each part, all at once: pass_(*steps, what it is told of the part, *shared, and of arrays the entry that is
    for the part's own gradients, or for its thread)."""

    def arguments(part: Part) -> tuple:
        return *steps, *part.share, *shared, *(a[part.own] for a in own), *(a[part.thread] for a in each)

    if len(parts) == 1:
        pass_(*arguments(parts[0]))
        return
    if (pass_, dtype) not in _compiled and not DISABLED:  # else each would wait for it
        pass_.compile(tuple(map(typeof, arguments(parts[0]))))
        _compiled.add((pass_, dtype))
    in_parallel(pass_, [arguments(part) for part in parts], parts[0].team)


def in_parallel(function: Callable[..., Any], parts: Sequence[tuple], team: np.ndarray = ALONE) -> None:
    """function(*part) for each part at once, the first in this thread. What one of them raises is raised."""
    if len(parts) == 1:
        function(*parts[0])
    elif team[0] == 1:
        _share(function, parts)
    else:
        with _team:
            _together(function, parts, team)


def _share(function: Callable[..., Any], parts: Sequence[tuple]) -> None:
    """A part that no worker has begun when this thread has done its own is done here, too."""
    tasks = [Task(function, *part) for part in parts[1:]]
    try:
        submit(tasks)
        function(*parts[0])
        while tasks:
            task = tasks.pop()
            if task.begin():
                task.do()
            task.result()
    finally:
        _leave(tasks)


def _together(function: Callable[..., Any], parts: Sequence[tuple], team: np.ndarray) -> None:
    """Each member has a thread, and nobody waits for one that has left."""

    def take_part(*part: Any) -> None:
        try:
            function(*part)
        except BaseException:
            abort(team)
            raise

    tasks = [Task(take_part, *part) for part in parts[1:]]
    try:
        submit(tasks)
        function(*parts[0])
        for task in tasks:
            task.result()
    finally:
        team[ABORTED] = 1  # no call: a second interrupt cannot come before it
        _leave(tasks)


def _leave(tasks: Sequence[Task]) -> None:
    """Wait for the tasks that have begun, and let nobody begin the others: what they work with is the caller's."""
    for task in tasks:
        if not task.begin():
            task.wait()


def _unlock_in_child() -> None:
    """In a forked process there is no team."""
    global _team
    _team = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_unlock_in_child)
