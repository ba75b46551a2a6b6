"""Mapped axes, "for each head": what is written for one head happens for each. Every value has a set of mapped axes, known by
their sizes; other primitives and elementwise functions act on each of their indices by itself.
"""

from typing import Self

import numpy as np
from sympy import Expr, Symbol, floor

from symcell.errors import CellError
from symcell.language.primitives.base import Primitive, Reduction, fresh_index
from symcell.language.primitives.layout import reshape
from symcell.language.sizes import Shape, Size, shape_tuple, size
from symcell.language.writing import written

__all__ = ["merge", "split"]


class Mapping(Primitive):
    """A primitive that adds or removes the mapped axis that is its second argument."""

    @property
    def axis(self):
        return self.args[1]

    def removed(self, over):
        """The axes that are left without its own. Raises CellError if it is none of them."""
        if self.axis not in over:
            found = f"mapped axes {', '.join(map(str, over))}" if over else "no mapped axis"
            raise CellError(f"{written(self)} takes a value for each of {self.axis}, found one with {found}")
        return tuple(n for n in over if n != self.axis)

    def evaluate_in(self, evaluate, scope):
        """Its value in NumPy for one sample; `evaluate(e, scope)` is that of an argument. See symcell.interpret."""
        raise NotImplementedError


class divide(Mapping):
    """divide(u, n_heads): the entries of a vector (or the rows of a matrix) in n_heads equal parts, one for each head."""

    rule = "split"
    called = "split"
    view = True
    preserves_bounds = True

    def shape(self, shapes, sizes):
        u = shapes[0]
        self.demand(len(u) in (1, 2), "a vector or a matrix", shapes[:1])
        return (u[0] / self.axis, *u[1:])

    def axes(self, over):
        return _axes_with(over, self.axis, self)

    def adjoint(self, bar, shape_of):
        return [(self.args[0], merge(bar, self.axis))]

    def index(self, idx, at, shape_of):
        start = at.where[self.axis] * shape_of(self)[0]
        return at(self.args[0], (start + idx[0], *idx[1:]))

    def evaluate(self, u, axis):
        raise NotImplementedError

    def evaluate_in(self, evaluate, scope):
        return np.split(evaluate(self.args[0], scope), scope.size(self.axis))[scope.where[self.axis]]

    def _sympystr(self, printer):
        return f"split({printer.doprint(self.args[0])}, {self.axis})"

    def _latex(self, printer):
        return _split_latex(self, printer)


class each(Mapping):
    """each(u, n_heads): the entries of a vector of n_heads numbers, one for each head."""

    rule = "split"
    called = "split"
    view = True
    preserves_bounds = True

    def shape(self, shapes, sizes):
        self.demand(len(shapes[0]) == 1, "a vector", shapes[:1])
        sizes.unify(shapes[0][0], self.axis, f"the length of {written(self.args[0])} and the number of parts")
        return ()

    def axes(self, over):
        return _axes_with(over, self.axis, self)

    def adjoint(self, bar, shape_of):
        return [(self.args[0], merge(bar, self.axis))]

    def index(self, idx, at, shape_of):
        return at(self.args[0], (at.where[self.axis],))

    def evaluate(self, u, axis):
        raise NotImplementedError

    def evaluate_in(self, evaluate, scope):
        return evaluate(self.args[0], scope)[scope.where[self.axis]]

    def _sympystr(self, printer):
        return f"split({printer.doprint(self.args[0])}, {self.axis}, ())"

    def _latex(self, printer):
        return _split_latex(self, printer)


def _split_latex(e, printer):
    return rf"\operatorname{{split}}_{{{printer.doprint(e.axis)}}}" + printer.brackets(printer.doprint(e.args[0]))


def _axes_with(over, axis, e):
    """Some mapped axes and another one. Raises CellError if it is there already."""
    if axis in over:
        raise CellError(f"{written(e)}: {written(e.args[0])} has a value for each of {axis} already")
    return tuple(sorted((*over, axis), key=str))


