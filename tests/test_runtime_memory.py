"""Memory that is used again: never while anything refers to it."""

import gc
import threading

import numpy as np
import pytest
from numba.extending import overload

from symcell.runtime import memory
from symcell.runtime.jit import jit

REAL = np.dtype("float32")
SHAPE = (300, 100)


@pytest.fixture(autouse=True)
def _nothing_is_kept(monkeypatch):
    monkeypatch.setattr(memory, "_blocks", {})


def place(array):
    return array.ctypes.data


def test_what_nothing_refers_to_is_used_again():
    first = place(memory.room(SHAPE, REAL))
    assert place(memory.room(SHAPE, REAL)) == first
    assert first % 64 == 0


def test_views_keep_memory():
    array = memory.room(SHAPE, REAL)
    first, view = place(array), array.reshape(-1)[5:].view(np.int32)[::2]
    del array
    other = memory.room(SHAPE, REAL)
    assert place(other) != first
    del view
    assert place(memory.room(SHAPE, REAL)) == first


def test_buffers_of_views_keep_memory():
    array = memory.room(SHAPE, REAL)
    first, buffer = place(array), memoryview(array[2:])
    del array
    assert place(memory.room(SHAPE, REAL)) != first
    buffer.release()


def test_no_more_is_kept_than_allowed(monkeypatch):
    monkeypatch.setattr(memory, "_KEPT", 400_500)
    for rows in (300, 500, 700, 900):
        memory.room((rows, 100), REAL)
    assert kept() <= 400_500
    alike = [memory.room(SHAPE, REAL) for _ in range(5)]
    assert kept() <= 400_500 and len({place(a) for a in alike}) == 5


def kept():
    return sum(block.size for blocks in memory._blocks.values() for block, _ in blocks)


def test_memory_that_is_not_there_leaves_nothing_behind(monkeypatch):
    monkeypatch.setattr(memory, "_KEPT", 1 << 17)
    with pytest.raises(MemoryError):
        memory.room((1 << 30, 1 << 25), REAL)
    for n in (300, 301, 302):
        assert memory.room((n, 100), REAL).shape == (n, 100)


def test_small_arrays_and_empty_ones():
    assert memory.room((0, 5), REAL).shape == (0, 5)
    assert memory.zeros((3,), REAL).tolist() == [0, 0, 0]
    assert not memory._blocks


def test_threads_never_share():
    faults = []

    def work(k):
        for _ in range(300):
            array = memory.room(SHAPE, REAL)
            array[...] = k
            if not (array == k).all():
                faults.append(k)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults


@pytest.mark.parametrize("enabled", (True, False))
def test_compiling_leaves_the_garbage_collector_as_it_was(enabled):
    seen, was = [], gc.isenabled()

    def _look():
        """What only a kernel can call."""

    @overload(_look)
    def compiled_look():
        seen.append(gc.isenabled())
        return lambda: 1

    def look():
        return _look()

    look.__module__ = "nowhere"  # so that nothing is read from a cache
    (gc.enable if enabled else gc.disable)()
    try:
        assert jit(look)() == 1
        assert seen == [False]
        assert gc.isenabled() == enabled
    finally:
        (gc.enable if was else gc.disable)()
