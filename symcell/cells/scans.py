"""Recurrences whose gates look at the input alone, so that all their steps are computed as a scan."""

from sympy import Eq, Piecewise, exp, sqrt, symbols

from symcell import Cell, Input, Param, State, affine, sigmoid, softplus

x, h = Input("x"), State("h")
a, f, g, i, r, u, z = symbols("a f g i r u z")

t_rnn = Cell("t_rnn", [
    Eq(z, affine(x)),
    Eq(f, sigmoid(affine(x))),
    Eq(h, f * h.prev + (1 - f) * z),
], reference="Balduzzi, Ghifary, Strongly-typed recurrent neural networks, ICML 2016, arXiv:1602.02218")

minlstm = Cell("minlstm", [
    Eq(f, sigmoid(Param("W_f") @ x)),
    Eq(i, sigmoid(Param("W_i") @ x)),
    Eq(u, Param("W_g") @ x),
    Eq(g, Piecewise((u + 0.5, u >= 0), (sigmoid(u), True))),
    Eq(h, f / (f + i) * h.prev + i / (f + i) * g),
], reference="Feng et al., Were RNNs all we needed?, arXiv:2410.01201 (with the positive candidate of its log-space form)")

rg_lru = Cell("rg_lru", [
    Eq(r, sigmoid(Param("W_a", blocks="n_heads") @ x + Param("b_a"))),
    Eq(i, sigmoid(Param("W_x", blocks="n_heads") @ x + Param("b_x"))),
    Eq(a, exp(-8 * softplus(Param("Lambda")) * r)),
    Eq(h, a * h.prev + sqrt(1 - a**2) * (i * x)),
], reference="De et al., Griffin, arXiv:2402.19427 (the RG-LRU; sigmoid(-Lambda)^(8 r), written by its logarithm)")
