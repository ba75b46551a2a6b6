"""Program of arrays -> program of entries, which loops over indices compute."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from sympy import Expr, Symbol

from symcell.language.primitives import Entry, Primitive, Reduction, merge
from symcell.language.shapes import resolved_shape
from symcell.program.program import Assign, Program

# The axes of a target, in order; reductions use the later ones.
AXES = tuple(Symbol(f"j{k}", integer=True, nonnegative=True) for k in range(8))


@dataclass(frozen=True)
class Indexed(Assign):
    """target[position] = expr, for all indices, which run up to their extents; the first `heads` of them are mapped axes. With
    `op`, expr is reduced or scanned over the indices in `over`."""

    indices: tuple[Symbol, ...] = ()
    extents: tuple = ()
    position: tuple = ()
    heads: int = 0
    op: str = ""
    over: tuple = ()  # ((index, size), ...)

    @cached_property
    def entries(self):
        return self.expr.atoms(Entry)

    @cached_property
    def sources(self):
        return tuple(sorted({e.args[0] for e in self.entries}, key=str))


def index(program: Program) -> Program:
    """Write every assignment as one of entries: each primitive says what its entry at some indices is."""
    indexing = Indexing(program.shapes)
    forward, backward = (
        tuple(indexing.statement(s) if isinstance(s, Assign) else s for s in statements)
        for statements in (program.forward, program.backward)
    )
    shapes = {q: shape.whole for q, shape in program.shapes.items()}
    return program.with_(forward=forward, backward=backward, shapes=shapes)


class Indexing:
    """Writes the assignments of a program as ones of entries, given the shapes of its values."""

    def __init__(self, shapes):
        self.shapes = shapes

    def statement(self, s):
        """The assignment of the entries of its target."""
        shape, joined = self.shapes[s.target], self._joined(s)
        axes, own = (joined or shape).over, tuple(joined or shape)
        indices = AXES[: len(axes) + len(own)]
        idx = indices[len(axes) :]
        side_by_side = Joined(*axes, indices[0], own[0], idx) if joined else None
        position = side_by_side.position if side_by_side else indices
        entries = Entries(self, dict(zip(axes, indices, strict=False)), side_by_side)
        body, op, over = entries(s.expr, position if joined else idx), "", ()
        if isinstance(body, Reduction):
            op, body, over = _unnested(body)
            if not op.startswith("scan"):
                body, over = _renamed(body, over, len(indices))
        if body.has(Reduction):
            raise AssertionError(f"a primitive in {s} combines entries, and has no op")
        extents = (*axes, *own)
        return Indexed(s.target, body, s.place, s.note, s.summed, s.recurrence, indices, extents, position, len(axes), op, over)

    def _joined(self, s):
        """The shape of a head, where an elementwise statement puts the vectors of all heads side by side: its loops go through
        the heads, so that indices need no division."""
        merges = s.expr.atoms(merge) if not s.op and not self.shapes[s.target].over else ()
        heads = {self.shape_of(e.args[0]) for e in merges if e.axis in self.shape_of(e.args[0]).over}
        shape = heads.pop() if len(heads) == 1 else ()
        return shape if shape and len(shape.over) == 1 and shape[0] * shape.over[0] == self.shapes[s.target][0] else None

    def shape_of(self, e) -> tuple:
        return resolved_shape(e, self.shapes.__getitem__)


class Joined(NamedTuple):
    """Where a value of all heads side by side is read: at `own` of head number `head`, of which each has n entries."""

    axis: Expr
    head: Symbol
    n: Expr
    own: tuple

    @property
    def position(self):
        first, *rest = self.own
        return (self.head * self.n + first, *rest)


class Entries:
    """Entries of expressions, for one index of each mapped axis: `where[axis]`."""

    def __init__(self, indexing, where, joined=None):
        self.indexing, self.where, self.joined = indexing, where, joined

    def __call__(self, e, idx) -> Expr:
        """The entry of `e` at `idx`, in entries of named values."""
        if self.joined and isinstance(e, merge) and e.axis == self.joined.axis and idx == self.joined.position:
            return self(e.args[0], self.joined.own)
        if e.is_Symbol:
            if e.is_integer:
                return e
            shape = self.indexing.shapes[e]
            return Entry(e, *(self.where[axis] for axis in shape.over), *(idx if shape else ()))
        if isinstance(e, Primitive):
            return e.index(idx if self.indexing.shape_of(e) else (), self, self.indexing.shape_of)
        if not e.args:
            return e
        return e.func(*[self(a, idx) for a in e.args])

    def under(self, axis, index):
        """The same for another index of a mapped axis."""
        return Entries(self.indexing, self.where | {axis: index}, self.joined)


def _unnested(r):
    """A reduction of a reduction of the same kind as one over several indices."""
    op, body, k, n = r.args
    over = [(k, n)]
    while isinstance(body, Reduction) and body.args[0] == op and str(op) in ("sum", "max"):
        _, body, k, n = body.args
        over.append((k, n))
    return str(op), body, tuple(over)


def _renamed(body, over, rank):
    """The indices of a reduction named after the axes that follow the target's."""
    new = {k: AXES[rank + p] for p, (k, _) in enumerate(over)}
    return body.xreplace(new), tuple((new[k], n) for k, n in over)
