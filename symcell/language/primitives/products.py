"""Matrix, inner and outer products, and transposes."""

import numpy as np
from sympy import Mul, S, Symbol

from symcell.errors import CellError
from symcell.language.primitives.base import Primitive, Reduction, fresh_index
from symcell.language.primitives.blocks import block_diagonal
from symcell.language.primitives.reductions import total
from symcell.language.writing import written

__all__ = ["dot", "matmul", "outer"]


class matmul(Primitive):
    """A @ v: the contraction of A's last axis with v's first."""

    rule = "matrix product"
    op = "sum"

    @classmethod
    def eval(cls, a, v):
        if a.is_number or v.is_number:
            raise CellError(f"@ joins two vectors or matrices, found {written(a)} @ {written(v)}; a number multiplies with *")
        if getattr(a, "blocks", None) is not None:
            return matmul(block_diagonal(a), v)
        if getattr(v, "blocks", None) is not None:
            return matmul(a, block_diagonal(v))
        return None

    def shape(self, shapes, sizes):
        a, v = shapes
        self.demand(
            len(a) >= 1 and len(v) in (1, 2) and (len(v) == 1 or len(a) == 2), "a matrix and a vector, or two matrices", shapes
        )
        self._refuse_row(a, v)
        sizes.unify(a[-1], v[0], f"the columns of {written(self.args[0])} and the length of {written(self.args[1])}")
        return a[:-1] + v[1:]

    def _refuse_row(self, a, v):
        """Raise CellError for x @ W, which would be a number: the user means W @ x."""
        right = self.args[1]
        if len(a) == len(v) == 1 and getattr(right, "role", "") == "parameter" and right.declared is None:
            left = written(self.args[0])
            raise CellError(
                f"{left} @ {right} would be the inner product of two vectors, a number; a matrix stands before its vector, "
                f"{right} @ {left}, and an inner product is dot({left}, {right})"
            )

    def adjoint(self, bar, shape_of):
        a, v = self.args
        if len(shape_of(v)) == 2:
            return [(a, matmul(bar, transpose(v))), (v, matmul(transpose(a), bar))]
        rank = len(shape_of(a))
        back = bar * a if rank == 1 else matmul(transpose(a), bar) if rank == 2 else contract(a, bar)
        return [(a, bar * v if rank == 1 else outer(bar, v)), (v, back)]

    def index(self, idx, at, shape_of):
        a, v = self.args
        rows = len(shape_of(a)) - 1
        k = fresh_index()
        return Reduction(Symbol("sum"), at(a, (*idx[:rows], k)) * at(v, (k, *idx[rows:])), k, shape_of(v)[0])

    def evaluate(self, a, v):
        return np.tensordot(a, v, axes=(np.ndim(a) - 1, 0))

    def _latex(self, printer):
        return printer.applied(*self.args)


class contract(Primitive):
    """The transposed product for a parameter of rank above two: contracts all axes of A but the last with y."""

    rule = "matrix product"
    op = "sum"

    def shape(self, shapes, sizes):
        return shapes[0][-1:]

    def index(self, idx, at, shape_of):
        a, y = self.args
        inner = [fresh_index() for _ in shape_of(y)]
        body = at(a, (*inner, *idx)) * at(y, tuple(inner))
        for k, n in zip(reversed(inner), reversed(shape_of(y)), strict=True):
            body = Reduction(Symbol("sum"), body, k, n)
        return body

    def evaluate(self, a, y):
        return np.tensordot(y, a, axes=np.ndim(y))

    def _latex(self, printer):
        a, y = self.args
        return f"{printer.raised(a)}^{{\\top}} {printer.parenthesize_factor(y)}"


class transpose(Primitive):
    """A.T"""

    rule = "transposition"
    view = True
    preserves_bounds = True

    @classmethod
    def eval(cls, a):
        if isinstance(a, transpose):
            return a.args[0]
        if getattr(a, "blocks", None) is not None:
            return transpose(block_diagonal(a))
        return None

    def shape(self, shapes, sizes):
        self.demand(len(shapes[0]) == 2, "a matrix", shapes)
        return shapes[0][::-1]

    def adjoint(self, bar, shape_of):
        return [(self.args[0], outer(*bar.args[::-1]) if isinstance(bar, outer) else transpose(bar))]

    def index(self, idx, at, shape_of):
        return at(self.args[0], idx[::-1])

    def evaluate(self, a):
        return a.T

    def _latex(self, printer):
        return printer.raised(self.args[0]) + r"^{\top}"


class outer(Primitive):
    """The outer product: u_j v_k, along the axes of u and then those of v."""

    rule = "outer product"
    view = True

    def shape(self, shapes, sizes):
        return shapes[0] + shapes[1]

    def demand_vectors(self, shapes):
        """Raise CellError unless both are vectors, as in an equation. In a derivation the first may have any rank."""
        self.demand(all(len(s) == 1 for s in shapes), "two vectors", shapes)

    def adjoint(self, bar, shape_of):
        u, v = self.args
        return [(u, matmul(bar, v)), (v, matmul(transpose(bar), u))]

    def index(self, idx, at, shape_of):
        u, v = self.args
        rank = len(shape_of(u))
        return at(u, idx[:rank]) * at(v, idx[rank:])

    def evaluate(self, u, v):
        return np.multiply.outer(u, v)

    def _latex(self, printer):
        return printer.outer_product(*self.args)


class dot(Primitive):
    """The inner product of two vectors: a scalar."""

    rule = "inner product"

    def shape(self, shapes, sizes):
        u, v = shapes
        self.demand(len(u) == len(v) == 1, "two vectors", shapes)
        sizes.unify(u[0], v[0], f"the lengths of {written(self.args[0])} and {written(self.args[1])}")
        return ()

    def adjoint(self, bar, shape_of):
        u, v = self.args
        return [(u, bar * v), (v, bar * u)]

    def decomposition(self, shape_of):
        u, v = self.args
        return total(u * v)

    def evaluate(self, u, v):
        return (u * v).sum()

    def _latex(self, printer):
        return r"\left\langle {}, {} \right\rangle".format(*map(printer.doprint, self.args))


def is_product_of(e, kind):
    """Whether `e` is a bare application of `kind`, up to its sign."""
    return isinstance(e, kind) or (
        isinstance(e, Mul) and e.args[0] is S.NegativeOne and len(e.args) == 2 and isinstance(e.args[1], kind)
    )
