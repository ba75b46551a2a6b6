"""The worker threads of this process, which live as long as it does, and the tasks that they are given.

Ctrl-C raises KeyboardInterrupt in the main thread after any call in its Python code. So a caller shares nothing with a worker but
a queue and locks of C, whose operations no interrupt divides. concurrent.futures has locks that are taken in Python: of some
thousand interrupts one leaves such a lock locked, and a worker that needs it waits for ever.
"""

import _thread
import os
import threading
from collections.abc import Callable, Sequence
from itertools import repeat
from queue import SimpleQueue
from typing import Any

from . import affinity


class Task:
    """A call of a function, made once, by the thread that comes first; others wait for what it returns or raises."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self._call: tuple[Callable[..., Any], tuple] | None = (function, arguments)
        self._begun, self._ended = _thread.allocate_lock(), _thread.allocate_lock()
        self._value: Any = None
        self._error: BaseException | None = None
        self._ended.acquire()

    def begin(self) -> bool:
        """Whether no thread has begun it; then it is the caller's to do."""
        return self._begun.acquire(blocking=False)

    def do(self) -> None:
        """Make the call, after `begin`. In a worker nothing is raised."""
        assert self._call is not None
        (function, arguments), self._call = self._call, None  # a task that is kept keeps no arrays
        try:
            self._value = function(*arguments)
        except BaseException as error:  # `result` raises it
            self._error = error
        finally:
            self._ended.release()

    def wait(self) -> None:
        """Wait until it has ended in the thread that has begun it."""
        with self._ended:
            pass

    def result(self) -> Any:
        """What it returned, or raise what it raised."""
        self.wait()
        if self._error is not None:
            raise self._error
        return self._value


_tasks: SimpleQueue[Task] = SimpleQueue()
_workers: list[int] = []
_starting = threading.Lock()


def submit(tasks: Sequence[Task]) -> None:
    """Let as many workers as there are tasks do them, each as soon as it is free."""
    if len(_workers) < len(tasks):
        with _starting:
            missing = len(tasks) - len(_workers)
            # One call of C: an interrupt leaves no worker uncounted, and there are never more than were needed at once.
            _workers.extend(map(_thread.start_new_thread, repeat(_work, missing), repeat((_tasks,))))
    affinity.keep_apart()
    for task in tasks:
        _tasks.put(task)


def _work(tasks: SimpleQueue[Task]) -> None:
    affinity.register()
    while True:
        task = tasks.get()
        if task.begin():
            task.do()
        del task  # it keeps an error's traceback, and that all its arrays


def uninterrupted(function: Callable[..., Any], *arguments: Any) -> Any:
    """What a function returns, in a thread of its own if this is the main one, which alone is interrupted. An interrupt ends the
    waiting, and the function runs on to its end."""
    if threading.get_ident() != threading.main_thread().ident:
        return function(*arguments)
    task = Task(function, *arguments)
    _thread.start_new_thread(task.do, ())
    return task.result()


def _start_afresh() -> None:
    """In a forked process there are no workers, and nobody holds a lock."""
    global _tasks, _starting
    _tasks, _starting = SimpleQueue(), threading.Lock()
    _workers.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_afresh)
