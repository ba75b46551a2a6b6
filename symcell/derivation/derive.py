"""Declaration -> Derivation: the forward equations, the adjoint equations, and the rule behind each of their terms."""

from dataclasses import dataclass
from functools import cached_property, lru_cache

from sympy import Expr, Symbol

from symcell.derivation.flatten import Row, flatten
from symcell.derivation.jacobian import jacobian
from symcell.derivation.links import links
from symcell.derivation.ranges import Ranges
from symcell.derivation.reverse import AdjointRow, reverse_sweep
from symcell.language.declaration import Declaration
from symcell.language.shapes import resolved_shape
from symcell.language.sizes import Dims
from symcell.language.symbols import Adjoint, Hole


@dataclass(frozen=True)
class Derivation:
    """The derivation of a declaration, which documents and kernels are made from.

    `forward` rows compute a step in order; `adjoint` rows compute its adjoints in order, the last equation's first."""

    declaration: Declaration
    forward: tuple[Row, ...]
    adjoint: tuple[AdjointRow, ...]

    @cached_property
    def shapes(self) -> dict[Symbol, Dims]:
        """Symbol -> its own shape and its mapped axes, including the symbols that flattening introduced. `shape` accepts adjoints
        too."""
        shapes = dict(self.declaration.shapes)
        shapes.update((r.target, r.shape) for r in self.forward)
        shapes.update((s.prev, shapes[s]) for s in self.declaration.states)
        return shapes

    @cached_property
    def hidden(self) -> dict[Symbol, Expr]:
        """The symbols that flattening introduced -> their right sides."""
        declared = {e.target for e in self.declaration.equations}
        return {r.target: r.rhs for r in self.forward if r.target not in declared}

    @cached_property
    def once(self):
        """The quantities that depend on parameters alone, and are computed once a sequence."""
        return frozenset(r.target for r in self.forward if r.once)

    @cached_property
    def links(self):
        """The linear maps of the single rows, from which Jacobians are made. See symcell.derivation.links."""
        return links(self)

    @cached_property
    def ranges(self):
        """Bounds of quantities, and of expressions of them. See symcell.derivation.ranges."""
        return Ranges(self)

    def shape(self, e: Expr) -> Dims:
        return resolved_shape(e, self._shape_of)

    def _shape_of(self, symbol):
        if isinstance(symbol, Hole):
            return symbol.shape
        return self.shapes[symbol.of if isinstance(symbol, Adjoint) else symbol]

    def jacobian(self, new: Symbol | str, prev: Symbol | str) -> Expr:
        """One step's d new / d prev, the other previous states and the inputs held fixed. See Cell.jacobian."""
        return jacobian(self, new, prev)

    def __repr__(self) -> str:
        return f"Derivation({self.declaration.name}: {len(self.forward)} forward rows, {len(self.adjoint)} adjoint rows)"


@lru_cache(maxsize=64)
def derive(declaration: Declaration) -> Derivation:
    """Declaration -> Derivation."""
    forward = flatten(declaration)  # Declaration -> forward rows
    draft = Derivation(declaration, forward, ())
    return Derivation(declaration, forward, tuple(reverse_sweep(draft)))  # forward rows -> adjoint rows
