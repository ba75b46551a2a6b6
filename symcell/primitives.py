"""Where units meet: products, reductions, scans and changes of rank. One class a primitive, one method a question.

A primitive answers, about itself and its arguments:

    shape(shapes, sizes)      the shape of its value, unifying sizes on the way (None: any size, a broadcast axis)
    adjoint(bar, shape_of)    the adjoint of each argument, given its own adjoint `bar`
    tangent(k, t, shape_of)   its change for a change t of argument k (the default: it is linear in each)
    index(idx, at, shape_of)  its entry at `idx`, as an expression of entries of its arguments
    evaluate(*arrays)         its value by NumPy, one sample at a time: the yardstick of `check`
    _latex(printer)           how a paper writes it
    rule                      the name of its adjoint rule, for the derivation

A new primitive is one new class here, and nothing else.
"""

import numpy as np
from sympy import Expr, Function, Integer, Mul, S, Symbol, sympify
from sympy.core.symbol import Str

from symcell.errors import CellError


class Products:
    """Gives `@` and `.T` to whatever inherits from it."""

    __slots__ = ()

    def __matmul__(self, other):
        return matmul(self, other)

    def __rmatmul__(self, other):
        return matmul(other, self)

    @property
    def T(self):
        return transpose(self)


class Primitive(Products, Function):
    """A function of whole vectors or matrices, which SymPy's `diff` must not touch."""

    rule = ""
    view = False  # a mere renaming of indices: free, and read in place by the generated code

    def fdiff(self, argindex=1):
        raise CellError(f"{self} joins units, and has no derivative per unit; use Cell.jacobian")

    def tangent(self, k, t, shape_of):
        """The change of its value for a change `t` of argument k; most primitives are linear in each argument."""
        return self.func(*self.args[:k], t, *self.args[k + 1:])

    @classmethod
    def demand(cls, condition, expected, shapes):
        """One clear sentence where the ranks of the arguments do not fit."""
        if not condition:
            found = ", ".join("(" + ", ".join(map(str, s)) + ")" for s in shapes)
            raise CellError(f"{cls.__name__} takes {expected}, found {found}")


class Entry(Function):
    """The entry of a value at integer indices: what an equation looks like to a loop."""


class Reduction(Function):
    """Reduction(op, body, index, size): sum, max or running sum of `body` over an index."""


class matmul(Primitive):
    """A @ v: the contraction of A's last axis with v's first."""

    rule = "matrix product"

    @classmethod
    def eval(cls, a, v):
        if a.is_number or v.is_number:
            raise CellError(f"@ joins two vectors or matrices, found {a} @ {v}; a number multiplies with *")

    def shape(self, shapes, sizes):
        a, v = shapes
        self.demand(len(a) >= 1 and len(v) in (1, 2) and (len(v) == 1 or len(a) == 2),
                    "a matrix and a vector, or two matrices", shapes)
        sizes.unify(a[-1], v[0], f"the columns of {self.args[0]} and the length of {self.args[1]}")
        return a[:-1] + v[1:]

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
        return " ".join(printer.parenthesize_factor(a) for a in self.args)


class contract(Primitive):
    """The transposed product for a parameter of rank above two: all axes of A but the last, against y."""

    rule = "matrix product"

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
        return f"{printer.parenthesize_factor(a)}^{{\\top}} {printer.parenthesize_factor(y)}"


class transpose(Primitive):
    """A.T"""

    rule = "transposition"
    view = True

    @classmethod
    def eval(cls, a):
        if isinstance(a, transpose):
            return a.args[0]

    def shape(self, shapes, sizes):
        self.demand(len(shapes[0]) == 2, "a matrix", shapes)
        return shapes[0][::-1]

    def adjoint(self, bar, shape_of):
        return [(self.args[0], transpose(bar))]

    def index(self, idx, at, shape_of):
        return at(self.args[0], idx[::-1])

    def evaluate(self, a):
        return a.T

    def _latex(self, printer):
        return f"{printer.parenthesize_factor(self.args[0])}^{{\\top}}"


