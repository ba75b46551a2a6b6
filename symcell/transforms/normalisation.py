"""Layer normalisation of what a cell's nonlinearities take, or of a quantity."""

from sympy import Add, Expr, Mul, Piecewise, Rational, Symbol, sqrt
from sympy.core.function import Application

from symcell.cell import Cell
from symcell.language.primitives import Primitive, matmul, mean, ordered_args, softmax, variance
from symcell.language.sizes import shape_text
from symcell.language.symbols import Param, State
from symcell.transforms.draft import Draft, Quantities

_EPSILON = Rational(1, 10**5)


def layer_norm(cell: Cell, on: Quantities | None = None, apart: bool = False, name: str | None = None) -> Cell:
    """Layer normalisation, with a gain g and a bias b for each unit: g * (z - mean(z)) / sqrt(variance(z) + 1e-5) + b.

    on: None, the pre-activations: every vector inside a nonlinearity that is a sum of matrix products. Its own biases stay
    outside, and are b; where it has none, b is new. Or an intermediate, or several, whose definition is such a sum. Or a state,
    whose value is normalised where the same step reads it, and carried as it is: `on="c"` for an LSTM.
    apart: normalise each matrix product of a sum by itself, each with its own gain.

    A gain is named after the sum's bias (g_i for b_i) or else its equation, or after a product's weight (g_W_i). Raises CellError
    where there is nothing to normalise. Source: Ba, Kiros, Hinton, arXiv:1607.06450; their LSTM has both, with apart=True."""
    draft = Draft(cell, "layer_norm", "Ba, Kiros, Hinton, arXiv:1607.06450")
    norm = _Norm(draft, apart)
    if on is None:
        normed = [(target, norm.inside(target, rhs)) for target, rhs in draft.pairs]
        if normed == draft.pairs:
            raise draft.error(_nothing_found(draft))
        draft.pairs = normed
        return draft.finished(name)
    targets = [target for target, _ in draft.pairs]
    for q in draft.quantities(on, "states and intermediates of the cell", targets):
        if len(draft.dims(q)) != 1:
            raise draft.error(f"takes vectors, found {q} of shape {shape_text(draft.dims(q))}")
        (norm.state if isinstance(q, State) else norm.intermediate)(q)
    return draft.finished(name)


class _Norm:
    """Writes normalisations into a draft."""

    def __init__(self, draft: Draft, apart: bool) -> None:
        self.draft, self.apart = draft, apart

    def vector(self, name: str, over: tuple[Expr, ...]) -> Param:
        """A parameter for each unit of what has these mapped axes."""
        return Param(self.draft.fresh(name), over=over)

    def scaled(self, e: Expr, name: str, over: tuple[Expr, ...]) -> Expr:
        return self.vector(f"g_{name}", over) * ((e - mean(e)) / sqrt(variance(e) + _EPSILON))

    def sum(self, e: Expr, target: Symbol, over: tuple[Expr, ...]) -> Expr:
        """A sum of products with these mapped axes, normalised; the biases among its terms stay outside."""
        biases = [a for a in Add.make_args(e) if isinstance(a.as_coeff_Mul()[1], Param)]
        rest = e - Add(*biases)
        named = [b.name[2:] for b in biases if isinstance(b, Param) and b.name.startswith("b_")]
        name = named[0] if named else str(target)
        if self.apart:
            products = sorted(_products(rest), key=lambda a: str(a.args[0]))
            normed = rest.xreplace({a: self.scaled(a, getattr(a.args[0], "name", name), over) for a in products})
        else:
            normed = self.scaled(rest, name, over)
        return normed + (Add(*biases) if biases else self.vector(f"b_{name}", over))

    def inside(self, target: Symbol, e: Expr) -> Expr:
        """An expression in which every pre-activation is normalised, inner ones first."""
        args = ordered_args(e)
        normed = [self.inside(target, a) for a in args]
        if _is_nonlinearity(e):
            normed = [
                self.sum(b, target, self.draft.dims(a).over) if _products(a) and len(self.draft.dims(a)) == 1 else b
                for a, b in zip(args, normed, strict=True)
            ]
        return e if normed == list(args) else e.func(*normed)

    def intermediate(self, q: Symbol) -> None:
        draft = self.draft
        if not _products(dict(draft.pairs)[q]):
            raise draft.error(f"takes an intermediate that is a sum of matrix products, found {q} = {dict(draft.pairs)[q]}")
        draft.pairs = [(target, self.sum(rhs, q, draft.dims(q).over) if target == q else rhs) for target, rhs in draft.pairs]

    def state(self, s: State) -> None:
        draft = self.draft
        if not any(s in rhs.free_symbols for _, rhs in draft.pairs):
            raise draft.error(f"normalises a state where its step reads it, and no equation reads {s}")
        normed = Symbol(draft.fresh(f"{s}_norm"))
        draft.replace({s: normed})
        k, over = [target for target, _ in draft.pairs].index(s), draft.dims(s).over
        draft.pairs.insert(k + 1, (normed, self.scaled(s, str(s), over) + self.vector(f"b_{s}", over)))


def _is_nonlinearity(e: Expr) -> bool:
    return isinstance(e, softmax) or (isinstance(e, Application) and not isinstance(e, (Primitive, Piecewise)))


def _products(e: Expr) -> list[Expr]:
    """The matrix products that a sum is made of: in its terms and their factors, but inside nothing else."""
    if isinstance(e, (Add, Mul)):
        return [product for a in e.args for product in _products(a)]
    return [e] if isinstance(e, matmul) else []


def _nothing_found(draft: Draft) -> str:
    read = {q for _, rhs in draft.pairs for q in rhs.free_symbols}
    vectors = [(target, rhs) for target, rhs in draft.pairs if len(draft.dims(target)) == 1]
    named = [str(q) for q, rhs in vectors if (q in read if isinstance(q, State) else _products(rhs))]
    hint = f"; on= takes one of {', '.join(named)}" if named else ""
    return f"needs a nonlinearity of a sum of matrix products, such as tanh(W @ x + b), and found none{hint}"
