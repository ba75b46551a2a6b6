"""What the operators of a document mean: a sentence for each that it uses, and for no other."""

from sympy import Gt, Heaviside, Integer, Mod, Piecewise, S, preorder_traversal

from symcell.derivation.maps import columns, covector, diag, linear, matrix, transposed_map, vector
from symcell.documents.article import Math
from symcell.documents.nodes import B, Held, LargestEntry, Letter, Norm, Steps, SumOver, T, Transposed, b, t
from symcell.language.activations import stop_gradient
from symcell.language.primitives import (
    Along,
    across,
    broadcast,
    chunk,
    concat,
    contract,
    cumsum,
    divide,
    dot,
    each,
    fill,
    flat,
    fold,
    mean,
    merge,
    outer,
    part,
    place,
    repeat,
    reshape,
    softmax,
    swap,
    total,
    transpose,
    variance,
)
from symcell.language.primitives.blocks import block_diagonal, diagonal_blocks
from symcell.language.primitives.layout import unflat
from symcell.language.primitives.scans import cumsum_back
from symcell.language.unit import Slope, Unit

n, m = Letter("n", integer=True), Letter("m", integer=True)
u, v, A = Letter("u", "a", "p", shape=(n,)), Letter("v", "w", "q", shape=(n,)), Letter("A", "G", "H", shape=(m, n))


def glossary(expressions, shape):
    """(what was used, parts of a sentence) for every operator in some expressions, in a fixed order."""
    used = {}
    for e in expressions:
        for a in preorder_traversal(e):
            for kind in _kinds(a, shape):
                used.setdefault(kind, a)
    order = [*_MEANINGS]
    known = sorted((kind for kind in used if kind in _MEANINGS), key=order.index)
    functions = sorted((kind for kind in used if kind not in _MEANINGS), key=str)
    return [(kind, _MEANINGS[kind](used[kind])) for kind in known] + [(kind, _function(used[kind], used)) for kind in functions]


def _kinds(e, shape):
    """What needs an explanation in one expression, without its parts."""
    if e.is_Mul and e.is_commutative and sum(bool(shape(a)) for a in e.args) > 1:
        yield "elementwise"
    if isinstance(e, diag):
        yield "identity" if e.args[0] == 1 else diag
    elif isinstance(e, (vector, covector)):
        yield from ("ones",) if e.args[0] == 1 else ()
    elif isinstance(e, Heaviside):
        yield "bracket" if e.args[1] == 0 else Heaviside
    elif isinstance(e, Piecewise) and len(e.args) == 2 and {v for v, _ in e.args} <= {Integer(0), Integer(1), Integer(-1)}:
        yield "bracket"
    elif isinstance(e, Along) and not isinstance(e, broadcast):
        yield type(e)
        rank = len(shape(e.args[0]))
        yield from ("each row",) if rank > 1 else ()
        yield from ("axis",) if e.position(rank) != rank - 1 else ()
    elif isinstance(e, broadcast):
        yield "columns" if e.args[1] == 1 else "rows"
    elif isinstance(e, (Transposed, transpose, transposed_map)):
        yield "transpose"
    elif isinstance(e, (divide, each)):
        yield "split"
    elif type(e) in _MEANINGS or isinstance(e, Unit):
        yield type(e)


def _function(e, used):
    """The definition of a function of one unit, in functions that are explained too or that everybody knows."""
    applied = e.func(u, *e.args[1:])
    if isinstance(e, Slope):
        return (Math(applied), " is the derivative")
    definition = applied.elementary()
    while unknown := [f for f in definition.atoms(Unit) if type(f) not in used]:
        definition = definition.xreplace({f: f.elementary() for f in unknown})
    return (Math(applied, "=", definition),)


def _of(operation, words):
    return lambda e: (Math(operation), f" is {words}")


def _as_it_is(words):
    """An operator whose sizes matter is shown as it stands in an equation."""
    return lambda e: (Math(e.func(u, *e.args[1:])), f" is {words}")


_STEP = Piecewise((S.One, Gt(u, 0)), (S.Zero, True))

