"""The rules of differentiation: what an adjoint passes on to the arguments of every operation, with a proof of one line.

Everything here follows from the operations themselves: the adjoints are those that derivations use, the differentials those of the
tangent equations. Tests compare the two in numbers."""

from dataclasses import replace

from sympy import Integer, log

from symcell.derivation.reverse import leaves, pull_back
from symcell.documents.article import Equations, Line, Math, Paragraph, Section
from symcell.documents.nodes import DifferentialOf, Inner, L, Letter, Terms, shape_in_document
from symcell.documents.sums import as_written
from symcell.language.primitives import (
    Primitive,
    broadcast,
    concat,
    cumsum,
    divide,
    dot,
    fill,
    flat,
    matmul,
    mean,
    merge,
    outer,
    part,
    repeat,
    softmax,
    total,
    transpose,
    variance,
)
from symcell.language.primitives.blocks import block_diagonal
from symcell.language.sizes import Dims
from symcell.language.slopes import partial
from symcell.language.symbols import Adjoint
from symcell.language.unit import Slope, Unit

n, m, k, heads = (Letter(name, integer=True, positive=True) for name in ("n", "m", "k", "H"))


class f(Unit):
    """Any differentiable function of one unit."""

    def elementary(self):
        return log(1 + self.args[0] ** 2)

    def fdiff(self, argindex=1):
        return f_slope(self.args[0])


class f_slope(Slope):
    """Its derivative."""

    def elementary(self):
        return 2 * self.args[0] / (1 + self.args[0] ** 2)


def _vector(letters, size=n, over=()):
    return Letter(*letters, shape=Dims((size,), over))


u, v, w, q = _vector("ux"), _vector("vz"), _vector("wr", m), _vector("qh", n, (heads,))
a, W, A, R = Letter("a", "c"), *[Letter(*letters, shape=shape) for letters, shape in (("WM", (m, n)), ("AC", (m, n)), ("RK", (k, m, n)))]

# The name of a rule -> the operations that show it.
EXAMPLES = {
    "sum rule": [u + v],
    "product rule": [u * v],
    "chain rule": [f(u)],
    "matrix product": [matmul(W, u)],
    "inner product": [dot(u, v)],
    "outer product": [outer(u, w)],
    "transposition": [transpose(A)],
    "sum": [total(u)],
    "mean": [mean(u)],
    "variance": [variance(u)],
    "broadcast": [fill(a, n), broadcast(u, 1, m)],
    "softmax": [softmax(u)],
    "running sum": [cumsum(u)],
    "concatenation": [concat(u, w)],
    "slice": [part(_vector("vz", n + m), n, m)],
    "repetition": [repeat(u, k)],
    "reshaping": [flat(A)],
    "split": [divide(_vector("vz", heads * n), heads)],
    "merge": [merge(q, heads)],
    "block diagonal": [block_diagonal(R)],
}


class Shapes:
    """The shapes of expressions in letters alone, as a derivation gives them."""

    @staticmethod
    def shape(e):
        return shape_in_document(e, None)


def rules_section(used):
    """The rules of these names, in a fixed order."""
    blocks = [block for name, examples in EXAMPLES.items() if name in used for e in examples for block in _rule(name, e)]
    entropy = _cross_entropy() if "softmax" in used else ()
    return Section("rules", ("Rules",), (_introduction(), *blocks, *entropy))


def _introduction():
    y, x = result(u), u
    return Paragraph((
        "Where ", Math(y), " is computed from ", Math(x), " and from nothing else on which the loss depends, the differential of the loss is ",
        Math(DifferentialOf(L), "=", Inner(Adjoint(y), DifferentialOf(y))), ", the sum of the products of all entries. Brought into the form ",
        Math(Inner(Adjoint(x), DifferentialOf(x))), ", it shows the adjoint of ", Math(x), " as the factor of its differential.",
    ))  # fmt: skip


def result(e):
    """The letter y for the value of an expression, of the same shape."""
    return Letter("y", shape=Shapes.shape(e))


def arguments(e):
    return list(dict.fromkeys(leaf for part in (e.args if isinstance(e, Primitive) else [e]) for leaf in leaves(part) if not leaf.is_integer))


def adjoints(e):
    """argument -> its adjoint, by the rule that derivations use."""
    y = result(e)
    return {leaf: as_written(bar).xreplace({e: y}) for leaf, bar, _ in pull_back(e, Adjoint(y), Shapes)}


def differentials(e):
    """argument -> its term in the differential of an expression."""
    known = {e: result(e)}
    if isinstance(e, Primitive):
        places = [n for n, argument in enumerate(e.args) if argument in arguments(e)]
        return {e.args[n]: e.tangent(n, DifferentialOf(e.args[n]), Shapes.shape).xreplace(known) for n in places}
    return {leaf: partial(e, leaf) * DifferentialOf(leaf) for leaf in arguments(e)}


def _rule(name, e):
    """An operation, the adjoints of its arguments, and why."""
    y, key = result(e), f"rule-{name.replace(' ', '-')}-{type(e).__name__}"
    bars, parts = adjoints(e), differentials(e)
    stated = [Line(key, y, e), *[Line(f"{key}-{x.name}", Adjoint(x), bar) for x, bar in bars.items()]]
    proof = [
        Line(f"{key}-d", DifferentialOf(y), Terms(*parts.values()) if len(parts) > 1 else next(iter(parts.values()))),
        *[
            Line(f"{key}-d{x.name}", Inner(Adjoint(y), part), Inner(bars[x], DifferentialOf(x)))
            for x, part in parts.items() if part != DifferentialOf(x)
        ],
    ]
    return Paragraph((f"{name.capitalize()}:",)), _unnumbered(stated), Paragraph(("because",)), _unnumbered(proof)


def _unnumbered(lines):
    return Equations(tuple(replace(line, numbered=False) for line in lines))


def _cross_entropy():
    """Softmax together with the loss that mostly follows it."""
    y, p = result(u), _vector("pd")
    bar = y * (Adjoint(y) - dot(Adjoint(y), y))
    lines = [Line("rule-cross-entropy", L, -dot(p, log(y))), Line("rule-cross-entropy-u", Adjoint(u), Terms(y, -p))]
    proof = (
        "because ", Math(Adjoint(y), "=", -p / y), ", so that ", Math(Adjoint(u), "=", bar), " = ", Math(Terms(-p, y * total(p))), " = ",
        Math(Terms(y, -p)), ", because the entries of ", Math(p), " add up to ", Math(Integer(1)), ".",
    )  # fmt: skip
    words = ("Softmax with cross-entropy, for ", Math(y, "=", softmax(u)), " and a distribution ", Math(p), " as the target:")
    return Paragraph(words), _unnumbered(lines), Paragraph(proof)
