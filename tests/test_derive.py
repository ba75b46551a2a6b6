"""Derivations: step Jacobians, carousels, the adjoint rows with their rules, and derivatives at kinks."""

import re

import numpy as np
import pytest
from support.processes import run_python
from sympy import (
    Abs,
    Add,
    Eq,
    Heaviside,
    IndexedBase,
    Max,
    Min,
    Mod,
    Mul,
    Piecewise,
    Rational,
    S,
    Symbol,
    ceiling,
    floor,
    sign,
    tanh,
)

from symcell import (
    Cell,
    CellError,
    Constant,
    Input,
    Param,
    State,
    affine,
    cells,
    column,
    concat,
    cumsum,
    dot,
    hard_sigmoid,
    leaky_relu,
    matmul,
    mean,
    outer,
    relu,
    repeat,
    sigmoid,
    silu,
    softmax,
    softplus,
    stop_gradient,
    total,
    variance,
)
from symcell.derivation.maps import diag, matrix
from symcell.derivation.reverse import ZEROS
from symcell.interpret import run
from symcell.language.slopes import partial
from symcell.language.symbols import Adjoint

x, y, h, c = Input("x"), Input("y"), State("h"), State("c")
a, f, g, i, n, o, r, u, z = map(Symbol, "afginoruz")
t = Symbol("t", integer=True)


def U(gate):
    return matrix(Param(f"U_{gate}"))


def jacobian(name, new, prev):
    """The Jacobian of a published cell, its states given by name."""
    states = {s.name: s for s in cells.get(name).states}
    return cells.get(name).jacobian(states[new], states[prev].prev)


def state(name, of):
    return next(s for s in cells.get(name).states if s.name == of)


# Step Jacobians.


def test_the_error_carousel_is_exactly_the_forget_gate():
    assert jacobian("lstm", "c", "c") == f
    assert jacobian("lstm_concat", "c", "c") == f


def test_the_lstm_of_1997_has_a_carousel_of_exactly_one():
    assert jacobian("lstm_1997", "c", "c") == 1
    assert jacobian("lstm_1997", "c", "c") is S.One


def test_an_lstm_declared_on_the_spot():
    cell = Cell("mine", [
        Eq(i, sigmoid(affine(x, h.prev))),
        Eq(f, sigmoid(affine(x, h.prev))),
        Eq(g, tanh(affine(x, h.prev))),
        Eq(o, sigmoid(affine(x, h.prev))),
        Eq(c, f * c.prev + i * g),
        Eq(h, o * tanh(c)),
    ])  # fmt: skip
    assert cell.jacobian(c, c.prev) == f
    assert cell.jacobian(h, c.prev) == f * o * (1 - tanh(c) ** 2)
    through_gates = diag(i * (1 - g**2)) * U("g") + diag(c.prev * f * (1 - f)) * U("f") + diag(g * i * (1 - i)) * U("i")
    assert cell.jacobian(c, h.prev) == through_gates


def test_peepholes_add_further_terms():
    p_f, p_i, c_prev = Param("p_f"), Param("p_i"), state("peephole_lstm", "c").prev
    assert jacobian("peephole_lstm", "c", "c") == f + p_f * c_prev * f * (1 - f) + p_i * g * i * (1 - i)
    assert jacobian("cifg_lstm", "c", "c").expand() == (f + p_i * i * (1 - i) * (g - c_prev)).expand()


def test_a_vanilla_rnn_multiplies_by_its_matrix():
    s = state("rnn", "a")
    assert jacobian("rnn", "a", "a") == diag(1 - s**2) * U("a")
    assert jacobian("rnn_readout", "a", "a") == diag(1 - s**2) * U("a")
    assert jacobian("rnn_readout", "a", "y") == jacobian("rnn_readout", "y", "y") == 0
    assert jacobian("scalar_rnn", "a", "a") == Param("w", ())


