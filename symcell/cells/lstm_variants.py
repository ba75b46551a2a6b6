"""What has been tried on the LSTM since: projections, normalisation, time, noise, ordered units, exponential gates."""

from sympy import E, Eq, Max, Mod, Piecewise, exp, log, symbols, tanh

from symcell import (
    Cell,
    Constant,
    Input,
    Param,
    State,
    affine,
    chunk,
    cumsum,
    log_sigmoid,
    repeat,
    sigmoid,
    softmax,
    stop_gradient,
)
from symcell.cells.compositions import layer_norm
from symcell.cells.lstms import NAMES_1997
from symcell.cells.notation import by_gate

x, h, c = Input("x"), State("h"), State("c")
i, f, g, o = symbols("i f g o")
p_i, p_f, p_o = Param("p_i"), Param("p_f"), Param("p_o")

h_stopped = stop_gradient(h.prev)

lstm_1997_truncated = Cell("lstm_1997_truncated", [
    Eq(i, sigmoid(affine(x, h_stopped))),
    Eq(o, sigmoid(affine(x, h_stopped))),
    Eq(g, 4 * sigmoid(affine(x, h_stopped)) - 2),
    Eq(c, c.prev + i * g),
    Eq(h, o * (2 * sigmoid(c) - 1)),
], reference="Hochreiter and Schmidhuber, Long short-term memory, Neural Computation 9(8), 1997: "
             "errors leave the cell at the gates' inputs and do not come back",
   names=NAMES_1997)

r = State("r", "n_r")

lstmp = Cell("lstmp", [
    Eq(i, sigmoid(affine(x, r.prev))),
    Eq(f, sigmoid(affine(x, r.prev))),
    Eq(o, sigmoid(affine(x, r.prev))),
    Eq(g, tanh(affine(x, r.prev))),
    Eq(c, f * c.prev + i * g),
    Eq(r, Param("P") @ (o * tanh(c))),
], outputs=[r], reference="Sak, Senior, Beaufays, Long short-term memory based recurrent architectures, arXiv:1402.1128 "
                          "(without peepholes and the second projection)",
   names={"P": "W_{rm}", "b_g": "b_c"} | by_gate({"i": "i", "f": "f", "o": "o", "g": "c"}, W="W_{@x}", U="W_{@r}"))

m, u = symbols("m u")

multiplicative_lstm = Cell("multiplicative_lstm", [
    Eq(m, (Param("W_m") @ x) * (Param("U_m") @ h.prev)),
    Eq(i, sigmoid(affine(x, m))),
    Eq(f, sigmoid(affine(x, m))),
    Eq(o, sigmoid(affine(x, m))),
    Eq(u, tanh(affine(x, m))),
    Eq(c, f * c.prev + i * u),
    Eq(h, o * tanh(c)),
], reference="Krause et al., Multiplicative LSTM for sequence modelling, arXiv:1609.07959",
   names={"z_u": r"\hat h"} | by_gate({"m": "m", "u": "h"}, W="W_{@x}") | {"U_m": "W_{mh}", "U_u": "W_{hm}"}
         | by_gate("ifo", W="W_{@x}", U="W_{@m}"))

m_f, m_i, w, f_hat, i_hat = symbols("m_f m_i w f_hat i_hat")
F, I = repeat(m_f, 2), repeat(m_i, 2)

on_lstm = Cell("on_lstm", [
    Eq(m_f, cumsum(softmax(affine(x, h.prev)))),
    Eq(m_i, 1 - cumsum(softmax(affine(x, h.prev)))),
    Eq(i, sigmoid(affine(x, h.prev))),
    Eq(f, sigmoid(affine(x, h.prev))),
    Eq(o, sigmoid(affine(x, h.prev))),
    Eq(g, tanh(affine(x, h.prev))),
    Eq(w, F * I),
    Eq(f_hat, f * w + (F - w)),
    Eq(i_hat, i * w + (I - w)),
    Eq(c, f_hat * c.prev + i_hat * g),
    Eq(h, o * tanh(c)),
], reference="Shen, Tan, Sordoni, Courville, Ordered neurons, ICLR 2019, arXiv:1810.09536 (chunks of two units a master gate)",
   names={"w": r"\omega", "g": r"\hat c", "m_f": r"\tilde f", "m_i": r"\tilde i"}
         | by_gate({"g": "c", "m_f": r"{\tilde f}", "m_i": r"{\tilde i}"}, W="W_@", U="U_@", b="b_@"))

v = symbols("v")

layer_norm_lstm = Cell("layer_norm_lstm", [
    Eq(v, layer_norm(Param("W") @ x, Param("g_x")) + layer_norm(Param("U") @ h.prev, Param("g_h")) + Param("b")),
    Eq(i, sigmoid(chunk(v, 0, 4))),
    Eq(g, tanh(chunk(v, 1, 4))),
    Eq(f, sigmoid(chunk(v, 2, 4))),
    Eq(o, sigmoid(chunk(v, 3, 4))),
    Eq(c, f * c.prev + i * g),
    Eq(h, o * tanh(layer_norm(c, Param("g_c"), Param("b_c")))),
], reference="Ba, Kiros, Hinton, Layer normalization, arXiv:1607.06450 (over all gates together, x and h apart)",
   names={"W": "W_x", "U": "W_h", "g_h": r"\alpha_1", "g_x": r"\alpha_2", "g_c": r"\alpha_3", "b_c": r"\beta_3"})

