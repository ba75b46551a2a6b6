"""What `cell.structure` says of the catalogue, checked against the papers and against the numbers."""

import numpy as np
import pytest
from sympy import Eq, Max, Piecewise, floor, symbols, tanh

from symcell import (
    Cell,
    Input,
    Param,
    State,
    affine,
    cells,
    column,
    cumsum,
    dot,
    interpret,
    matmul,
    outer,
    sigmoid,
    softmax,
    stop_gradient,
    total,
)
from symcell.compiler import program_of
from symcell.trials import random_cases

x, h, c = Input("x"), State("h"), State("c")
f, g, z = symbols("f g z")

# cell: products in a step, how many deep, and the states that are scans
KNOWN = {
    "rnn": (1, 1, ""),
    "jordan": (2, 2, ""),
    "indrnn": (0, 0, ""),
    "ctrnn": (6, 6, ""),
    "scrn": (1, 1, "s"),
    "antisymmetric_rnn": (1, 1, ""),
    "statistical_recurrent_unit": (2, 2, ""),
    "lstm": (1, 1, ""),
    "lstmp": (2, 2, ""),
    "multiplicative_lstm": (2, 2, ""),
    "layer_norm_lstm": (1, 1, ""),
    "slstm": (1, 1, ""),
    "gru_cho": (2, 2, ""),
    "gru_reset_after": (1, 1, ""),
    "mgu": (2, 2, ""),
    "fastgrnn": (1, 1, ""),
    "rhn": (2, 2, ""),
    "sru": (0, 0, ""),
    "sru_v1": (0, 0, "c"),
    "qrnn": (0, 0, "c"),
    "mingru": (0, 0, "h"),
    "lru": (0, 0, "h_re h_im"),
    "mamba": (0, 0, "S"),
    "gla": (0, 0, "S"),
    "lmu": (3, 2, ""),
    "scalar_rnn": (0, 0, "a"),
    "atr": (1, 1, ""),
    "brc": (0, 0, ""),
    "cfc": (2, 2, ""),
    "ltc": (0, 0, ""),
    "t_rnn": (0, 0, "h"),
    "minlstm": (0, 0, "h"),
    "rg_lru": (0, 0, "h"),
    "rwkv4": (0, 0, "A B"),
    "s5": (0, 0, "h_re h_im"),
    "s4d": (0, 0, "h_re h_im"),
    "hgrn": (0, 0, "h_re h_im"),
}


@pytest.mark.parametrize("name", KNOWN)
def test_the_catalogue(name):
    found = cells.get(name).structure
    assert (len(found.products), found.depth, " ".join(map(str, found.scans))) == KNOWN[name]


def test_the_long_memory_of_an_lstm_is_linear_and_waits_for_the_gates():
    c, h = cells.lstm.structure.states
    assert c.linear and not c.scannable
    assert [s.name for s in c.depends_on] == ["h"]
    assert c.factor == f and c.kind == "gate"
    assert not h.linear
    assert not cells.peephole_lstm.structure.states[0].linear


def test_products_are_in_the_cells_own_words():
    assert cells.gru.structure.products == ("U_r, U_i @ c_prev", "U_g @ (r * c_prev)")
    assert cells.antisymmetric_rnn.structure.products == ("(M - M.T - gamma * identity(n_h)) @ h_prev",)
    assert "W_2 @ (W_1 @ u)" in cells.mamba.structure.hoisted
    assert "2 products in a step, 2 deep" in str(cells.gru.structure)


@pytest.mark.parametrize("name", [n for n in cells.names() if n != "scalar_rnn"])
def test_linear_means_that_the_middle_goes_to_the_middle(name):
    """One step from s, from s' and from their mean, all else held: the numbers agree with the claim, both ways."""
    cell = cells.get(name)
    claims = {r.state: r.linear for r in cell.structure.states if r.recurrent}
    case = next(iter(random_cases(cell.compile("float64"), np.random.default_rng(5), 1)))
    inputs = {n: a[:1] for n, a in case.inputs.items()}
    for state, linear in claims.items():
        ends = [_positive(case.initial), _positive(case.initial)]
        ends[1][state.name] = ends[0][state.name] + np.random.default_rng(6).normal(size=ends[0][state.name].shape)
        ends.append({s: (a + b) / 2 for (s, a), b in zip(ends[0].items(), ends[1].values(), strict=True)})
        first, last, middle = (interpret.run(cell, case.params, inputs, e)[state.name] for e in ends)
        bent = np.abs(middle - (first + last) / 2).max() > 1e-9 * np.abs(middle).max()
        assert bent != linear or _is_piecewise(name, state), state


def _positive(initial):
    return {s: np.abs(a) + 0.5 for s, a in initial.items()}


