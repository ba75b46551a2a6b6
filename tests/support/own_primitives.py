"""Primitives as users may write them: each entry is an expression of entries."""

import numpy as np
from sympy import Eq, Mod, Piecewise, S, Symbol

from symcell.language.primitives import Primitive, Reduction, fill, total
from symcell.language.primitives.base import fresh_index
from symcell.language.primitives.scans import cumsum_back


class shifted(Primitive):
    """Each entry one place further on; by a negative number, back."""

    def __new__(cls, v, by=1):
        return super().__new__(cls, v, by)

    def shape(self, shapes, sizes):
        return shapes[0]

    def adjoint(self, bar, shape_of):
        return [(self.args[0], shifted(bar, -self.args[1]))]

    def index(self, idx, at, shape_of):
        v, by = self.args
        j, n = idx[0] - by, shape_of(v)[0]
        return Piecewise((at(v, (j,)), j >= 0), (0, True)) if by > 0 else Piecewise((at(v, (j,)), j < n), (0, True))

    def evaluate(self, v, by):
        moved, by = np.zeros_like(v), int(by)
        moved[max(by, 0) : len(v) + min(by, 0)] = v[max(-by, 0) : len(v) - max(by, 0)]
        return moved


class convolution(Primitive):
    """The circular convolution of two vectors; with sign -1, their correlation."""

    op = "sum"

    def __new__(cls, u, v, sign=1):
        return super().__new__(cls, u, v, sign)

    def shape(self, shapes, sizes):
        sizes.unify(shapes[0][0], shapes[1][0], "both vectors")
        return shapes[0]

    def adjoint(self, bar, shape_of):
        u, v, _ = self.args
        return [(u, convolution(v, bar, -1)), (v, convolution(u, bar, -1))]

    def index(self, idx, at, shape_of):
        u, v, sign = self.args
        k, n = fresh_index(), shape_of(u)[0]
        return Reduction(Symbol("sum"), at(u, (k,)) * at(v, (Mod(idx[0] - k if sign > 0 else idx[0] + k, n),)), k, n)

    def evaluate(self, u, v, sign):
        j, k = np.ogrid[: len(u), : len(u)]
        return v[(j - int(sign) * k) % len(u)] @ u


class ramp(Primitive):
    """Each row of a matrix times its number, and its size."""

    def shape(self, shapes, sizes):
        return shapes[0]

    def adjoint(self, bar, shape_of):
        return [(self.args[0], ramp(bar))]

    def index(self, idx, at, shape_of):
        return (idx[0] + 1) * at(self.args[0], idx) / shape_of(self.args[0])[0]

    def evaluate(self, e):
        return np.arange(1, len(e) + 1)[:, None] * e / len(e)


class corner(Primitive):
    """The first entry of the last row of a matrix."""

    def shape(self, shapes, sizes):
        return ()

    def adjoint(self, bar, shape_of):
        return [(self.args[0], cornered(bar, *shape_of(self.args[0])))]

    def index(self, idx, at, shape_of):
        return at(self.args[0], (shape_of(self.args[0])[0] - 1, S.Zero))

    def evaluate(self, e):
        return e[-1, 0]


class cornered(Primitive):
    """A scalar as the first entry of the last row of a matrix of zeros."""

    def shape(self, shapes, sizes):
        return self.args[1:]

    def index(self, idx, at, shape_of):
        s, n, _ = self.args
        return Piecewise((at(s, ()), Eq(idx[0], n - 1) & Eq(idx[1], 0)), (0, True))

    def evaluate(self, s, n, m):
        found = np.zeros((int(n), int(m)), s.dtype)
        found[-1, 0] = s
        return found


class greatest(Primitive):
    """The largest entry of a vector."""

    op = "max"

    def shape(self, shapes, sizes):
        return ()

    def adjoint(self, bar, shape_of):
        v = self.args[0]
        return [(v, bar * Piecewise((1, v >= fill(self, *shape_of(v))), (0, True)))]

    def index(self, idx, at, shape_of):
        k = fresh_index()
        return Reduction(Symbol("max"), at(self.args[0], (k,)), k, shape_of(self.args[0])[0])

    def evaluate(self, v):
        return v[np.argmax(v.real)]


class frobenius(Primitive):
    """The inner product of two matrices."""

    op = "sum"

    def shape(self, shapes, sizes):
        for m, n in zip(*shapes, strict=True):
            sizes.unify(m, n, "both matrices")
        return ()

    def adjoint(self, bar, shape_of):
        a, b = self.args
        return [(a, bar * b), (b, bar * a)]

    def index(self, idx, at, shape_of):
        (j, k), (n, m), (a, b) = (fresh_index(), fresh_index()), shape_of(self.args[0]), self.args
        return Reduction(Symbol("sum"), Reduction(Symbol("sum"), at(a, (j, k)) * at(b, (j, k)), k, m), j, n)

    def evaluate(self, a, b):
        return (a * b).sum()


class cumsum_of_square(Primitive):
    """The running sum of the squares of a vector's entries."""

    op = "scan"

    def shape(self, shapes, sizes):
        return shapes[0]

    def adjoint(self, bar, shape_of):
        return [(self.args[0], 2 * self.args[0] * cumsum_back(bar, -1))]

    def index(self, idx, at, shape_of):
        return Reduction(Symbol("scan"), at(self.args[0], idx) ** 2, idx[0], shape_of(self.args[0])[0])

    def evaluate(self, v):
        return np.cumsum(v**2)


class leading(Primitive):
    """The first entry of a vector at each of its places."""

    def shape(self, shapes, sizes):
        return shapes[0]

    def adjoint(self, bar, shape_of):
        return [(self.args[0], total(bar) * leading_one(self.args[0]))]

    def index(self, idx, at, shape_of):
        return at(self.args[0], (S.Zero,))

    def evaluate(self, v):
        return np.repeat(v[:1], len(v))


class leading_one(Primitive):
    """A vector of zeros but for a one at the first place, as long as another."""

    def shape(self, shapes, sizes):
        return shapes[0]

    def index(self, idx, at, shape_of):
        return Piecewise((1, Eq(idx[0], 0)), (0, True))

    def evaluate(self, v):
        return np.eye(1, len(v))[0]