t, tau, shift, ratio, leak = Input("t", ()), Param("tau"), Param("s"), Param("r"), Constant("alpha", ())
phase, k, c_hat, h_hat = symbols("phi k c_hat h_hat")

phased_lstm = Cell("phased_lstm", [
    Eq(phase, Mod(t - shift, tau) / tau),
    Eq(k, Piecewise((2 * phase / ratio, phase < ratio / 2), (2 - 2 * phase / ratio, phase < ratio), (leak * phase, True))),
    Eq(i, sigmoid(affine(x, h.prev) + p_i * c.prev)),
    Eq(f, sigmoid(affine(x, h.prev) + p_f * c.prev)),
    Eq(g, tanh(affine(x, h.prev))),
    Eq(c_hat, f * c.prev + i * g),
    Eq(o, sigmoid(affine(x, h.prev) + p_o * c_hat)),
    Eq(h_hat, o * tanh(c_hat)),
    Eq(c, k * c_hat + (1 - k) * c.prev),
    Eq(h, k * h_hat + (1 - k) * h.prev),
], reference="Neil, Pfeiffer, Liu, Phased LSTM, NeurIPS 2016, arXiv:1610.09513 (t is the time stamp of the step)",
   names={"r": r"r_{\mathrm{on}}", "c_hat": r"\tilde c", "h_hat": r"\tilde h", "b_g": "b_c"}
         | by_gate({"i": "i", "f": "f", "g": "c", "o": "o"}, W="W_{x@}", U="W_{h@}") | by_gate("ifo", p="w_{c@}"))

elapsed = Input("dt", ())
c_s, c_a = symbols("c_S c_A")

t_lstm = Cell("t_lstm", [
    Eq(c_s, tanh(affine(c.prev, name="d"))),
    Eq(c_a, c.prev - c_s + c_s / log(E + elapsed)),
    Eq(i, sigmoid(affine(x, h.prev))),
    Eq(f, sigmoid(affine(x, h.prev))),
    Eq(o, sigmoid(affine(x, h.prev))),
    Eq(g, tanh(affine(x, h.prev))),
    Eq(c, f * c_a + i * g),
    Eq(h, o * tanh(c)),
], reference="Baytas et al., Patient subtyping via time-aware LSTM networks, KDD 2017 (dt is the time since the step before)",
   names={"c": "C", "c_S": "C^S", "c_A": "C^*", "g": r"\tilde C", "dt": r"\Delta", "U_d": "W_d"}
         | by_gate({"g": "c"}, W="W_@", U="U_@", b="b_@"))

m_c, m_h = Input("m_c", "n_h"), Input("m_h", "n_h")

zoneout_lstm = Cell("zoneout_lstm", [
    Eq(i, sigmoid(affine(x, h.prev))),
    Eq(f, sigmoid(affine(x, h.prev))),
    Eq(o, sigmoid(affine(x, h.prev))),
    Eq(g, tanh(affine(x, h.prev))),
    Eq(c_hat, f * c.prev + i * g),
    Eq(h_hat, o * tanh(c_hat)),
    Eq(c, m_c * c.prev + (1 - m_c) * c_hat),
    Eq(h, m_h * h.prev + (1 - m_h) * h_hat),
], reference="Krueger et al., Zoneout, ICLR 2017, arXiv:1606.01305 (the masks are inputs: 1 keeps a unit as it was)",
   names={"m_c": "d^c", "m_h": "d^h"})

stabiliser, n = State("m"), State("n")
i_log, f_log, z = symbols("i_log f_log z")


def heads(name):
    """A block-diagonal product with h_{t-1}: each head sees its own units."""
    return Param(name, blocks="n_heads") @ h.prev


slstm = Cell("slstm", [
    Eq(i_log, affine(x, name="i") + heads("R_i")),
    Eq(f_log, log_sigmoid(affine(x, name="f") + heads("R_f"))),
    Eq(z, tanh(affine(x) + heads("R_z"))),
    Eq(o, sigmoid(affine(x) + heads("R_o"))),
    Eq(stabiliser, Max(f_log + stabiliser.prev, i_log)),
    Eq(i, exp(i_log - stabiliser)),
    Eq(f, exp(f_log + stabiliser.prev - stabiliser)),
    Eq(c, f * c.prev + i * z),
    Eq(n, f * n.prev + i),
    Eq(h, o * c / n),
], reference="Beck et al., xLSTM, NeurIPS 2024, arXiv:2405.04517 (doubtful: n without the floor of flashrnn's code)",
   names={"i": r"i^\prime", "f": r"f^\prime", "i_log": r"\tilde i", "f_log": r"\log f"}
         | {"z_f_log": r"\tilde f", "z_z": r"\tilde z", "z_o": r"\tilde o"})
