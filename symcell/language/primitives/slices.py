"""Concatenation of vectors, and slices of a vector."""

from typing import Self

import numpy as np
from sympy import And, Expr, Integer, Piecewise, S, sympify

from symcell.errors import CellError
from symcell.language.primitives.base import Primitive
from symcell.language.sizes import Size, size
from symcell.language.writing import written

__all__ = ["chunk", "concat", "part"]


class concat(Primitive):
    """concat(u, v, ...): vectors joined end to end."""

    rule = "concatenation"

    def shape(self, shapes, sizes):
        self.demand(all(len(s) == 1 for s in shapes), "vectors", shapes)
        return (sum((sympify(s[0]) for s in shapes), S.Zero),)

    def tangent(self, k, t, shape_of):
        return place(t, self.starts(shape_of)[k], shape_of(self)[0])

    def starts(self, shape_of):
        """The position at which each argument starts."""
        lengths = [shape_of(a)[0] for a in self.args]
        return [sum(lengths[:k], S.Zero) for k in range(len(lengths))]

    def adjoint(self, bar, shape_of):
        return [(a, part(bar, s, shape_of(a)[0])) for a, s in zip(self.args, self.starts(shape_of), strict=True)]

    def index(self, idx, at, shape_of):
        cases = [
            (at(a, (idx[0] - s,)), idx[0] < s + shape_of(a)[0]) for a, s in zip(self.args, self.starts(shape_of), strict=True)
        ]
        return Piecewise(*cases[:-1], (cases[-1][0], True))

    def evaluate(self, *vectors):
        return np.concatenate(vectors)

    def _latex(self, printer):
        return r"\left[" + ";\\, ".join(map(printer.doprint, self.args)) + r"\right]"


class part(Primitive):
    """part(v, start, length): a slice; `start` and `length` are sizes, or expressions of them."""

    rule = "slice"
    view = True
    preserves_bounds = True

    def __new__(cls, v: Expr | float, start: Size, length: Size) -> Self:
        start = S.Zero if start == 0 else size(start, "the start of part(v, start, length), unless it is 0,")
        return super().__new__(cls, v, start, size(length, "the length of part(v, start, length)"))

    def shape(self, shapes, sizes):
        self.demand(len(shapes[0]) == 1, "a vector", shapes[:1])
        _, start, length = self.args
        if not (shapes[0][0] - start - length).is_nonnegative:  # what cannot be proved might read beyond the end
            whole = getattr(shapes[0][0], "name", shapes[0][0])
            raise CellError(
                f"{written(self)}: entries {start} to {start + length} of a vector of length {whole}; "
                "that they are inside must follow from the sizes, so declare the vector's shape"
            )
        return (length,)

    def adjoint(self, bar, shape_of):
        v, start, _ = self.args
        return [(v, place(bar, start, shape_of(v)[0]))]

    def index(self, idx, at, shape_of):
        return at(self.args[0], (idx[0] + self.args[1],))

    def evaluate(self, v, start, length):
        return v[int(start) : int(start) + int(length)]

    def _latex(self, printer):
        v, start, length = self.args
        first, last = printer.doprint(start + 1), printer.doprint(start + length)
        return rf"\left({printer.doprint(v)}\right)_{{{first} : {last}}}"


class chunk(Primitive):
    """chunk(v, k, n): the k-th of n equal parts of a vector, counted from 0."""

    rule = "slice"
    view = True
    preserves_bounds = True

    def __new__(cls, v: Expr | float, k: int, n: int) -> Self:
        whole = all(isinstance(m, (int, Integer)) and not isinstance(m, bool) for m in (k, n))
        if not (whole and 0 <= k < n):
            raise CellError(
                f"chunk(v, k, n) takes the part with number k of n, two integers with 0 <= k < n, found k = {k} and n = {n}"
            )
        return super().__new__(cls, v, k, n)

    def shape(self, shapes, sizes):
        self.demand(len(shapes[0]) == 1, "a vector", shapes[:1])
        return (sympify(shapes[0][0]) / self.args[2],)

    def decomposition(self, shape_of):
        v, k, n = self.args
        length = shape_of(v)[0] / n
        return part(v, k * length, length)

    def adjoint(self, bar, shape_of):
        return self.decomposition(shape_of).adjoint(bar, shape_of)


    def evaluate(self, v, k, n):
        return np.split(v, int(n))[int(k)]

    def _latex(self, printer):
        v, k, n = self.args
        return rf"\left({printer.doprint(v)}\right)_{{{k + 1} \text{{ of }} {n}}}"


class place(Primitive):
    """place(v, start, length): a vector of zeros with v at `start`: the transpose of `part`."""

    rule = "slice"

    def shape(self, shapes, sizes):
        return (self.args[2],)

    def index(self, idx, at, shape_of):
        v, start, _ = self.args
        inside = And(idx[0] >= start, idx[0] < start + shape_of(v)[0])
        return Piecewise((at(v, (idx[0] - start,)), inside), (S.Zero, True))

    def evaluate(self, v, start, length):
        out = np.zeros(int(length), v.dtype)
        out[int(start) : int(start) + len(v)] = v
        return out

    def _latex(self, printer):
        v, start, _ = self.args
        return rf"\operatorname{{place}}_{{{printer.doprint(start + 1)}}}\left({printer.doprint(v)}\right)"
