"""Program of arrays -> program of entries, which loops over indices compute."""

from dataclasses import dataclass
from functools import cached_property

from sympy import Expr, Symbol

from symcell.language.primitives import Entry, Primitive, Reduction
from symcell.language.shapes import resolved_shape
from symcell.program.program import Assign, Program

# The axes of a target, in order; reductions use the later ones.
AXES = tuple(Symbol(f"j{k}", integer=True, nonnegative=True) for k in range(8))


@dataclass(frozen=True)
class Indexed(Assign):
    """target[indices] = expr, for all indices. With `op`, expr is reduced or scanned over the indices in `over`."""

    indices: tuple[Symbol, ...] = ()
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
        shape = self.shapes[s.target]
        indices = AXES[: len(shape.whole)]
        own = len(shape.over)
        where = dict(zip(shape.over, indices[:own], strict=True))
        body, op, over = Entries(self, where)(s.expr, indices[own:]), "", ()
        if isinstance(body, Reduction):
            op, body, over = _unnested(body)
            if not op.startswith("scan"):
                body, over = _renamed(body, over, len(indices))
        if body.has(Reduction):
            raise AssertionError(f"a primitive in {s} combines entries, and has no op")
        return Indexed(s.target, body, s.place, s.note, s.summed, s.recurrence, indices, op, over)

    def shape_of(self, e) -> tuple:
        return resolved_shape(e, self.shapes.__getitem__)


class Entries:
    """Entries of expressions, for one index of each mapped axis: `where[axis]`."""

    def __init__(self, indexing, where):
        self.indexing, self.where = indexing, where

    def __call__(self, e, idx) -> Expr:
        """The entry of `e` at `idx`, in entries of named values."""
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
        return Entries(self.indexing, self.where | {axis: index})


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
