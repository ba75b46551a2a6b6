"""Cells made from the LSTM: gated inputs, nested memories, elapsed time, conserved mass, skipped steps."""

from sympy import Eq, Min, Piecewise, symbols, tanh

from symcell import Cell, Input, Param, State, affine, dot, matmul, relu, sigmoid, softmax, total
from symcell.cells.compositions import rounded, straight_through
from symcell.cells.notation import by_gate

x, h, c = Input("x"), State("h"), State("c")
i, f, g, o = symbols("i f g o")
p_i, p_f, p_o = Param("p_i"), Param("p_f"), Param("p_o")

indylstm = Cell("indylstm", [
    Eq(i, sigmoid(affine(x) + Param("u_i") * h.prev)),
    Eq(f, sigmoid(affine(x) + Param("u_f") * h.prev)),
    Eq(o, sigmoid(affine(x) + Param("u_o") * h.prev)),
    Eq(g, tanh(affine(x) + Param("u_g") * h.prev)),
    Eq(c, f * c.prev + i * g),
    Eq(h, o * tanh(c)),
], reference="Gonnet, Deselaers, IndyLSTMs: independently recurrent LSTMs, arXiv:1903.08023",
   names={"W_g": "W_c", "u_g": "u_c", "b_g": "b_c"})


def joint(name, u, v):
    """W u + U v + b of two intermediates, whose weights affine would both call U."""
    return Param(f"W_{name}") @ u + Param(f"U_{name}") @ v + Param(f"b_{name}")


def mogrified(rounds):
    """x and h_{t-1} after some rounds, in which each gates the other in turn; and the equations of the rounds."""
    values, equations = {"x": x, "h": h.prev}, []
    for k in range(1, rounds + 1):
        gated, by, matrix = ("x", "h", "Q") if k % 2 else ("h", "x", "R")
        new = symbols(f"{gated}_{k}")
        equations.append(Eq(new, 2 * sigmoid(Param(f"{matrix}_{k}") @ values[by]) * values[gated]))
        values[gated] = new
    return values["x"], values["h"], equations


x_5, h_4, five_rounds = mogrified(5)

mogrifier_lstm = Cell("mogrifier_lstm", [
    *five_rounds,
    Eq(i, sigmoid(joint("i", x_5, h_4))),
    Eq(f, sigmoid(joint("f", x_5, h_4))),
    Eq(g, tanh(joint("g", x_5, h_4))),
    Eq(o, sigmoid(joint("o", x_5, h_4))),
    Eq(c, f * c.prev + i * g),
    Eq(h, o * tanh(c)),
], reference="Melis, Kocisky, Blunsom, Mogrifier LSTM, ICLR 2020, arXiv:1909.01792 "
             "(five rounds, without the biases and the low rank of the authors' code)",
   names={"g": "j", "x_1": "x^1", "h_2": r"h_{\mathrm{prev}}^2", "x_3": "x^3", "h_4": r"h_{\mathrm{prev}}^4", "x_5": "x^5"}
         | {"Q_1": "Q^1", "R_2": "R^2", "Q_3": "Q^3", "R_4": "R^4", "Q_5": "Q^5"}
         | by_gate({"i": "i", "f": "f", "g": "j", "o": "o"}, W="W^{@x}", U="W^{@h}", b="b^@"))

x_in, h_in, i_in, f_in, g_in, o_in = symbols("x_in h_in i_in f_in g_in o_in")
c_in = State("c_in")

