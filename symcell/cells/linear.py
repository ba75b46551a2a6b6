"""Linear recurrences and their kin: the gates look at the input alone, so that no step waits for a matrix product."""

import numpy as np
from sympy import Eq, cos, exp, sin, symbols, tanh

from symcell import Cell, Constant, Input, Param, State, affine, column, dot, outer, sigmoid, silu, softplus
from symcell.cells.compositions import Pair

x, h, c, y = Input("x"), State("h"), State("c"), State("y", "n_y")
f, g, o, r, u, z = symbols("f g o r u z")

sru = Cell("sru", [
    Eq(u, Param("W") @ x),
    Eq(f, sigmoid(affine(x) + Param("v_f") * c.prev)),
    Eq(r, sigmoid(affine(x) + Param("v_r") * c.prev)),
    Eq(c, f * c.prev + (1 - f) * u),
    Eq(h, r * c + (1 - r) * Constant("alpha", ()) * x),
], reference="Lei et al., Simple recurrent units for highly parallelizable recurrence, EMNLP 2018, "
             "arXiv:1709.02755")

sru_v1 = Cell("sru_v1", [
    Eq(u, Param("W") @ x),
    Eq(f, sigmoid(affine(x))),
    Eq(r, sigmoid(affine(x))),
    Eq(c, f * c.prev + (1 - f) * u),
    Eq(h, r * c + (1 - r) * x),
], reference="Lei et al., arXiv:1709.02755: without the peepholes, so that c is a scan")

x_last = State("x_last", "n_x")


def window(name):
    """A convolution of width two over time: W x_t + V x_{t-1} + b."""
    return affine(x, name=name) + Param(f"V_{name}") @ x_last.prev


qrnn = Cell("qrnn", [
    Eq(z, tanh(window("z"))),
    Eq(f, sigmoid(window("f"))),
    Eq(o, sigmoid(window("o"))),
    Eq(c, f * c.prev + (1 - f) * z),
    Eq(h, o * c),
    Eq(x_last, x),
], reference="Bradbury et al., Quasi-recurrent neural networks, ICLR 2017, arXiv:1611.01576 (fo-pooling, window 2)")

mingru = Cell("mingru", [
    Eq(z, sigmoid(Param("W_z") @ x)),
    Eq(g, Param("W_g") @ x),
    Eq(h, (1 - z) * h.prev + z * g),
], reference="Feng et al., Were RNNs all we needed?, arXiv:2410.01201")

nu, theta, log_gain = exp(Param("nu", "n_h")), exp(Param("theta", "n_h")), Param("log_gamma")
h_complex = Pair(State("h_re"), State("h_im"))
eigenvalue = exp(-nu) * Pair(cos(theta), sin(theta))
B, C = Pair(Param("B_re"), Param("B_im")), Pair(Param("C_re"), Param("C_im"))
h_new = eigenvalue * h_complex.prev + exp(log_gain) * (B @ x)

lru = Cell("lru", [
    Eq(h_complex.real, h_new.real),
    Eq(h_complex.imaginary, h_new.imaginary),
    Eq(y, (C @ h_complex).real + Param("D") * x),
], outputs=[y], reference="Orvieto et al., Resurrecting recurrent neural networks for long sequences, ICML 2023, "
                          "arXiv:2303.06349")

S = State("S", ("n_u", "n_s"))
u0, B_t, C_t, delta, y_ssm = symbols("u0 B_t C_t delta y_ssm")
past = [State(f"u{k}", "n_u") for k in (1, 2, 3)]  # u0 one, two and three steps ago
taps = [Param(f"k{k}") for k in range(4)]

mamba = Cell("mamba", [
    Eq(u0, Param("W_u") @ x),
    Eq(u, silu(taps[0] * u0 + sum(k * v.prev for k, v in zip(taps[1:], past, strict=True)) + Param("b_u"))),
    *[Eq(later, earlier) for later, earlier in zip(past, [u0, past[0].prev, past[1].prev], strict=True)],
    Eq(delta, softplus(Param("W_2") @ (Param("W_1", ("n_r", "n_u")) @ u) + Param("b_delta"))),
    Eq(B_t, Param("W_B") @ u),
    Eq(C_t, Param("W_C") @ u),
    Eq(S, exp(-column(delta) * exp(Param("A_log", ("n_u", "n_s")))) * S.prev + outer(delta * u, B_t)),
    Eq(y_ssm, S @ C_t + Param("D") * u),
    Eq(y, Param("W_y") @ (y_ssm * silu(Param("W_z") @ x))),
], outputs=[y], reference="Gu, Dao, Mamba, arXiv:2312.00752 (A by zero-order hold, B by Euler's method)")

m, s = State("m", "n_m"), symbols("s")

lmu = Cell("lmu", [
    Eq(s, dot(Param("e_x"), x) + dot(Param("e_h"), h.prev) + dot(Param("e_m"), m.prev)),
    Eq(m, Constant("A", ("n_m", "n_m")) @ m.prev + Constant("B") * s),
    Eq(h, tanh(Param("W_x") @ x + Param("W_h") @ h.prev + Param("W_m") @ m)),
], reference="Voelker, Kajic, Eliasmith, Legendre memory units, NeurIPS 2019 (A and B: legendre_memory)")


def legendre_memory(order, window):
    """The constants A (order, order) and B (order,) of the LMU: a delay of `window` steps, discretised by zero-order hold."""
    from mpmath import expm, matrix

    i, j = np.mgrid[:order, :order]
    derivative = (2 * i + 1) / window * np.where(i < j, -1.0, (-1.0) ** (i - j + 1))
    entry = (2 * i[:, 0] + 1) * (-1.0) ** i[:, 0] / window
    both = np.zeros((order + 1, order + 1))  # exp [[A, B], [0, 0]] = [[A_bar, B_bar], [0, 1]]
    both[:order, :order], both[:order, order] = derivative, entry
    held = np.array(expm(matrix(both)).tolist(), float)
    return held[:order, :order], held[:order, order]
