"""Lent memory: a block serves again when the last array on it is gone, and never before."""

import gc
import threading

import numpy as np
import pytest
from numba.extending import overload

from symcell import cells
from symcell.runtime import memory
from symcell.runtime.jit import jit

REAL = np.dtype("float32")
SHAPE = (300, 100)


@pytest.fixture(autouse=True)
def _nothing_is_kept(monkeypatch):
    monkeypatch.setattr(memory, "_idle", {})


def place(array):
    return array.ctypes.data


def test_what_nothing_refers_to_is_used_again():
    first = place(memory.allocate(SHAPE, REAL))
    assert place(memory.allocate(SHAPE, REAL)) == first
    assert first % 64 == 0


def test_views_keep_memory():
    array = memory.allocate(SHAPE, REAL)
    first, view = place(array), array.reshape(-1)[5:].view(np.int32)[::2]
    del array
    other = memory.allocate(SHAPE, REAL)
    assert place(other) != first
    del view
    assert place(memory.allocate(SHAPE, REAL)) == first


def test_buffers_of_views_keep_memory():
    array = memory.allocate(SHAPE, REAL)
    first, buffer = place(array), memoryview(array[2:])
    del array
    assert place(memory.allocate(SHAPE, REAL)) != first
    buffer.release()
    assert place(memory.allocate(SHAPE, REAL)) == first


def test_the_size_that_was_used_least_lately_goes_first(monkeypatch):
    monkeypatch.setattr(memory, "_KEPT", 400_500)
    for rows in (300, 500, 300, 700):  # of 100 float32 each
        memory.allocate((rows, 100), REAL)
    assert list(memory._idle) == [120_000, 280_000]


def test_panels_begin_on_a_cache_line_however_small_they_are():
    for n in (1, 7, 100, 8191, 8192):
        assert place(memory.allocate((n,), REAL, small=0)) % 64 == 0


def test_memory_of_a_run_serves_the_next_one():
    """And none of it while the run, or a part of a state, is there."""
    kernel = cells.rnn.compile("float32")
    params, x = kernel.init(n_x=3, n_h=64), np.ones((200, 4, 3), "float32")
    run = kernel.forward(params, x)
    part, kept_ = run.states["a"][50:, 1], run.states["a"].copy()
    del run
    for _ in range(3):
        kernel.forward(params, 2 * x)
    np.testing.assert_array_equal(part, kept_[50:, 1])
    del part
    first = place(kernel.forward(params, x).states["a"])
    assert place(kernel.forward(params, x).states["a"]) == first


def test_no_more_is_kept_than_allowed(monkeypatch):
    monkeypatch.setattr(memory, "_KEPT", 400_500)
    for rows in (300, 500, 700, 900):
        memory.allocate((rows, 100), REAL)
    assert kept() <= 400_500
    alike = [memory.allocate(SHAPE, REAL) for _ in range(5)]
    assert len({place(a) for a in alike}) == 5 and kept() <= 400_500
    del alike
    assert 0 < kept() <= 400_500


def kept():
    return sum(size * len(blocks) for size, blocks in memory._idle.items())


def test_memory_that_is_not_there_leaves_nothing_behind(monkeypatch):
    monkeypatch.setattr(memory, "_KEPT", 1 << 17)
    with pytest.raises(MemoryError):
        memory.allocate((1 << 30, 1 << 25), REAL)
    for n in (300, 301, 302):
        assert memory.allocate((n, 100), REAL).shape == (n, 100)


def test_small_arrays_and_empty_ones():
    assert memory.allocate((0, 5), REAL).shape == (0, 5)
    assert memory.zeros((3,), REAL).tolist() == [0, 0, 0]
    assert not memory._idle


def test_threads_never_share():
    faults = []

    def work(k):
        for _ in range(300):
            array = memory.allocate(SHAPE, REAL)
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
