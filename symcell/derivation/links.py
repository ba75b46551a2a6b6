"""Forward rows -> local Jacobians: the linear maps from each symbol on the right side of a row to its target.

A term is a tuple of linear maps, the last of which is applied first; a list of terms is their sum."""

from collections import defaultdict

from sympy import S

from symcell.derivation.maps import covector, diag, linear, matrix, vector
from symcell.derivation.reverse import known_values, leaves
from symcell.language.primitives import Primitive, dot, matmul, total
from symcell.language.slopes import partial
from symcell.language.symbols import Hole


def links(derivation):
    """target -> {symbol that its row reads: terms}, in the order of the rows, without what is computed once a sequence."""
    local = _Local(derivation)
    return {row.target: local.of(row) for row in derivation.forward if row.target not in derivation.once}


class _Local:
    """The derivatives of one row by the symbols on its right side, which are independent here."""

    def __init__(self, derivation):
        self.derivation, self.shape = derivation, derivation.shape
        self.values = known_values(derivation.forward)
        targets = {r.target for r in derivation.forward}
        self.moving = {s.prev for s in derivation.declaration.states} | (targets - derivation.once)

    def of(self, row):
        found = defaultdict(list)
        for symbol, maps in self._terms(row.rhs):
            found[symbol].append((vector(S.One), *maps) if row.filled else maps)
        return dict(found)

    def _terms(self, e):
        """(symbol, linear maps) for each path from a symbol to the expression."""
        if e.is_Symbol:
            return [(e, ())] if e in self.moving else []
        if isinstance(e, Primitive):
            return [(q, (self._map(e, k), *maps)) for k, a in enumerate(e.args) for q, maps in self._terms(a)]
        return [found for leaf in leaves(e) for found in self._through(e, leaf)]

    def _through(self, e, leaf):
        terms = self._terms(leaf)
        slope = partial(e, leaf).xreplace(self.values) if terms else S.Zero
        if slope == 0:
            return []
        raised = self.shape(e) and not self.shape(leaf)
        return [(q, ((vector if raised else diag)(slope), *maps)) for q, maps in terms]

    def _map(self, e, k):
        """The linear map of a primitive from its k-th argument."""
        if isinstance(e, matmul) and k == 1 and len(self.shape(e.args[1])) == 1:
            a = e.args[0]
            return matrix(a) if len(self.shape(a)) > 1 else covector(a)
        if isinstance(e, dot):
            return covector(e.args[1 - k])
        if isinstance(e, total) and len(self.shape(e.args[0])) == 1:
            return covector(S.One)
        hole = Hole(self.shape(e.args[k]))
        return linear(e.tangent(k, hole, self.shape).xreplace(self.values))