def _is_piecewise(name, state):
    """Whether the one kink of these may fall outside of what was drawn."""
    return name in ("indrnn", "irnn", "delta_gru", "rwkv4", "slstm", "statistical_recurrent_unit")


def test_a_scan_leaves_the_step_and_frees_what_reads_it():
    """SCRN's slow units need no product, so the products with them are done for all steps at once."""
    program = program_of(cells.scrn)
    (scan,) = [s for s in program.forward if s.kind == "scan"]
    assert scan.targets[0].name == "s"
    assert "P, V @ s" in cells.scrn.structure.hoisted
    assert {s.kind for s in program.backward if s.targets[0].name in ("ds", "ds_prev")} == {"scan"}


def test_a_delayed_input_is_hoisted():
    assert cells.qrnn.structure.hoisted == ("W_z_x, W_f_x, W_o_x @ x", "W_z_x_1, W_f_x_1, W_o_x_1 @ x_1_prev")
    assert not [s for s in program_of(cells.qrnn).backward if s.place == "step"]


def test_an_elementwise_recurrence_that_is_not_linear_has_no_product_in_its_loop_either():
    program = program_of(cells.indrnn)
    assert {s.kind for s in program.forward} == {"product", "recurrence"}
    assert {s.kind for s in program.backward if s.targets[0].name == "dh_prev"} == {"scan"}  # adjoints are linear


S, q = State("S", ("n_h", "n_k")), Input("q", "n_k")
RECURRENCES = [
    ([Eq(h, Max(h.prev, x))], False, False),
    ([Eq(h, floor(h.prev) + h.prev / 2 + x)], False, False),
    ([Eq(h, Piecewise((h.prev / 2, x > 0), (h.prev + x, True)))], True, True),
    ([Eq(h, Piecewise((h.prev / 2, h.prev > 0), (h.prev + x, True)))], False, False),
    ([Eq(h, stop_gradient(h.prev) / 2 + x)], True, True),
    ([Eq(h, h.prev * c.prev + x), Eq(c, c.prev / 2 + x)], True, True),
    ([Eq(h, h.prev / 2 + c.prev), Eq(c, c.prev / 3 - h.prev + x)], True, True),
    ([Eq(h, h.prev / 2 + tanh(c.prev)), Eq(c, c.prev / 3 - h.prev + x)], True, False),
    ([Eq(h, Param("U") @ h.prev + x)], True, False),
    ([Eq(h, softmax(h.prev) + x)], False, False),
    ([Eq(h, sigmoid(x) * (h.prev - x * (1 - h.prev)))], True, True),
    ([Eq(S, S.prev - outer(S.prev @ q, q)), Eq(h, S @ q)], True, True),
    ([Eq(c, tanh(affine(x, c.prev))), Eq(h, sigmoid(affine(c)) * h.prev + x)], True, True),
]


@pytest.mark.parametrize("equations, linear, scannable", RECURRENCES)
def test_recurrences(equations, linear, scannable):
    found = {r.state: r for r in Cell("toy", equations).structure.states}
    r = found.get(S) or found[h]
    assert (r.linear, r.scannable) == (linear, scannable)


# Products of two values of a step.

k, v, b = Input("k", "n_h"), Input("v", "n_k"), Input("b", ())
A, B = Param("A", ("n_h", "n_k", "n_x")), Param("B", ("n_h", "n_k", "n_h"))


def delta_rule(name="delta"):
    """DeltaNet: what is stored under a key is replaced by another value."""
    return Cell(name, [Eq(S, S.prev - b * outer(k, S.prev.T @ k - v)), Eq(h, S @ v)])


def test_products_of_data_dependent_matrices_count_in_both_directions():
    found = delta_rule().structure
    assert (found.products, found.depth, found.hoisted) == (("S_prev.T @ k",), 1, ("S @ v",))
    assert (found.backward_products, found.backward_depth) == (("(dS * b).T @ k",), 1)
    assert found.backward_hoisted == ("(dS * b) @ (S_prev.T @ k - v)", "S_prev @ dz_S", "S.T @ dh")
    text = str(found)
    assert "1 product in a step, 1 deep; 1 product hoisted out of it" in text and "  in a step: S_prev.T @ k" in text
    assert "  S: linear, transition a matrix, coefficients free of states, a scan;" in text


def test_an_inner_product_is_no_matrix_product():
    found = Cell("inner", [Eq(z, matmul(x, h.prev)), Eq(h, z * tanh(affine(x)) + dot(x, h.prev))]).structure
    assert (found.products, found.hoisted, found.backward_products) == ((), ("W_h @ x",), ())


