"""Whole vectors as entries: `at` asks each primitive for its entry at given indices, until only entries of named values, and
reductions over indices, are left; every reduction becomes a statement of its own."""

from dataclasses import replace

from sympy import Symbol

from symcell.language.identifiers import unused
from symcell.language.primitives import Entry, Primitive, Reduction
from symcell.language.shapes import resolved_shape
from symcell.program.program import Assign

# The axes of a target, in order; reductions use the later ones.
AXES = tuple(Symbol(f"j{k}", integer=True, nonnegative=True) for k in range(8))


class Statements:
    """The statements of a program as they are made, and the shapes of what they make; `once` are the values that all steps
    share."""

    def __init__(self, shapes, once):
        self.shapes, self.once = shapes, once
        self.made = []
        self.temporaries = {}  # reduction -> the value that has it
        self.names = {q.name for q in shapes}
        self.target, self.note = None, ""  # what the statements now made are for, and where they come from

    def taken(self):
        """Those made so far, which are no longer here."""
        made, self.made = tuple(self.made), []
        return made

    def add(self, statement):
        self.made.append(replace(statement, note=self.note))

    def new(self, hint, shape, once=False):
        """A value beside those of the derivation."""
        symbol = Symbol(unused(hint, self.names))
        self.shapes[symbol] = shape
        if once:
            self.once.add(symbol)
        return symbol

    def assign(self, target, e):
        """The value of an expression to a target; a reduction, or a scan, straight into it."""
        indices, lengths = self._axes(target)
        body, op, over = self.at(e, indices), "", ()
        if isinstance(body, Reduction):
            op, body, over = _unnested(body)
        body = self._without_reductions(body, {**lengths, **dict(over)})
        if op and not op.startswith("scan"):
            body, over = _renamed(body, over, len(indices))
        self.add(Assign(target, indices, body, op, over))

    def add_up(self, target, e):
        """The sum of an expression over steps and samples to a target."""
        indices, lengths = self._axes(target)
        self.add(Assign(target, indices, self._without_reductions(self.at(e, indices), lengths), "sum over steps"))

    def shape_of(self, e):
        return resolved_shape(e, self.shapes.__getitem__)

    def at(self, e, idx):
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

    def _axes(self, target):
        """The indices of a target's entries, and the length of each."""
        shape = self.shapes[target]
        indices = AXES[: len(shape)]
        return indices, dict(zip(indices, shape, strict=True))

    def _without_reductions(self, body, lengths):
        """`body` with every reduction in it computed beforehand, into a value of its own. `lengths`: index -> size."""
        while reductions := body.atoms(Reduction):
            lengths = lengths | {r.args[2]: r.args[3] for r in reductions}  # an inner one may have an outer one's index
            whole = [r for r in reductions if not _unnested(r)[1].has(Reduction)]
            inner = {r.args[1] for r in whole}
            found = [r for r in whole if r not in inner]
            body = body.xreplace({r: self._reduced(r, lengths) for r in sorted(found, key=str)})
        return body

    def _reduced(self, r, lengths):
        """The entry of the value that has a reduction."""
        op, inner, over = _unnested(r)
        scanned = op.startswith("scan")
        free = [k for k in lengths if (inner.has(k) and k not in dict(over)) or (scanned and k == over[0][0])]
        place = dict(zip(free, AXES, strict=False))
        body, over = inner.xreplace(place), tuple((place.get(k, k), n) for k, n in over)
        if not scanned:
            body, over = _renamed(body, over, len(free))
        key = (op, body, over)
        if key not in self.temporaries:
            once = all(e.args[0] in self.once for e in body.atoms(Entry))
            symbol = self.temporaries[key] = self.new(f"{op.split()[0]}_{self.target}", tuple(lengths[k] for k in free), once)
            self.add(Assign(symbol, AXES[: len(free)], body, op, over))
        return Entry(self.temporaries[key], *free)


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
