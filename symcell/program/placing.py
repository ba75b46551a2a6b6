"""The pass that assigns places: what runs once, before the loop over time, in its step, or after it."""

from dataclasses import replace

from symcell.program.program import Assign, Program
from symcell.program.recurrence import Flow


def place(program: Program) -> Program:
    """Assign every statement its place. The step holds only the recurrences with a product, and what lies between them."""
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
        elif t in after_step and t in before_step:
            yield replace(s, place="step")
        else:
            s = replace(s, recurrence=scans[t]) if t in scans else s
            yield replace(s, place="after" if t in after_step else "before")


def _name(recurrence):
    kind = "scan" if recurrence.linear else "recurrence"
    return f"{kind} of {', '.join(sorted(getattr(q, 'of', getattr(q, 'state', q)).name for q in recurrence.carried))}"