def test_the_gru_is_not_a_pure_gate():
    c_prev = state("gru", "c").prev
    assert jacobian("gru", "c", "c") == Add(
        diag(1 - i),
        diag(i * (1 - i) * (g - c_prev)) * U("i"),
        diag(i * (1 - g**2)) * U("g") * diag(r),
        diag(i * (1 - g**2)) * U("g") * diag(c_prev * r * (1 - r)) * U("r"),
    )
    assert jacobian("gru_one_gate", "c", "c") == Add(
        diag(1 - u), diag(u * (1 - u) * (g - state("gru_one_gate", "c").prev)) * U("u"), diag(u * (1 - g**2)) * U("g"),
    )  # fmt: skip


def test_a_reset_after_the_product():
    h_prev, z_n = state("gru_reset_after", "h").prev, Symbol("z_n")
    terms = jacobian("gru_reset_after", "h", "h")
    assert terms.coeff(U("z")) == diag(z * (1 - z) * (h_prev - n))
    assert terms.coeff(U("n")) == diag(r * (1 - n**2) * (1 - z))
    assert terms.coeff(U("r")) == diag(r * z_n * (1 - n**2) * (1 - r) * (1 - z))
    assert terms.has(diag(z))


INLINE = {
    "a sum": (Eq(h, 2 * h.prev + x), 2),
    "a difference": (Eq(h, x - h.prev), -1),
    "nothing": (Eq(h, tanh(affine(x))), 0),
    "stopped": (Eq(h, x + stop_gradient(h.prev)), 0),
    "flat": (Eq(h, x + sign(h.prev) + floor(h.prev)), 0),
    "a parameter": (Eq(h, x + Param("p") * h.prev), Param("p")),
    "a constant": (Eq(h, x + Constant("k") * h.prev), Constant("k")),
    "an input": (Eq(h, x * h.prev), x),
    "a square": (Eq(h, x + h.prev**2), 2 * h.prev),
    "a kink": (Eq(h, x + Abs(h.prev)), sign(h.prev)),
    "an activation of a product": (Eq(h, sigmoid(affine(x, h.prev))), diag(h * (1 - h)) * U("h")),
    "a product of an activation": (Eq(h, Param("W") @ tanh(h.prev) + x), matrix(Param("W")) * diag(1 - Symbol("v_h") ** 2)),
    "two products": (Eq(h, Param("W") @ (Param("V") @ h.prev) + x), matrix(Param("W")) * matrix(Param("V"))),
}


@pytest.mark.parametrize("equation, expected", INLINE.values(), ids=INLINE)
def test_jacobians_of_one_equation(equation, expected):
    assert Cell("toy", [equation]).jacobian(h, h.prev) == expected


def test_a_chain_within_a_step():
    cell = Cell("toy", [Eq(z, tanh(affine(x, h.prev))), Eq(a, tanh(Param("V") @ z + h.prev)), Eq(h, a * z)])
    V = matrix(Param("V"))
    assert cell.jacobian(h, h.prev) == Add(
        diag(a * (1 - z**2)) * U("z"), diag(z * (1 - a**2)), diag(z * (1 - a**2)) * V * diag(1 - z**2) * U("z"),
    )  # fmt: skip


def test_a_new_state_read_later_in_the_step():
    cell = Cell("toy", [Eq(c, c.prev / 2 + x), Eq(h, c * h.prev)])
    assert cell.jacobian(h, c.prev) == h.prev / 2
    assert cell.jacobian(h, h.prev) == c
    assert cell.jacobian(c, h.prev) == 0


# The carousel.


@pytest.mark.parametrize("k", [0, 1, 2, 5, 20])
def test_carousels_over_many_steps(k):
    gates = IndexedBase("f")
    assert cells.lstm.carousel(state("lstm", "c")).product(k) == Mul(*[gates[t - j] for j in range(k)])
    assert cells.lstm_1997.carousel(state("lstm_1997", "c")).product(k) == 1
    s, w = IndexedBase("a"), Param("w", ())
    assert cells.scalar_rnn.carousel(state("scalar_rnn", "a")).product(k) == w**k
    factors = [diag(1 - s[t - j] ** 2) * U("a") for j in range(k)]
    assert cells.rnn.carousel(state("rnn", "a")).product(k) == Mul(*factors)


