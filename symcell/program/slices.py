"""The pass that joins slices."""

from dataclasses import replace

from sympy import Add, S

from symcell.language.primitives import concat, place
from symcell.language.shapes import resolved_shape
from symcell.program.program import Assign, Program


def join_slices(program: Program) -> Program:
    """Write a sum of slices that make up a whole vector as their concatenation: the adjoint of a vector cut into chunks."""

    def joined(e):
        slices = {a.args[1]: a for a in e.args if isinstance(a, place)} if e.is_Add else {}
        parts, end = [], S.Zero
        while end in slices:
            part = slices.pop(end)
            parts.append(part)
            end += resolved_shape(part.args[0], program.shapes.__getitem__)[0]
        if len(parts) < 2 or slices or end != parts[0].args[2]:
            return e
        return Add(concat(*[part.args[0] for part in parts]), *[a for a in e.args if a not in parts])

    return program.with_(
        backward=tuple(replace(s, expr=joined(s.expr)) if isinstance(s, Assign) else s for s in program.backward)
    )
