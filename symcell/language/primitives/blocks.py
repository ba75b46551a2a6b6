"""Block-diagonal matrices, such as a parameter with `blocks`."""

import numpy as np
from sympy import Eq, Mod, Piecewise, S, floor

from symcell.language.primitives.base import Primitive


class block_diagonal(Primitive):
    """The block-diagonal matrix of an array (blocks, rows, columns)."""

    rule = "block diagonal"

    def shape(self, shapes, sizes):
        self.demand(len(shapes[0]) == 3, "an array of blocks (blocks, rows, columns)", shapes)
        blocks, rows, columns = shapes[0]
        return (blocks * rows, blocks * columns)

    def adjoint(self, bar, shape_of):
        return [(self.args[0], diagonal_blocks(bar, *shape_of(self.args[0])))]

    def index(self, idx, at, shape_of):
        _, rows, columns = shape_of(self.args[0])
        j, k = idx
        block = floor(j / rows)
        entry = at(self.args[0], (block, Mod(j, rows), Mod(k, columns)))
        return Piecewise((entry, Eq(block, floor(k / columns))), (S.Zero, True))

    def evaluate(self, r):
        blocks, rows, columns = r.shape
        return np.einsum("qjk,qp->qjpk", r, np.eye(blocks)).reshape(blocks * rows, blocks * columns)

    def _latex(self, printer):
        return r"\operatorname{blockdiag}" + printer.brackets(printer.doprint(self.args[0]))


class diagonal_blocks(Primitive):
    """The diagonal blocks of a matrix, as an array (blocks, rows, columns): the transpose of `block_diagonal`."""

    rule = "block diagonal"
    view = True

    def shape(self, shapes, sizes):
        return tuple(self.args[1:])

    def index(self, idx, at, shape_of):
        q, j, k = idx
        _, rows, columns = self.args[1:]
        return at(self.args[0], (q * rows + j, q * columns + k))

    def evaluate(self, e, blocks, rows, columns):
        return np.einsum("qjqk->qjk", e.reshape(int(blocks), int(rows), int(blocks), int(columns)))

    def _latex(self, printer):
        return r"\operatorname{blocks}" + printer.brackets(printer.doprint(self.args[0]))
