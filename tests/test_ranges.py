"""What the equations prove of a factor's range, and so which carousels are gates."""

import pytest
from sympy import Abs, Eq, Heaviside, Max, Min, Piecewise, Rational, exp, oo, sqrt, symbols, tanh

from symcell import (
    Cell,
    Input,
    Param,
    State,
    affine,
    cells,
    cumsum,
    hard_sigmoid,
    log_sigmoid,
    mean,
    relu,
    sigmoid,
    softmax,
    softplus,
)
from symcell.derivation.ranges import Ranges

x, h, c = Input("x"), State("h"), State("c")
f, g, i, k, w, z = symbols("f g i k w z")
gate, other = sigmoid(affine(x, name="f")), hard_sigmoid(affine(x, name="g"))

FACTORS = {
    "a gate": (gate, "gate"),
    "one minus a gate": (1 - gate, "gate"),
    "a product of gates": (gate * other * (1 - gate), "gate"),
    "a gate between two": (gate * other + (1 - gate) * sigmoid(x), "gate"),
    "a kink": (Heaviside(x, 0), "gate"),
    "a choice of gates": (Piecewise((gate, x > 0), (other, True)), "gate"),
    "a square": (tanh(x) ** 2, "gate"),
    "a clipped value": (Max(0, Min(1, x)), "gate"),
    "a decay": (exp(-softplus(x) * exp(Param("a"))), "gate"),
    "a decay by a logarithm": (exp(log_sigmoid(x) / 16), "gate"),
    "a decay by the largest": (exp(x - Max(x, Param("b"))), "gate"),
    "a share": (softmax(affine(x, name="f")), "gate"),
    "a running share": (cumsum(softmax(affine(x, name="f"))), "gate"),
    "a mean of gates": (mean(sigmoid(x)) * gate, "gate"),
    "a part of a sum": (gate / (gate + other), "gate"),
    "a part of one and more": (1 / (1 + exp(x)), "gate"),
    "a root of a gate": (sqrt(gate), "gate"),
    "a gate as often as another says": (gate ** (8 * other), "gate"),
    "twice a part of a sum": (2 * gate / (gate + other), "elementwise"),
    "a part of a difference": (gate / (gate - other), "elementwise"),
    "a gate to a power of any sign": (gate ** x, "elementwise"),
    "a weight": (Param("u") * Heaviside(x, 0), "elementwise"),
    "an input": (x, "elementwise"),
    "a gate and an input": (gate * x, "elementwise"),
    "two gates": (gate + other, "elementwise"),
    "twice a gate": (2 * gate, "elementwise"),
    "a signed value": (tanh(x), "elementwise"),
    "a growth": (exp(softplus(x)), "elementwise"),
    "a running sum": (cumsum(sigmoid(x)), "elementwise"),
    "a parameter": (Param("u"), "constant"),
}


@pytest.mark.parametrize("name", FACTORS)
def test_a_factor_of_that_range(name):
    factor, kind = FACTORS[name]
    assert Cell("toy", [Eq(h, factor * h.prev + x)]).carousel(h).kind == kind
    named = Cell("toy", [Eq(k, factor), Eq(h, k * h.prev + x)])
    assert named.carousel(h).kind == kind


def test_gates_that_are_made_of_named_gates():
    named = [Eq(f, gate), Eq(g, softmax(affine(Input("y")))), Eq(w, f * g), Eq(z, hard_sigmoid(affine(x)))]
    assert Cell("toy", [*named, Eq(h, (z * w + (g - w)) * h.prev + x)]).carousel(h).kind == "gate"
    assert Cell("toy", [*named, Eq(h, (z * w + (g + w)) * h.prev + x)]).carousel(h).kind == "elementwise"


def test_bounds():
    cell = Cell("toy", [Eq(f, gate), Eq(g, tanh(x)), Eq(z, relu(x)), Eq(h, f * g * z * h.prev + x)])
    bounds = Ranges(cell.derive()).of
    assert bounds(2 * f - g) == (-1, 3)
    assert bounds(f * g) == (-1, 1)
    assert bounds(g**2) == (0, 1) and bounds(g**3) == (-1, 1)
    assert bounds(-z) == (-oo, 0) and bounds(f * z) == (0, oo)
    assert bounds(Abs(x) - 1) == (-1, oo)
    assert bounds(h) == bounds(x) == bounds(1 / f) == (-oo, oo)


def test_bounds_are_rounded_outward_where_they_would_grow():
    bounds = Ranges(Cell("toy", [Eq(f, gate), Eq(g, tanh(x)), Eq(h, f * g * h.prev)]).derive()).of
    assert bounds(exp(-f)) == (0, 1) and bounds(exp(f)) == (1, oo) and bounds(-exp(-exp(g))) == (-1, 0)
    assert bounds((g / 3) ** 30) == (0, Rational(1, 3**30)) and bounds((g / 3) ** 60) == (0, 1)
    assert bounds((3 * g) ** 61) == (-oo, oo) and bounds((f / 3 - 1) ** 61) == (-1, 0)


