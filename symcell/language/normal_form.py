"""The equations of a cell in a normal form, in which intermediates have no part: polynomials in its symbols and in atoms.

An atom is whatever is no sum, product or positive power: a function or primitive of polynomials, a quotient, a condition. Equal
atoms are one symbol, so that the normal form is as long as the equations, and not as long as they are when written out."""

from math import prod

from sympy import Add, Dummy, Expr, Piecewise, Rational, expand
from sympy.core.operations import LatticeOp

from symcell.language.primitives import Primitive
from symcell.language.symbols import Previous

_MOST_TERMS = 200  # a longer sum is not multiplied out, and is an atom

_HINTS = dict.fromkeys(("power_base", "power_exp", "log", "basic"), False)


class Atoms:
    """What atoms stand for: tuples of a class, its arguments (a frozenset where their order has no meaning) and, for a primitive,
    their shapes."""

    def __init__(self):
        self.symbols, self.meanings = {}, {}

    def of(self, *meaning):
        if meaning not in self.symbols:
            self.symbols[meaning] = Dummy()
            self.meanings[self.symbols[meaning]] = meaning
        return self.symbols[meaning]


class NormalForm:
    """The normal form of a declaration's expressions; `states`: state -> the normal form of its next value.

    `names` maps symbols of the declaration, sizes among them, to those that stand in their place."""

    def __init__(self, declaration, atoms, names=None):
        self.declaration, self.atoms, self.names = declaration, atoms, names or {}
        self.known = {}
        for e in declaration.equations:
            self.known[e.target] = self.of(e.rhs)
        self.states = {self._named(s): self.known[s] for s in declaration.states}

    def of(self, e):
        if e not in self.known:
            self.known[e] = self._made(e)
        return self.known[e]

    def shape(self, e):
        """The own shape of an expression, and its mapped axes."""
        dims = self.declaration.dims(e).map(lambda n: n.xreplace(self.names))
        return tuple(dims), dims.over

    def _named(self, q):
        return self._named(q.state).prev if isinstance(q, Previous) else self.names.get(q, q)

    def _made(self, e):
        if e.is_Symbol:
            return self._named(e)
        if not e.args:
            return Rational(e) if getattr(e, "is_Float", False) else e
        if isinstance(e, Primitive):
            return self._of_primitive(e)
        args = [self.of(a) for a in e.args]
        if isinstance(e, LatticeOp):
            return self.atoms.of(type(e), frozenset(args))
        if isinstance(e, Piecewise) or not isinstance(e, Expr):
            return self.atoms.of(type(e), tuple(args))
        return self._polynomial(e.func(*args))

    def _of_primitive(self, e):
        """The shapes belong to it: the total of a scalar is not that of a vector of equal entries."""
        simpler = e.decomposition(self.declaration.dims)
        if simpler is not None:
            return self.of(simpler)
        return self.atoms.of(type(e), tuple(map(self.of, e.args)), tuple(map(self.shape, e.args)))

    def _polynomial(self, e):
        """The polynomial that is `e`, whose parts are numbers, symbols, and functions of polynomials."""
        if not e.args:
            return e
        if e.is_Pow and e.exp.is_Integer and e.exp < -1:
            return self._polynomial(1 / e.base) ** -e.exp
        if e.is_Add or e.is_Mul or (e.is_Pow and e.exp.is_Integer and e.exp > 0):
            return self._multiplied_out(e.func(*map(self._polynomial, e.args)))
        return self.atoms.of(type(e), e.args)

    def _multiplied_out(self, e):
        if _terms(e) > _MOST_TERMS:
            return self.atoms.of(type(e), frozenset(e.args) if e.is_Add or e.is_Mul else e.args)
        return expand(e, **_HINTS)


def _terms(e):
    """The number of terms of a product or power of sums when it is multiplied out."""
    if e.is_Mul:
        return prod(map(_terms, e.args))
    return _terms(e.base) ** int(e.exp) if e.is_Pow else len(Add.make_args(e))