nested_lstm = Cell("nested_lstm", [
    Eq(i, sigmoid(affine(x, h.prev))),
    Eq(f, sigmoid(affine(x, h.prev))),
    Eq(o, sigmoid(affine(x, h.prev))),
    Eq(x_in, i * (affine(x, h.prev, bias=False, name="g") + Param("b_g", "n_h"))),
    Eq(h_in, f * c.prev),
    Eq(i_in, sigmoid(joint("i_in", x_in, h_in))),
    Eq(f_in, sigmoid(joint("f_in", x_in, h_in))),
    Eq(o_in, sigmoid(joint("o_in", x_in, h_in))),
    Eq(g_in, tanh(joint("g_in", x_in, h_in))),
    Eq(c_in, f_in * c_in.prev + i_in * g_in),
    Eq(c, o_in * tanh(c_in)),
    Eq(h, o * tanh(c)),
], reference="Moniz, Krueger, Nested LSTMs, ACML 2017, arXiv:1801.10308 (depth 2: an inner LSTM, the paper's tilde, computes c; "
             "its input has no activation)",
   names={f"{q}_in": rf"\tilde {q}" for q in "xhifogc"} | {"b_g": "b_c"}
         | by_gate({"i": "i", "f": "f", "o": "o", "g": "c"}, W="W_{x@}", U="W_{h@}")
         | by_gate({"i_in": "i", "f_in": "f", "o_in": "o", "g_in": "c"}, W=r"\tilde W_{x@}", U=r"\tilde W_{h@}", b=r"\tilde b_@"))

elapsed = Input("dt", ())
TIME_NAMES = {"dt": r"{\Delta t}", "w_o": "W_{to}", "b_g": "b_c", "p_i": "w_{ci}", "p_o": "w_{co}"} | by_gate(
    {"i": "i", "g": "c", "o": "o"}, W="W_{x@}", U="W_{h@}")
T1, T2, c_tilde = symbols("T1 T2 c_tilde")

time_lstm_1 = Cell("time_lstm_1", [
    Eq(T1, sigmoid(affine(x) + tanh(Param("w_1") * elapsed))),
    Eq(i, sigmoid(affine(x, h.prev) + p_i * c.prev)),
    Eq(f, sigmoid(affine(x, h.prev) + p_f * c.prev)),
    Eq(g, tanh(affine(x, h.prev))),
    Eq(c, f * c.prev + i * T1 * g),
    Eq(o, sigmoid(affine(x, h.prev) + Param("w_o") * elapsed + p_o * c)),
    Eq(h, o * tanh(c)),
], reference="Zhu et al., What to do next: modeling user behaviors by Time-LSTM, IJCAI 2017 "
             "(doubtful: tanh of the elapsed time, as in the authors' code; third parties read the paper as sigmoid)",
   names=TIME_NAMES | {"w_1": "W_{t1}", "p_f": "w_{cf}"} | by_gate({"f": "f"}, W="W_{x@}", U="W_{h@}")
         | by_gate({"T1": "1"}, W="W_{x@}", b="b_@"))

time_lstm_3 = Cell("time_lstm_3", [
    Eq(T1, sigmoid(affine(x) + tanh(Param("w_1") * elapsed))),
    Eq(T2, sigmoid(affine(x) + tanh(Param("w_2") * elapsed))),
    Eq(i, sigmoid(affine(x, h.prev) + p_i * c.prev)),
    Eq(g, tanh(affine(x, h.prev))),
    Eq(c_tilde, (1 - i * T1) * c.prev + i * T1 * g),
    Eq(c, (1 - i) * c.prev + i * T2 * g),
    Eq(o, sigmoid(affine(x, h.prev) + Param("w_o") * elapsed + p_o * c_tilde)),
    Eq(h, o * tanh(c_tilde)),
], reference="Zhu et al., What to do next: modeling user behaviors by Time-LSTM, IJCAI 2017 (coupled gates; doubtful: tanh of "
             "the elapsed time, as in the authors' code; the paper keeps w_1 <= 0, which is for the caller to do)",
   names=TIME_NAMES | {"w_1": "W_{t1}", "w_2": "W_{t2}"} | by_gate({"T1": "1", "T2": "2"}, W="W_{x@}", b="b_@"))

a = symbols("a:8")
l0, l1, l2, l3 = symbols("l0 l1 l2 l3")