def test_the_peephole_carousel_reads_the_state_before():
    f_, c_ = IndexedBase("f"), IndexedBase("c")
    factors = cells.peephole_lstm.carousel(state("peephole_lstm", "c")).product(2).args
    latest, earlier = sorted(factors, key=lambda factor: not factor.has(f_[t]))
    assert latest.has(c_[t - 1]) and not latest.has(c_[t - 2]) and not latest.has(f_[t - 1])
    assert earlier.has(c_[t - 2]) and earlier.has(f_[t - 1]) and not earlier.has(c_[t - 1])


@pytest.mark.parametrize("k", [-1, 2.5, Rational(1, 2), "a", None, Symbol("k"), True])
def test_steps_are_counted(k):
    with pytest.raises(CellError, match="number of steps"):
        cells.lstm.carousel(state("lstm", "c")).product(k)


def test_a_text_for_a_number_of_steps_is_not_executed(tmp_path):
    with pytest.raises(CellError, match="number of steps"):
        cells.lstm.carousel(state("lstm", "c")).product(f"open({str(tmp_path / 'executed')!r}, 'w').close() or 1")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("of", "found"), [
    (f, "the intermediate f"),
    (x, "the input x"),
    (State("q"), "the state q"),
    (State("c", "n_q"), "the state c of shape (n_q,)"),
    ("q", "'q'"),
    ("c_prev", "'c_prev'"),
    (None, "None"),
])  # fmt: skip
def test_only_a_state_has_a_carousel(of, found):
    with pytest.raises(CellError, match=f"^{re.escape(f'cell lstm: a carousel is of one of the states c, h; found {found}')}$"):
        cells.lstm.carousel(of)


def test_states_by_their_names():
    lstm, (c, h) = cells.lstm, cells.lstm.states
    assert lstm.carousel("c") == lstm.carousel(c)
    assert lstm.carousel("c").factor == f
    assert lstm.jacobian("c", "c_prev") == lstm.jacobian("c", "c.prev") == lstm.jacobian(c, "c.prev") == f
    assert lstm.derive().jacobian("h", "c_prev") == lstm.jacobian(h, c.prev)


@pytest.mark.parametrize(("new", "prev", "why"), [
    ("q", "c_prev", "a Jacobian's numerator is one of the states c, h; found 'q'"),
    (f, "c_prev", "a Jacobian's numerator is one of the states c, h; found the intermediate f"),
    ("c", "c", "a Jacobian's denominator is one of the previous states c_prev, h_prev; found 'c'"),
    ("c", "q_prev", "a Jacobian's denominator is one of the previous states c_prev, h_prev; found 'q_prev'"),
    ("c", state("lstm", "c"), "a Jacobian's denominator is one of the previous states c_prev, h_prev; found the state c"),
    ("c", State("other").prev, "a Jacobian's denominator is one of the previous states c_prev, h_prev; found the previous state other.prev"),
])  # fmt: skip
def test_what_a_jacobian_is_not_of(new, prev, why):
    with pytest.raises(CellError, match=re.escape(f"cell lstm: {why}")):
        cells.lstm.jacobian(new, prev)


def test_the_product_is_what_backpropagation_through_time_computes():
    """Four steps of a vanilla RNN: dL/da_0 is the transposed product of the factors, applied to dL/da_4."""
    random = np.random.default_rng(0)
    sizes = {"U_a": (5, 5), "W_a": (5, 3), "b_a": (5,)}
    params = {name: random.normal(size=shape) / 2 for name, shape in sizes.items()}
    inputs, start, direction = random.normal(size=(4, 1, 3)), random.normal(size=(1, 5)), random.normal(size=5)
    states = run(cells.rnn, params, {"x": inputs}, {"a": start})["a"][:, 0]
    product = cells.rnn.carousel(state("rnn", "a")).product(4)
    values = {IndexedBase("a")[t - j]: states[3 - j] for j in range(4)}
    moved = direction
    for factor in reversed(product.args):
        if isinstance(factor, matrix):
            moved = params["U_a"] @ moved
        else:
            at = next(q for q in values if factor.has(q))
            assert factor == diag(1 - at**2)
            moved = (1 - values[at] ** 2) * moved
    found = run(cells.rnn, params, {"x": inputs}, {"a": start + 1e-50j * direction})["a"][3, 0].imag / 1e-50
    np.testing.assert_allclose(found, moved, rtol=1e-12)


