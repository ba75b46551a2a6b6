"""Primitives that only programs hold: the parts of products of concatenations, and products written out by entries."""

import numpy as np
from sympy import Add, Piecewise

from symcell.language.primitives import Mapping, Primitive, broadcast, contract, matmul, outer

PRODUCTS = (outer, matmul, contract)  # linear in each of the two that they multiply


class columns(Primitive):
    """columns(A, start, length): a run along the last axis."""

    view = True

    def shape(self, shapes, sizes):
        return (*shapes[0][:-1], self.args[2])

    def index(self, idx, at, shape_of):
        *rows, k = idx
        return at(self.args[0], (*rows, self.args[1] + k))

    def evaluate(self, a, start, length):
        return a[..., int(start) : int(start) + int(length)]


class beside(Primitive):
    """beside(A, B, ...): one after another along the last axis."""

    def shape(self, shapes, sizes):
        return (*shapes[0][:-1], Add(*[s[-1] for s in shapes]))

    def index(self, idx, at, shape_of):
        *rows, k = idx
        cases, start = [], 0
        for a in self.args:
            length = shape_of(a)[-1]
            cases.append((at(a, (*rows, k - start)), k < start + length))
            start += length
        return Piecewise(*cases[:-1], (cases[-1][0], True))

    def evaluate(self, *matrices):
        return np.concatenate(matrices, axis=-1)


class stacked(Mapping):
    """stacked(e, n_heads): the values of all heads along a new first axis."""

    view = True

    def shape(self, shapes, sizes):
        return (self.axis, *shapes[0])

    def axes(self, over):
        return self.removed(over)

    def index(self, idx, at, shape_of):
        return at.under(self.axis, idx[0])(self.args[0], idx[1:])

    def evaluate(self, e, axis):
        raise NotImplementedError


def by_entries(e, shape_of):
    """A product of arrays as (the products of their entries, the axes over which it sums these)."""
    u, v = e.args
    left, right = shape_of(u), shape_of(v)
    if isinstance(e, contract):
        return u * broadcast(v, len(right), left[-1]), [0] * len(right)
    summed = isinstance(e, matmul)
    for n in right[summed:]:
        u = broadcast(u, len(shape_of(u)), n)
    for n in reversed(left[: len(left) - summed]):
        v = broadcast(v, 0, n)
    return u * v, [len(left) - 1] * summed
