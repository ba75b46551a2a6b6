"""Threads. Samples do not meet, so that each thread takes its own ones through all steps, and no thread waits for another.

Where there are fewer samples than threads, the threads are a team: each computes some columns of every product, the first one
all the rest, and they meet before and after.
"""

import os
import threading

import numpy as np
from numba import types
from numba.core import cgutils, config
from numba.extending import intrinsic

from symcell.runtime.jit import exact_jit, ir

_WORTHWHILE = 1 << 22  # products of two numbers for which it is worth while to wake a thread
_WORTH_A_MEETING = 1 << 17  # and, in one step, to meet twice
_WORTH_A_TEAM = 1 << 24  # and, in all steps, to wait until the others have woken up
_WORTH_PACKING = 1 << 18  # weights that are worth a thread of their own
_ROWS_IN_CACHE = 256  # rows, of all samples and some steps, that are worked on before the next ones are
_ARRIVED, _TURN_OF, _SPINS = 8, 16, 4000  # places in a team's array, a cache line apart; looks before a thread gives way

ALONE = np.array([1] + [0] * 23)  # the team of one


class _Worker:
    """A thread that waits for tasks."""

    def __init__(self):
        self.task = self.part = self.fault = None
        self.begin, self.end = threading.Lock(), threading.Lock()
        self.begin.acquire()
        self.end.acquire()
        threading.Thread(target=self._work, name="symcell", daemon=True).start()

    def _work(self):
        while True:
            self.begin.acquire()
            try:
                self.task(*self.part)
            except BaseException as fault:
                self.fault = fault
            self.task = self.part = None
            self.end.release()

    def start(self, task, part):
        self.task, self.part, self.fault = task, part, None
        self.begin.release()

    def finish(self):
        """Wait for the end of the task; what it raised, if anything."""
        self.end.acquire()
        return self.fault


_idle = []  # workers; there are never more than threads, the caller's own apart, so that two callers share them
_count = 0
_borrowing = threading.Lock()


def _borrowed(number):
    """So many workers, or as many as are idle or may still be made."""
    global _count
    with _borrowing:
        while len(_idle) < number and _count < config.NUMBA_NUM_THREADS - 1:
            _idle.append(_Worker())
            _count += 1
        taken = _idle[:number]
        del _idle[:number]
        return taken


def _give_back(workers):
    with _borrowing:
        _idle.extend(workers)


def _start_afresh():
    """In a forked process there are no workers."""
    global _idle, _count, _borrowing
    _idle, _count, _borrowing = [], 0, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_afresh)


def shares(threads, T, B, work):
    """What each thread k is to do, (k, own, low, high, upto, rank, team): gradients are added up in place `own`; products are
    for the samples from `low` up to `high`, of which this thread sweeps those before `upto`; it has a rank in its team. `work` is
    that of one sample and step."""
    wanted = min(threads, T * B * work // _WORTHWHILE)
    if wanted < 2:
        return [(0, 0, 0, B, B, 0, ALONE)]
    if wanted > B and B * work >= _WORTH_A_MEETING and T * B * work >= _WORTH_A_TEAM:
        team = ALONE.copy()
        team[0] = wanted
        return [(k, 0, 0, B, 0 if k else B, k, team) for k in range(wanted)]
    count = min(wanted, B)
    bounds = [(k * B // count, (k + 1) * B // count) for k in range(count)]
    return [(k, k, low, high, high, 0, ALONE) for k, (low, high) in enumerate(bounds)]


def packers(threads, size):
    """(rank, count) for each thread that packs some of so many weights."""
    count = max(1, min(threads, size // _WORTH_PACKING))
    return [(k, count) for k in range(count)]


def in_parallel(task, parts):
    """task(*part) for each part at once, the first in this thread; those for which no worker is left, after it."""
    if len(parts) == 1:
        task(*parts[0])
        return
    workers = _borrowed(len(parts) - 1)
    if len(workers) + 1 < len(parts) and _is_team(parts):  # it is there as a whole, or not at all
        samples = parts[0][3]
        parts = [(0, 0, 0, samples, samples, 0, ALONE)]
        _give_back(workers)
        workers = []
    try:
        for worker, part in zip(workers, parts[1:], strict=False):
            worker.start(task, part)
        task(*parts[0])
        for part in parts[len(workers) + 1 :]:
            task(*part)
    finally:
        faults = [worker.finish() for worker in workers]
        _give_back(workers)
    for fault in filter(None, faults):
        raise fault


def _is_team(parts):
    return isinstance(parts[0][-1], np.ndarray) and parts[0][-1][0] > 1


def steps_at_a_time(T, B):
    """The steps of a block."""
    return max(1, min(T, _ROWS_IN_CACHE // max(1, B)))


@intrinsic
def _atomic(typing, array, place, added):
    """Add to an entry of an array, for all threads to see, and return what it was."""
    signature = types.intp(array, types.intp, types.intp)

    def generate(context, builder, signature, arguments):
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        return builder.atomic_rmw("add", builder.gep(array.data, [arguments[1]]), arguments[2], "seq_cst")

    return signature, generate


@intrinsic
def _seen(typing, array, place):
    """An entry of an array as another thread may have left it just now."""
    signature = types.intp(array, types.intp)

    def generate(context, builder, signature, arguments):
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        return builder.load_atomic(builder.gep(array.data, [arguments[1]]), "acquire", align=8)

    return signature, generate


@intrinsic
def _give_way(typing):
    """Let another thread run, where the system can be asked to."""

    def generate(context, builder, signature, arguments):
        if os.name == "posix":
            name, kind = "sched_yield", ir.FunctionType(ir.IntType(32), [])
            builder.call(cgutils.get_or_insert_function(builder.module, kind, name), [])
        return context.get_dummy_value()

    return types.void(), generate


@exact_jit
def meet(team):
    """Wait until all threads of a team are here."""
    size = team[0]
    if size > 1:
        turn = _seen(team, _TURN_OF)
        if _atomic(team, _ARRIVED, 1) == size - 1:
            _atomic(team, _ARRIVED, -size)
            _atomic(team, _TURN_OF, 1)
        else:
            looks = 0
            while _seen(team, _TURN_OF) == turn:
                looks += 1
                if looks > _SPINS:
                    _give_way()
