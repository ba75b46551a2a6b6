"""What this target does to a program before it arranges its statements in loops."""

from dataclasses import replace

from sympy import Symbol

from symcell.language.identifiers import unused
from symcell.program.program import Assign, Product, Program
from symcell.targets.numba.indexed import index


def keep_apart(program: Program) -> Program:
    """Copy the results of a stacked product that the backward program reads: the others need not outlive their block of steps."""
    read_back = {q for s in program.backward for q in s.sources}
    taken = {q.name for s in program.statements for q in (*s.targets, *s.sources)}
    shapes, statements = dict(program.shapes), []
    for s in program.forward:
        apart = {}
        if isinstance(s, Product) and s.place != "once" and not read_back.issuperset(s.targets):
            apart = {t: Symbol(unused(f"{t}_from_{s.operands[0]}", taken)) for t in s.targets if t in read_back}
        statements.append(replace(s, targets=tuple(apart.get(t, t) for t in s.targets)) if apart else s)
        for t, of_product in apart.items():
            shapes[of_product] = shapes[t]
            statements.append(Assign(t, of_product, place=s.place))
    return program.with_(shapes=shapes, forward=tuple(statements))


PASSES = (keep_apart, index)
