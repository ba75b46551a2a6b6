"""Statements grouped as array libraries run them: loops over time, and between them what is made for all steps at once."""

from symcell.program.program import Assign


def in_units(program, statements):
    """The statements that are not made once, in units: those of one loop, or between two loops. Each finds what it reads."""
    groups = {}
    for s in statements:
        if s.place != "once":
            groups.setdefault(loop_of(s) or s, []).append(s)
    left, units = list(groups.values()), []
    while left:
        makers = {t: group for group in left for s in group for t in s.targets}
        ready = next(group for group in left if all(makers.get(q, group) is group for q in _read_by(program, group)))
        left.remove(ready)
        if units and not is_loop(ready) and not is_loop(units[-1]):
            units[-1] += ready
        else:
            units.append(ready)
    return units


def is_loop(unit):
    """Whether a unit is a loop over time."""
    return loop_of(unit[0]) is not None


def loop_of(s):
    """What the statements of a loop have in common; None if a statement is in none."""
    if s.place == "step":
        return "step"
    return (s.place, s.recurrence) if isinstance(s, Assign) and s.recurrence else None


def _read_by(program, statements):
    """What statements read; of the step before, what has become it."""
    return {program.carried.get(q, q) for s in statements for q in s.sources}
