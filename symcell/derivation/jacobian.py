"""Step Jacobians, read off the forward rows, and the carousel: what one step does to an error that passes through it.

A derivative between vectors is a sum of products of linear maps. Elementwise maps are `diag(e)`; where nothing else takes
part the result is the expression `e` itself. All other previous states, and the inputs, are held fixed.
"""

from dataclasses import dataclass

from sympy import Add, Function, IndexedBase, Integer, Mul, S, Symbol, sympify
from sympy.printing.precedence import PRECEDENCE

from symcell.derivation.derive import Derivation, known_values, leaves
from symcell.errors import CellError
from symcell.language.activations import partial
from symcell.language.primitives import Primitive, Unevaluated, dot, matmul, place, total, transpose
from symcell.language.symbols import Constant, Hole, Param, Previous, State


class LinearMap(Unevaluated, Function):
    """A factor of a Jacobian. Factors do not commute."""

    is_commutative = False


class diag(LinearMap):
    """Multiplication by `e`, unit by unit."""

    def _sympystr(self, printer):
        return "I" if self.args[0] == 1 else f"diag({printer.doprint(self.args[0])})"

    def _latex(self, printer, exp=None):
        return "I" if self.args[0] == 1 else rf"\operatorname{{diag}}\left({printer.doprint(self.args[0])}\right)"


class matrix(LinearMap):
    """The product with a matrix."""

    def _sympystr(self, printer):
        return printer.parenthesize(self.args[0], PRECEDENCE["Pow"])

    def _latex(self, printer, exp=None):
        return printer.parenthesize_factor(self.args[0])


class columns(LinearMap):
    """The product with a run of a matrix's columns: columns(A, start, length)."""

    def _sympystr(self, printer):
        a, start, length = self.args
        return f"{printer.doprint(a)}[:, {printer.doprint(start)}:{printer.doprint(start + length)}]"

    def _latex(self, printer, exp=None):
        a, start, length = self.args
        first, last = printer.doprint(start + 1), printer.doprint(start + length)
        return rf"{printer.brackets(printer.doprint(a))}_{{\cdot,\,{first}:{last}}}"


class vector(LinearMap):
    """From a scalar to a vector: the scalar times `u`."""

    def _latex(self, printer, exp=None):
        return printer.parenthesize_factor(self.args[0])


class covector(LinearMap):
    """From a vector to a scalar: the inner product with `u`."""

    def _latex(self, printer, exp=None):
        return printer.parenthesize_factor(self.args[0]) + r"^{\top}"


class linear(LinearMap):
    """Any other linear map: a primitive with a hole where its argument goes."""

    def _latex(self, printer, exp=None):
        return printer.brackets(printer.doprint(self.args[0]))


class transposed_map(LinearMap):
    """The transpose of a linear map that has no name of its own."""

    def _latex(self, printer, exp=None):
        return printer.brackets(printer.doprint(self.args[0])) + r"^{\top}"


def jacobian(derivation, new, prev):
    """d new / d prev over one step, as a SymPy expression."""
    cell = derivation.cell
    if not isinstance(new, State) or new not in cell.states:
        raise CellError(f"cell {cell.name}: a Jacobian's numerator is one of the states {list(cell.states)}, found {new}")
    if not isinstance(prev, Previous) or prev.state not in cell.states:
        raise CellError(
            f"cell {cell.name}: a Jacobian's denominator is a previous state, like {cell.states[0]}.prev, found {prev}"
        )
    return _in_the_cells_words(derivation, _expression(_Chain(derivation, prev).of(new)))


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


def _expression(terms):
    """A list of terms as one expression; the elementwise ones are added up."""
    merged = [_merge(t) for t in terms]
    elementwise = Add(*[t[0].args[0] if t else S.One for t in merged if all(isinstance(f, diag) for f in t)])
    others = [Mul(*t) for t in merged if not all(isinstance(f, diag) for f in t)]
    if not others:
        return elementwise
    return Add(*others, *([diag(elementwise)] if elementwise != 0 else []))


def _merge(term):
    """Neighbouring elementwise factors as one; ones dropped."""
    merged = []
    for factor in term:
        if isinstance(factor, diag) and merged and isinstance(merged[-1], diag):
            factor = diag(merged.pop().args[0] * factor.args[0])
        if isinstance(factor, linear) and isinstance(factor.args[0], place) and merged and isinstance(merged[-1], matrix):
            hole, start, _ = factor.args[0].args  # a matrix that meets a part of a concatenation
            factor = columns(merged.pop().args[0], start, hole.shape[0])
        merged.append(factor)
    return tuple(f for f in merged if f != diag(S.One)) if len(merged) > 1 else tuple(merged)


