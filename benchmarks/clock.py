"""Fair time: rivals in turn, round by round, each in a block of calls of its own; what is told is the median of the rounds' ratios.

A block begins with calls that do not count, until caches, clocks and threads have settled: another library's threads go on spinning
for a while after its last call.
"""

import statistics
import time

_SETTLE, _COUNT = 0.010, 0.020  # seconds of a block that do not count, and that do


def block(call):
    """The median seconds of a call, in a block of its own."""
    last, end = _seconds(call), time.perf_counter() + _SETTLE
    if last > _SETTLE + _COUNT:  # long enough to have settled on the way
        return last
    while last < _SETTLE and time.perf_counter() < end:
        last = _seconds(call)
    times, end = [], time.perf_counter() + _COUNT
    while not times or time.perf_counter() < end:
        times.append(_seconds(call))
    return statistics.median(times)


def interleaved(calls, seconds=4.0):
    """name -> the median seconds of each round: as many rounds as fit into some seconds, but at least three."""
    one = sum(max(_seconds(call), _SETTLE + _COUNT) for call in calls.values())
    times = {name: [] for name in calls}
    for _ in range(max(3, min(15, int(seconds / one)))):
        for name, call in calls.items():
            times[name].append(block(call))
    return times


def ratio(times, rival, own="symcell"):
    """rival / own: the median over the rounds."""
    return statistics.median(r / s for r, s in zip(times[rival], times[own], strict=True))


def _seconds(call):
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin
