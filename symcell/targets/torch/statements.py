"""Program -> the statements of a PyTorch module: products stacked, and what the step need not compute outside of it."""

from dataclasses import dataclass, replace

from symcell.language.symbols import Adjoint
from symcell.program.program import Assign, Program
from symcell.targets.arrays.loops import loop_of
from symcell.targets.arrays.statements import inlined, read_once
from symcell.targets.torch.hoisting import Hoisting, with_sums_in_products
from symcell.targets.torch.scans import scan_of
from symcell.targets.torch.slopes import with_slopes
from symcell.targets.torch.stacking import Stacking


@dataclass(frozen=True)
class Statements:
    """The statements of what parameters alone make, of the forward and of the backward pass; `last` makes the gradients of what
    parameters alone make. `program` knows the shapes of all values. `saved`: what the backward pass reads of the forward pass,
    states, inputs and parameters apart."""

    program: Program
    once: list
    forward: list
    backward: list
    saved: list


def statements_of(program):
    """Program -> Statements"""
    stacking = Stacking(program)
    forward = stacking.stacked(program.forward)
    backward = _without_repetition(program.forward, stacking.stacked(program.backward))
    kept = {q for pair in program.carried.items() for q in pair} | results(program)
    rows = {r.target for r in program.derivation.forward}
    temporary = read_once(forward, backward) - kept - rows
    forward, backward = (_without_work(stacking, inlined(some, temporary)) for some in (forward, backward))
    once = [s for s in forward if s.place == "once"] + stacking.once
    forward = [s for s in forward if s.place != "once"]
    once, forward, backward = _needed(program, once, forward, backward)
    made = {t for s in forward for t in s.targets} - set(program.declaration.states)
    saved = [q for q in dict.fromkeys(q for s in backward for q in s.sources) if q in made]
    return Statements(stacking.program, once, forward, backward, saved)


def results(program):
    """What the two passes are for."""
    cell = program.declaration
    starts = {late for early, late in program.carried.items() if isinstance(early, Adjoint)}
    return {*cell.states, *map(Adjoint, cell.params), *map(Adjoint, cell.inputs), *starts}


def _without_repetition(forward, backward):
    """The backward statements, without those that compute once more what a step of the forward pass has computed. Other targets
    do so to save memory; here, an operation takes longer than keeping its value."""
    made = {s.expr: s.target for s in forward if isinstance(s, Assign) and s.place == "step"}
    again = {s.target: made[s.expr] for s in backward if isinstance(s, Assign) and s.expr in made}
    found = [replace(s, expr=s.expr.xreplace(again)) if isinstance(s, Assign) else s for s in backward]
    read = {q for s in found for q in s.sources}
    return [s for s in found if read.intersection(s.targets) or s.targets[0] not in again]


def _without_work(stacking, statements):
    for loop in filter(None, dict.fromkeys(map(loop_of, statements))):
        if _is_scan(stacking.program, [s for s in statements if loop_of(s) == loop]):
            continue
        hoisting = Hoisting(stacking, statements, loop)
        statements = hoisting(statements)
        if loop == "step":
            statements = with_sums_in_products(stacking, hoisting, statements)
    return [replace(s, expr=with_slopes(s.expr, stacking)) if isinstance(s, Assign) else s for s in statements]


def _is_scan(program, unit):
    """Whether the statements of a loop are done as a scan."""
    made = {t for s in unit for t in s.targets}
    once = {s.target: s.expr for s in program.forward if isinstance(s, Assign) and s.place == "once"}
    return scan_of(unit, [pair for pair in program.carried.items() if pair[1] in made], once) is not None


def _needed(program, once, forward, backward):
    """The statements that make something that is read."""
    needed, new, statements = set(), results(program), (*once, *forward, *backward)
    while new:
        needed |= new
        read = {q for s in statements if new.intersection(s.targets) for q in s.sources}
        new = {program.carried.get(q, q) for q in read} - needed
    return [[s for s in group if needed.intersection(s.targets)] for group in (once, forward, backward)]
