"""The pass that gives each statement its place."""

from dataclasses import replace

from symcell.program.program import Assign, Program
from symcell.program.recurrence import Flow


def place(program: Program) -> Program:
    """Each statement to its place: in the step only what the recurrence itself needs."""
    return program.with_(
        forward=tuple(_placed(program, program.forward)),
        backward=tuple(_placed(program, program.backward)),
    )


def _placed(program, statements):
    flow = Flow(program, statements)
    step = {t for r in flow.recurrences if r.has_product for t in r.targets}
    after_step, before_step = flow.downstream(step), flow.upstream(step)
    scans = {t: _name(r) for r in flow.recurrences for t in r.targets}
    for s in statements:
        t = s.targets[0]
        if isinstance(s, Assign) and s.target in program.once and not s.summed:
            yield replace(s, place="once")
        elif t in after_step and t in before_step:  # the step's own, or on a way from it back to it
            yield replace(s, place="step")
        else:
            s = replace(s, recurrence=scans[t]) if t in scans else s
            yield replace(s, place="after" if t in after_step else "before")


def _name(recurrence):
    kind = "scan" if recurrence.linear else "recurrence"
    return f"{kind} of {', '.join(sorted(getattr(q, 'of', getattr(q, 'state', q)).name for q in recurrence.carried))}"
