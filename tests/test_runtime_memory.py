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
def _nothing_is_idle():
    memory._drop_idle()


def place(array):
    return array.ctypes.data


def idle():
    """Bytes that nobody has."""
    return sum(size * len(addresses) for size, addresses in memory._idle.items())


def test_what_nothing_refers_to_is_used_again():
    first = place(memory.allocate(SHAPE, REAL))
    assert place(memory.allocate(SHAPE, REAL)) == first


@pytest.mark.parametrize("size", (memory.SMALL, memory.SMALL + 4, 1 << 20))
def test_blocks_begin_on_a_cache_line(size):
    assert place(memory.allocate((size // 4,), REAL)) % memory.LINE == 0


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
    other = memory.allocate(SHAPE, REAL)
    assert place(other) != first
    buffer.release()
    assert place(memory.allocate(SHAPE, REAL)) == first


def test_memory_of_a_run_serves_the_next_one():
    """And none of it while the run, or a part of a state, is there."""
    kernel = cells.rnn.compile("float32")
    params, x = kernel.init(n_x=3, n_h=64), np.ones((200, 4, 3), "float32")
    run = kernel.forward(params, x)
    part, kept = run.states["a"][50:, 1], run.states["a"].copy()
    del run
    for _ in range(3):
        kernel.forward(params, 2 * x)
    np.testing.assert_array_equal(part, kept[50:, 1])
    del part
    first = place(kernel.forward(params, x).states["a"])
    assert place(kernel.forward(params, x).states["a"]) == first


def test_no_more_is_kept_than_allowed(monkeypatch):
    monkeypatch.setattr(memory, "_KEPT", memory._made + 400_500)
    for rows in (300, 500, 700, 900):
        memory.allocate((rows, 100), REAL)
    assert idle() <= 400_500
    alike = [memory.allocate(SHAPE, REAL) for _ in range(5)]
    assert len({place(a) for a in alike}) == 5
    del alike
    assert idle() >= 5 * 120_000  # as much as was needed at once, until more is asked for
    memory.allocate((301, 100), REAL)
    assert idle() == 120_400


def test_memory_that_is_not_there_leaves_nothing_behind():
    before = memory._made, len(memory._blocks)
    with pytest.raises(MemoryError):
        memory.allocate((1 << 30, 1 << 25), REAL)
    assert (memory._made, len(memory._blocks)) == before
    for n in (300, 301, 302):
        assert memory.allocate((n, 100), REAL).shape == (n, 100)


def test_small_arrays_and_empty_ones():
    assert memory.allocate((0, 5), REAL).shape == (0, 5)
    assert memory.zeros((3,), REAL).tolist() == [0, 0, 0]
    assert not idle()
    large = memory.zeros(SHAPE, REAL)
    assert not large.any()
    del large
    assert idle() == 120_000


@pytest.mark.parametrize("kept", (1 << 28, 0), ids=("kept", "dropped all the time"))
def test_threads_never_share(kept, monkeypatch):
    monkeypatch.setattr(memory, "_KEPT", kept)
    faults = []

    def work(k):
        try:
            for n in range(300):
                array = memory.allocate((200 + n % 3, 100), REAL)
                array[...] = k
                if not (array == k).all():
                    faults.append(k)
        except Exception as error:
            faults.append(error)

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
