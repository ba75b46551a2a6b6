"""Layer normalisation of what a cell's nonlinearities take, or of a quantity."""

from sympy import Add, Expr, Mul, Piecewise, Rational, Symbol, sqrt
from sympy.core.function import Application

from symcell.cell import Cell
from symcell.language.primitives import Primitive, matmul, mean, softmax, variance
from symcell.language.symbols import Param, State
from symcell.transforms.draft import Draft, Quantities

_EPSILON = Rational(1, 10**5)


def layer_norm(cell: Cell, on: Quantities | None = None, apart: bool = False, name: str | None = None) -> Cell:
    """Layer normalisation, with a gain g and a bias b for each unit: g * (z - mean(z)) / sqrt(variance(z) + 1e-5) + b.

    on: None, the pre-activations: every vector inside a nonlinearity that is a sum of matrix products. Its own biases stay
    outside, and are b; where it has none, b is new. Or an intermediate, or several, whose definition is such a sum. Or a state,
    whose value is normalised where the same step reads it, and carried as it is: `on="c"` for an LSTM.
    apart: normalise each matrix product of a sum by itself, each with its own gain.

    The parameters are named after the equation (g_i, b_i), or after a product's weight (g_W_i). Raises CellError where there is
    nothing to normalise. Source: Ba, Kiros, Hinton, arXiv:1607.06450; their LSTM has both, `apart` for its gates."""
    draft = Draft(cell, "layer_norm", "Ba, Kiros, Hinton, arXiv:1607.06450")
    norm = _Norm(draft, apart)
    if on is None:
        draft.pairs = [(target, norm.inside(target, rhs)) for target, rhs in draft.pairs]
        if not norm.count:
            raise draft.error(_nothing_found(draft))
        return draft.finished(name)
    targets = [target for target, _ in draft.pairs]
    for q in draft.quantities(on, "states and intermediates of the cell", targets):
        if len(cell.shape(q)) != 1:
            raise draft.error(f"takes vectors, found {q} of shape {cell.shape(q)}")
        (norm.state if isinstance(q, State) else norm.intermediate)(q)
    return draft.finished(name)


class _Norm:
    """Writes normalisations into a draft, and counts them."""

    def __init__(self, draft: Draft, apart: bool) -> None:
        self.draft, self.apart, self.count = draft, apart, 0

    def vector(self, name: str) -> Param:
        return Param(self.draft.fresh(name))

    def scaled(self, e: Expr, name: str) -> Expr:
        self.count += 1
        return self.vector(f"g_{name}") * ((e - mean(e)) / sqrt(variance(e) + _EPSILON))

    def sum(self, e: Expr, target: Symbol) -> Expr:
        """A sum of products, normalised; the biases among its terms stay outside."""
        biases = [a for a in Add.make_args(e) if isinstance(a.as_coeff_Mul()[1], Param)]
        rest = e - Add(*biases)
        if self.apart:
            products = sorted(_products(rest), key=lambda a: str(a.args[0]))
            normed = rest.xreplace({a: self.scaled(a, _name_of_weight(a, target)) for a in products})
        else:
            normed = self.scaled(rest, str(target))
        return normed + (Add(*biases) if biases else self.vector(f"b_{target}"))

    def inside(self, target: Symbol, e: Expr) -> Expr:
        """An expression in which every pre-activation is normalised, inner ones first."""
        if not e.args:
            return e
        normed = [self.inside(target, a) for a in e.args]
        if _is_nonlinearity(e):
            normed = [
                self.sum(b, target) if _products(a) and len(self.draft.cell.shape(a)) == 1 else b
                for a, b in zip(e.args, normed, strict=True)
            ]
        return e if tuple(normed) == e.args else e.func(*normed)

    def intermediate(self, q: Symbol) -> None:
        draft = self.draft
        if not _products(dict(draft.pairs)[q]):
            raise draft.error(f"takes an intermediate that is a sum of matrix products, found {q} = {dict(draft.pairs)[q]}")
        draft.pairs = [(target, self.sum(rhs, q) if target == q else rhs) for target, rhs in draft.pairs]

    def state(self, s: State) -> None:
        draft = self.draft
        if not any(s in rhs.free_symbols for _, rhs in draft.pairs):
            raise draft.error(f"normalises a state where its step reads it, and no equation reads {s}")
        normed = Symbol(draft.fresh(f"{s}_norm"))
        draft.replace({s: normed})
        k = [target for target, _ in draft.pairs].index(s)
        draft.pairs.insert(k + 1, (normed, self.scaled(s, str(s)) + self.vector(f"b_{s}")))


def _is_nonlinearity(e: Expr) -> bool:
    return isinstance(e, softmax) or (isinstance(e, Application) and not isinstance(e, (Primitive, Piecewise)))


def _products(e: Expr) -> list[Expr]:
    """The matrix products that a sum is made of: in its terms and their factors, but inside nothing else."""
    if isinstance(e, (Add, Mul)):
        return [product for a in e.args for product in _products(a)]
    return [e] if isinstance(e, matmul) else []


def _name_of_weight(product: Expr, target: Symbol) -> str:
    weight = product.args[0]
    return weight.name if isinstance(weight, Param) else str(target)


def _nothing_found(draft: Draft) -> str:
    sums = [str(t) for t, rhs in draft.pairs if _products(rhs) and len(draft.cell.shape(t)) == 1 and not isinstance(t, State)]
    hint = f"; on={sums} names those that have an equation of their own" if sums else '; on="h" normalises a state'
    return f"needs a nonlinearity of a sum of matrix products, such as tanh(W @ x + b), and found none{hint}"
