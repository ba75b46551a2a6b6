"""The Program of a cell: what to compute and when, at the level of arrays.

Statements are of three kinds, and a symbol in them stands for a whole value. Each statement has one place: `once` a sequence
(parameters alone), `before` the loop over time, in its `step`, or `after` it; before and after treat all time steps at once. Each
direction's places go by its own loop: what the forward program does before its loop, the backward program answers after its own,
and the gradients of what parameters alone make come last. Targets choose loops, buffers and layouts.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

from sympy import Expr, Symbol

from symcell.derivation.derive import Derivation
from symcell.language.symbols import Adjoint

FORWARD = ("once", "before", "step", "after")
BACKWARD = ("before", "step", "after", "once")


class Note(NamedTuple):
    """Where a statement comes from: in words, and by the numbers of equations."""

    words: str = ""
    equations: tuple[int, ...] = ()

    def __str__(self):
        return self.words

    def comment(self, texts):
        """The words, and the equation if there is one; `texts` are those of equations by number."""
        return f"{self.words} {texts[self.equations[0]]}" if len(self.equations) == 1 else self.words


NO_NOTE = Note()


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
    """target = expr. The expression is elementwise, of values and of primitives that combine no entries (views, concatenations);
    or it is one reduction or scan of such an expression. A scalar fills a target of any shape.

    A `summed` statement adds its expression up over steps and samples, into a target that all of them share. Statements of one
    `recurrence` depend on one another from step to step, and on no matrix product: one sweep over time computes them."""

    target: Symbol
    expr: Expr
    place: str = ""
    note: Note = NO_NOTE
    summed: bool = False
    recurrence: str = ""  # outside the step: the recurrence that it belongs to, "scan of c" where that is linear

    def __str__(self):
        return f"{self.target} {'+=' if self.summed else '='} {self.expr}"

    @property
    def kind(self):
        return self.recurrence.split()[0] if self.recurrence else "assignment"

    @property
    def op(self):
        """How it combines entries: "sum", "max", "scan" or "scan back"; "" if it is elementwise."""
        return getattr(self.expr, "op", "")

    @property
    def targets(self):
        return (self.target,)

    @cached_property
    def sources(self):
        return tuple(sorted(values_in(self.expr), key=str))


@dataclass(frozen=True)
class Product:
    """Matrix products done as one. One operand: targets[k] = weights[k] operand, the weights one above the other.
    One target: the sum of weights[k] operands[k], the weights side by side."""

    targets: tuple[Symbol, ...]
    weights: tuple[Weight, ...]
    operands: tuple[Symbol, ...]
    place: str = ""
    note: Note = NO_NOTE
    kind = "product"

    def __str__(self):
        if len(self.operands) == 1:
            return f"{', '.join(map(str, self.targets))} = {', '.join(map(str, self.weights))} @ {self.operands[0]}"
        terms = [f"{w} @ {q}" for w, q in zip(self.weights, self.operands, strict=True)]
        return f"{', '.join(map(str, self.targets))} = {' + '.join(terms)}"

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
    note: Note = NO_NOTE
    kind = "weight gradient"

    def __str__(self):
        return f"{', '.join(map(str, self.targets))} += {', '.join(f'outer({bar}, {self.operand})' for bar in self.bars)}"

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
    (h_prev, h) forward, (dh_carried, dh_prev) backward. `report` tells what each pass changed."""

    derivation: Derivation
    shapes: dict
    once: frozenset
    forward: tuple
    backward: tuple
    carried: dict
    report: tuple = field(default=(), compare=False)

    @property
    def declaration(self):
        return self.derivation.declaration

    def __str__(self):
        """The statements of both directions, a line each, behind their places."""
        lines = [f"{self.declaration.name}, forward:", *self.forward, f"{self.declaration.name}, backward:", *self.backward]
        return "\n".join(s if isinstance(s, str) else f"  {s.place:<6}  {s}" for s in lines)

    def with_(self, **changes):
        return replace(self, **changes)

    @property
    def statements(self):
        return (*self.forward, *self.backward)

    @property
    def overwritten(self):
        """The carried values that live in one place: what the next step sends back gives way to what this one does."""
        return {early: late for early, late in self.carried.items() if isinstance(early, Adjoint)}

    @property
    def tape(self):
        """What the backward program reads of the forward program's values, inputs and parameters apart."""
        made = {t for s in self.forward for t in s.targets}
        read = dict.fromkeys(self.carried.get(q, q) for s in self.backward for q in s.sources)
        return tuple(q for q in read if q in made)

    @cached_property
    def only_for_inputs(self):
        """What the backward program makes for the gradients of inputs, and nothing else reads."""
        needed = {Adjoint(p) for p in self.declaration.params} | set(self.carried.values())
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


def values_in(e):
    """The values that an expression reads; the integer symbols in it are sizes or indices."""
    return {q for q in e.free_symbols if not q.is_integer}