class outer(Primitive):
    """The outer product: u_j v_k, along the axes of u and then those of v."""

    rule = "outer product"
    view = True

    def shape(self, shapes, sizes):
        self.demand(all(shapes), "two vectors", shapes)
        return shapes[0] + shapes[1]

    def adjoint(self, bar, shape_of):
        u, v = self.args
        self.demand(len(shape_of(u)) == len(shape_of(v)) == 1, "two vectors", (shape_of(u), shape_of(v)))
        return [(u, matmul(bar, v)), (v, matmul(transpose(bar), u))]

    def index(self, idx, at, shape_of):
        u, v = self.args
        rank = len(shape_of(u))
        return at(u, idx[:rank]) * at(v, idx[rank:])

    def evaluate(self, u, v):
        return np.multiply.outer(u, v)

    def _latex(self, printer):
        u, v = self.args
        return f"{printer.parenthesize_factor(u)} \\, {printer.parenthesize_factor(v)}^{{\\top}}"


class dot(Primitive):
    """The inner product of two vectors: a scalar."""

    rule = "inner product"

    def shape(self, shapes, sizes):
        u, v = shapes
        self.demand(len(u) == len(v) == 1, "two vectors", shapes)
        sizes.unify(u[0], v[0], f"the lengths of {self.args[0]} and {self.args[1]}")
        return ()

    def adjoint(self, bar, shape_of):
        u, v = self.args
        return [(u, bar * v), (v, bar * u)]

    def index(self, idx, at, shape_of):
        k = fresh_index()
        u, v = self.args
        return Reduction(Symbol("sum"), at(u, (k,)) * at(v, (k,)), k, shape_of(u)[0])

    def evaluate(self, u, v):
        return (u * v).sum()

    def _latex(self, printer):
        return r"\left\langle {}, {} \right\rangle".format(*map(printer.doprint, self.args))


class Along(Primitive):
    """What works along one axis of its argument: `f(e, axis=-1)`."""

    def __new__(cls, e, axis=-1):
        axis = sympify(axis)
        if not isinstance(axis, Integer):
            raise CellError(f"{cls.__name__} works along an axis given as an integer, found {axis}")
        return super().__new__(cls, e, axis)

    def position(self, rank):
        axis = int(self.args[1])
        self.demand(-rank <= axis < rank, f"an axis of its argument, which has rank {rank}", [(axis,)])
        return axis % rank

    def lifted(self, e, rank):
        """`e`, which has lost the axis, broadcast along it again."""
        return e if rank == 1 else spread(e, self.position(rank))

    def entries(self, idx, k, at, shape_of):
        """The argument's entries with `k` put in at the axis, and that axis' length."""
        e = self.args[0]
        p = self.position(len(shape_of(e)))
        return at(e, (*idx[:p], k, *idx[p:])), shape_of(e)[p]

    def _latex(self, printer):
        sub = "" if self.args[1] == -1 else f"_{{{printer.doprint(self.args[1])}}}"
        name = type(self).__name__
        return rf"\operatorname{{{name}}}{sub}" + printer.brackets(printer.doprint(self.args[0]))


class Collapse(Along):
    """A reduction: its axis is gone from its value."""

    def shape(self, shapes, sizes):
        e = shapes[0]
        p = self.position(len(e))
        return e[:p] + e[p + 1:]

    def length(self, shape_of):
        shape = shape_of(self.args[0])
        return shape[self.position(len(shape))]


class total(Collapse):
    """The sum over an axis."""

    rule = "sum"

    def adjoint(self, bar, shape_of):
        e = self.args[0]
        shape = shape_of(e)
        return [(e, fill(bar, *shape) if len(shape) == 1 else spread(bar, self.position(len(shape))))]

    def index(self, idx, at, shape_of):
        k = fresh_index()
        body, n = self.entries(idx, k, at, shape_of)
        return Reduction(Symbol("sum"), body, k, n)

    def evaluate(self, e, axis):
        return e.sum(axis=int(axis))


class mean(Collapse):
    """The mean over an axis."""

    rule = "mean"

    def adjoint(self, bar, shape_of):
        e = self.args[0]
        return total(e, self.args[1]).adjoint(bar / self.length(shape_of), shape_of)

    def index(self, idx, at, shape_of):
        return total(*self.args).index(idx, at, shape_of) / self.length(shape_of)

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

    def index(self, idx, at, shape_of):
        return mean(self.deviation(shape_of) ** 2, self.args[1]).index(idx, at, shape_of)

    def evaluate(self, e, axis):
        e = np.moveaxis(e, int(axis), 0)
        return ((e - e.mean(axis=0)) ** 2).mean(axis=0)


