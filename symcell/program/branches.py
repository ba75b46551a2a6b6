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
from symcell.language.primitives import Entry, Masked, Primitive
from symcell.language.slopes import partial
from symcell.language.symbols import Adjoint, Constant, Param
from symcell.language.unit import Unit
from symcell.program.entries import AXES
from symcell.program.program import Assign, Gradient, Program

# Functions that have a number for every number.
_TOTAL = (
    Add, Mul, Piecewise, ExprCondPair, Primitive, Entry, Masked, Abs, Max, Min, Heaviside, sign, floor, ceiling, atan, cos, sin,
    erf, tanh, Unit,
)  # fmt: skip


def leave_out_untaken_branches(program: Program) -> Program:
    """An adjoint that a branch may leave at 0 makes 0 of whatever it is multiplied by, a NaN included."""
    branches = _Branches(program)
    if not branches.may_be_zero:
        return program
    backward = tuple(r for s in program.backward for r in branches.statements(s))
    return program.with_(shapes=branches.shapes, backward=backward)


class _Branches:
    """What the branches of a cell may leave out, and which of its values may be no finite numbers."""

    def __init__(self, program):
        self.rows = {r.target: r.rhs for r in program.derivation.forward}
        self.may_be_zero = {Adjoint(q) for q in _left_out(self.rows, program.cell.outputs)}  # and what is made from these
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
        """The statement, in which no adjoint of 0 meets what may be no number; before it, what that takes."""
        if self.may_be_zero.intersection(s.sources):
            self.may_be_zero.update(t for t in s.targets if not isinstance(t, Adjoint))
        if isinstance(s, Assign):
            return [replace(s, expr=self._guarded(s.expr))]
        if isinstance(s, Gradient) and s.bars[0] in self.may_be_zero and not self.is_finite(s.operand):
            return self._operand_read_where_needed(s)
        return [s]

    def _guarded(self, e):
        if not e.args or isinstance(e, Entry):
            return e
        guarded = e.func(*map(self._guarded, e.args))
        if not isinstance(guarded, Mul):
            return guarded
        chosen = [a for a in guarded.args if a.has(Heaviside) or any(e.args[0] in self.may_be_zero for e in a.atoms(Entry))]
        others_are_finite = all(self.is_finite(a) for a in guarded.args if a not in chosen)
        return Masked(Mul(*chosen), guarded) if chosen and not others_are_finite else guarded

    def _operand_read_where_needed(self, s):
        """A weight gradient whose operand is read as 0 where all adjoints that meet it are 0."""
        (bar,), operand = s.bars, s.operand
        largest, read = (Symbol(unused(f"{name}_{bar}", self.taken)) for name in ("largest", f"{operand}_for"))
        self.shapes[largest], self.shapes[read] = (), self.shapes[operand]
        over = tuple(zip(AXES, self.shapes[bar], strict=False))
        entry = Entry(operand, *AXES[: len(self.shapes[operand])])
        return [
            Assign(largest, (), Abs(Entry(bar, *dict(over))), "max", over, note=s.note),
            Assign(read, entry.args[1:], Masked(Entry(largest), entry), note=s.note),
            replace(s, operand=read),
        ]


def _left_out(rows, outputs):
    """The quantities that are read in branches alone, at this step or the next, or by other such quantities alone."""
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
