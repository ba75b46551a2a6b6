"""Softmax and running sums, which keep the axis along which they work."""

import numpy as np
from sympy import Symbol, exp

from symcell.language.primitives.base import Reduction
from symcell.language.primitives.products import dot
from symcell.language.primitives.reductions import Along, largest, total

__all__ = ["cumsum", "softmax"]


class softmax(Along):
    """exp(e) / total(exp(e)) along an axis; the largest entry is subtracted first, so that nothing overflows."""

    rule = "softmax"

    def shape(self, shapes, sizes):
        self.position(len(shapes[0]))
        return shapes[0]

    def adjoint(self, bar, shape_of):
        e, axis = self.args
        rank = len(shape_of(e))
        inner = dot(bar, self) if rank == 1 else self.lifted(total(bar * self, axis), rank)
        return [(e, self * (bar - inner))]

    def tangent(self, k, t, shape_of):
        return self * (t - self.lifted(total(self * t, self.args[1]), len(shape_of(self.args[0]))))

    def decomposition(self, shape_of):
        e, axis = self.args
        rank = len(shape_of(e))
        exponentials = exp(e - self.lifted(largest(e, axis), rank))
        return exponentials / self.lifted(total(exponentials, axis), rank)

    def evaluate(self, e, axis):
        shifted = np.exp(e - e.real.max(axis=int(axis), keepdims=True))
        return shifted / shifted.sum(axis=int(axis), keepdims=True)


class cumsum(Along):
    """The running sum along an axis: entry j is the sum of the entries up to and including j."""

    rule = "running sum"
    op = "scan"

    def shape(self, shapes, sizes):
        self.position(len(shapes[0]))
        return shapes[0]

    def adjoint(self, bar, shape_of):
        return [(self.args[0], cumsum_back(bar, self.args[1]))]

    def index(self, idx, at, shape_of):
        e = self.args[0]
        p = self.position(len(shape_of(e)))
        return Reduction(Symbol(self.op), at(e, idx), idx[p], shape_of(e)[p])

    def evaluate(self, e, axis):
        return e.cumsum(axis=int(axis))


class cumsum_back(cumsum):
    """The running sum from the end: the transpose of `cumsum`."""

    op = "scan back"

    def adjoint(self, bar, shape_of):
        return [(self.args[0], cumsum(bar, self.args[1]))]

    def evaluate(self, e, axis):
        return np.flip(np.flip(e, int(axis)).cumsum(axis=int(axis)), int(axis))

    def _latex(self, printer):
        return rf"\operatorname{{cumsum}}^{{\top}}\left({printer.doprint(self.args[0])}\right)"