class largest(Collapse):
    """The maximum over an axis; inside softmax only, where it has no gradient."""

    def index(self, idx, at, shape_of):
        k = fresh_index()
        body, n = self.entries(idx, k, at, shape_of)
        return Reduction(Symbol("max"), body, k, n)

    def evaluate(self, e, axis):
        return np.take_along_axis(e, np.expand_dims(e.real.argmax(int(axis)), int(axis)), int(axis)).squeeze(int(axis))


class softmax(Along):
    """exp(e) / total(exp(e)) along an axis, computed against the largest entry so that nothing overflows."""

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

    def parts(self, shape_of):
        """The exponentials, and what divides them."""
        from sympy import exp

        e, axis = self.args
        rank = len(shape_of(e))
        exponentials = exp(e - self.lifted(largest(e, axis), rank))
        return exponentials, self.lifted(total(exponentials, axis), rank)

    def index(self, idx, at, shape_of):
        exponentials, whole = self.parts(shape_of)
        return at(exponentials, idx) / at(whole, idx)

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


class spread(Along):
    """A broadcast: the same values along a new axis, put in at `axis` of the result."""

    rule = "broadcast"
    view = True

    def shape(self, shapes, sizes):
        self.demand(len(shapes[0]) == 1, "a vector", shapes)
        p = self.position(len(shapes[0]) + 1)
        return (*shapes[0][:p], None, *shapes[0][p:])

    def adjoint(self, bar, shape_of):
        return [(self.args[0], total(bar, self.args[1]))]

    def index(self, idx, at, shape_of):
        p = self.position(len(idx))
        return at(self.args[0], (*idx[:p], *idx[p + 1:]))

    def evaluate(self, e, axis):
        return np.expand_dims(e, int(axis))

    def _latex(self, printer):
        e = printer.parenthesize_factor(self.args[0])
        return rf"{e} \mathbf{{1}}^{{\top}}" if self.args[1] == 1 else rf"\mathbf{{1}} \, {e}^{{\top}}"


def column(u):
    """A vector as a matrix that varies along its first axis: entry (j, k) is u_j."""
    return spread(u, 1)


def row(v):
    """A vector as a matrix that varies along its second axis: entry (j, k) is v_k."""
    return spread(v, 0)


class fill(Primitive):
    """fill(e, n, m ...): a scalar at every entry of a vector or matrix."""

    rule = "broadcast"
    view = True

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
        return f"{printer.parenthesize_factor(self.args[0])} \\mathbf{{1}}"


class repeat(Primitive):
    """repeat(v, k): each entry k times in a row, v_0 v_0 v_1 v_1 for k = 2."""

    rule = "repetition"
    view = True

    def shape(self, shapes, sizes):
        v = shapes[0]
        self.demand(len(v) == 1, "a vector and a number of times", shapes[:1])
        return (sympify(v[0]) * self.args[1],)

    def adjoint(self, bar, shape_of):
        return [(self.args[0], fold(bar, self.args[1]))]

    def index(self, idx, at, shape_of):
        from sympy import floor

        return at(self.args[0], (floor(idx[0] / self.args[1]),))

    def evaluate(self, v, k):
        return np.repeat(v, int(k))

    def _latex(self, printer):
        return rf"\operatorname{{repeat}}_{{{self.args[1]}}}\left({printer.doprint(self.args[0])}\right)"


class fold(Primitive):
    """The sum of every k entries in a row: the transpose of `repeat`."""

    rule = "repetition"

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


class concat(Primitive):
    """concat(u, v, ...): vectors one after another."""

    rule = "concatenation"

    def shape(self, shapes, sizes):
        self.demand(all(len(s) == 1 for s in shapes), "vectors", shapes)
        return (sum((sympify(s[0]) for s in shapes), S.Zero),)

    def tangent(self, k, t, shape_of):
        return place(t, self.starts(shape_of)[k], shape_of(self)[0])

    def starts(self, shape_of):
        """Where each argument begins in the whole."""
        lengths = [shape_of(a)[0] for a in self.args]
        return [sum(lengths[:k], S.Zero) for k in range(len(lengths))]

    def adjoint(self, bar, shape_of):
        return [(a, part(bar, s, shape_of(a)[0])) for a, s in zip(self.args, self.starts(shape_of), strict=True)]

    def index(self, idx, at, shape_of):
        from sympy import Piecewise

        cases = [(at(a, (idx[0] - s,)), idx[0] < s + shape_of(a)[0])
                 for a, s in zip(self.args, self.starts(shape_of), strict=True)]
        return Piecewise(*cases[:-1], (cases[-1][0], True))

    def evaluate(self, *vectors):
        return np.concatenate(vectors)

    def _latex(self, printer):
        return r"\left[" + ";\\, ".join(map(printer.doprint, self.args)) + r"\right]"