def split(u: Expr, over: Size, shape: Shape = None) -> Expr:
    """The entries of a vector in equal parts, one for each index of a mapped axis: `split(q, "n_heads")` makes of n_heads * n_k
    units a vector of n_k units for each head. What is computed from it is written for one head, and happens for all.

    `shape` is that of a part: `()` for one number a head, `"n_k"` to name its size, or two sizes for a matrix. The rows of a
    matrix are split in the same way. Raises CellError where sizes do not agree. The heads are joined again by `merge`."""
    axis, own = size(over, "the number of parts of split"), shape_tuple(shape, "the shape of a part of split")
    if own == ():
        return each(u, axis)
    return divide(u, axis) if own is None else reshape(divide(u, axis), *own)


class merge(Mapping):
    """merge(e): the values of all heads side by side, as one vector (or the rows of one matrix). The inverse of `split`; `over`
    names the mapped axis where a value has several."""

    rule = "merge"
    preserves_bounds = True

    def __new__(cls, e: Expr | float, over: Size | None = None) -> Self:
        return super().__new__(cls, e, *([] if over is None else [size(over, "over= of merge")]))

    def with_axis(self, over):
        """The same with its axis named: the only one there is."""
        if len(self.args) > 1:
            return self
        if len(over) != 1:
            several = f"it has {', '.join(map(str, over))}; say which by over="
            found = several if over else "it has none; split(u, 'n_heads') makes one"
            raise CellError(f"{written(self)} joins the values of one mapped axis, and {found}")
        return merge(self.args[0], over[0])

    def shape(self, shapes, sizes):
        e = shapes[0]
        axis = self.with_axis(getattr(e, "over", ())).axis
        return (axis * e[0], *e[1:]) if e else (axis,)

    def axes(self, over):
        return self.with_axis(over).removed(over)

    def adjoint(self, bar, shape_of):
        e, axis = self.args
        return [(e, (divide if shape_of(e) else each)(bar, axis))]

    def tangent(self, k, t, shape_of):
        return merge(t, self.axis)

    def index(self, idx, at, shape_of):
        e, axis = self.args
        if not shape_of(e):
            return at.under(axis, idx[0])(e, ())
        n = shape_of(e)[0]
        head = floor(idx[0] / n)
        return at.under(axis, head)(e, (idx[0] - head * n, *idx[1:]))

    def evaluate(self, e, over=None):
        raise NotImplementedError

    def evaluate_in(self, evaluate, scope):
        parts = scope.along(self.axis)
        return np.concatenate([np.atleast_1d(evaluate(self.args[0], part)) for part in parts])

    def _latex(self, printer):
        return r"\operatorname{merge}" + printer.brackets(printer.doprint(self.args[0]))


class across(Mapping):
    """across(e, n_heads): the sum over a mapped axis."""

    rule = "sum"
    called = "total"
    op = "sum"

    def shape(self, shapes, sizes):
        return tuple(shapes[0])

    def axes(self, over):
        return self.removed(over)

    def adjoint(self, bar, shape_of):
        return [(self.args[0], bar)]

    def index(self, idx, at, shape_of):
        k = fresh_index()
        return Reduction(Symbol("sum"), at.under(self.axis, k)(self.args[0], idx), k, self.axis)

    def evaluate(self, e, axis):
        raise NotImplementedError

    def evaluate_in(self, evaluate, scope):
        return sum(evaluate(self.args[0], part) for part in scope.along(self.axis))

    def _sympystr(self, printer):
        return f"total({printer.doprint(self.args[0])}, over={self.axis})"

    def _latex(self, printer):
        return rf"\textstyle\sum^{{{printer.doprint(self.axis)}}} {printer.parenthesize_factor(self.args[0])}"


def sum_over_axes(e, axes):
    """The sum over some mapped axes."""
    for axis in axes:
        e = across(e, axis)
    return e
