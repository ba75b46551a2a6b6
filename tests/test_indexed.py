"""Expressions of arrays as the statements of a program, and these as statements of entries: all have the values that NumPy gives."""

import itertools

import numpy as np
import pytest
from sympy import Float, Integer, Piecewise, Symbol, exp, symbols, tanh

from symcell.interpret import Scope, evaluate
from symcell.language.primitives import (
    Entry,
    across,
    broadcast,
    chunk,
    column,
    concat,
    contract,
    cumsum,
    divide,
    dot,
    fill,
    flat,
    fold,
    identity,
    matmul,
    mean,
    merge,
    outer,
    part,
    place,
    repeat,
    reshape,
    row,
    softmax,
    swap,
    total,
    transpose,
    variance,
)
from symcell.language.primitives.blocks import block_diagonal, diagonal_blocks
from symcell.language.primitives.layout import unflat
from symcell.language.primitives.scans import cumsum_back
from symcell.language.sizes import Dims
from symcell.program.primitives import PRODUCTS, beside, by_entries, columns
from symcell.program.statements import Statements
from symcell.targets.numba.indexed import Indexing

c, u, v, A, S, R = symbols("c u v A S R")
a_h, u_h, A_h, u_g, w = symbols("a_h u_h A_h u_g w")  # for each head, for each group, and the entries of all heads
HEADS, GROUPS = Integer(3), Integer(2)
SHAPES = {c: Dims(), u: Dims((4,)), v: Dims((2,)), A: Dims((4, 2)), S: Dims((4, 4)), R: Dims((3, 4, 2)), w: Dims((12,)),
          a_h: Dims((), (HEADS,)), u_h: Dims((4,), (HEADS,)), A_h: Dims((4, 2), (HEADS,)), u_g: Dims((4,), (GROUPS,))}  # fmt: skip
MAPPED = {q: shape.over for q, shape in SHAPES.items()}
RNG = np.random.default_rng(7)
VALUES = {q: RNG.normal(size=tuple(map(int, shape.whole))) for q, shape in SHAPES.items()}
EXPRESSIONS = [
    total(u), total(A, 0), -total(total(A)), total(total(R, 1), 0), mean(A, 1), variance(u), variance(A, 0) * v, softmax(u),
    softmax(A, 0), cumsum(u), cumsum(A, 0), cumsum_back(A, 1), dot(u, u) * v, matmul(A, v), matmul(transpose(A), u), matmul(S, A),
    matmul(u, u) * v, matmul(R, v), contract(R, matmul(R, v)), outer(u, v), outer(A, v), column(u) * A, row(v) * A,
    concat(u, v, u), part(u, 1, 2), chunk(u, 1, 2), repeat(v, 3), fold(u, 2), flat(A), unflat(u, 2, 2), transpose(A),
    identity(4) - S, identity(4) * column(u), fill(c, 4, 2) * A, block_diagonal(R), diagonal_blocks(S, 2, 2, 2), place(v, 1, 5), columns(A, 1, 1),
    beside(A, S), broadcast(A, 1, 3), exp(column(u) / 2) * A, tanh(total(A, 0)) + v, c * Piecewise((u, u > 0), (total(u), True)),
    a_h * u_h, a_h * u + u_h, total(u_h), softmax(u_h) * a_h, matmul(transpose(A_h), u_h), matmul(S, u_h), outer(u_h, v), column(u_h) * A_h,
    divide(w, HEADS) + u_h, merge(u_h * a_h, HEADS) * w, merge(A_h, HEADS), merge(a_h, HEADS), across(u_h * a_h, HEADS), across(total(A_h, 0), HEADS),
    merge(transpose(A_h), HEADS), u_h * u_g, across(u_h * u_g, HEADS), merge(u_h * u_g, HEADS), merge(merge(u_h * u_g, HEADS), GROUPS),
    merge(u_h + divide(w, HEADS), HEADS) * exp(w), merge(divide(w, HEADS) * total(u_h), HEADS), reshape(divide(w, HEADS), 2, 2), reshape(A, 2, 2, 2),
    swap(R, 0, 2), swap(A_h, 0, 1), reshape(divide(divide(w, HEADS), 4)), divide(A, GROUPS), column(a_h * u) * A, concat(u_h, v), fold(u_h, 2),
]  # fmt: skip


