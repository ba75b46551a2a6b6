"""Repetition, reshaping, and the identity matrix."""

from typing import Self

import numpy as np
from sympy import Eq, Expr, Piecewise, S, Symbol, floor, sympify

from symcell.language.primitives.base import Primitive, Reduction, fresh_index
from symcell.language.sizes import Size, size

__all__ = ["flat", "identity", "repeat"]


class repeat(Primitive):
    """repeat(v, k): each entry k times, v_0 v_0 v_1 v_1 for k = 2."""

    rule = "repetition"
    view = True
    preserves_bounds = True

    def __new__(cls, v: Expr | float, k: Size) -> Self:
        return super().__new__(cls, v, size(k, "the number k of repeat(v, k)"))

    def shape(self, shapes, sizes):
        v = shapes[0]
        self.demand(len(v) == 1, "a vector and a number of times", shapes[:1])
        return (sympify(v[0]) * self.args[1],)

    def adjoint(self, bar, shape_of):
        return [(self.args[0], fold(bar, self.args[1]))]

    def index(self, idx, at, shape_of):
        return at(self.args[0], (floor(idx[0] / self.args[1]),))

    def evaluate(self, v, k):
        return np.repeat(v, int(k))

    def _latex(self, printer):
        return rf"\operatorname{{repeat}}_{{{self.args[1]}}}\left({printer.doprint(self.args[0])}\right)"


class fold(Primitive):
    """The sums of every k consecutive entries: the transpose of `repeat`."""

    rule = "repetition"
    op = "sum"

    def shape(self, shapes, sizes):
        return (shapes[0][0] / self.args[1],)

    def index(self, idx, at, shape_of):
        k = fresh_index()
        body = at(self.args[0], (idx[0] * self.args[1] + k,))
        return Reduction(Symbol("sum"), body, k, self.args[1])

    def evaluate(self, v, k):
        return v.reshape(-1, int(k)).sum(axis=1)

    def _latex(self, printer):
        return rf"\operatorname{{repeat}}_{{{self.args[1]}}}^{{\top}}\left({printer.doprint(self.args[0])}\right)"


class flat(Primitive):
    """flat(S): a matrix as one vector, row by row."""

    rule = "reshaping"
    view = True
    preserves_bounds = True

    def shape(self, shapes, sizes):
        self.demand(len(shapes[0]) == 2, "a matrix", shapes)
        return (sympify(shapes[0][0]) * shapes[0][1],)

    def adjoint(self, bar, shape_of):
        return [(self.args[0], unflat(bar, *shape_of(self.args[0])))]

    def index(self, idx, at, shape_of):
        columns = shape_of(self.args[0])[1]
        j = floor(idx[0] / columns)
        return at(self.args[0], (j, idx[0] - j * columns))

    def evaluate(self, e):
        return e.reshape(-1)

    def _latex(self, printer):
        return r"\operatorname{vec}" + printer.brackets(printer.doprint(self.args[0]))


class unflat(Primitive):
    """unflat(v, n, m): a vector as n rows of m, the inverse of `flat`."""

    rule = "reshaping"
    view = True

    def shape(self, shapes, sizes):
        return tuple(self.args[1:])

    def adjoint(self, bar, shape_of):
        return [(self.args[0], flat(bar))]

    def index(self, idx, at, shape_of):
        return at(self.args[0], (idx[0] * self.args[2] + idx[1],))

    def evaluate(self, v, n, m):
        return v.reshape(int(n), int(m))

    def _latex(self, printer):
        return r"\operatorname{vec}^{-1}" + printer.brackets(printer.doprint(self.args[0]))


class identity(Primitive):
    """The identity matrix of a size."""

    view = True

    def __new__(cls, n: Size) -> Self:
        return super().__new__(cls, size(n, "the size n of identity(n)"))

    def shape(self, shapes, sizes):
        return (self.args[0], self.args[0])

    def adjoint(self, bar, shape_of):
        return []

    def index(self, idx, at, shape_of):
        return Piecewise((S.One, Eq(*idx)), (S.Zero, True))

    def evaluate(self, n):
        return np.eye(int(n))

    def _latex(self, printer):
        return "I"
