"""Many interrupts at random moments of calls, and members of teams that fail: python -m tests.interrupts --count 1000 --seed N

Each call is interrupted once, or by a burst, as Ctrl-C would; the same call must then give what it gave before. At the end every
worker must be there still. A call that hangs ends the process, with the stacks of all threads.
"""

import _thread
import argparse
import faulthandler
import os
import random
import signal
import sys
import time
from queue import SimpleQueue
from threading import Barrier

import numpy as np

_HANGING = 60  # seconds that a few calls may take
_T, _N_X, _N_H = 40, 8, 256


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    os.environ["NUMBA_NUM_THREADS"] = "2"
    faulthandler.dump_traceback_later(10 * _HANGING, exit=True)  # compiling takes its time
    stress(options.count, random.Random(options.seed))


def stress(count, chance):
    calls = calls_of(small_kernel())
    expected = {name: call() for name, call in calls.items()}
    lasts = {name: duration(call) for name, call in calls.items()}
    strange, interrupted, failed = [], 0, 0
    sys.unraisablehook = lambda found: strange.append(repr(found)) if found.exc_type is not KeyboardInterrupt else None
    interrupts = Interrupts()
    kinds = (interrupts.once, interrupts.burst, interrupts.sent_by_a_thread)
    threads = native_threads()
    for k in range(count):
        if k % 20 == 0:
            faulthandler.dump_traceback_later(_HANGING, exit=True)
            failed += failing_members(calls)
        name = chance.choice(list(calls))
        interrupted += chance.choice(kinds)(calls[name], chance.uniform(1e-6, 1.1 * lasts[name]))
        assert_same(calls[name](), expected[name], name)
    for name, call in calls.items():
        assert_same(call(), expected[name], name)
    assert_every_worker_works()
    assert native_threads() == threads, "there are more threads than before"
    assert not strange, strange
    print(f"{count} interrupts, {interrupted} of them in time, and {failed} failures of members: no hang, no lost worker")


# What is interrupted.


def small_kernel():
    """A kernel whose smallest calls are worth two threads."""
    from symcell import cells
    from symcell.runtime import threads

    for constant in ("_WORTHWHILE", "_WORTH_A_BARRIER", "_WORTH_A_TEAM", "_WORTH_PACKING"):
        setattr(threads, constant, 1)
    return cells.rnn.compile("float32")


def calls_of(kernel):
    """name -> a call, which returns a dict of arrays; for a team (one sample), and for samples that are shared out."""
    params = kernel.init(n_x=_N_X, n_h=_N_H, seed=1)
    frozen = kernel.freeze(params)
    calls = {}
    for B in (1, 64):
        x = np.random.default_rng(B).normal(size=(_T, B, _N_X)).astype("float32")
        lengths = np.arange(B) % _T + 1 if B > 1 else [_T - 3]
        ones = {"a": np.ones((_T, B, _N_H), "float32")}
        run = kernel.forward(params, x, threads=2)
        calls |= {
            f"forward {B}": lambda x=x: kernel.forward(params, x, threads=2).states,
            f"frozen {B}": lambda x=x: kernel.forward(frozen, x, threads=2).states,
            f"backward {B}": lambda run=run, ones=ones: kernel.backward(run, ones).params,
            f"both {B}": lambda x=x, ones=ones: both(kernel, params, x, ones),
            f"ragged {B}": lambda x=x, ones=ones, lengths=lengths: both(kernel, params, x, ones, lengths=lengths),
            f"checkpointed {B}": lambda x=x, ones=ones: both(kernel, params, x, ones, checkpoint=7),
            f"step {B}": lambda x=x: kernel.step(params, x[0]),
            f"stream {B}": streaming(kernel.stream(frozen, batch=B), x),
        }
    return calls


def both(kernel, params, x, ones, **options):
    run = kernel.forward(params, x, threads=2, **options)
    grads = kernel.backward(run, ones)
    return grads.params | grads.inputs | run.final


def streaming(stream, x):
    """A stream that was interrupted goes on; begun again it gives the same."""

    def call():
        for row in x:  # from wherever it was
            stream.step(row)
        stream.reset()
        for row in x:
            state = stream.step(row)
        assert state["a"].base is stream.state["a"].base and np.array_equal(state["a"], stream.state["a"])
        return {name: a.copy() for name, a in state.items()}

    return call


def duration(call):
    start = time.perf_counter()
    for _ in range(5):
        call()
    return (time.perf_counter() - start) / 5


# How it is interrupted. Each returns whether the interrupt came in time.


class Interrupts:
    """Raises KeyboardInterrupt in this thread after a delay: once, a few times, or from another thread."""

    def __init__(self):
        self.left, self.delays, self.sent = 0, SimpleQueue(), SimpleQueue()
        signal.signal(signal.SIGALRM, self._raise)
        _thread.start_new_thread(self._send, ())

    def _raise(self, *_):
        self.left -= 1
        if self.left >= 0:
            raise KeyboardInterrupt

    def _send(self):
        while True:
            time.sleep(self.delays.get())
            _thread.interrupt_main(signal.SIGALRM)
            self.sent.put(True)

    def once(self, call, delay):
        return self._during(call, 1, lambda: signal.setitimer(signal.ITIMER_REAL, delay))

    def burst(self, call, delay):
        """Further ones meet what cleans up after the first."""
        return self._during(call, 3, lambda: signal.setitimer(signal.ITIMER_REAL, delay, 50e-6))

    def sent_by_a_thread(self, call, delay):
        found = self._during(call, 1, lambda: self.delays.put(delay))
        self.sent.get()
        return found

    def _during(self, call, count, begin):
        self.left = count
        try:
            begin()
            call()
        except KeyboardInterrupt:
            pass
        interrupted, self.left = self.left < count, 0  # from now on none is raised
        signal.setitimer(signal.ITIMER_REAL, 0)
        return interrupted


# What must be so afterwards.


def assert_same(found, expected, name):
    assert found.keys() == expected.keys()
    for key, a in expected.items():
        np.testing.assert_allclose(found[key], a, rtol=1e-4, atol=1e-5, err_msg=f"{name}: {key}")


def assert_every_worker_works():
    """Two parts that wait for one another, so that each needs a thread."""
    from symcell.runtime import threads
    from symcell.runtime.barrier import team_of

    for _ in range(3):
        together = Barrier(2)
        threads.in_parallel(lambda together=together: together.wait(20), [(), ()], team_of(2))


def failing_members(calls):
    """Let one member after the other raise, in the middle of a team and in shared samples; returns how often."""
    from symcell import cells

    module = cells.rnn.compile("float32").module
    count = 0
    for name in ("forward_pass", "backward_pass"):
        works = vars(module)[name]
        for place in (0, 1):
            vars(module)[name] = Failing(works, place)
            for B in (1, 64):
                try:
                    calls[f"both {B}"]()
                except RuntimeError as error:
                    count += str(error) == "on purpose"
        vars(module)[name] = works
    assert count == 8, f"{count} of 8 failures were raised"
    return count


class Failing:
    """A pass that one member of a team, or the thread of some samples, leaves at once."""

    def __init__(self, pass_, place):
        self.pass_, self.place = pass_, place

    def compile(self, kinds):
        self.pass_.compile(kinds)

    def __call__(self, *arguments):
        first_sample, rank = arguments[3], arguments[6]
        if bool(first_sample or rank) == bool(self.place):
            raise RuntimeError("on purpose")
        self.pass_(*arguments)


def native_threads():
    return len(os.listdir("/proc/self/task")) if os.path.isdir("/proc/self/task") else 0


if __name__ == "__main__":
    main()