def test_two_rules_one_after_another_are_two_products_deep():
    half = S.prev - outer(k, S.prev.T @ k - v)
    found = Cell("twice", [Eq(z, half), Eq(S, z - outer(x, z.T @ x - v)), Eq(h, S @ v)]).structure
    assert (len(found.products), found.depth, found.backward_depth) == (2, 2, 2)
    assert {r.state: r.transition for r in found.states} == {S: "a matrix", h: ""}


def test_parameters_of_rank_three_count_in_both_directions():
    M = State("M", ("n_h", "n_k"))
    found = Cell("cubic", [Eq(M, tanh(A @ x + B @ h.prev)), Eq(h, tanh(M @ v))]).structure
    assert (found.products, found.depth, found.hoisted) == (("B @ h_prev", "M @ v"), 2, ("A @ x",))
    assert (found.backward_products, found.backward_depth) == (("B.T @ dz_M",), 1)
    assert found.backward_hoisted == ("A.T @ dz_M", "M.T @ dz_h")


def test_a_parameter_times_a_matrix_counts():
    found = Cell("rows", [Eq(S, tanh(Param("U") @ S.prev + outer(k, v)))]).structure
    assert (found.products, found.depth, found.backward_products) == (("U @ S_prev",), 1, ("U.T @ dz_S",))
    assert not found.states[0].linear and found.states[0].transition == ""


TRANSITIONS = [
    (S.prev - b * outer(k, S.prev.T @ k), "a matrix"),
    (S.prev @ outer(v, v) + outer(k, v), "a matrix"),
    (Param("W", ("n_h", "n_h")) @ S.prev + outer(k, v), "a matrix"),
    (S.prev / 2 + column(total(S.prev)) * outer(k, v), "a matrix"),
    (cumsum(S.prev, 0) / 2 + outer(k, v), "a matrix"),
    (S.prev * column(sigmoid(k)) + outer(k, v), "elementwise"),
    (S.prev * outer(k, v), "elementwise"),
    (stop_gradient(S.prev @ outer(v, v)) + S.prev / 2, "elementwise"),
    (tanh(S.prev) + outer(k, v), ""),
]


@pytest.mark.parametrize("e, transition", TRANSITIONS, ids=str)
def test_a_transition_is_a_matrix_where_units_meet(e, transition):
    (r,) = Cell("toy", [Eq(S, e)]).structure.states
    assert r.transition == transition
    assert ("transition a matrix" in str(Cell("toy", [Eq(S, e)]).structure)) == (transition == "a matrix")


def test_the_transition_of_an_lstm_is_its_gate_and_that_of_a_legendre_memory_a_matrix():
    assert cells.lstm.structure.states[0].transition == cells.gla.structure.states[0].transition == "elementwise"
    assert {r.state.name: r.transition for r in cells.lmu.structure.states} == {"m": "a matrix", "h": ""}
    assert "S.T @ q" in cells.gla.structure.hoisted


def test_states_of_one_scan_that_mix_through_a_matrix_have_one():
    P = State("P", ("n_h", "n_k"))
    found = Cell("pair", [Eq(S, S.prev / 2 + outer(k, P.prev.T @ k)), Eq(P, P.prev / 3 + S.prev * outer(k, v))]).structure
    assert {r.state: (r.transition, r.scannable) for r in found.states} == {S: ("a matrix", True), P: ("elementwise", True)}


s = State("s")
OTHERS = [
    (Param("a") * h.prev + s.prev, "", "s"),
    (sigmoid(s.prev) * h.prev + c.prev, "s", "c"),
    (s.prev * (h.prev + c.prev), "s", "c"),
    (Piecewise((h.prev / 2, s.prev > 0), (h.prev + c.prev, True)), "s", "c"),
    (stop_gradient(s.prev * h.prev), "s", ""),
    (affine(h.prev, s.prev), "", "s"),
    (tanh(h.prev * s.prev) + c.prev, "s", "c"),
    (softmax(h.prev + s.prev) + x, "s", ""),
]


@pytest.mark.parametrize("e, coefficients, addend", OTHERS)
def test_a_coefficient_is_told_from_an_addend(e, coefficients, addend):
    cell = Cell("toy", [Eq(h, e), Eq(s, s.prev / 2 + x), Eq(c, c.prev / 2 + x)])
    r = next(r for r in cell.structure.states if r.state == h)
    assert (" ".join(map(str, r.depends_on)), " ".join(map(str, r.adds))) == (coefficients, addend)


def test_states_that_only_add_are_not_called_coefficients():
    cell = Cell("toy", [Eq(h, Param("a") * h.prev + s.prev), Eq(s, s.prev / 2 + x)])
    assert "  h: linear, coefficients free of states, addend from s, a scan; d h[t] / d h[t-1] = a" in str(cell.structure)
    assert "h: not linear, made from c too;" in str(cells.lstm.structure)