nas_cell = Cell("nas_cell", [
    Eq(a[0], sigmoid(affine(x, h.prev, bias=False))),
    Eq(a[1], relu(affine(x, h.prev, bias=False))),
    Eq(a[2], sigmoid(affine(x, h.prev, bias=False))),
    Eq(a[3], relu((Param("W_a3") @ x) * (Param("U_a3") @ h.prev))),
    Eq(a[4], tanh(affine(x, h.prev, bias=False))),
    Eq(a[5], sigmoid(affine(x, h.prev, bias=False))),
    Eq(a[6], tanh(affine(x, h.prev, bias=False))),
    Eq(a[7], sigmoid(affine(x, h.prev, bias=False))),
    Eq(l0, tanh(tanh(a[0] * a[1]) + c.prev)),
    Eq(l1, tanh(a[2] + a[3])),
    Eq(l2, tanh(a[4] * a[5])),
    Eq(l3, sigmoid(a[6] + a[7])),
    Eq(c, l0 * l1),
    Eq(h, tanh(c * tanh(l2 + l3))),
], reference="Zoph, Le, Neural architecture search with reinforcement learning, ICLR 2017, arXiv:1611.01578 "
             "(the base cell of TensorFlow's NASCell, without its optional biases)")

mass, auxiliary = Input("x"), Input("a")
held, I, R, m = symbols("held I R m")


def shares(name, *shape):
    """A matrix whose columns add up to 1, from the auxiliary input and from how the mass is distributed."""
    W, U, B = (Param(f"{letter}_{name}", (*shape, *last)) for letter, last in (("W", ["n_a"]), ("U", ["n_h"]), ("B", [])))
    return softmax(matmul(W, auxiliary) + matmul(U, c.prev / held) + B, axis=0)


mc_lstm = Cell("mc_lstm", [
    Eq(held, Piecewise((1, Eq(total(c.prev), 0)), (total(c.prev), True))),
    Eq(I, shares("I", "n_h", "n_x")),
    Eq(R, shares("R", "n_h", "n_h")),
    Eq(o, sigmoid(Param("W_o") @ auxiliary + Param("U_o") @ (c.prev / held) + Param("b_o"))),
    Eq(m, matmul(R, c.prev) + matmul(I, mass)),
    Eq(c, (1 - o) * m),
    Eq(h, o * m),
], reference="Hoedt et al., MC-LSTM: mass-conserving LSTM, ICML 2021, arXiv:2101.05186 (x is mass, a is auxiliary; softmax "
             "for both matrices, and c_{t-1} as it is where it holds no mass, as in the authors' code)",
   names={"m": r"m_{\mathrm{tot}}"})

c_new, h_new, u, delta = symbols("c_new h_new u delta")
u_tilde = State("u_tilde", (), initial=1)

skip_lstm = Cell("skip_lstm", [
    Eq(u, straight_through(rounded(u_tilde.prev), u_tilde.prev)),
    Eq(i, sigmoid(affine(x, h.prev))),
    Eq(f, sigmoid(affine(x, h.prev))),
    Eq(g, tanh(affine(x, h.prev))),
    Eq(o, sigmoid(affine(x, h.prev))),
    Eq(c_new, f * c.prev + i * g),
    Eq(h_new, o * tanh(c_new)),
    Eq(c, u * c_new + (1 - u) * c.prev),
    Eq(h, u * h_new + (1 - u) * h.prev),
    Eq(delta, sigmoid(dot(Param("w_p"), c) + Param("b_p", ()))),
    Eq(u_tilde, u * delta + (1 - u) * (u_tilde.prev + Min(delta, 1 - u_tilde.prev))),
], outputs=[h], reference="Campos et al., Skip RNN: learning to skip state updates in recurrent neural networks, ICLR 2018, "
                          "arXiv:1708.06834 (the authors' code carries delta: the same values, another estimate of the gradient)",
   names={"delta": r"{\Delta \tilde u}", "w_p": "W_p", "c_new": r"\tilde c", "h_new": r"\tilde h"})
