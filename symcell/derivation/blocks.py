"""The Jacobian of one step for the whole state, block by block.

Derivatives are not multiplied out: some quantities are kept by name, namely the states, and intermediates into which several paths
lead and out of which several lead. A local derivative holds all other kept quantities fixed; a block adds up the paths through them:

    d h_t / d h_{t-1} = (d h_t / d h_{t-1} local) + (d h_t / d c_t local) (d c_t / d h_{t-1})
"""

from dataclasses import dataclass
from functools import cached_property

from sympy import Expr, S, Symbol

from symcell.derivation.chain import derivative
from symcell.derivation.derive import Derivation
from symcell.derivation.maps import diag
from symcell.derivation.reverse import recurrent_states
from symcell.language.symbols import Previous, State


@dataclass(frozen=True)
class StepJacobian:
    """The derivatives of one step; every Symbol is one of the derivation."""

    derivation: Derivation

    @cached_property
    def states(self) -> tuple[State, ...]:
        """The states that one step hands to the next."""
        return tuple(recurrent_states(self.derivation.forward))

    @cached_property
    def sources(self) -> tuple[Previous, ...]:
        return tuple(s.prev for s in self.states)

    @cached_property
    def kept(self) -> tuple[Symbol, ...]:
        """The quantities that derivatives are told by, in the order of computation."""
        useful, paths, found = self._useful, dict.fromkeys(self.sources, 1), []
        for q, read in self.derivation.links.items():
            if q not in useful:
                continue
            paths[q] = sum(len(terms) * paths.get(source, 0) for source, terms in read.items())
            if paths[q] and (isinstance(q, State) or (paths[q] > 1 and self._uses(q) > 1)):
                found.append(q)
                paths[q] = 1
        return tuple(found)

    def _uses(self, q):
        """How many terms of useful rows read a quantity."""
        return sum(len(read.get(q, ())) for target, read in self.derivation.links.items() if target in self._useful)

    @cached_property
    def _useful(self):
        """The quantities on which a state of the next step depends."""
        found = set(self.states)
        for q, read in reversed(self.derivation.links.items()):
            found |= read.keys() if q in found else set()
        return found

    @cached_property
    def local(self) -> dict[tuple[Symbol, Symbol], Expr]:
        """(of, by) -> d of / d by with all other kept quantities held fixed, where it is not zero."""
        found = {}
        for n, q in enumerate(self.kept):
            for by in (*self.sources, *self.kept[:n]):
                e = derivative(self.derivation, q, by, [r for r in self.kept if r not in (q, by)])
                found.update({(q, by): e} if e != 0 else {})
        return found

    @cached_property
    def paths(self) -> dict[tuple[Symbol, Previous], tuple[Symbol, ...]]:
        """(of, by) -> the first quantity of each path from a previous state: `by` itself for the local derivative, or a kept one
        between; without those that are zero."""
        found: dict = {}
        for q in self.kept:
            for by in self.sources:
                between = [u for u in self.kept if (q, u) in self.local and (u, by) in found]
                ways = (*([by] if (q, by) in self.local else []), *between)
                found.update({(q, by): ways} if ways else {})
        return found

    def is_local(self, of: Symbol, by: Symbol) -> bool:
        """Whether a block is a local derivative, with no other path."""
        return self.paths.get((of, by)) == (by,)

    def as_map(self, e: Expr, of: Symbol) -> Expr:
        """A derivative between vectors as a linear map: diag(e) if it is elementwise."""
        if not e.is_commutative or not self.derivation.shape(of):
            return e
        if not self.derivation.shape(e):
            return e * diag(S.One)
        return diag(e)
