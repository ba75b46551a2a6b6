"""The carousel of a state: what one step does to an error that passes through it."""

from dataclasses import dataclass
from functools import cached_property

from sympy import Expr, IndexedBase, Integer, Mul, Symbol

from symcell.derivation.chain import derivative, path_counts
from symcell.derivation.derive import Derivation
from symcell.derivation.jacobian import chosen_symbol, states_by_name
from symcell.derivation.maps import transposed
from symcell.derivation.ranges import is_gate
from symcell.derivation.reverse import recurrent_states
from symcell.errors import CellError
from symcell.language.activations import sigmoid
from symcell.language.piecewise_linear import hard_sigmoid
from symcell.language.sizes import symbolic
from symcell.language.slopes import partial
from symcell.language.symbols import Constant, Hole, Param, Previous, State

_FREEST_FIRST = ("constant", "gate", "elementwise", "matrix", "none")


@dataclass(frozen=True)
class Carousel:
    """How an error in a state at step t reaches the same state one step earlier, and k steps earlier.

    Exact for one step with the other states held fixed: `factor`. Of it, `direct` is what the state's own equation says; the rest
    comes through quantities that depend on the previous state. The total derivative of one step adds the paths through `detours`,
    that of several steps those through `longer_detours` too."""

    derivation: Derivation
    state: State

    def __post_init__(self) -> None:
        declaration = self.derivation.declaration
        state = chosen_symbol(declaration, self.state, states_by_name(declaration), "a carousel is of one of the states")
        object.__setattr__(self, "state", state)

    @cached_property
    def factor(self) -> Expr:
        """d s_t / d s_{t-1} over one step, all other previous states held fixed."""
        return self.derivation.jacobian(self.state, self.state.prev)

    @property
    def paths(self) -> int:
        """The number of products in the factor when it is multiplied out: one for each path."""
        return path_counts(self.derivation, self.state.prev).get(self.state, 0)

    @property
    def direct(self) -> Expr:
        """The derivative of the state's own equation alone, its intermediates held fixed."""
        held = [r.target for r in self.derivation.forward if r.target != self.state and r.equation != self._own_equation]
        return derivative(self.derivation, self.state, self.state.prev, held)

    @property
    def keepers(self) -> set[Symbol]:
        """The gates by which `direct` never decreases, whatever the other values are: the more they open, the more they keep."""
        ranges = self.derivation.ranges
        direct = ranges.spelled_out(self.direct)
        gates = [q for q in direct.free_symbols if isinstance(ranges.rows.get(q), (sigmoid, hard_sigmoid))]
        slopes = {q: partial(direct, q) for q in gates if direct.is_commutative}
        return {q for q, slope in slopes.items() if slope != 0 and ranges.of(slope)[0] >= 0}

    @property
    def _own_equation(self):
        return next(r.equation for r in self.derivation.forward if r.target == self.state)

    @property
    def detours(self) -> tuple[State, ...]:
        """The other states s' through which one step's total derivative passes: s_t reads s'_{t-1}, which step t-1 has computed
        from s_{t-1}. The total derivative adds d s_t / d s'_{t-1} * d s'_{t-1} / d s_{t-1} for each of them."""
        made_from_it = self._made_from(self.state)
        return tuple(s for s in self._read if s in made_from_it)

    @property
    def longer_detours(self) -> tuple[State, ...]:
        """The other states that s_t reads, and that s reaches over several steps on paths that avoid s itself."""
        found: set[State] = set()
        waiting = [self.state.prev, *(s.prev for s in self._made_from(self.state))]
        while waiting:
            reached = self._made_from(waiting.pop()) - found
            found |= reached
            waiting += [s.prev for s in reached]
        return tuple(s for s in self._read if s in found)

    @property
    def _others(self):
        return [s for s in self.derivation.declaration.states if s != self.state]

    @property
    def _read(self):
        """The other states whose previous values this one depends on."""
        return [s for s in self._others if self.state in path_counts(self.derivation, s.prev)]

    def _made_from(self, source):
        """The other states that one step computes from `source` without this state's new value."""
        held = () if source == self.state else (self.state,)
        return {*self._others} & path_counts(self.derivation, source, held).keys()

    @cached_property
    def kind(self) -> str:
        """What the factor is made of: "none" (it is 0: the state's last value is not read, or the derivative is zero), "constant"
        (numbers and parameters, the same at every step), "gate" (elementwise, and the equations keep it between 0 and 1),
        "elementwise" (any other without a matrix) or "matrix"."""
        factor = self.factor
        if factor == 0:
            return "none"
        if not factor.is_commutative:
            return "matrix"
        if not _timed_symbols(factor, self.derivation):
            return "constant"
        return "gate" if is_gate(factor, self.derivation) else "elementwise"

    def product(self, k: int) -> Expr:
        """The factors of k steps, the latest first: d s_t / d s_{t-k} along this path alone.

        Time is written as an index: f[t], f[t - 1], ... Raises CellError unless k is a number of steps."""
        steps = symbolic(k)
        if not isinstance(steps, Integer) or steps < 0:
            raise CellError(f"the carousel's product is over a number of steps k >= 0, found {k!r}")
        factor = self.factor
        return Mul(*[_at_step(factor, j, self.derivation) for j in range(int(steps))])

    def backward(self, k: int) -> Expr:
        """The transpose of the product over k steps: what an error at step t is multiplied by on its way back to step t - k."""
        return transposed(self.product(k))


def carousels(derivation):
    """The carousels of all recurrent states, by kind: constant, gate, elementwise, matrix, none."""
    found = [Carousel(derivation, s) for s in recurrent_states(derivation.forward)]
    return sorted(found, key=lambda c: _FREEST_FIRST.index(c.kind))


def _at_step(e, back, derivation):
    """An expression of one step, `back` steps before t, with the time as an index."""
    t = Symbol("t", integer=True)
    indexed = {}
    for s in _timed_symbols(e, derivation):
        earlier = back + 1 if isinstance(s, Previous) else back
        indexed[s] = IndexedBase(getattr(s, "state", s).name)[t - earlier]
    return e.xreplace(indexed)


def _timed_symbols(e, derivation):
    """The symbols of an expression that have a value at every step."""
    timeless = (Param, Constant, Hole)
    return {s for s in e.free_symbols if not (isinstance(s, timeless) or s in derivation.once or s.is_integer)}
