"""Threads under interrupts, failures and forks: nothing hangs, no worker is lost, and there are never more than were asked for."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import numpy as np
import pytest

from symcell.runtime import affinity, threads, workers
from symcell.runtime.barrier import ABORTED, abort, barrier, team_of
from symcell.runtime.dispatch import add_outer_products, multiply, products_of
from symcell.runtime.jit import jit
from symcell.runtime.packing import empty_panels, outer_room

HERE = Path(__file__).parent
posix = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="the system has no such timer")
linux = pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="the system does not list threads")
forking = pytest.mark.skipif(not hasattr(os, "fork"), reason="the system does not fork")


def run_python(code, **environment):
    """What a program prints; its stacks, if it hangs."""
    code = "import faulthandler\nfaulthandler.dump_traceback_later(120, exit=True)\n" + textwrap.dedent(code)
    env = {**os.environ, "NUMBA_NUM_THREADS": "2", **environment}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


# Interrupts.


@posix
def test_interrupts_neither_hang_nor_lose_workers():
    command = [sys.executable, "-m", "tests.interrupts", "--count", "40"]
    done = subprocess.run(command, cwd=HERE.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]
    assert "no hang, no lost worker" in done.stdout


@posix
def test_a_compilation_that_is_interrupted_goes_on():
    """An interrupt in the middle of it, again and again, until it is done."""
    code = """
        import signal, time
        import numpy as np
        from sympy import Eq, tanh
        from symcell import Cell, Input, State, affine
        h, x = State("h"), Input("x")
        kernel = Cell("interrupted", [Eq(h, tanh(affine(x, h.prev) * {}))]).compile("float64")
        params, inputs, count = kernel.init(n_x=2, n_h=3), np.ones((4, 1, 2)), 0
        signal.signal(signal.SIGALRM, signal.default_int_handler)
        while True:
            try:
                signal.setitimer(signal.ITIMER_REAL, 0.2)
                run = kernel.forward(params, inputs)
                signal.setitimer(signal.ITIMER_REAL, 0)
                break
            except KeyboardInterrupt:
                count += 1
        h = np.zeros(3)
        for x in inputs[:, 0]:
            h = np.tanh((params["W_h"] @ x + params["U_h"] @ h + params["b_h"]) * {})
        print(count > 0, np.allclose(run.final["h"][0], h))
    """
    factor = 1 + int.from_bytes(os.urandom(4), "little") / 2**40  # a cell that no cache has
    assert run_python(code.format(factor, factor)).split() == ["True", "True"]


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
    panels, team, lengths = empty_panels(8, 64, real), team_of(2), np.array([1, 1])
    panels[...] = 1
    places, room = (a[0] for a in outer_room(1, [8], real))
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

    import weakref

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
        import numpy as np
        from symcell.runtime import threads
        from symcell.generated import rnn, gru, lstm
        threads._WORTHWHILE = 1
        def count():
            time.sleep(0.05)  # what compiled has ended
            return len(os.listdir("/proc/self/task"))
        params, x = rnn.init(n_x=3, n_h=4), np.ones((5, 6, 3), "float32")
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
    assert run_python(code, NUMBA_NUM_THREADS="3").strip() == "[0, 1, 1, 2, 2, 2] 2"


# Forks.

CHILD = """
    import os, signal, threading, time, warnings
    import numpy as np
    warnings.simplefilter("ignore")  # Python warns of forks beside threads
    def child(work):
        pid = os.fork()
        if pid == 0:
            signal.alarm(100)
            work()
            os._exit(7)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