class part(Primitive):
    """part(v, start, length): a run of entries."""

    rule = "slice"
    view = True

    def shape(self, shapes, sizes):
        self.demand(len(shapes[0]) == 1, "a vector", shapes[:1])
        return (self.args[2],)

    def adjoint(self, bar, shape_of):
        v, start, _ = self.args
        return [(v, place(bar, start, shape_of(v)[0]))]

    def index(self, idx, at, shape_of):
        return at(self.args[0], (idx[0] + self.args[1],))

    def evaluate(self, v, start, length):
        return v[int(start):int(start) + int(length)]

    def _latex(self, printer):
        v, start, length = self.args
        first, last = printer.doprint(start + 1), printer.doprint(start + length)
        return rf"\left({printer.doprint(v)}\right)_{{{first} : {last}}}"


class place(Primitive):
    """place(v, start, length): v at `start` of a vector of zeros: the transpose of `part`."""

    rule = "slice"

    def shape(self, shapes, sizes):
        return (self.args[2],)

    def index(self, idx, at, shape_of):
        from sympy import And, Piecewise

        v, start, _ = self.args
        inside = And(idx[0] >= start, idx[0] < start + shape_of(v)[0])
        return Piecewise((at(v, (idx[0] - start,)), inside), (S.Zero, True))

    def evaluate(self, v, start, length):
        out = np.zeros(int(length), v.dtype)
        out[int(start):int(start) + len(v)] = v
        return out

    def _latex(self, printer):
        v, start, length = self.args
        return rf"\operatorname{{place}}_{{{printer.doprint(start + 1)}}}\left({printer.doprint(v)}\right)"


class identity(Primitive):
    """The identity matrix of a size."""

    view = True

    def __new__(cls, n):
        from symcell.symbols import size

        return super().__new__(cls, size(n))

    def shape(self, shapes, sizes):
        return (self.args[0], self.args[0])

    def adjoint(self, bar, shape_of):
        return []

    def index(self, idx, at, shape_of):
        from sympy import Eq, Piecewise

        return Piecewise((S.One, Eq(*idx)), (S.Zero, True))

    def evaluate(self, n):
        return np.eye(int(n))

    def _latex(self, printer):
        return "I"


class Affine(Primitive):
    """`affine(...)` before its equation has named its parameters; a Cell never holds one."""


def affine(*operands, bias=True, name=None):
    """A sum of products with fresh parameters, and a bias. The parameters are named after the equation's left side
    (or `name`): W for an input, U for a state or intermediate, b for the bias. See Cell."""
    if not operands:
        raise CellError("affine needs at least one operand, like affine(x, h.prev)")
    for operand in operands:
        if not isinstance(sympify(operand), Expr):
            raise CellError(f"affine takes expressions, found {operand!r}")
    if name is not None and not (isinstance(name, str) and name.isidentifier()):
        raise CellError(f"affine's name must be an identifier, found {name!r}")
    # An unnamed call is unlike every other, so that two in one equation do not silently share their weights.
    label = Str(name) if name is not None else Integer(next(_calls))
    return Affine(label, S(bool(bias)), *operands)


def _counter():
    k = 0
    while True:
        k += 1
        yield k


_calls = _counter()
_indices = _counter()


def fresh_index():
    """A new loop index; the lowering renames it to a letter that reads well."""
    return Symbol(f"_k{next(_indices)}", integer=True, nonnegative=True)


def is_product_of(e, kind):
    """Whether `e` is a bare application of `kind`, up to its sign."""
    return isinstance(e, kind) or (isinstance(e, Mul) and e.args[0] is S.NegativeOne and len(e.args) == 2
                                   and isinstance(e.args[1], kind))