def statements(e):
    """The statements that compute `e` as `target`, and the shapes of all values."""
    made = Statements({q: shape.map(Integer) for q, shape in SHAPES.items()}, set())
    target = made.target = Symbol("target")
    made.shapes[target] = made.shape_of(e)
    made.assign(target, e)
    return made.taken(), made.shapes


def entry(e, values):
    """The number that an expression of entries at numbers is."""
    return float(e.xreplace({a: Float(values[a.args[0]][tuple(map(int, a.args[1:]))]) for a in e.atoms(Entry)}))


def run_by_entries(s, shape, values):
    """What the loops over indices compute: the array that a statement makes."""
    out = np.empty(shape)
    for idx in np.ndindex(*map(int, s.extents)):
        over = [[(k, n) for n in range(int(size))] for k, size in s.over] if not s.op.startswith("scan") else []
        here = dict(zip(s.indices, map(Integer, idx), strict=True))
        turns = [entry(s.expr.xreplace(here | {k: Integer(n) for k, n in turn}), values) for turn in itertools.product(*over)]
        out[tuple(int(k.xreplace(here)) for k in s.position)] = max(turns) if s.op == "max" else sum(turns)
    if not s.op.startswith("scan"):
        return out
    axis = s.indices.index(s.over[0][0])
    return out.cumsum(axis) if s.op == "scan" else np.flip(np.flip(out, axis).cumsum(axis), axis)


def value_of(e, values, shape, over, axes=MAPPED):
    """The value of an expression that has some mapped axes."""
    scope, whole = Scope(dict(values), {**axes, Symbol("whole"): over}), Symbol("whole")
    scope.assign(whole, e, shape)
    return scope.values[whole]


@pytest.mark.parametrize("e", EXPRESSIONS, ids=str)
def test_statements_of_arrays_and_of_entries_compute_an_expression(e):
    made, shapes = statements(e)
    axes = {q: shape.over for q, shape in shapes.items()}
    expected = value_of(e, VALUES, tuple(map(int, shapes[made[-1].target].whole)), axes[made[-1].target])
    arrays, by_index = dict(VALUES), dict(VALUES)
    for s in made:
        shape, indexed = tuple(map(int, shapes[s.target].whole)), Indexing(shapes).statement(s)
        arrays[s.target] = value_of(s.expr, arrays, shape, axes[s.target], axes)
        by_index[s.target] = run_by_entries(indexed, shape, by_index)
        assert set(indexed.sources) <= set(s.sources)
    assert shape == expected.shape
    assert arrays[s.target] == pytest.approx(expected)
    assert by_index[s.target] == pytest.approx(expected)


@pytest.mark.parametrize("e", [e for e in EXPRESSIONS if isinstance(e, PRODUCTS) and not e.free_symbols & {u_h, A_h}], ids=str)
def test_products_written_out_by_entries(e):
    _, shapes = statements(e)
    written, axes = by_entries(e, Statements(shapes, set()).shape_of)
    for axis in axes:
        written = total(written, axis)
    assert evaluate(written, VALUES) == pytest.approx(evaluate(e, VALUES))


def test_reductions_are_statements_of_their_own_once_each():
    made, _ = statements(variance(u) + mean(u) + total(total(A)))
    assert [str(s) for s in made] == [
        "sum_target = total(u, -1)",
        "sum_target_2 = total(-sum_target/4 + u, -1)",
        "sum_target_3 = total((-sum_target/4 - sum_target_2/4 + u)**2, -1)",
        "sum_target_4 = total(total(A, -1), -1)",
        "target = sum_target/4 + sum_target_3/4 + sum_target_4",
    ]
