"""Linear recurrences and their kin: the gates look at the input alone, so that no step waits for a matrix product."""

import numpy as np
from sympy import Eq, exp, symbols, tanh

from symcell import (
    Cell,
    Constant,
    Input,
    Param,
    State,
    affine,
    column,
    convolve,
    dot,
    outer,
    sigmoid,
    silu,
    softplus,
    window,
)
from symcell.cells.notation import by_gate

x, h, c, y = Input("x"), State("h"), State("c"), State("y", "n_y")
f, g, i, o, r, u, v, z = symbols("f g i o r u v z")

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
], reference="Lei et al., arXiv:1709.02755: without the peepholes, so that c is a scan",
   names={"u": r"\tilde x"})

qrnn = Cell("qrnn", [
    Eq(z, tanh(affine(*window(x, 2)))),
    Eq(f, sigmoid(affine(*window(x, 2)))),
    Eq(o, sigmoid(affine(*window(x, 2)))),
    Eq(c, f * c.prev + (1 - f) * z),
    Eq(h, o * c),
], reference="Bradbury et al., Quasi-recurrent neural networks, ICLR 2017, arXiv:1611.01576 (fo-pooling, window 2)",
   names=by_gate({f"{q}_x": q for q in "zfo"}, W="W_@^2") | by_gate({f"{q}_x_1": q for q in "zfo"}, W="W_@^1"))

qrnn_ifo = Cell("qrnn_ifo", [
    Eq(z, tanh(affine(*window(x, 2)))),
    Eq(f, sigmoid(affine(*window(x, 2)))),
    Eq(i, sigmoid(affine(*window(x, 2)))),
    Eq(o, sigmoid(affine(*window(x, 2)))),
    Eq(c, f * c.prev + i * z),
    Eq(h, o * c),
], reference="Bradbury et al., Quasi-recurrent neural networks, ICLR 2017, arXiv:1611.01576 (ifo-pooling, window 2)",
   names=by_gate({f"{q}_x": q for q in "zfio"}, W="W_@^2") | by_gate({f"{q}_x_1": q for q in "zfio"}, W="W_@^1"))

mingru = Cell("mingru", [
    Eq(z, sigmoid(Param("W_z") @ x)),
    Eq(g, Param("W_g") @ x),
    Eq(h, (1 - z) * h.prev + z * g),
], reference="Feng et al., Were RNNs all we needed?, arXiv:2410.01201",
   names={"g": r"\tilde h"})

S = State("S", ("n_u", "n_s"))
B_t, C_t, delta, y_ssm = symbols("B_t C_t delta y_ssm")

mamba = Cell("mamba", [
    Eq(v, Param("W_v") @ x),
    Eq(u, silu(convolve(v, 4))),
    Eq(delta, softplus(Param("W_2") @ (Param("W_1", ("n_r", "n_u")) @ u) + Param("b_delta"))),
    Eq(B_t, Param("W_B") @ u),
    Eq(C_t, Param("W_C") @ u),
    Eq(S, exp(-column(delta) * exp(Param("A_log", ("n_u", "n_s")))) * S.prev + outer(delta * u, B_t)),
    Eq(y_ssm, S @ C_t + Param("D") * u),
    Eq(y, Param("W_y") @ (y_ssm * silu(Param("W_z") @ x))),
], outputs=[y], reference="Gu, Dao, Mamba, arXiv:2312.00752 (A by zero-order hold, B by Euler's method)",
   names={"S": "h", "delta": r"\Delta"})

m, s = State("m", "n_m"), symbols("s")

lmu = Cell("lmu", [
    Eq(s, dot(Param("e_x"), x) + dot(Param("e_h"), h.prev) + dot(Param("e_m"), m.prev)),
    Eq(m, Constant("A", ("n_m", "n_m")) @ m.prev + Constant("B") * s),
    Eq(h, tanh(Param("W_x") @ x + Param("W_h") @ h.prev + Param("W_m") @ m)),
], reference="Voelker, Kajic, Eliasmith, Legendre memory units, NeurIPS 2019 (A and B: legendre_memory)",
   names={"s": "u", "A": r"\bar A", "B": r"\bar B"})


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