@dataclass(frozen=True)
class Carousel:
    """How an error in a state at step t reaches the same state one step earlier, and k steps earlier.

    Exact for one step with the other states held fixed: `factor`. Of it, `direct` is what the state's own equation says, and
    `further` what comes through quantities that depend on the previous state. The total derivative adds the paths through the
    other states: `detours`."""

    derivation: Derivation
    state: State

    def __post_init__(self):
        if self.state not in self.derivation.cell.states:
            raise CellError(f"cell {self.derivation.cell.name}: the carousel of {self.state}, which is none of its states")

    @property
    def factor(self):
        """d s_t / d s_{t-1} over one step, all other previous states held fixed."""
        return self.derivation.jacobian(self.state, self.state.prev)

    @property
    def direct(self):
        """The derivative of the state's own equation alone, its intermediates held fixed."""
        held = [r.target for r in self.derivation.forward if r.target != self.state and r.equation != self._own_equation]
        return _in_the_cells_words(self.derivation, _expression(_Chain(self.derivation, self.state.prev, held).of(self.state)))

    @property
    def _own_equation(self):
        return next(r.equation for r in self.derivation.forward if r.target == self.state)

    @property
    def detours(self):
        """The other states s' with d s_t / d s'_{t-1} other than zero: the total derivative adds what passes through them."""
        others = [s for s in self.derivation.cell.states if s != self.state]
        return tuple(s for s in others if self.derivation.jacobian(self.state, s.prev) != 0)

    @property
    def kind(self):
        """What the factor is made of: "none" (no step reads the one before), "constant" (numbers and parameters, the same at
        every step), "gate" (elementwise, no further terms), "elementwise" (with further terms) or "matrix"."""
        factor = self.factor
        if factor == 0:
            return "none"
        if not factor.is_commutative:
            return "matrix"
        if not timed_symbols(factor, self.derivation):
            return "constant"
        return "gate" if factor == self.direct else "elementwise"

    def product(self, k):
        """The factors of k steps, the latest first: d s_t / d s_{t-k} along this path alone.

        Time is written as an index: f[t], f[t - 1], ... Raises CellError unless k is a number of steps."""
        k = sympify(k)
        if not isinstance(k, Integer) or k < 0:
            raise CellError(f"the carousel's product is over a number of steps k >= 0, found {k}")
        factor = self.factor
        return Mul(*[_at_step(factor, j, self.derivation) for j in range(int(k))])

    def backward(self, k):
        """The transpose of the product over k steps: what an error at step t is multiplied by on its way back to step t - k."""
        return transposed(self.product(k))

    def latex(self, steps=3):
        """One step's factor, what is held fixed, and the product over `steps` steps, as LaTeX."""
        from symcell.documents.latex import carousel_latex

        return carousel_latex(self, steps)

    def _repr_latex_(self):
        from symcell.documents.latex import carousel_math

        return rf"$\displaystyle {carousel_math(self, 3)}$"


def transposed(e):
    """The transpose of a sum of products of linear maps."""
    if e.is_Add:
        return Add(*[transposed(a) for a in e.args])
    if e.is_Mul and not e.is_commutative:
        return Mul(*[a for a in e.args if a.is_commutative], *[transposed(a) for a in reversed(e.args) if not a.is_commutative])
    if e.is_Pow and not e.is_commutative:
        return transposed(e.base) ** e.exp
    if isinstance(e, matrix):
        return matrix(transpose(e.args[0]))
    if isinstance(e, columns):
        return transposed_map(e)
    if isinstance(e, (vector, covector)):
        return (covector if isinstance(e, vector) else vector)(e.args[0])
    return transposed_map(e) if isinstance(e, linear) else e


def _at_step(e, back, derivation):
    """An expression of one step, `back` steps before t, with the time as an index."""
    t = Symbol("t", integer=True)
    indexed = {}
    for s in timed_symbols(e, derivation):
        earlier = back + 1 if isinstance(s, Previous) else back
        indexed[s] = IndexedBase(getattr(s, "state", s).name)[t - earlier]
    return e.xreplace(indexed)


def timed_symbols(e, derivation):
    """The symbols of an expression that have a value at every step."""
    once = {r.target for r in derivation.forward if r.once}
    return {s for s in e.free_symbols if not (isinstance(s, (Param, Constant, Hole)) or s in once or s.is_integer)}
