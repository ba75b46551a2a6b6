"""Cells of continuous time: states that decay while nothing is observed, and differential equations solved step by step."""

from itertools import pairwise

from sympy import Eq, Max, exp, symbols, tanh

from symcell import Cell, Constant, Input, Param, State, affine, column, row, sigmoid, softmax, total
from symcell.cells.notation import by_gate

x, h = Input("x"), State("h")
elapsed = Input("dt", ())

mask, delta, x_seen = Input("m", "n_x"), Input("delta", "n_x"), State("x_seen", "n_x")
gamma_x, gamma_h, x_hat, h_hat, r, z, g = symbols("gamma_x gamma_h x_hat h_hat r z g")


def masked(gate, state):
    """W x + U h + V m + b: a gate sees which inputs were observed."""
    W, U, V, b = (Param(f"{letter}_{gate}") for letter in "WUVb")
    return W @ x_hat + U @ state + V @ mask + b


gru_d = Cell("gru_d", [
    Eq(gamma_x, exp(-Max(0, Param("w_x") * delta + Param("b_x")))),
    Eq(gamma_h, exp(-Max(0, Param("W_gamma") @ delta + Param("b_gamma")))),
    Eq(x_hat, mask * x + (1 - mask) * (gamma_x * x_seen.prev + (1 - gamma_x) * Constant("x_mean"))),
    Eq(x_seen, mask * x + (1 - mask) * x_seen.prev),
    Eq(h_hat, gamma_h * h.prev),
    Eq(r, sigmoid(masked("r", h_hat))),
    Eq(z, sigmoid(masked("z", h_hat))),
    Eq(g, tanh(masked("g", r * h_hat))),
    Eq(h, (1 - z) * h_hat + z * g),
], reference="Che et al., Recurrent neural networks for multivariate time series with missing values, Scientific Reports 8, "
             "2018, arXiv:1606.01865 (m: the mask of observed inputs, delta: the time since each was; not as its code)",
   names={"g": r"\tilde h", "x_mean": r"\tilde x", "W_g": "W", "U_g": "U", "V_g": "V", "b_g": "b"}
         | {"w_x": r"W_{\gamma_x}", "b_x": r"b_{\gamma_x}", "W_gamma": r"W_{\gamma_h}", "b_gamma": r"b_{\gamma_h}"})

H, log_tau = State("H", ("n_h", "n_m")), Constant("log_tau", "n_m")
h_last, log_R, log_S, q, R, S = symbols("h_last log_R log_S q R S")


def over_scales(log_scale):
    """For each unit a distribution over the time scales, those close to its own first."""
    return softmax(-((column(log_scale) - row(log_tau)) ** 2))


ct_gru = Cell("ct_gru", [
    Eq(h_last, total(H.prev)),
    Eq(log_R, affine(x, h_last)),
    Eq(R, over_scales(log_R)),
    Eq(q, tanh(affine(x, total(R * H.prev)))),
    Eq(log_S, affine(x, h_last)),
    Eq(S, over_scales(log_S)),
    Eq(H, ((1 - S) * H.prev + S * column(q)) * row(exp(-elapsed / exp(log_tau)))),
    Eq(h, total(H)),
], reference="Mozer, Kazakov, Lindsey, Discrete event, continuous time RNNs, arXiv:1710.04110 (log_tau: the logarithms of "
             "the time scales; doubtful: the code of LTC's authors selects and decays otherwise)",
   names={"log_R": r"\ln \tau^R", "log_S": r"\ln \tau^S", "log_tau": r"\ln \tilde\tau", "dt": r"{\Delta t}"}
         | by_gate({"log_R": "R", "q": "Q", "log_S": "S"}, W="W^@", U="U^@", b="b^@"))

v = State("v", "n_h")
u, A_s = symbols("u A_s")
w, s, mu, E = (Param(name, ("n_h", "n_h")) for name in ("w", "sigma", "mu", "E"))
w_s, s_s, mu_s, E_s = (Param(f"{name}_s", ("n_x", "n_h")) for name in ("w", "sigma", "mu", "E"))
C, g_leak, v_leak = Param("C"), Param("g_leak"), Param("v_leak")


def solved(steps):
    """Semi-implicit Euler's method: the numerator and denominator hold the synapses' currents at the old potential."""
    equations, potentials = [], [v.prev, *symbols(f"v1:{steps}"), v]
    for k, (old, new) in enumerate(pairwise(potentials), 1):
        A = symbols(f"A{k}")
        driven = C * old + g_leak * v_leak + total(A * E, 0) + total(A_s * E_s, 0)
        equations += [Eq(A, w * sigmoid(s * (column(old) - mu))), Eq(new, driven / (C + g_leak + total(A, 0) + total(A_s, 0)))]
    return equations


ltc = Cell("ltc", [
    Eq(u, Param("w_in") * x + Param("b_in")),
    Eq(A_s, w_s * sigmoid(s_s * (column(u) - mu_s))),
    *solved(steps=6),
], outputs=[v], reference="Hasani et al., Liquid time-constant networks, AAAI 2021, arXiv:2006.04439 (six semi-implicit "
                          "sub-steps; a synapse from j to k is entry (j, k) of w, sigma, mu and E)")

f_1, f_2, gate = symbols("f_1 f_2 s")

cfc = Cell("cfc", [
    Eq(u, 1.7159 * tanh(0.666 * affine(x, h.prev))),
    Eq(f_1, tanh(affine(u))),
    Eq(f_2, tanh(affine(u))),
    Eq(gate, sigmoid(affine(u, name="a") * elapsed + affine(u, name="c"))),
    Eq(h, f_1 * (1 - gate) + gate * f_2),
], reference="Hasani et al., Closed-form continuous-time neural networks, Nature Machine Intelligence 4, 2022, arXiv:2106.13898 "
             "(a backbone of one layer; dt is the time since the step before)")
