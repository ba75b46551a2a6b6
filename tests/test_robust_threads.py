"""Threads under interrupts and failures: nothing hangs, no worker is lost, and there are never more than were asked for."""

import os
import signal
import subprocess
import sys
import threading
import weakref
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from support.processes import run_watched

from symcell import CellError
from symcell.generated import rnn
from symcell.runtime import threads, workers
from symcell.runtime.barrier import ABORTED, abort, barrier, team_of
from symcell.runtime.dispatch import add_outer_products, multiply, products_of
from symcell.runtime.jit import jit
from symcell.runtime.packing import empty_panels, outer_product_buffers

HERE = Path(__file__).parent
posix = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="the system has no such timer")
linux = pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="the system does not list threads")


# Interrupts.


@posix
def test_interrupts_neither_hang_nor_lose_workers():
    command = [sys.executable, "-m", "tests.interrupts", "--count", "40"]
    done = subprocess.run(command, cwd=HERE.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]
    assert "no hang, no lost worker" in done.stdout


@posix
def test_a_compilation_that_is_interrupted_goes_on():
    """Again and again, until it is done; an interrupt that came into Numba's own code left functions that it refused."""
    code = """
        import signal, threading
        import numpy as np
        from symcell.runtime.jit import intrinsic, jit
        signal.signal(signal.SIGALRM, signal.default_int_handler)
        count, seen = 0, []
        @intrinsic()
        def same(typing, number):
            seen.append(threading.current_thread() is threading.main_thread())
            return number(number), lambda context, builder, signature, arguments: arguments[0]
        for k in range(3):
            lines = [f"    a[{j}] = np.sin(a[{j}]) + np.exp(a[{j + k + 1}])\\n" for j in range(60)]
            exec("def slow(a):\\n" + "".join(lines) + "    a[63] = same(a[63])\\n")
            f = jit(slow)
            while True:
                a = np.zeros(64)
                try:
                    signal.setitimer(signal.ITIMER_REAL, 0.05)
                    f(a)
                    signal.setitimer(signal.ITIMER_REAL, 0)
                    break
                except KeyboardInterrupt:
                    count += 1
            assert (a[:60] == 1).all()
        print(count > 2, any(seen), len(seen) > 0)
    """
    assert run_watched(code).split() == ["True", "False", "True"]


def test_a_task_that_is_cancelled_is_done_by_nobody():
    """An interrupt before the caller's own part: what has begun is waited for, and nothing begins afterwards."""
    release, ended = threading.Event(), []

    def part(k):
        if k == 0:
            threading.Timer(0.05, release.set).start()
            raise KeyboardInterrupt
        release.wait(20)
        ended.append(k)

    for _ in range(5):
        release.clear()
        ended.clear()
        with pytest.raises(KeyboardInterrupt):
            threads.in_parallel(part, [(k,) for k in range(4)])
        found = list(ended)
        threads.in_parallel(lambda k: None, [(k,) for k in range(4)])
        assert ended == found
    assert every_member_has_a_thread(4)


def test_a_step_that_is_interrupted_was_made_or_was_not():
    """Just before its call or just after it, also where the buffers begin again."""
    params, x = rnn.init(n_x=3, n_h=4), np.random.default_rng(0).normal(size=(200, 1, 3)).astype("float32")
    expected = rnn.forward(params, x).states["a"]
    stream, made = rnn.stream(params), 0
    stream.step(x[0])
    call, moments = stream._call, iter(np.random.default_rng(1).choice(["before", "after", "never"], 1000))

    def interrupted(*arguments):
        nonlocal made
        moment = next(moments)
        if moment == "before":
            raise KeyboardInterrupt
        row = call(*arguments)
        made += row > 0
        if moment == "after":
            raise KeyboardInterrupt
        return row

    stream._call = interrupted
    while made < 199:
        with suppress(KeyboardInterrupt):
            stream.step(x[made + 1])
        np.testing.assert_allclose(stream.state["a"], expected[made], rtol=1e-4, atol=1e-6)


def test_after_an_update_that_was_interrupted_calls_ask_for_another(monkeypatch):
    params, x = rnn.init(n_x=3, n_h=4), np.ones((2, 1, 3), "float32")
    frozen, others = rnn.freeze(params), {name: 2 * a for name, a in params.items()}
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(rnn.kernel.passes, "pack", lambda *_, **__: _interrupt())
        frozen.update(others)
    with pytest.raises(CellError, match="rnn: an update of these frozen parameters was interrupted; update them again"):
        rnn.forward(frozen, x)
    frozen.update(others)
    np.testing.assert_array_equal(rnn.forward(frozen, x).final["a"], rnn.forward(others, x).final["a"])


