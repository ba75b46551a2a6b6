"""The pass that gives each statement its place, and the order of what reads before what is read."""

from dataclasses import replace

from symcell.schedule.program import Assign, Program


def place(program: Program) -> Program:
    """Each statement to its place: in the step only what the recurrence itself needs."""
    return program.with_(
        forward=tuple(_placed(program, program.forward, "before", "after")),
        backward=tuple(_placed(program, program.backward, "after", "before")),
    )


def _placed(program, statements, early, late):
    dependent = set(program.carried)
    for s in statements:
        if any(q in dependent for q in s.sources):
            dependent.update(s.targets)
    needed = set(program.carried.values())
    kept_in_step = set(program.overwritten.values())  # they take the place of what this step has read
    for s in reversed(statements):
        # What the next step sends back is there in the step only, and so is all that is added to it.
        if any(t in needed for t in s.targets) or any(q in program.overwritten for q in s.sources):
            needed.update((*s.targets, *s.sources))
    for s in statements:
        if isinstance(s, Assign) and s.target in program.once and s.op != "sum over steps":
            yield replace(s, place="once")
        elif not any(t in dependent or t in kept_in_step for t in s.targets):
            yield replace(s, place=early)
        else:
            yield replace(s, place="step" if any(t in needed for t in s.targets) else late)


def in_order(statements):
    """Statements so that each comes after what it reads; as they were, wherever that allows."""
    statements = list(statements)
    waiting = {t for s in statements for t in s.targets}
    while statements:
        ready = next(s for s in statements if not any(q in waiting for q in s.sources if q not in s.targets))
        statements.remove(ready)
        waiting.difference_update(ready.targets)
        yield ready


def canonical_order(program, q):
    """A fixed order of values, adjoints by what they are the adjoints of, so that values packed together agree."""
    q = getattr(q, "of", q)
    return next((k for k, s in enumerate(program.derivation.forward) if s.target == q), -1), str(q)


def sorted_statements(statements):
    return tuple(in_order(statements))