# Adjoint rows.


def rows(cell):
    """target -> [(expression, rule, equation)], as text."""
    return {r.target.name: [(str(term.expr), term.rule, term.equation) for term in r.terms] for r in cell.derive().adjoint}


def test_the_adjoints_of_the_lstm():
    found = rows(cells.lstm)
    gates = ("i", "f", "g", "o")
    assert found["dh"] == [("dh_cotangent", "given", 6), ("dh_carried", "carried back from the next step", 6)]
    assert found["dc"] == [
        ("dc_cotangent", "given", 5),
        ("dc_carried", "carried back from the next step", 5),
        ("dh*o*(1 - tanh(c)**2)", "chain rule", 6),
    ]
    assert found["do"] == [("dh*tanh(c)", "product rule", 6)]
    assert found["df"] == [("dc*c_prev", "product rule", 5)]
    assert found["dz_f"] == [("df*f*(1 - f)", "chain rule", 2)]
    assert found["dz_g"] == [("dg*(1 - g**2)", "chain rule", 3)]
    assert found["dc_prev"] == [("dc*f", "product rule", 5)]
    for target, letter in (("dh_prev", "U"), ("dx", "W")):
        assert found[target] == [
            (f"matmul(transpose({letter}_{gate}), dz_{gate})", "matrix product", k) for k, gate in enumerate(gates, 1)
        ]
    for k, gate in enumerate(gates, 1):
        assert found[f"dW_{gate}"] == [(f"outer(dz_{gate}, x)", "matrix product", k)]
        assert found[f"dU_{gate}"] == [(f"outer(dz_{gate}, h_prev)", "matrix product", k)]
        assert found[f"db_{gate}"] == [(f"dz_{gate}", "sum rule", k)]
    assert len(found) == 2 + 8 + 2 + 1 + 12


def test_a_peephole_is_a_term_more():
    found = rows(cells.peephole_lstm)
    assert ("dz_o*p_o", "product rule", 5) in found["dc"]
    assert ("dz_f*p_f", "product rule", 2) in found["dc_prev"]
    assert found["dp_o"] == [("dz_o*c", "product rule", 5)]
    assert found["dp_i"] == [("dz_i*c_prev", "product rule", 1)]


def rules_of(*equations, **options):
    return {name: [rule for _, rule, _ in terms] for name, terms in rows(Cell("toy", equations, **options)).items()}


RULES = {
    "matrix product": Eq(h, Param("W") @ x),
    "inner product": Eq(h, dot(x, Param("v")) * h.prev),
    "outer product": Eq(State("M", ("n_m", "n_x")), outer(Param("v"), x)),
    "softmax": Eq(h, softmax(x)),
    "sum": Eq(h, total(x) * h.prev),
    "mean": Eq(h, mean(x) * h.prev),
    "variance": Eq(h, variance(x) * h.prev),
    "running sum": Eq(h, cumsum(x)),
    "broadcast": Eq(State("M", ("n_m", "n_k")), State("M", ("n_m", "n_k")).prev + column(x)),
    "concatenation": Eq(h, Param("W") @ concat(x, h.prev)),
    "repetition": Eq(h, repeat(x, 2)),
    "chain rule": Eq(h, tanh(x)),
    "product rule": Eq(h, x * h.prev),
    "sum rule": Eq(h, x + h.prev),
}


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_has_its_name(rule):
    assert rule in rules_of(RULES[rule])["dx"]


@pytest.mark.parametrize(("rhs", "rule"), [
    (y * tanh(x), "chain rule"),
    (x * tanh(y), "product rule"),
    (x * sigmoid(x), "chain rule"),
    (x + tanh(y), "sum rule"),
    (y - x / 2, "sum rule"),
    (x**2 + y, "product rule"),
    (y / x, "chain rule"),
    (tanh(y) * (1 - x), "product rule"),
    (y * Max(x, 0), "chain rule"),
    (x * floor(x), "product rule"),
])  # fmt: skip
def test_a_rule_is_named_for_where_the_quantity_stands(rhs, rule):
    assert rules_of(Eq(h, rhs))["dx"] == [rule]


