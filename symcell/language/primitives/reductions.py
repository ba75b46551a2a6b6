"""Reductions along one axis, and their transposes: broadcasts."""

from typing import Any, Self

import numpy as np
from sympy import Expr, Integer, Symbol

from symcell.errors import CellError
from symcell.language.primitives.base import Primitive, Reduction, fresh_index
from symcell.language.primitives.mapped import across
from symcell.language.sizes import Size, size
from symcell.language.writing import written

__all__ = ["column", "mean", "row", "total", "variance"]


class Along(Primitive):
    """A primitive that works along one axis of its argument: `f(e, axis=-1)`."""

    def __new__(cls, e: Expr | float, axis: int = -1) -> Self:
        if isinstance(axis, bool) or not isinstance(axis, (int, Integer)):
            raise CellError(f"{cls.__name__} works along an axis given as an integer, found {axis}")
        return super().__new__(cls, e, axis)

    def position(self, rank):
        axis = int(self.args[1])
        if not -rank <= axis < rank:
            raise CellError(
                f"{type(self).__name__} takes an axis of its argument, which has rank {rank}, found {axis} in {written(self)}"
            )
        return axis % rank

    def lifted(self, e, rank):
        """Broadcast `e`, a reduction along the axis, along the axis again."""
        return e if rank == 1 else broadcast(e, self.position(rank))

    def entries(self, idx, k, at, shape_of):
        """The entries of the argument with the index `k` inserted at the axis, and the length of the axis."""
        e = self.args[0]
        p = self.position(len(shape_of(e)))
        return at(e, (*idx[:p], k, *idx[p:])), shape_of(e)[p]

    def _latex(self, printer):
        rank = len(printer.shape(self.args[0]))
        sub = "" if self.position(rank) == rank - 1 else f"_{{{printer.doprint(self.args[1])}}}"
        name = type(self).__name__
        return rf"\operatorname{{{name}}}{sub}" + printer.brackets(printer.doprint(self.args[0]))


class broadcast(Along):
    """The same values along a new axis, at position `axis` of the result; n times, if n is given."""

    rule = "broadcast"
    called = "column or row"
    view = True
    preserves_bounds = True

    def __new__(cls, e: Any, axis: Any, n: Any = None) -> Self:
        return Primitive.__new__(cls, e, axis) if n is None else Primitive.__new__(cls, e, axis, size(n))

    def shape(self, shapes, sizes):
        n = self.args[2] if len(self.args) > 2 else None
        self.demand(n is not None or len(shapes[0]) == 1, "a vector", shapes)  # what a user writes has no n
        p = self.position(len(shapes[0]) + 1)
        return (*shapes[0][:p], n, *shapes[0][p:])

    def adjoint(self, bar, shape_of):
        return [(self.args[0], total(bar, self.args[1]))]

    def index(self, idx, at, shape_of):
        p = self.position(len(idx))
        return at(self.args[0], (*idx[:p], *idx[p + 1 :]))

    def evaluate(self, e, axis, n=1):
        return np.repeat(np.expand_dims(e, int(axis)), int(n), axis=int(axis))

    def _sympystr(self, printer):
        return f"{'column' if self.args[1] == 1 else 'row'}({printer.doprint(self.args[0])})"

    def _latex(self, printer):
        e = self.args[0]
        if self.args[1] == 1:
            return rf"{printer.beside(e)} \mathbf{{1}}^{{\top}}"
        return rf"\mathbf{{1}} \, {printer.raised(e)}^{{\top}}"


def column(u: Expr) -> Expr:
    """A vector as a matrix that varies along its first axis: entry (j, k) is u_j."""
    return broadcast(u, 1)


def row(v: Expr) -> Expr:
    """A vector as a matrix that varies along its second axis: entry (j, k) is v_k."""
    return broadcast(v, 0)


