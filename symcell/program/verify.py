"""The verifier of programs. It runs between the passes."""

from collections import Counter

from symcell.language.primitives import Primitive
from symcell.language.symbols import Adjoint
from symcell.program.program import Assign, Product
from symcell.program.statements import operands_of


def verify(program):
    """Raise AssertionError unless the program is sound: every value has a shape, and is made once, before it is read; so is every
    parameter's gradient. An assignment holds one reduction or scan at most, as its whole expression."""
    known = _given(program)
    for direction, statements in (("forward", program.forward), ("backward", program.backward)):
        known |= {q for q in program.carried if isinstance(q, Adjoint) == (direction == "backward")}
        for s in statements:
            fault = _fault(program, s, known)
            if fault:
                raise AssertionError(f"program of {program.declaration.name}, {direction}: {fault} in {s}")
            known.update(s.targets)
    made = Counter(t for s in program.backward for t in s.targets)
    for p in program.declaration.params:
        if made[Adjoint(p)] != 1:
            raise AssertionError(f"program of {program.declaration.name}: the gradient of {p} is made {made[Adjoint(p)]} times")


def _fault(program, s, known):
    """What is wrong with a statement, given what is known before it; None if nothing is."""
    if unknown := [q for q in s.sources if q not in known]:
        return f"{unknown[0]} is read before it is made"
    if again := [t for t in s.targets if t in known and t not in program.carried]:
        return f"{again[0]} is made twice"
    if shapeless := [t for t in s.targets if t not in program.shapes]:
        return f"{shapeless[0]} has no shape"
    if isinstance(s, Product) and len(s.targets) > 1 and len(s.operands) > 1:
        return "a product of many and many"
    if isinstance(s, Product) and len(s.weights) != max(len(s.targets), len(s.operands)):
        return "the weights do not match"
    if isinstance(s, Assign) and (inner := _inner_reductions(s)):
        return f"{inner[0]} is no statement of its own"
    return None


def _inner_reductions(s):
    """The reductions and scans in an assignment's expression, besides the one that it may be."""
    parts = operands_of(s.expr) if s.op and not s.summed else (s.expr,)
    return [a for e in parts for a in e.atoms(Primitive) if a.op]


def _given(program):
    declaration = program.declaration
    given = {*declaration.inputs, *declaration.params, *declaration.constants}
    return given | {q for s in program.backward for q in s.sources if isinstance(q, Adjoint) and q.kind == "cotangent"}
