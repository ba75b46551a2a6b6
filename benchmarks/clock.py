"""Fair time: rivals in turn, round by round, each in a block of calls of its own; what is told is the median of the rounds' ratios.

A block begins when nothing is left of the one before: a library's threads may go on after its last call, to spin or to give memory
back (JAX works for 15 ms after a pass over 1000 steps of 512 units), which the next one must not pay for. Then come calls that do
not count, until caches and clocks have settled.
"""

import statistics
import time

_SETTLE, _COUNT = 0.010, 0.020  # seconds of a block that do not count, and that do
_LOOK, _LOOKS = 0.005, 100  # seconds in which the process must have done nothing, and how often that is looked for


def block(call):
    """The median seconds of a call, in a block of its own."""
    _rest()
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


def _rest():
    """Wait until no thread of this process works; for half a second at most, should one never rest."""
    for _ in range(_LOOKS):
        begin = time.process_time()
        time.sleep(_LOOK)
        if time.process_time() - begin < _LOOK / 10:
            return


def _seconds(call):
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin
