"""Expressions -> statements: each reduction and each scan becomes a statement of its own; what remains is elementwise."""

from dataclasses import replace

from sympy import Add, Function, Mul, Pow, Symbol

from symcell.language.identifiers import unused
from symcell.language.primitives import Primitive, across, broadcast, largest, ordered_args, total
from symcell.language.shapes import resolved_shape
from symcell.language.sizes import Dims
from symcell.program.program import Assign, Note, values_in


class Statements:
    """Collects statements, and the shapes of the values that they make. `once`: the values that all steps share."""

    def __init__(self, shapes, once):
        self.shapes, self.once = shapes, once
        self.made = []
        self.reductions = {}  # reduction -> its value
        self.names = {q.name for q in shapes}
        self.target, self.note = None, Note()  # the row that the next statements are for, and where it comes from

    def taken(self):
        """Hand over the statements collected so far."""
        made, self.made = tuple(self.made), []
        return made

    def add(self, statement):
        self.made.append(replace(statement, note=self.note))

    def new(self, hint, shape, once=False):
        """A new value, which the derivation does not name."""
        symbol = Symbol(unused(hint, self.names))
        self.shapes[symbol] = shape if isinstance(shape, Dims) else Dims(shape)
        if once:
            self.once.add(symbol)
        return symbol

    def assign(self, target, e):
        """target = e"""
        e = self._with_one_reduction(e)
        self.add(Assign(target, e))

    def add_up(self, target, e):
        """target = the sum of e over steps and samples"""
        self.add(Assign(target, self._elementwise(e), summed=True))

    def shape_of(self, e):
        return resolved_shape(e, self.shapes.__getitem__)

    def is_once(self, e):
        """Whether an expression has one value for all steps."""
        return values_in(e) <= self.once

    def _elementwise(self, e):
        """`e`, with a value for every reduction in it."""
        e = self._with_one_reduction(e)
        return self._value(e) if is_reduction(e) else e

    def _with_one_reduction(self, e):
        """`e` in terms of the simplest primitives, with a value for every reduction inside it. It may be a reduction itself."""
        if not e.has(Primitive):
            return e
        if isinstance(e, Primitive) and (simpler := e.decomposition(self.shape_of)) is not None:
            return self._with_one_reduction(simpler)
        parts = [self._with_one_reduction(a) for a in ordered_args(e)]
        return _broadcast_last(e.func(*[self._value(a) if is_reduction(a) and not _is_joint(e, a) else a for a in parts]))

    def _value(self, reduction):
        """The value of a reduction, from a statement of its own."""
        if reduction not in self.reductions:
            hint = f"{reduction.op.split()[0]}_{self.target}"
            value = self.new(hint, self.shape_of(reduction), self.is_once(reduction))
            self.reductions[reduction] = value
            self.add(Assign(value, reduction))
        return self.reductions[reduction]


def _broadcast_last(e):
    """A function of broadcast values as the broadcast of the function, which computes fewer numbers."""
    if not isinstance(e, (Function, Add, Mul, Pow)) or isinstance(e, Primitive):
        return e
    arrays = [a for a in e.args if values_in(a) or a.has(Primitive)]
    if not arrays or any(not isinstance(a, broadcast) or a.args[1:] != arrays[0].args[1:] for a in arrays):
        return e
    return broadcast(e.func(*[a.args[0] if a in arrays else a for a in e.args]), *arrays[0].args[1:])


def is_reduction(e):
    """Whether an expression combines entries: a reduction, a scan or a product of values."""
    return bool(getattr(e, "op", ""))


def operands_of(reduction):
    """The elementwise expressions whose entries a reduction combines."""
    first = reduction.args[0]
    return operands_of(first) if is_reduction(first) and _is_joint(reduction, first) else reduction.args


def _is_joint(outer, inner):
    """Whether two reductions are one over several axes: a sum of sums, a maximum of maxima."""
    return isinstance(outer, (total, across, largest)) and outer.op == inner.op and isinstance(inner, (total, across, largest))