KINDS = {
    "gate": "delta_gru.h_sent delta_gru.x_sent gla.S indylstm.c layer_norm_lstm.c lstm.c lstm_concat.c lstmp.c mamba.S mamba2.S "
            "mingru.h minlstm.h mlstm.C mlstm.m mlstm.n mogrifier_lstm.c multiplicative_lstm.c nested_lstm.c_in "
            "no_peepholes_lstm.c on_lstm.c qrnn.c qrnn_ifo.c ran.c rg_lru.h rwkv4.A rwkv4.B rwkv4.p rwkv6.S slstm.c slstm.m "
            "slstm.n sru_v1.c t_rnn.h",
    "elementwise": "brc.h cifg_lstm.c full_gate_recurrence_lstm.c gru_d.x_seen hgrn.h_im hgrn.h_re indrnn.h indylstm.h lem.z "
                   "nas_cell.c no_forget_gate_lstm.c no_input_activation_lstm.c no_input_gate_lstm.c "
                   "no_output_activation_lstm.c no_output_gate_lstm.c peephole_lstm.c phased_lstm.c skip_lstm.c sru.c "
                   "time_lstm_1.c time_lstm_3.c unicornn.y zoneout_lstm.c",
    "constant": "delta_gru.m_h delta_gru.m_r delta_gru.m_x delta_gru.m_z fast_weights_rnn.A linear_attention.S "
                "linear_attention.n lru.h_im lru.h_re lstm_1997.c lstm_1997_truncated.c retnet.S s4d.h_im s4d.h_re s5.h_im "
                "s5.h_re scalar_rnn.a scrn.s unicornn.z",
    "matrix": "antisymmetric_rnn.h atr.h cfc.h cfn.h cifg_lstm.h clockwork_rnn.h cornn.y cornn.z ct_gru.H ctrnn.h delta_gru.h "
              "delta_rnn.h deltanet.S fast_weights_rnn.h fastgrnn.h fastrnn.h full_gate_recurrence_lstm.f "
              "full_gate_recurrence_lstm.h full_gate_recurrence_lstm.i full_gate_recurrence_lstm.o gated_deltanet.S gru.c "
              "gru_cho.h gru_concat.c gru_d.h gru_inverted_update.h gru_one_gate.c gru_reset_after.h intersection_rnn.h irnn.h "
              "janet.h jordan.y layer_norm_lstm.h lem.y li_gru.h lipschitz_rnn.h lmu.h lmu.m lstm.h lstm_1997.h lstm_concat.h "
              "lstmp.r ltc.v mc_lstm.c mgu.h mgu1.h mgu2.h mgu3.h minimal_rnn.h mogrifier_lstm.h multiplicative_lstm.h "
              "multiplicative_rnn.h mut1.h mut2.h mut3.h nas_cell.h nbrc.h nested_lstm.c nested_lstm.h no_forget_gate_lstm.h "
              "no_input_activation_lstm.h no_input_gate_lstm.h no_output_activation_lstm.h no_output_gate_lstm.h "
              "no_peepholes_lstm.h on_lstm.h peephole_lstm.h phased_lstm.h ran.h rhn.h rnn.a rnn_concat.a rnn_readout.a rwkv7.S "
              "scrn.h skip_lstm.h skip_lstm.u_tilde slstm.h star.h statistical_recurrent_unit.mu t_lstm.c t_lstm.h "
              "time_lstm_1.h time_lstm_3.h ugrnn.h zoneout_lstm.h",
    "none": "ct_gru.h deltanet.y gated_deltanet.y gla.y hgrn.y intersection_rnn.y linear_attention.y lru.y "
            "lstm_1997_truncated.h mamba.v_1 mamba.v_2 mamba.v_3 mamba.y mamba2.b_1 mamba2.b_2 mamba2.b_3 mamba2.q_1 mamba2.q_2 "
            "mamba2.q_3 mamba2.v_1 mamba2.v_2 mamba2.v_3 mamba2.y mc_lstm.h mlstm.h qrnn.h qrnn.x_1 qrnn_ifo.h qrnn_ifo.x_1 "
            "retnet.y rnn_readout.y rwkv4.x_1 rwkv4.y rwkv6.x_1 rwkv6.y rwkv7.x_1 rwkv7.y s4d.y s5.y scrn.y sru.h sru_v1.h "
            "statistical_recurrent_unit.o",
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_kinds_of_the_catalogue(kind):
    carousels = [cells.get(name).carousel(s) for name in cells.names() for s in cells.get(name).states]
    found = {f"{q.derivation.declaration.name}.{q.state}" for q in carousels if q.kind == kind}
    assert found == set(KINDS[kind].split())