_MEANINGS = {
    "elementwise": lambda e: (
        "⊙ is the elementwise product; sums, quotients, powers and functions of arrays are elementwise too",
    ),
    outer: _of(outer(u, v), "the outer product, with an entry for each pair of entries"),
    dot: _of(dot(u, v), "the inner product"),
    diag: _of(diag(u), "the linear map that multiplies entry by entry, of matrices too"),
    "identity": _of(diag(S.One), "the identity"),
    "ones": _of(vector(S.One), "the vector of ones"),
    linear: lambda e: ("a bracket around an expression with a dot is the linear map of what stands at the dot",),
    columns: lambda e: (Math(columns(matrix(A), *e.args[1:])), " is the part of the matrix with these columns"),
    total: _of(total(u), "the sum of the entries"),
    mean: _of(mean(u), "the mean of the entries"),
    variance: _of(variance(u), "the mean squared deviation from the mean"),
    softmax: _of(softmax(u), "the vector of the exponentials, divided by their sum"),
    cumsum: _of(cumsum(u), "the vector of running sums"),
    cumsum_back: _of(cumsum_back(u), "the vector of running sums from the end"),
    "each row": lambda e: ("of a matrix, an operator of this kind takes each row by itself",),
    "axis": lambda e: ("with an index, it works along the axis of this number, counted from 0",),
    "columns": lambda e: (Math(broadcast(u, 1)), " is the matrix with this vector in every column"),
    "rows": lambda e: (Math(broadcast(u, 0)), " is the matrix with this vector in every row"),
    fill: lambda e: (Math(fill(u, Integer(1))), " is the array with this number at every entry"),
    concat: _of(concat(u, v), "one vector above the other"),
    part: _as_it_is("the part of the vector with these entries"),
    chunk: _as_it_is("one of the equal parts of the vector"),
    place: _as_it_is("a vector with this part from there on and 0 elsewhere"),
    repeat: _as_it_is("the vector with each entry repeated as often"),
    fold: _as_it_is("the vector of sums of as many neighbours"),
    flat: _of(flat(A), "the vector of the entries of a matrix, row by row"),
    unflat: _as_it_is("the matrix with these entries, row by row"),
    reshape: _as_it_is("the same entries in the same order, in another shape"),
    swap: _as_it_is("the array with two axes exchanged"),
    block_diagonal: _of(block_diagonal(A), "the block-diagonal matrix of the blocks in an array"),
    diagonal_blocks: _as_it_is("the array of the diagonal blocks of a matrix"),
    contract: _of(contract(A, u), "the product that sums over all axes of the first factor but the last"),
    "split": _as_it_is("the vector cut into equal parts or into its entries, one for each head"),
    merge: _as_it_is("the values of all heads, one above the other"),
    across: _as_it_is("the sum over the heads"),
    "bracket": lambda e: (
        Math(_STEP),
        " is 1 where the condition holds and 0 elsewhere",
    ),
    Heaviside: lambda e: (
        Math(Heaviside(u, e.args[1])),
        " is 1 where its argument is positive, 0 where it is negative, and its index where it is 0",
    ),
    Mod: _as_it_is("the remainder"),
    stop_gradient: _of(
        stop_gradient(u), "its argument itself, but no adjoint passes back through it: the gradient is a truncated one"
    ),
    SumOver: lambda e: (Math(SumOver(u, *e.args[1:])), " is the sum over ", *_ranges(e)),
    Held: lambda e: ("an index behind a bar names what is held fixed",),
    Norm: _of(Norm(A), "the largest factor by which a linear map lengthens a vector, in the Euclidean norm"),
    LargestEntry: _of(LargestEntry(u), "the largest absolute value of the entries"),
    "transpose": _of(transpose(A), "the transpose"),
}


def _ranges(e):
    samples = ("all samples ", Math(Steps(1, B, b)))
    steps = ("all steps ", Math(Steps(1, T)))
    return (*steps, *((" and ", *samples) if b in e.args[1:] else ())) if t in e.args[1:] else samples
