"""What a loop over time need not compute: sums and products of values that are there before the loop begins are made for all
steps at once, and the transposed weights of its products once."""

from dataclasses import replace

from sympy import Add, Expr, Mul, Piecewise

from symcell.language.primitives import Primitive, matmul, transpose
from symcell.program.primitives import columns
from symcell.program.program import Assign, values_in
from symcell.targets.arrays.loops import loop_of
from symcell.targets.torch.stacking import Split


class Hoisting:
    """Moves work out of one loop over time, the step or a recurrence. `stacking` makes new values."""

    def __init__(self, stacking, statements, loop):
        self.stacking, self.carried, self.loop = stacking, stacking.program.carried, loop
        self.in_loop = {t for s in statements if loop_of(s) == loop for t in s.targets}
        self.moved, self.known, self.reader = [], {}, None

    def __call__(self, statements):
        found = []
        for s in statements:
            if not isinstance(s, Assign) or loop_of(s) != self.loop:
                found.append(s)
            elif self.is_known(s.expr):
                self.in_loop.discard(s.target)
                found.append(replace(s, place="before", recurrence=""))
            else:
                self.reader, self.moved = s, found
                e = self._hoisted(s.expr)
                found.append(replace(s, expr=e))
        return found

    def is_known(self, e):
        """Whether an expression is of values of before the loop."""
        return not any(q in self.in_loop or self.carried.get(q) in self.in_loop for q in values_in(e))

    def _hoisted(self, e):
        """The expression, in which names stand for what is known before the loop."""
        if not values_in(e) or e.is_Symbol:
            return e
        if self.is_known(e):
            return self._named(e)
        if isinstance(e, (Add, Mul)):
            return self._apart(e)
        if isinstance(e, matmul):
            return self._product(e)
        if isinstance(e, Piecewise):
            return e.func(*[(self._hoisted(value), condition) for value, condition in e.args])
        return e.func(*[self._hoisted(a) if isinstance(a, Expr) and values_in(a) else a for a in e.args])

    def _apart(self, e):
        """A sum or a product: what is known of it is one value."""
        known = [a for a in e.args if values_in(a) and self.is_known(a)]
        others = [self._hoisted(a) for a in e.args if a not in known]
        together = e.func(*known)
        is_short = together.is_Symbol or (-together).is_Symbol or not known
        return e.func(together if is_short else self._named(together), *others)

    def _product(self, e):
        """A product with a weight, which is transposed once."""
        a, v = e.args
        is_weight = self._is_matrix(a) and len(self.stacking.shape(v)) == 1
        return matmul(transpose(self.stacking.transposed(a)), self._hoisted(v)) if is_weight else e

    def _is_matrix(self, a):
        known = a.is_Symbol or isinstance(a, columns)
        return known and a.free_symbols <= self.stacking.shared and len(self.stacking.shape(a).whole) == 2

    def _named(self, e):
        """A name for what is known before the loop."""
        once = values_in(e) <= self.stacking.shared
        if isinstance(e, Primitive) and e.view:
            return e
        if e not in self.known:
            shape = self.stacking.shape(e)
            hint = f"{self.reader.target}_{'once' if once else 'known'}"
            self.known[e] = self.stacking.new(hint, shape, once)
            s = Assign(self.known[e], e, "once" if once else "before", self.reader.note)
            (self.stacking.once if once else self.moved).append(s)
        return self.known[e]


def with_sums_in_products(stacking, hoisting, statements):
    """The statements, in which a stacked product of the step starts from what is to be added to its parts: one operation."""
    changed = {s.targets: s for s in statements}
    for split in [s for s in statements if isinstance(s, Split) and s.place == "step"]:
        product, readers = changed[split.source,], [_reader(changed.values(), t) for t in split.targets]
        found = [_sum_with(r, t, hoisting.is_known) for r, t in zip(readers, split.targets, strict=True)]
        if not all(found) or any(len(whole.free_symbols.intersection(split.targets)) > 1 for whole, _ in found):
            continue  # parts that meet in a sum have its other terms once
        start = stacking.start_of(tuple(known for _, known in found), changed)
        changed[product.targets] = replace(product, expr=product.expr + start)
        names = []
        for t, reader, (whole, known) in zip(split.targets, readers, found, strict=True):
            reader = changed[reader.targets]  # which may read another part, too
            reader = changed[reader.targets] = replace(reader, expr=reader.expr.xreplace({whole: whole - known}))
            names.append(reader.target if reader.expr == t else t)
            if reader.expr == t:
                del changed[reader.targets]
        changed[split.targets] = replace(split, targets=tuple(names))
    return list(changed.values())


def _reader(statements, q):
    """The statement of the step that reads a value, if there is one such, and it does so once."""
    readers = [s for s in statements if q in s.sources]
    single = len(readers) == 1 and isinstance(readers[0], Assign) and readers[0].place == "step"
    return readers[0] if single and readers[0].expr.count(q) == 1 else None


def _sum_with(reader, q, is_known):
    """A sum that a value stands in, and what is known of it; None if there is none."""
    for e in reader.expr.atoms(Add) if reader else ():
        known = [a for a in e.args if values_in(a) and is_known(a)]
        if q in e.args and len(known) == 1:
            return e, known[0]
    return None