def _interrupt():
    raise KeyboardInterrupt


# Failures.


def every_member_has_a_thread(size):
    together = threading.Barrier(size)
    threads.in_parallel(lambda k: together.wait(20), [(k,) for k in range(size)], team_of(size))
    return True


@pytest.mark.parametrize("failing", range(3))
def test_a_member_that_raises_leaves_nobody_waiting(failing):
    wait = jit(_wait_often)

    def member(rank, team):
        if rank == failing:
            raise RuntimeError(f"on purpose, in {rank}")
        wait(team)

    for _ in range(5):
        team = team_of(3)
        with pytest.raises(RuntimeError, match=f"on purpose, in {failing}"):
            threads.in_parallel(member, [(rank, team) for rank in range(3)], team)
    assert every_member_has_a_thread(3)


def _wait_often(team):
    for _ in range(10):
        barrier(team)


def test_parts_that_raise_are_raised_once_the_others_have_ended():
    ended = []

    def part(k):
        if k % 2:
            raise RuntimeError("on purpose")
        ended.append(k)

    for _ in range(5):
        with pytest.raises(RuntimeError, match="on purpose"):
            threads.in_parallel(part, [(k,) for k in range(4)])
    count = len(ended)
    assert every_member_has_a_thread(4) and len(ended) == count


def test_an_aborted_team_computes_no_products():
    real = np.dtype("float64")
    rows, out, grown = np.ones((1, 2, 8)), np.full((1, 2, 64), 7.0), np.full((1, 8, 8), 7.0)
    panels, team, lengths = empty_panels(real, W=(8, 64))["W"], team_of(2), np.array([1, 1])
    panels[...] = 1
    places, room = (a[0] for a in outer_product_buffers(1, [8], real))
    _products(products_of(real), rows, panels, out, grown, lengths, team, places, room)
    assert set(out[:, :, :32].flat) == {8.0} and set(grown[:, :4].flat) == {2.0}  # the half of the first member
    out[...] = grown[...] = 7
    abort(team)
    _products(products_of(real), rows, panels, out, grown, lengths, team, places, room)
    assert team[ABORTED] and set(out.flat) == set(grown.flat) == {7.0}


@jit
def _products(products, rows, panels, out, grown, lengths, team, places, room):
    multiply(products, rows, 0, panels, out, 0, 0, 2, 0, team)
    add_outer_products(products, rows, 0, rows, 0, grown, 0, 1, lengths, 0, 2, 0, team, places, room)


def test_a_task_keeps_no_arrays_once_it_is_done():
    class Large:
        pass

    large = Large()
    gone = weakref.ref(large)
    threads.in_parallel(lambda some, k: None, [(large, k) for k in range(3)])
    del large
    every_member_has_a_thread(3)  # the workers have gone on
    assert gone() is None


# How many.


@linux
def test_there_are_never_more_threads_than_were_asked_for():
    code = """
        import os, threading, time
        import numba
        import numpy as np
        from symcell.runtime import threads
        from symcell.generated import rnn, gru, lstm
        threads._WORTHWHILE = 1
        def count():
            found = []
            for _ in range(10):  # threads that have ended, as those that compiled, stay for a moment
                time.sleep(0.02)
                found.append(len(os.listdir("/proc/self/task")))
            return min(found)
        params, x = rnn.init(n_x=3, n_h=4), np.ones((5, 6, 3), "float32")
        numba.njit(lambda n: n)(1)  # whose compiler has a thread from now on
        rnn.forward(params, x, threads=1)
        before, counts = count(), []
        for asked in (1, 2, 2, 3, 1, 9):
            rnn.backward(rnn.forward(params, x, threads=asked), {"a": np.ones((5, 6, 4), "float32")})
            counts.append(count() - before)
        def call():
            for _ in range(20):
                rnn.forward(params, x, threads=3)
        callers = [threading.Thread(target=call) for _ in range(4)]
        [t.start() for t in callers], [t.join() for t in callers]
        print(counts, count() - before)
    """
    assert run_watched(code, NUMBA_NUM_THREADS="3").strip() == "[0, 1, 1, 2, 2, 2] 2"


def test_workers_are_one_pool_in_a_process():
    every_member_has_a_thread(2)
    before = len(workers._workers)
    every_member_has_a_thread(2)
    assert len(workers._workers) == before >= 1
