"""Shape inference by unification: the uses of the symbols determine which sizes are equal."""

from sympy import And, Dummy, Expr, Not, Or, Piecewise, linsolve, sympify
from sympy.core.relational import Relational

from symcell.errors import CellError
from symcell.language.identifiers import unused
from symcell.language.primitives import Primitive, ordered_args
from symcell.language.sizes import Dims, axes_of, shape_text, size, size_text
from symcell.language.symbols import Constant, Param
from symcell.language.writing import written, written_factor


class Disagreement(CellError):
    """Two sizes that cannot be equal."""


class Sizes:
    """What is known about sizes. Named sizes are rigid; fresh ones can be unified with others."""

    def __init__(self):
        self.known = {}
        self.lasting, self.usual = set(), set()
        self.joined = {}  # a lasting size that has become another -> what made them one

    def fresh(self, hint, lasting=False, usual=False):
        """An unknown size; `hint` names it if it stays unknown. Unification eliminates lasting sizes last, and the usual size of
        states after these."""
        n = Dummy(hint, integer=True, positive=True)
        self.lasting.update([n] if lasting else [])
        self.usual.update([n] if usual else [])
        return n

    def resolve(self, n):
        while n is not None and n.free_symbols & self.known.keys():
            n = n.xreplace(self.known)
        return n

    def unify(self, a, b, what):
        """Unify two sizes. Raises Disagreement if they cannot be equal."""
        a, b = self.resolve(a), self.resolve(b)
        if a is None or b is None or a == b:
            return b if a is None else a
        unknown = [s for s in (a - b).free_symbols if isinstance(s, Dummy)]
        for s in sorted(unknown, key=lambda s: (s in self.usual, s in self.lasting, -s.dummy_index)):
            found = _solved(a, b, s)
            if found is not None and self._may_be(s, found):
                self.known[s] = found
                if s in self.lasting:
                    self.joined[s] = what
                return self.resolve(a)
        raise Disagreement(f"sizes do not agree: {what} are {size_text(a)} and {size_text(b)}")

    def _may_be(self, s, n):
        """Whether an unknown size may be another one. The usual size of states may be a product, such as that of all heads; where
        it should have another name, its state declares that."""
        is_name = n.is_Symbol or n.is_Integer
        return not n.has(s) and n.is_positive is not False and not (s in self.usual and is_name)

    def name_the_rest(self, shapes, taken):
        """Name the sizes that are still unknown: after the intermediate that has them, or else by their hint."""
        self.known.update({n: size(n.name) for n in self.usual if n not in self.known})
        for q, shape in shapes.items():
            n = self.resolve(shape[0]) if len(shape) == 1 else None
            if isinstance(n, Dummy) and n not in self.lasting and not hasattr(q, "role"):
                self.known[n] = size(unused(f"n_{q.name}", taken))
        for shape in shapes.values():
            for n in shape.whole:
                for s in sorted(self.resolve(n).free_symbols, key=lambda s: getattr(s, "dummy_index", -1)):
                    if isinstance(s, Dummy):
                        self.known[s] = size(unused(s.name, taken))


def _solved(a, b, s):
    """What makes a equal to b if the unknown s is that, or None."""
    if s in (a, b):
        return b if s == a else a
    return next((n for n, in linsolve([a - b], s)), None)


def infer(e: Expr, shape_of, sizes) -> Dims:
    """The shape of an expression, given the shapes of its symbols; unifies sizes on the way."""
    if isinstance(e, Primitive):
        shapes = [infer(a, shape_of, sizes) for a in e.args]
        for a, shape in zip(e.args, shapes, strict=True):
            if None in shape:
                raise CellError(
                    f"nothing tells how often {written(a)} repeats its vector in {written(e)}; combine it with a matrix first"
                )
        own = e.shape(shapes, sizes)
        return Dims((sympify(n) if n is not None else None for n in own), e.axes(axes_of(shapes)))
    if e.is_Symbol:
        return Dims() if e.is_integer else shape_of(e)
    if isinstance(e, (Piecewise, Relational, And, Or, Not)) or e.args:
        operands = [a for pair in e.args for a in pair.args] if isinstance(e, Piecewise) else ordered_args(e)
        return _broadcast([(a, infer(a, shape_of, sizes)) for a in operands], sizes, e)
    return Dims()


def _broadcast(operands, sizes, e):
    """The shape of an elementwise expression: scalars combine with everything, other operands must have equal shapes. It has the
    mapped axes of all operands."""
    over = axes_of(s for _, s in operands)
    shaped = [(a, tuple(s)) for a, s in operands if s]
    if not shaped:
        return Dims((), over)
    first, shape = shaped[0]
    for a, s in shaped[1:]:
        if len(s) != len(shape):
            raise CellError(
                f"ranks do not agree: {written(first)} has shape {shape_text(shape)} and {written(a)} has shape {shape_text(s)} "
                f"in {written(e)}; {_advice(e, shaped)}"
            )
        if s != shape:
            shape = tuple(sizes.unify(m, n, f"{written(first)} and {written(a)}") for m, n in zip(shape, s, strict=True))
    return Dims(shape, over)


def _advice(e, shaped):
    """What to write instead of an elementwise operation of a vector and a matrix."""
    matrices, vectors = ([a for a, s in shaped if len(s) == rank] for rank in (2, 1))
    if e.is_Mul and vectors and any(a.is_Symbol for a in matrices):
        f, W = written_factor(vectors[0]), next(written(a) for a in matrices if a.is_Symbol)
        return f"Python reads {f}*{W} @ v as ({f}*{W}) @ v; write {f}*({W} @ v)"
    bare = [a for a in vectors if isinstance(a, (Param, Constant)) and a.declared is None]
    if bare and matrices:
        shape = ", ".join(repr(size_text(n)) for n in next(s for _, s in shaped if len(s) == 2))
        return f"a bare {type(bare[0]).__name__} is a vector, and {type(bare[0]).__name__}({bare[0].name!r}, ({shape})) a matrix"
    return "column(u), row(v) and outer(u, v) raise the rank of a vector"


class Agreed:
    """Takes the place of Sizes when all sizes are known: only broadcast axes are left to fill in."""

    @staticmethod
    def unify(a, b, what):
        return b if a is None else a


def resolved_shape(e, shape_of):
    """The shape of an expression whose symbols have known shapes."""
    return infer(e, shape_of, Agreed)
