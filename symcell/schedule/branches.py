"""Branches that are not taken. What only such a branch reads has the adjoint 0, and passes on 0, whatever its derivative is: the
square root of a negative number has none, and 0 times NaN would be NaN.
"""

from dataclasses import replace
from functools import cache

from sympy import (
    Abs,
    Add,
    Heaviside,
    Integer,
    Max,
    Min,
    Mul,
    Piecewise,
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

from symcell.derivation.derive import leaves
from symcell.language.activations import hard_sigmoid, leaky_relu, log_sigmoid, relu, sigmoid, silu, softplus, stop_gradient
from symcell.language.primitives import Entry, Masked, Primitive
from symcell.language.slopes import partial
from symcell.language.symbols import Adjoint, Constant, Param
from symcell.language.words import unused
from symcell.schedule.entries import AXES
from symcell.schedule.program import Assign, Gradient, Program

# Functions that have a number for every number.
_TOTAL = (
    Add, Mul, Piecewise, ExprCondPair, Primitive, Entry, Masked, Abs, Max, Min, Heaviside, sign, floor, ceiling, atan, cos, sin,
    erf, tanh, sigmoid, hard_sigmoid, log_sigmoid, relu, leaky_relu, silu, softplus, stop_gradient,
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
        self.may_be_zero = {Adjoint(q) for q in _left_out(self.rows)}  # and what is made from these
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
        if not isinstance(guarded, Mul) or all(map(self.is_finite, guarded.args)):
            return guarded
        chosen = [a for a in guarded.args if a.has(Heaviside) or any(e.args[0] in self.may_be_zero for e in a.atoms(Entry))]
        return Masked(Mul(*chosen), guarded) if chosen else guarded

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


def _left_out(rows):
    """The quantities that a branch may leave out, and all that they are made from within a step."""
    found = set()
    for rhs in rows.values():
        if rhs.has(Piecewise, Max, Min, Abs, Heaviside, relu, leaky_relu, hard_sigmoid) and not isinstance(rhs, Primitive):
            branching = [leaf for leaf in leaves(rhs) if partial(rhs, leaf).has(Piecewise, Heaviside)]
            found |= {q for leaf in branching for q in leaf.free_symbols}
    waiting = list(found)
    while waiting:
        new = rows.get(waiting.pop(), Integer(0)).free_symbols - found
        found |= new
        waiting += new
    return found