def test_a_transpose_of_a_value():
    M = State("M", ("n_m", "n_k"))
    found = rows(Cell("toy", [Eq(M, M.prev * Input("r", ())), Eq(State("y", "n_k"), M.T @ x)]))
    assert any(rule in ("transposition", "matrix product") and equation == 2 for _, rule, equation in found["dM"])


def test_shared_parameters_add_up():
    W = Param("W")
    cell = Cell("toy", [Eq(z, tanh(W @ x)), Eq(h, W @ z + W @ h.prev)])
    assert sorted(equation for _, _, equation in rows(cell)["dW"]) == [1, 2, 2]
    vector = Cell("toy", [Eq(z, Param("p") * x), Eq(h, Param("p") * z + Param("p"))])
    assert {e for _, _, e in rows(vector)["dp"]} == {1, 2}


def test_what_has_no_gradient_has_no_row():
    found = rows(Cell("toy", [Eq(h, Constant("k") * tanh(affine(x)) + stop_gradient(h.prev))]))
    assert "dk" not in found
    assert found["dh_prev"] == [("0", "no gradient", 0)]
    unshown = rows(Cell("toy", [Eq(z, tanh(Param("p") * y)), Eq(h, affine(x))]))
    assert unshown["dy"] == unshown["dp"] == [("0", "no gradient", 0)]
    assert "dz" not in unshown
    start = State("h", initial=Param("h_0"))
    assert rows(Cell("toy", [Eq(start, tanh(affine(x, start.prev)))]))["dh_0"] == [("0", "not read", 0)]


def test_what_parameters_alone_need_is_computed_once():
    derivation = Cell("toy", [Eq(h, sigmoid(Param("p")) * h.prev + matmul(Param("W") - Param("W").T, x))]).derive()
    once = [row for row in derivation.forward if row.once]
    assert {str(row.rhs) for row in once} == {"sigmoid(p)", "W - transpose(W)"}
    summed = {row.target.name for row in derivation.adjoint if row.summed}
    assert summed == {"dp", "dW", *(f"d{row.target}" for row in once)}


def odd_cells():
    M, s = State("M", ("n_m", "n_k")), State("s", ())
    yield Cell("memory", [
        Eq(M, M.prev * column(sigmoid(affine(x, name="f"))) + outer(tanh(affine(x, name="v")), softmax(Param("K") @ x))),
        Eq(h, Param("R") @ (M @ (Param("Q") @ x)) + dot(M.T @ Param("w"), Param("k")) * h.prev),
    ])  # fmt: skip
    yield Cell("pooled", [Eq(s, s.prev + mean(tanh(h.prev)) * variance(x)), Eq(h, Max(s * x, h.prev) + cumsum(softmax(h.prev)))])
    yield Cell("delayed", [Eq(c, h.prev), Eq(h, tanh(affine(x, c, c.prev)))])


EVERY = [*map(cells.get, cells.names()), *odd_cells()]


@pytest.mark.parametrize("cell", EVERY, ids=lambda cell: cell.name)
def test_a_row_stands_after_what_it_needs(cell):
    derivation = cell.derive()
    known = {row.target for row in derivation.forward} | {
        *cell.inputs,
        *cell.params,
        *cell.constants,
        *(s.prev for s in cell.states),
    }
    seen = set()
    for row in derivation.adjoint:
        assert row.target not in seen
        for q in row.rhs.free_symbols:
            if isinstance(q, Adjoint):
                assert q in seen or q.kind in ("cotangent", "carried")
            else:
                assert q.is_integer or q in known
        seen.add(row.target)
    assert {Adjoint(q) for q in (*cell.params, *cell.inputs)} <= seen


@pytest.mark.parametrize("cell", EVERY, ids=lambda cell: cell.name)
def test_an_adjoint_has_the_shape_of_its_quantity(cell):
    derivation = cell.derive()
    for row in derivation.adjoint:
        assert row.shape == derivation.shape(row.target.of)
        for term in row.terms:
            if term.expr != 0:
                assert derivation.shape(term.expr) in (row.shape, ())
        assert row.summed or row.target.of not in cell.params


