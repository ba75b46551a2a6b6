"""Passes over who reads what: dead code, values that all steps share, values cheaper to compute again than to keep."""

from dataclasses import replace

from sympy import Symbol

from symcell.language.functions import VECTORS
from symcell.language.identifiers import unused
from symcell.language.primitives import Primitive
from symcell.language.symbols import Adjoint, Param
from symcell.program.program import Assign, Program
from symcell.program.subexpressions import costly_functions


def dead_code(program: Program) -> Program:
    """Drop statements whose value nothing reads: a concatenation that was split, an adjoint that reaches no result."""
    wanted = set(program.carried.values()) | set(program.declaration.states)
    wanted |= {Adjoint(q) for q in (*program.declaration.inputs, *program.declaration.params)}
    kept: dict[str, list] = {}
    for direction, statements in (("backward", program.backward), ("forward", program.forward)):
        kept[direction] = []
        for s in reversed(statements):
            if any(t in wanted for t in s.targets):
                kept[direction].append(s)
                wanted.update(s.sources)
                wanted.update(program.carried[q] for q in s.sources if q in program.carried)
    return program.with_(forward=tuple(kept["forward"][::-1]), backward=tuple(kept["backward"][::-1]))


def hoist_shared_values(program: Program) -> Program:
    """Move what the backward program computes from parameters alone to the forward program, which computes it once."""
    known = {q for q in program.once if isinstance(q, Param)} | set(program.declaration.constants)
    known |= {t for s in program.forward for t in s.targets if t in program.once}
    moved, rest = [], []
    for s in program.backward:
        if isinstance(s, Assign) and s.target in program.once and set(s.sources) <= known and s.sources:
            moved.append(s)
            known.add(s.target)
        else:
            rest.append(s)
    return program.with_(forward=(*program.forward, *moved), backward=tuple(rest))


def rematerialise(program: Program) -> Program:
    """Compute a function of a state or an input again where the backward program reads it: unlike its value, its argument is kept
    anyway."""
    kept_anyway = {*program.declaration.states, *program.declaration.inputs}
    shapes, backward = dict(program.shapes), list(program.backward)
    taken = {q.name for q in shapes}
    for s in program.forward:
        readers = [r for r in backward if s.targets[0] in r.sources]
        if not _is_easy(s, shapes) or s.target in program.declaration.states or not kept_anyway.issuperset(s.sources):
            continue
        if len({r.place for r in readers}) == 1 and all(isinstance(r, Assign) for r in readers):
            again = Symbol(unused(f"{s.target}_again", taken))
            shapes[again] = shapes[s.target]
            first = backward.index(readers[0])
            backward = [replace(r, expr=r.expr.xreplace({s.target: again})) if r in readers else r for r in backward]
            backward.insert(first, replace(s, target=again, place=readers[0].place, recurrence=""))
    return program.with_(shapes=shapes, backward=tuple(backward))


def _is_easy(s, shapes):
    """Whether a statement applies one function that is fast on vectors to values of its own shape."""
    if not isinstance(s, Assign) or not isinstance(s.expr, VECTORS) or s.expr.has(Primitive):
        return False
    return len(costly_functions(s.expr)) == 1 and all(shapes[q] == shapes[s.target] for q in s.sources)
