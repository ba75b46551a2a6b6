"""The chain rule through the rows of one step: from the forward rows to a sum of products of linear maps."""

from sympy import Add, Mul, S

from symcell.derivation.derive import known_values, leaves
from symcell.derivation.maps import columns, covector, diag, linear, matrix, rate, vector
from symcell.language.primitives import Primitive, dot, matmul, place, total
from symcell.language.slopes import partial
from symcell.language.symbols import Hole


def derivative(derivation, of, by, held=()):
    """d of / d by within one step, with the symbols `held` fixed, in the cell's own words."""
    return _in_the_cells_words(derivation, _expression(_Chain(derivation, by, held).of(of), derivation.shape))


def derivatives_between(derivation, of, by):
    """The same, quantity by quantity: (quantity, its derivative in terms of those before it), in order, `of` last. What
    `derivative` multiplies out, and may make long, stands here as the chain rule says it."""
    chain, found = _Chain(derivation, by), {}
    for row in derivation.forward:
        terms = chain.of(row.target)
        if terms:
            found[row.target] = _in_the_cells_words(derivation, _expression(terms, derivation.shape))
            chain.known[row.target] = [(rate(row.target, by),)]
        if row.target == of:
            break
    needed = {of}
    for q in reversed(found):
        if q in needed:
            needed |= {r.args[0] for r in found[q].atoms(rate)}
    return [(q, e) for q, e in found.items() if q in needed]


def _in_the_cells_words(derivation, e):
    """What parameters alone make, written out where the cell itself has no name for it."""
    hidden = {q: rhs for q, rhs in derivation.hidden.items() if derivation.is_once(q)}
    while hidden.keys() & e.free_symbols:
        e = e.xreplace(hidden)
    return e


class _Chain:
    """Derivatives of everything in a step with respect to one symbol: lists of terms, each a tuple of factors."""

    def __init__(self, derivation, variable, held=()):
        self.derivation, self.variable = derivation, variable
        self.rows = {r.target: r for r in derivation.forward}
        self.values = known_values(derivation.forward)
        self.known = {variable: [()], **{q: [] for q in held}}

    def of(self, e):
        if e.is_Symbol:
            if e not in self.known:
                row = self.rows.get(e)
                self.known[e] = self._broadcast(row) if row else []
            return self.known[e]
        if isinstance(e, Primitive):
            return [(self._map(e, k), *rest) for k, a in enumerate(e.args) for rest in self.of(a)]
        return [(factor, *rest) for leaf in leaves(e) for factor, rest in self._through(e, leaf)]

    def _broadcast(self, row):
        terms = self.of(row.rhs)
        return [(vector(S.One), *t) for t in terms] if row.filled else terms

    def _through(self, e, leaf):
        rest = self.of(leaf)
        slope = partial(e, leaf).xreplace(self.values) if rest else S.Zero
        if slope == 0:
            return
        raised = self.derivation.shape(e) and not self.derivation.shape(leaf)
        for r in rest:
            yield (vector if raised else diag)(slope), r

    def _map(self, e, k):
        """The linear map of a primitive from its k-th argument."""
        if isinstance(e, matmul) and k == 1 and len(self.derivation.shape(e.args[1])) == 1:
            a = e.args[0]
            return matrix(a) if len(self.derivation.shape(a)) > 1 else covector(a)
        if isinstance(e, dot):
            return covector(e.args[1 - k])
        if isinstance(e, total) and len(self.derivation.shape(e.args[0])) == 1:
            return covector(S.One)
        hole = Hole(self.derivation.shape(e.args[k]))
        return linear(e.tangent(k, hole, self.derivation.shape).xreplace(self.values))


def _expression(terms, shape_of):
    """A list of terms as one expression; the elementwise ones are added up."""
    merged = [_merge(t, shape_of) for t in terms]
    elementwise = Add(*[number * (maps[0].args[0] if maps else S.One) for number, maps in merged if _is_elementwise(maps)])
    others = [Mul(number, *maps) for number, maps in merged if not _is_elementwise(maps)]
    if not others:
        return elementwise
    return Add(*others, *([diag(elementwise)] if elementwise != 0 else []))


def _is_elementwise(maps):
    return all(isinstance(f, diag) for f in maps)


def _merge(term, shape_of):
    """A term as a scalar and linear maps: neighbouring elementwise factors are one, those that are one are dropped."""
    scalar, merged = S.One, []
    for factor in term:
        if isinstance(factor, (diag, vector, covector)):
            apart = [a for a in Mul.make_args(factor.args[0]) if not shape_of(a)]
            units = [a for a in Mul.make_args(factor.args[0]) if shape_of(a)]
            scalar, factor = scalar * Mul(*apart), factor.func(Mul(*units))
        if isinstance(factor, diag) and merged and isinstance(merged[-1], diag):
            factor = diag(merged.pop().args[0] * factor.args[0])
        if isinstance(factor, linear) and isinstance(factor.args[0], place) and merged and isinstance(merged[-1], matrix):
            hole, start, _ = factor.args[0].args  # a matrix that meets a part of a concatenation
            factor = columns(merged.pop().args[0], start, hole.shape[0])
        if factor != diag(S.One):
            merged.append(factor)
    return scalar, merged