@pytest.mark.parametrize("cell", EVERY, ids=lambda cell: cell.name)
def test_every_term_says_where_it_comes_from(cell):
    numbers = {e.number for e in cell.equations}
    for row in cell.derive().adjoint:
        for term in row.terms:
            assert term.rule and (term.equation in numbers or term.rule in ZEROS)


@pytest.mark.parametrize("cell", EVERY, ids=lambda cell: cell.name)
def test_a_forward_row_is_defined_before_it_is_read(cell):
    known = {*cell.inputs, *cell.params, *cell.constants, *(s.prev for s in cell.states)}
    for row in cell.derive().forward:
        assert all(q in known or q.is_integer for q in row.rhs.free_symbols), row
        assert row.target not in known
        known.add(row.target)
    assert {e.target for e in cell.equations} <= known


def test_a_derivation_is_made_once():
    assert cells.lstm.derive() is cells.lstm.derive()


def test_a_derivation_and_a_carousel_are_a_line_each_in_an_interpreter():
    assert repr(cells.lstm.derive()) == "Derivation(lstm: 10 forward rows, 25 adjoint rows)"
    assert repr(cells.lstm.carousel("c")) == "Carousel(lstm: d c[t] / d c[t-1] = f)"
    for carousel in (cell.carousel(s) for cell in EVERY for s in cell.states):
        assert len(repr(carousel)) < 150


def test_nothing_depends_on_the_order_of_hashing():
    program = """
        from sympy import And, Eq, Max, Piecewise
        from symcell import Cell, Input, Param, State, cells
        from symcell.compiler import source_of
        x, h, A, B, C = Input("x"), State("h"), Param("A"), Param("B"), Param("C")
        large = Cell("large", [Eq(h, Max(A @ x, B @ h.prev, C @ x))])
        cases = Cell("cases", [Eq(h, Piecewise((x, And(A * x > 0, B * h.prev > 0, C * x < 0)), (h.prev, True)))])
        print(*map(source_of, (large, cases, cells.gru, cells.lstm, cells.rnn_readout)))
    """
    assert len({run_python(program, PYTHONHASHSEED=seed) for seed in ("1", "12345")}) == 1


# Derivatives of one unit.

v, w = Symbol("v", real=True), Symbol("w", real=True)


@pytest.mark.parametrize("e, at, expected", [
    (relu(v), 0, 0),
    (leaky_relu(v), 0, Rational(1, 100)),
    (leaky_relu(v, Rational(1, 5)), -1, Rational(1, 5)),
    (hard_sigmoid(v), 3, 0),
    (hard_sigmoid(v), -3, 0),
    (hard_sigmoid(v), 0, Rational(1, 6)),
    (Abs(v), 0, 0),
    (Abs(v), -2, -1),
    (sign(v), 0, 0),
    (floor(v), 1, 0),
    (ceiling(v), 1, 0),
    (Heaviside(v), 0, 0),
    (Max(v, 0), 0, Rational(1, 2)),
    (Min(v, 0), 0, Rational(1, 2)),
    (Max(v, 0, v / 2), 0, Rational(1, 3) + Rational(1, 6)),
    (Max(v, 3), 2, 0),
    (Max(v, 3), 4, 1),
    (Mod(v, 2), 2, 1),
    (Piecewise((v, v > 0), (2 * v, True)), 0, 2),
    (Piecewise((v, v >= 0), (2 * v, True)), 0, 1),
    (stop_gradient(v), 1, 0),
    (v**3, 0, 0),
    (softplus(v), 0, Rational(1, 2)),
    (silu(v), 0, Rational(1, 2)),
    (sigmoid(v), 0, Rational(1, 4)),
])  # fmt: skip
def test_the_stated_derivative(e, at, expected):
    assert float(partial(e, v).subs(v, at).doit()) == pytest.approx(float(expected), abs=1e-15)


def test_a_derivative_by_one_of_two():
    assert partial(v * w, v) == w
    assert partial(v**2 * w, w) == v**2
    assert partial(Max(v, w), v).subs({v: 1, w: 1}) == Rational(1, 2)
    assert partial(tanh(v * w), v) == w * (1 - tanh(v * w) ** 2)
    assert partial(w, v) == 0
