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
    return program.with_(forward=forward, backward=backward)


class Indexing:
    """Writes the assignments of a program as ones of entries, given the shapes of its values."""

    def __init__(self, shapes):
        self.shapes = shapes

    def statement(self, s):
        """The assignment of the entries of its target."""
        indices = AXES[: len(self.shapes[s.target])]
        body, op, over = self.at(s.expr, indices), "", ()
        if isinstance(body, Reduction):
            op, body, over = _unnested(body)
            if not op.startswith("scan"):
                body, over = _renamed(body, over, len(indices))
        if body.has(Reduction):
            raise AssertionError(f"a primitive in {s} combines entries, and has no op")
        return Indexed(s.target, body, s.place, s.note, s.summed, s.recurrence, indices, op, over)

    def shape_of(self, e) -> tuple:
        return resolved_shape(e, self.shapes.__getitem__)

    def at(self, e, idx) -> Expr:
        """The entry of `e` at `idx`, in entries of named values."""
        if e.is_Symbol:
            if e.is_integer:
                return e
            return Entry(e, *idx) if self.shapes[e] else Entry(e)
        if isinstance(e, Primitive):
            return e.index(idx if self.shape_of(e) else (), self.at, self.shape_of)
        if not e.args:
            return e
        return e.func(*[self.at(a, idx) for a in e.args])


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
