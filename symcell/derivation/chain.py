"""The chain rule through the rows of one step: the derivative of one quantity by another, from the linear maps of single rows.

The quantities of a step are the vertices of a graph. An edge leads from a quantity that a row reads to the one that it computes,
and carries the linear maps between them. A derivative is the sum over all paths. A few paths are multiplied out one by one. Their
number may be exponential; then the quantities between are eliminated, the cheapest first, and sums stay factors, as in
A (B C + D) + E (vertex elimination: A. Griewank, A. Walther, Evaluating Derivatives, 2nd ed., 2008, chapter 9). The length of the
derivative is then linear in the length of a chain, and about quadratic for two chains that read each other.
"""

from collections import defaultdict
from dataclasses import dataclass

from sympy import Add, Mul, S

from symcell.derivation.maps import columns, covector, diag, linear, matrix, vector
from symcell.language.primitives import place

_MOST_PATHS = 64  # more are not multiplied out


def derivative(derivation, of, by, held=()):
    """d of / d by within one step, with the symbols `held` fixed, in symbols of the cell."""
    if of == by:
        return S.One
    paths = path_counts(derivation, by, held)
    if of not in paths:
        return S.Zero
    found = _Elimination(derivation, of, by, paths).derivative()
    return _in_the_cells_words(derivation, found)


def path_counts(derivation, by, held=()):
    """quantity -> the number of paths to it from `by`, where there are any: the number of products in its derivative when it is
    multiplied out."""
    found = {by: 1}
    for target, sources in derivation.links.items():
        if target != by and target not in held:
            paths = sum(len(terms) * found.get(q, 0) for q, terms in sources.items())
            found.update({target: paths} if paths else {})
    return found


def _in_the_cells_words(derivation, e):
    """Replace names that flattening gave to expressions of parameters alone."""
    hidden = {q: rhs for q, rhs in derivation.hidden.items() if q in derivation.once}
    while hidden.keys() & e.free_symbols:
        e = e.xreplace(hidden)
    return e


@dataclass(frozen=True)
class _Edge:
    """A sum of products of linear maps, and the number of maps in it."""

    terms: tuple
    length: int

    def __add__(self, other):
        return _Edge(self.terms + other.terms, self.length + other.length)


def _edges(derivation, of, by, paths):
    """target -> {source: _Edge} of all quantities on a path from `by` to `of`, in order."""
    needed, found = {of}, {}
    for target, sources in reversed(derivation.links.items()):
        if target in needed and target in paths and target != by:
            found[target] = {q: _Edge(tuple(terms), sum(map(len, terms))) for q, terms in sources.items() if q in paths}
            needed |= found[target].keys()
    return dict(reversed(found.items()))


class _Elimination:
    """The graph between two quantities, from which all others are eliminated."""

    def __init__(self, derivation, of, by, paths):
        self.shape, self.of, self.by, self.factored = derivation.shape, of, by, paths[of] > _MOST_PATHS
        self.edges = _edges(derivation, of, by, paths)
        self.readers = defaultdict(set)
        for target, sources in self.edges.items():
            for q in sources:
                self.readers[q].add(target)

    def derivative(self):
        while len(self.edges) > 1:
            self._eliminate(min((q for q in self.edges if q != self.of), key=self._growth))
        return _expression(self.edges[self.of][self.by].terms, self.shape)

    def _growth(self, q):
        """How much the total length of the edges grows when a quantity is eliminated."""
        into, out = self.edges[q], self.readers[q]
        read = sum(edge.length for edge in into.values())
        return read * (len(out) - 1) + sum(self.edges[r][q].length for r in out) * (len(into) - 1)

    def _eliminate(self, q):
        """Connect the sources of a quantity with its readers."""
        into = self.edges.pop(q)
        for source in into:
            self.readers[source].remove(q)
        for reader in self.readers.pop(q):
            sources = self.edges[reader]
            out = sources.pop(q)
            for source, edge in into.items():
                new = self._composed(out, edge)
                sources[source] = sources[source] + new if source in sources else new
                self.readers[source].add(reader)

    def _composed(self, out, into):
        """The maps of one edge after those of another."""
        if self.factored:
            out, into = self._as_one_term(out), self._as_one_term(into)
        return _Edge(tuple((*o, *i) for o in out.terms for i in into.terms), out.length + into.length)

    def _as_one_term(self, edge):
        if len(edge.terms) < 2:
            return edge
        e = _expression(edge.terms, self.shape)
        return _Edge(((diag(e) if e.is_commutative else e,),) if e != 0 else (), edge.length)


def _expression(terms, shape_of):
    """A sum of products of linear maps as one expression. Elementwise maps are added up."""
    merged = [_merge(t, shape_of) for t in terms]
    elementwise = Add(*[number * (maps[0].args[0] if maps else S.One) for number, maps in merged if _is_elementwise(maps)])
    others = [Mul(number, *maps) for number, maps in merged if not _is_elementwise(maps)]
    if not others:
        return elementwise
    return Add(*others, *([diag(elementwise)] if elementwise != 0 else []))


def _is_elementwise(maps):
    return all(isinstance(f, diag) for f in maps)


def _merge(term, shape_of):
    """A term as a scalar and linear maps: adjacent elementwise maps are combined, identities are dropped."""
    scalar, merged = S.One, []
    for factor in term:
        if isinstance(factor, (diag, vector, covector)):
            apart = [a for a in Mul.make_args(factor.args[0]) if not shape_of(a)]
            units = [a for a in Mul.make_args(factor.args[0]) if shape_of(a)]
            scalar, factor = scalar * Mul(*apart), factor.func(Mul(*units))
        if isinstance(factor, diag) and merged and isinstance(merged[-1], diag):
            factor = diag(merged.pop().args[0] * factor.args[0])
        if isinstance(factor, linear):
            number, of = factor.args[0].as_coeff_Mul()
            scalar, factor = scalar * number, linear(of)
        if isinstance(factor, linear) and isinstance(factor.args[0], place) and merged and isinstance(merged[-1], matrix):
            hole, start, _ = factor.args[0].args  # a matrix that meets a part of a concatenation
            factor = columns(merged.pop().args[0], start, hole.shape[0])
        if factor != diag(S.One):
            merged.append(factor)
    return scalar, merged