class fill(Primitive):
    """fill(e, n, m ...): a scalar at every entry of a vector or matrix."""

    rule = "broadcast"
    view = True
    preserves_bounds = True

    def shape(self, shapes, sizes):
        return tuple(self.args[1:])

    def adjoint(self, bar, shape_of):
        e = bar
        for _ in self.args[1:]:
            e = total(e)
        return [(self.args[0], e)]

    def index(self, idx, at, shape_of):
        return at(self.args[0], ())

    def evaluate(self, e, *shape):
        return np.full(tuple(int(n) for n in shape), e)

    def _latex(self, printer):
        return f"{printer.beside(self.args[0])} \\mathbf{{1}}"


class Collapse(Along):
    """A reduction: its value has one axis less than its argument."""

    def shape(self, shapes, sizes):
        e = shapes[0]
        p = self.position(len(e))
        return e[:p] + e[p + 1 :]

    def length(self, shape_of):
        shape = shape_of(self.args[0])
        return shape[self.position(len(shape))]


class total(Collapse):
    """The sum over an axis; with `over` that over a mapped axis, such as all heads."""

    rule = "sum"
    op = "sum"

    def __new__(cls, e: Expr | float, axis: int = -1, over: Size | None = None) -> Self:
        return super().__new__(cls, e, axis) if over is None else across(e, size(over, "over= of total"))

    def adjoint(self, bar, shape_of):
        e = self.args[0]
        shape = shape_of(e)
        return [(e, fill(bar, *shape) if len(shape) == 1 else broadcast(bar, self.position(len(shape)), self.length(shape_of)))]

    def index(self, idx, at, shape_of):
        k = fresh_index()
        body, n = self.entries(idx, k, at, shape_of)
        return Reduction(Symbol("sum"), body, k, n)

    def evaluate(self, e, axis):
        return e.sum(axis=int(axis))


class mean(Collapse):
    """The mean over an axis; with `over` that over a mapped axis."""

    rule = "mean"
    preserves_bounds = True

    def __new__(cls, e: Expr | float, axis: int = -1, over: Size | None = None) -> Self:
        if over is None:
            return super().__new__(cls, e, axis)
        return total(e, over=over) / size(over)

    def adjoint(self, bar, shape_of):
        e = self.args[0]
        return total(e, self.args[1]).adjoint(bar / self.length(shape_of), shape_of)

    def decomposition(self, shape_of):
        return total(*self.args) / self.length(shape_of)

    def evaluate(self, e, axis):
        return e.mean(axis=int(axis))


class variance(Collapse):
    """The mean squared deviation from the mean (no correction for the sample), as layer normalisation uses it."""

    rule = "variance"

    def deviation(self, shape_of):
        e, axis = self.args
        return e - self.lifted(mean(e, axis), len(shape_of(e)))

    def adjoint(self, bar, shape_of):
        e = self.args[0]
        lifted = self.lifted(bar, len(shape_of(e)))
        return [(e, 2 * lifted * self.deviation(shape_of) / self.length(shape_of))]

    def tangent(self, k, t, shape_of):
        return 2 * mean(self.deviation(shape_of) * t, self.args[1])

    def decomposition(self, shape_of):
        """The deviations are centred twice: rounding leaves a part of the mean in them, which matters if all units are close."""
        deviation, axis = self.deviation(shape_of), self.args[1]
        centred = deviation - self.lifted(mean(deviation, axis), len(shape_of(self.args[0])))
        return mean(centred**2, axis)

    def evaluate(self, e, axis):
        e = np.moveaxis(e, int(axis), 0)
        return ((e - e.mean(axis=0)) ** 2).mean(axis=0)


class largest(Collapse):
    """The maximum over an axis; inside softmax only, where it has no gradient."""

    op = "max"

    def index(self, idx, at, shape_of):
        k = fresh_index()
        body, n = self.entries(idx, k, at, shape_of)
        return Reduction(Symbol("max"), body, k, n)

    def evaluate(self, e, axis):
        return np.take_along_axis(e, np.expand_dims(e.real.argmax(int(axis)), int(axis)), int(axis)).squeeze(int(axis))
