"""Derivation -> the Derivation that is printed: arguments of functions get names, so that no line repeats one.

The derivative of f(a b + c) contains the argument once for each of its leaves. With a name for it, z = a b + c, the adjoint of z
has the slope of f once, and those of a, b and c are short. Kernels need no such names: they compute what repeats once anyway.
"""

from collections import Counter
from dataclasses import replace

from sympy import Add, Expr, Function, Mul, Pow, Symbol, preorder_traversal
from sympy.functions.elementary.piecewise import ExprCondPair

from symcell.derivation.derive import Derivation
from symcell.derivation.flatten import Row
from symcell.derivation.reverse import leaves, reverse_sweep
from symcell.language.identifiers import unused
from symcell.language.primitives import Primitive
from symcell.language.symbols import Constant

_SHORT = 3  # symbols of a sum inside a product that gets no name


def with_named_arguments(derivation):
    """The same derivation with a row for every argument of a function that several quantities enter."""
    namer = _Namer(derivation)
    for row in derivation.forward:
        namer.add(row)
    draft = Derivation(derivation.declaration, tuple(namer.rows), ())
    return replace(draft, adjoint=tuple(reverse_sweep(draft)))


class _Namer:
    def __init__(self, derivation):
        self.derivation, self.rows, self.named, self.numbers = derivation, [], {}, {}
        rows = [r.rhs for r in derivation.forward if not isinstance(r.rhs, Primitive)]
        self.uses = Counter(
            f for e in rows for f in preorder_traversal(e) if isinstance(f, Function) and not isinstance(f, Primitive)
        )
        self.taken = {q.name for q in derivation.shapes} | set(derivation.declaration.sizes)
        self.declared = {e.number: e.target for e in derivation.declaration.equations}

    def add(self, row):
        """Append a row, after those of the values that get a name. Numbers need none."""
        if row.rhs.is_number and row.target in self.derivation.hidden:
            self.numbers[row.target] = row.rhs
            return
        row = replace(row, rhs=self._with_sums(row.rhs.xreplace(self.numbers)))
        if isinstance(row.rhs, Primitive):
            self.rows.append(row)
            return
        rhs = self._inside(row.rhs, row)
        rhs = rhs.xreplace({e: q for e, q in self.named.items() if e != rhs})  # what got its name after it was passed
        self.rows.append(replace(row, rhs=rhs))
        if self.uses[row.rhs] > 1:
            self.named.setdefault(rhs, row.target)

    def _with_sums(self, e):
        """An expression whose longer sums contain the names of shorter ones that were computed before."""
        sums = {r.rhs: r.target for r in self.rows if r.rhs.is_Add and r.target in self.derivation.hidden}

        def named(a):
            for known, q in sums.items():
                if a.is_Add and a != known and {*known.args} <= {*a.args}:
                    a = Add(q, *[b for b in a.args if b not in known.args])
            return a

        return e.replace(lambda a: a.is_Add, named) if sums else e

    def _inside(self, e, row):
        """An elementwise expression with its arguments named, innermost first."""
        if not e.args or e.is_number or isinstance(e, Primitive):
            return e
        parts = [self._inside(a, row) for a in e.args]
        uses = self.uses[e]
        e = e if parts == list(e.args) else e.func(*parts)
        e = e.xreplace({a: self._name(a, row) for a in e.args if self._deserves_a_name(a, e)})
        return self._name(e, row) if uses > 1 and e != row.rhs else e

    def _deserves_a_name(self, a, within):
        if not isinstance(a, Expr) or a.is_number or a.is_Symbol or isinstance(within, ExprCondPair):
            return False
        if isinstance(a, Primitive):
            return isinstance(within, Function) and a.view
        several = len([q for q in leaves(a) if not isinstance(q, Constant)]) > 1
        if isinstance(within, Pow):
            return several and a is within.base and not (within.exp.is_Integer and within.exp > 0)
        if isinstance(within, Mul):
            return isinstance(a, Add) and len(a.free_symbols) > _SHORT
        return several and isinstance(within, Function)

    def _name(self, e, row):
        if e not in self.named:
            q = self.named[e] = Symbol(unused(f"z_{self.declared[row.equation].name}", self.taken))
            shape = self.derivation.shape(self._spelled_out(e))
            self.rows.append(Row(q, e, shape, row.equation, once=self._is_once(e)))
        return self.named[e]

    def _spelled_out(self, e):
        back = {q: value for value, q in self.named.items()}
        while e.free_symbols & back.keys():
            e = e.xreplace(back)
        return e

    def _is_once(self, e):
        own = {s for s in self._spelled_out(e).free_symbols if not s.is_integer}
        timeless = {*self.derivation.declaration.params, *self.derivation.declaration.constants, *self.derivation.once}
        return own <= timeless