"""


@forking
def test_a_fork_while_another_thread_computes_and_compiles():
    code = CHILD + """
    from symcell.generated import rnn
    from symcell.runtime import threads
    from symcell.runtime.jit import jit
    threads._WORTHWHILE = threads._WORTH_A_BARRIER = threads._WORTH_A_TEAM = 1
    params, x = rnn.init(n_x=3, n_h=64), np.ones((50, 1, 3), "float32")
    def call():
        return rnn.forward(params, x, threads=2).final["a"]
    expected, going = call(), True
    def compute():
        while going:
            call()
    def compile():
        while going:
            jit(lambda a: a + 1)(1)
    callers = [threading.Thread(target=f) for f in (compute, compile)]
    [t.start() for t in callers]
    for _ in range(10):
        def work():
            np.testing.assert_array_equal(call(), expected)
            assert jit(lambda a: a + 2)(1) == 3
            import gc
            assert gc.isenabled()
        child(work)
        time.sleep(0.01)
    going = False
    [t.join() for t in callers]
    np.testing.assert_array_equal(call(), expected)
    print("done")
    """
    assert run_python(code).strip() == "done"


@forking
def test_a_fork_waits_until_a_module_is_whole(tmp_path):
    code = CHILD + """
    from symcell.runtime.loading import load_module
    text = "import time\\ntime.sleep(0.5)\\nvalue = 3\\n"
    loading = threading.Thread(target=load_module, args=("slow", text))
    loading.start()
    time.sleep(0.1)
    def work():
        assert load_module("slow", text).value == 3 and load_module("other", "value = 4").value == 4
    child(work)
    loading.join()
    print("done")
    """
    assert run_python(code, SYMCELL_CACHE_DIR=str(tmp_path)).strip() == "done"


# Where workers run.


@pytest.fixture
def system(monkeypatch):
    """A system with four processors: thread -> where it may run; 0 is the caller, which is on processor 2."""
    masks = {0: {0, 1, 2, 3}, 11: {0, 1, 2, 3}, 12: {0, 1, 2, 3}}
    monkeypatch.setattr(affinity, "_workers", [11, 12])
    monkeypatch.setattr(affinity, "_placed", None)
    monkeypatch.setattr(affinity, "_getcpu", lambda: 2)
    monkeypatch.setattr(os, "sched_getaffinity", lambda thread: masks[thread], raising=False)
    monkeypatch.setattr(os, "sched_setaffinity", lambda thread, mask: masks.update({thread: set(mask)}), raising=False)
    return masks


def test_workers_may_run_on_every_processor_but_the_callers_own(system, monkeypatch):
    affinity.keep_apart()
    assert system == {0: {0, 1, 2, 3}, 11: {0, 1, 3}, 12: {0, 1, 3}}
    monkeypatch.setattr(affinity, "_getcpu", lambda: 1)
    affinity.keep_apart()
    assert system == {0: {0, 1, 2, 3}, 11: {0, 2, 3}, 12: {0, 2, 3}}


def test_workers_follow_the_callers_mask(system):
    affinity.keep_apart()
    for mask, expected in (({1, 2}, {1}), ({2}, {2}), ({0, 1, 2, 3}, {0, 1, 3})):
        system[0] = mask
        affinity.keep_apart()
        assert system == {0: mask, 11: expected, 12: expected}


def test_a_worker_that_begins_later_is_placed_too_and_nothing_is_done_twice(system, monkeypatch):
    affinity.keep_apart()
    system[13] = {0, 1, 2, 3}
    affinity._workers.append(13)
    affinity.keep_apart()
    assert system[13] == {0, 1, 3}
    monkeypatch.setattr(os, "sched_setaffinity", lambda *_: pytest.fail("they are where they should be"))
    affinity.keep_apart()


def test_a_system_that_forbids_placement_is_left_alone(system, monkeypatch):
    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr(os, "sched_setaffinity", refuse)
    affinity.keep_apart()
    monkeypatch.setattr(affinity, "_getcpu", None)
    affinity.keep_apart()


@pytest.mark.skipif(affinity._getcpu is None, reason="the system has no affinity")
def test_real_workers_are_placed_and_a_single_processor_is_enough():
    code = """
        import os
        from symcell.runtime import affinity, threads
        def masks():
            for _ in range(2):  # at the first call, workers may not have begun
                threads.in_parallel(lambda k: together.wait(20), [(0,), (1,)], threads.team_of(2))
            return [os.sched_getaffinity(worker) for worker in affinity._workers]
        import threading
        together = threading.Barrier(2)
        own = os.sched_getaffinity(0)
        (found,) = masks()
        allowed, here, _ = affinity._placed
        assert found == (own - {here} or own) and os.sched_getaffinity(0) == own == set(allowed)
        os.sched_setaffinity(0, {min(own)})
        assert masks() == [{min(own)}] and os.sched_getaffinity(0) == {min(own)}
        os.sched_setaffinity(0, own)
        (found,) = masks()
        assert found == (own - {affinity._placed[1]} or own) and os.sched_getaffinity(0) == own
        print("done")
    """
    assert run_python(code).strip() == "done"


def test_workers_are_one_pool_in_a_process():
    every_member_has_a_thread(2)
    before = len(workers._workers)
    every_member_has_a_thread(2)
    assert len(workers._workers) == before >= 1
