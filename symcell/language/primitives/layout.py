"""Repetition, reshaping, and the identity matrix."""

from typing import Self

import numpy as np
from sympy import Eq, Expr, Integer, Mul, Piecewise, S, Symbol, floor, sympify

from symcell.errors import CellError
from symcell.language.primitives.base import Primitive, Reduction, fresh_index
from symcell.language.sizes import Size, size
from symcell.language.writing import written

__all__ = ["flat", "identity", "repeat", "reshape", "swap"]


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


class reshape(Primitive):
    """reshape(e, n, m ...): the same entries in the same order, in another shape; `reshape(e)` makes a number of one entry."""

    rule = "reshaping"
    view = True
    preserves_bounds = True

    def __new__(cls, e: Expr | float, *shape: Size) -> Self:
        return super().__new__(cls, e, *(size(n, "a size of reshape(e, n, m ...)") for n in shape))

    def shape(self, shapes, sizes):
        old, new = Mul(*shapes[0]), Mul(*self.args[1:])
        sizes.unify(old, new, f"the numbers of entries of {written(self.args[0])} and of {written(self)}")
        return tuple(self.args[1:])

    def adjoint(self, bar, shape_of):
        return [(self.args[0], reshape(bar, *shape_of(self.args[0])))]

    def index(self, idx, at, shape_of):
        position = S.Zero
        for j, n in zip(idx, self.args[1:], strict=True):
            position = position * n + j
        return at(self.args[0], _unravelled(position, shape_of(self.args[0])))

    def evaluate(self, e, *shape):
        return e.reshape([int(n) for n in shape])

    def _latex(self, printer):
        sizes = r" \times ".join(map(printer.doprint, self.args[1:])) or "1"
        return rf"\operatorname{{reshape}}_{{{sizes}}}" + printer.brackets(printer.doprint(self.args[0]))


def _unravelled(position, shape):
    """The indices of an entry, given its position in row-major order."""
    idx = []
    for n in reversed(shape[1:]):
        row = floor(position / n)
        idx.append(position - row * n)
        position = row
    return (position, *reversed(idx)) if shape else ()


class swap(Primitive):
    """swap(e, j, k): the same with two of its axes exchanged, counted from 0; of a matrix, swap(A, 0, 1) is A.T."""

    rule = "transposition"
    view = True
    preserves_bounds = True

    def __new__(cls, e: Expr | float, j: int, k: int) -> Self:
        for axis in (j, k):
            if isinstance(axis, bool) or not isinstance(axis, (int, Integer)):
                raise CellError(f"swap(e, j, k) exchanges two axes given as integers, found {axis!r}")
        return super().__new__(cls, e, j, k)

    def exchanged(self, items):
        """Items of the two axes exchanged."""
        items, rank = list(items), len(items)
        j, k = map(int, self.args[1:])
        if not (-rank <= j < rank and -rank <= k < rank):
            raise CellError(f"{written(self)} exchanges two axes of a value that has {rank}")
        items[j], items[k] = items[k], items[j]
        return tuple(items)

    def shape(self, shapes, sizes):
        return self.exchanged(shapes[0])

    def adjoint(self, bar, shape_of):
        return [(self.args[0], swap(bar, *self.args[1:]))]

    def index(self, idx, at, shape_of):
        return at(self.args[0], self.exchanged(idx))

    def evaluate(self, e, j, k):
        return np.swapaxes(e, int(j), int(k))


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
