"""Which processors workers run on: every one of the caller's but its own, and the caller's own affinity is never changed."""

import os

import pytest
from support.processes import run_watched

from symcell.runtime import affinity


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
    assert run_watched(code).strip() == "done"
