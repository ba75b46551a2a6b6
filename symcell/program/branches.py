"""Branches that are not taken. What only such a branch reads has the adjoint 0, and passes on 0, whatever its derivative is: the
square root of a negative number has none, and 0 times NaN would be NaN.
"""

from dataclasses import replace
from functools import cache

from sympy import (
    Abs,
    Add,
    Heaviside,
    Max,
    Min,
    Mul,
    Piecewise,
    S,
    Symbol,
    atan,
    ceiling,
    cos,
    erf,
    floor,
    sign,
    sin,
    tanh,
)
from sympy.functions.elementary.piecewise import ExprCondPair

from symcell.derivation.reverse import leaves
from symcell.language.identifiers import unused
from symcell.language.primitives import Masked, Primitive, largest, sum_over_axes, total
from symcell.language.shapes import resolved_shape
from symcell.language.sizes import Dims
from symcell.language.slopes import partial
from symcell.language.symbols import Adjoint, Constant, Param
from symcell.language.unit import Unit
from symcell.program.primitives import PRODUCTS, by_entries
from symcell.program.program import Assign, Gradient, Program, values_in

# Functions that have a number for every number.
_TOTAL = (
    Add, Mul, Piecewise, ExprCondPair, Primitive, Masked, Abs, Max, Min, Heaviside, sign, floor, ceiling, atan, cos, sin, erf,
    tanh, Unit,
)  # fmt: skip


def mask_untaken_branches(program: Program) -> Program:
    """Let an adjoint that a branch may leave at 0 make 0 of whatever it is multiplied by, a NaN included."""
    branches = _Branches(program)
    if not branches.may_be_zero:
        return program
    backward = tuple(r for s in program.backward for r in branches.statements(s))
    return program.with_(shapes=branches.shapes, backward=backward)


class _Branches:
    """Which adjoints the branches of a cell may leave at 0, and which of its values may not be finite."""

    def __init__(self, program):
        self.rows = {r.target: r.rhs for r in program.derivation.forward}
        self.may_be_zero = {Adjoint(q) for q in _left_out(self.rows, program.declaration.outputs)}  # and what is made from these
        self.shapes, self.taken = dict(program.shapes), {q.name for q in program.shapes}
        self.is_finite = cache(self._is_finite)

    def _is_finite(self, e):
        """Whether an expression of finite numbers is one, apart from overflow in sums and products; powers overflow sooner."""
        if e.is_Symbol and e in self.rows:
            return self.is_finite(self.rows[e])
        if e.is_Pow and not (e.exp.is_Integer and isinstance(e.base, (Param, Constant))):
            return False
        return (not e.args or e.is_Pow or isinstance(e, _TOTAL)) and all(map(self.is_finite, e.args))

    def statements(self, s):
        """The statement, with masks where an adjoint of 0 may meet what is not finite; before it, statements that it needs."""
        if self.may_be_zero.intersection(s.sources):
            self.may_be_zero.update(t for t in s.targets if not isinstance(t, Adjoint))
        if isinstance(s, Assign):
            return [replace(s, expr=self._guarded(s.expr))]
        if isinstance(s, Gradient) and s.bars[0] in self.may_be_zero and not self.is_finite(s.operand):
            return self._operand_read_where_needed(s)
        return [s]

    def _guarded(self, e):
        if not e.args:
            return e
        e = e.func(*map(self._guarded, e.args))
        if isinstance(e, Mul):
            return self._masked(e)
        return self._guarded_product(e) if isinstance(e, PRODUCTS) else e

    def _guarded_product(self, e):
        """A product of arrays, written out by entries if it needs a mask."""
        written, axes = by_entries(e, lambda a: resolved_shape(a, self.shapes.__getitem__))
        masked = self._masked(written)
        if masked == written:
            return e
        for axis in axes:
            masked = total(masked, axis)
        return masked

    def _masked(self, e):
        """A product that is 0 where a factor that a branch chooses is 0."""
        factors = Mul.make_args(e)
        chosen = [a for a in factors if a.has(Heaviside) or self.may_be_zero & values_in(a)]
        others_are_finite = all(self.is_finite(a) for a in factors if a not in chosen)
        return Masked(Mul(*chosen), e) if chosen and not others_are_finite else e

    def _operand_read_where_needed(self, s):
        """A weight gradient whose operand is read as 0 where all its adjoints are 0."""
        (bar,), operand = s.bars, s.operand
        most, read = (Symbol(unused(f"{name}_{bar}", self.taken)) for name in ("largest", f"{operand}_for"))
        self.shapes[most], self.shapes[read] = Dims(), self.shapes[operand]
        size = Abs(bar)
        for _ in self.shapes[bar]:
            size = largest(size)
        size = sum_over_axes(size, self.shapes[bar].over)
        return [Assign(most, size, note=s.note), Assign(read, Masked(most, operand), note=s.note), replace(s, operand=read)]


def _left_out(rows, outputs):
    """The quantities that only branches read, at this step or the next, or only other such quantities."""
    slopes = {target: _slopes(rhs) for target, rhs in rows.items()}
    chosen = {target: {q for q, slope in found.items() if slope.has(Piecewise, Heaviside)} for target, found in slopes.items()}
    found, waiting = set(), {q for some in chosen.values() for q in some}
    while waiting:
        found |= waiting
        waiting = {q for target in waiting for q in slopes.get(target, ())} - found
    elsewhere = set(outputs)
    while elsewhere := elsewhere & found:
        found -= elsewhere
        elsewhere = {q for target in slopes.keys() - found for q in slopes[target].keys() - chosen[target]}
    return found


def _slopes(e):
    """quantity -> the derivative of an expression by it, or by a primitive that reads it."""
    if isinstance(e, Primitive):
        return {_quantity(q): S.One for q in e.free_symbols}
    slopes = {leaf: partial(e, leaf) for leaf in leaves(e)}
    return {_quantity(q): slope for leaf, slope in slopes.items() if slope != 0 for q in leaf.free_symbols}


def _quantity(q):
    return getattr(q, "state", q)
