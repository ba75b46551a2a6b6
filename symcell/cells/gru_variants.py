"""Kin of the GRU: fewer gates, shared products, deeper steps, and steps that only send what has changed."""

from sympy import Abs, Eq, Piecewise, S, symbols, tanh

from symcell import Cell, Constant, Input, Param, State, affine, relu, sigmoid
from symcell.cells.notation import by_gate

x, h = Input("x"), State("h")
c, f, g, p, r, z = symbols("c f g p r z")

gru_cho = Cell("gru_cho", [
    Eq(z, sigmoid(affine(x, h.prev))),
    Eq(r, sigmoid(affine(x, h.prev))),
    Eq(g, tanh(affine(x, r * h.prev))),
    Eq(h, z * h.prev + (1 - z) * g),
], reference="Cho et al., Learning phrase representations using RNN encoder-decoder, EMNLP 2014, arXiv:1406.1078 (z keeps)",
   names={"g": r"\tilde h", "W_g": "W", "U_g": "U", "b_g": "b"})

ugrnn = Cell("ugrnn", [
    Eq(g, sigmoid(affine(x, h.prev))),
    Eq(c, tanh(affine(x, h.prev))),
    Eq(h, g * h.prev + (1 - g) * c),
], reference="Collins, Sohl-Dickstein, Sussillo, Capacity and trainability in recurrent neural networks, ICLR 2017, "
             "arXiv:1611.09913",
   names=by_gate("gc", W="W^{@x}", U="W^{@h}", b="b^@"))

MGU_NAMES = {"g": r"\tilde h"} | by_gate({"g": "h"}, W="W_@", U="U_@", b="b_@")
mgu = Cell("mgu", [
    Eq(f, sigmoid(affine(x, h.prev))),
    Eq(g, tanh(affine(x, f * h.prev))),
    Eq(h, (1 - f) * h.prev + f * g),
], reference="Zhou et al., Minimal gated unit for recurrent neural networks, IJAC 2016, arXiv:1603.09420",
   names=MGU_NAMES)

mut1 = Cell("mut1", [
    Eq(z, sigmoid(affine(x))),
    Eq(r, sigmoid(affine(x, h.prev))),
    Eq(g, tanh(affine(r * h.prev) + tanh(Param("W_g") @ x))),
    Eq(h, g * z + h.prev * (1 - z)),
], reference="Jozefowicz, Zaremba, Sutskever, An empirical exploration of recurrent network architectures, ICML 2015 "
             "(doubtful: a learned W_g where the paper has x itself)",
   names={"W_z": "W_{xz}", "W_r": "W_{xr}", "U_r": "W_{hr}", "U_g": "W_{hh}", "b_g": "b_h"})

li_gru = Cell("li_gru", [
    Eq(z, sigmoid(Param("n_z") * (Param("W_z") @ x) + affine(h.prev))),
    Eq(g, relu(Param("n_g") * (Param("W_g") @ x) + affine(h.prev))),
    Eq(h, z * h.prev + (1 - z) * g),
], reference="Ravanelli et al., Light gated recurrent units for speech recognition, IEEE TETCI 2018, arXiv:1803.10225 "
             "(n_z, n_g: the gains of the batch normalisation, folded)",
   names={"g": r"\tilde h", "n_z": r"\gamma_z", "n_g": r"\gamma_h"} | by_gate({"g": "h"}, W="W_@", U="U_@", b="b_@"))

zeta, nu = Param("zeta", ()), Param("nu", ())

fastgrnn = Cell("fastgrnn", [
    Eq(p, Param("W") @ x + Param("U") @ h.prev),
    Eq(z, sigmoid(p + Param("b_z"))),
    Eq(c, tanh(p + Param("b_c"))),
    Eq(h, (sigmoid(zeta) * (1 - z) + sigmoid(nu)) * c + z * h.prev),
], reference="Kusupati et al., FastGRNN, NeurIPS 2018, arXiv:1901.02358",
   names={"c": r"\tilde h", "b_c": "b_h"})


def highway(depth):
    """A step of the recurrent highway network: `depth` highway layers, x into the first alone, the last one giving h."""
    s, equations = h.prev, []
    for k in range(1, depth + 1):
        H, T, new = symbols(f"H{k}"), symbols(f"T{k}"), h if k == depth else symbols(f"s{k}")
        operands = (x, s) if k == 1 else (s,)
        equations += [Eq(H, tanh(affine(*operands))), Eq(T, sigmoid(affine(*operands))), Eq(new, H * T + s * (1 - T))]
        s = new
    return equations


rhn = Cell("rhn", highway(depth=2),
           reference="Zilly et al., Recurrent highway networks, ICML 2017, arXiv:1607.03474 (depth 2, coupled carry)",
   names={"H1": "h_1", "T1": "t_1", "H2": "h_2", "T2": "t_2", "h": "s_2"} | {"W_H1": "W_H", "W_T1": "W_T"}
         | by_gate({"H1": "H_1", "T1": "T_1", "H2": "H_2", "T2": "T_2"}, U="R_{@}", b="b_{@}"))

threshold = Constant("theta", ())
x_sent, h_sent = State("x_sent", "n_x"), State("h_sent")
b_r, b_z, b_x, b_h = Param("b_r"), Param("b_z"), Param("b_x"), Param("b_h")
m_r, m_z, m_x, m_h = (State(f"m_{b.name[-1]}", "n_h", initial=b) for b in (b_r, b_z, b_x, b_h))
d_x, d_h = symbols("d_x d_h")


def change(new, sent):
    """What is new against what was sent last, if that is as much as the threshold."""
    return Piecewise((new - sent.prev, Abs(new - sent.prev) >= threshold), (S.Zero, True))


delta_gru = Cell("delta_gru", [
    Eq(d_x, change(x, x_sent)),
    Eq(d_h, change(h.prev, h_sent)),
    Eq(x_sent, Piecewise((x, Abs(x - x_sent.prev) >= threshold), (x_sent.prev, True))),
    Eq(h_sent, Piecewise((h.prev, Abs(h.prev - h_sent.prev) >= threshold), (h_sent.prev, True))),
    Eq(m_r, Param("W_r") @ d_x + Param("U_r") @ d_h + m_r.prev),
    Eq(m_z, Param("W_z") @ d_x + Param("U_z") @ d_h + m_z.prev),
    Eq(m_x, Param("W_g") @ d_x + m_x.prev),
    Eq(m_h, Param("U_g") @ d_h + m_h.prev),
    Eq(r, sigmoid(m_r)),
    Eq(z, sigmoid(m_z)),
    Eq(g, tanh(m_x + r * m_h)),
    Eq(h, (1 - z) * g + z * h.prev),
], reference="Neil et al., Delta networks for optimized recurrent network computation, ICML 2017, arXiv:1612.05571 "
             "(with theta = 0 it is gru_reset_after)")
