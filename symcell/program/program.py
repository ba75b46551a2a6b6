"""The Program: what to compute, when and where, with no SymPy left to decide.

Statements are of three kinds. Each stands in one place: `once` a sequence (parameters alone), `before` the loop over time, in its
`step`, or `after` it; before and after treat all time steps at once. Each program's places go by its own loop, so that what the
forward program does before its loop, the backward program answers after its own, and what parameters alone need last of all.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cached_property

from sympy import Expr, Symbol

from symcell.derivation.derive import Derivation
from symcell.language.declaration import Declaration
from symcell.language.primitives import Entry
from symcell.language.symbols import Adjoint

FORWARD = ("once", "before", "step", "after")
BACKWARD = ("before", "step", "after", "once")


@dataclass(frozen=True)
class Weight:
    """A matrix of a product: a parameter (or what was computed from some), perhaps transposed, perhaps a run of its columns."""

    symbol: Symbol
    transposed: bool = False
    columns: tuple | None = None  # (start, length)

    def __str__(self):
        columns = "" if self.columns is None else f"[:, {self.columns[0]}:{sum(self.columns)}]"
        return f"{self.symbol}{columns}" + (".T" if self.transposed else "")


@dataclass(frozen=True)
class Assign:
    """target[indices] = expr, for all indices; with `op`, expr is reduced ("sum", "max") or scanned over the indices in `over`.

    "sum over steps" adds up over time and samples into a target that all of them share. Statements of one `recurrence` need one
    another from step to step, and no product: one sweep through time computes them."""

    target: Symbol
    indices: tuple[Symbol, ...]
    expr: Expr
    op: str = ""
    over: tuple = ()  # ((index, size), ...)
    place: str = ""
    note: str = ""
    recurrence: str = ""  # outside the step: the recurrence that it belongs to, "scan of c" where that is linear

    @property
    def kind(self):
        return self.recurrence.split()[0] if self.recurrence else "assignment"

    @property
    def targets(self):
        return (self.target,)

    @cached_property
    def sources(self):
        return tuple(sorted({e.args[0] for e in self.expr.atoms(Entry)}, key=str))


@dataclass(frozen=True)
class Product:
    """Matrix products done as one. One operand: targets[k] = weights[k] operand, the weights one above the other.
    One target: the sum of weights[k] operands[k], the weights side by side."""

    targets: tuple[Symbol, ...]
    weights: tuple[Weight, ...]
    operands: tuple[Symbol, ...]
    place: str = ""
    note: str = ""
    kind = "product"

    @property
    def sides(self):
        return self.operands, self.targets

    @property
    def sources(self):
        return (*self.operands, *(w.symbol for w in self.weights))


@dataclass(frozen=True)
class Gradient:
    """Weight gradients done as one: targets[k] = the sum over steps and samples of the outer product of bars[k] and operand."""

    targets: tuple[Symbol, ...]
    bars: tuple[Symbol, ...]
    operand: Symbol
    place: str = ""
    note: str = ""
    kind = "weight gradient"

    @property
    def sides(self):
        return self.bars, (self.operand,)

    @property
    def sources(self):
        return (*self.bars, self.operand)


@dataclass(frozen=True)
class Program:
    """A cell's forward and backward statements, and the shapes of all values.

    `once` are the values that all steps share. `carried` pairs each value of the previous step with the one that becomes it:
    (h_prev, h) forward, (dh_later, dh_prev) backward. `report` tells what each pass did."""

    cell: Declaration
    derivation: Derivation
    shapes: dict
    once: frozenset
    forward: tuple
    backward: tuple
    carried: dict
    report: tuple = field(default=(), compare=False)

    def with_(self, **changes):
        return replace(self, **changes)

    @property
    def overwritten(self):
        """The carried values that live in one place: what the next step sends back gives way to what this one does."""
        return {early: late for early, late in self.carried.items() if isinstance(early, Adjoint)}

    @property
    def tape(self):
        """What the backward program reads of the forward program's values, inputs and parameters apart."""
        made = {t for s in self.forward for t in s.targets}
        previous = dict(self.carried)
        read = dict.fromkeys(previous.get(q, q) for s in self.backward for q in s.sources)
        return tuple(q for q in read if q in made)

    @cached_property
    def only_for_inputs(self):
        """What the backward program makes for the gradients of inputs, and nothing else reads."""
        needed = {Adjoint(p) for p in self.cell.params} | set(self.carried.values())
        for s in reversed(self.backward):
            if needed.intersection(s.targets):
                needed.update(s.sources)
        return {t for s in self.backward for t in s.targets} - needed

    def counts(self):
        """Statements by kind and place, forward and backward: what the structural tests look at."""
        return {
            direction: Counter((s.kind, s.place) for s in statements)
            for direction, statements in (("forward", self.forward), ("backward", self.backward))
        }


def verify(program):
    """Raise AssertionError unless the program is sound: single assignment, defined before use, shapes known, and every
    parameter's gradient made exactly once. Runs between the passes."""
    known = _given(program)
    for direction, statements in (("forward", program.forward), ("backward", program.backward)):
        known |= {q for q in program.carried if isinstance(q, Adjoint) == (direction == "backward")}
        for s in statements:
            fault = _fault(program, s, known)
            if fault:
                raise AssertionError(f"program of {program.cell.name}, {direction}: {fault} in {s}")
            known.update(s.targets)
    made = Counter(t for s in program.backward for t in s.targets)
    for p in program.cell.params:
        if made[Adjoint(p)] != 1:
            raise AssertionError(f"program of {program.cell.name}: the gradient of {p} is made {made[Adjoint(p)]} times")


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
    if isinstance(s, Assign) and len(s.indices) != len(program.shapes[s.target]):
        return f"the rank of {s.target} is wrong"
    return None


def _given(program):
    cell = program.cell
    given = {*cell.inputs, *cell.params, *cell.constants}
    return given | {q for s in program.backward for q in s.sources if isinstance(q, Adjoint) and q.kind == "given"}
