"""Gated recurrent units: one state, which a gate mixes with its candidate g."""

from sympy import Eq, symbols, tanh

from symcell import Cell, Input, Param, State, affine, concat, sigmoid

x, c, h = Input("x"), State("c"), State("h")
g, i, m, n, r, u, z = symbols("g i m n r u z")

gru_one_gate = Cell("gru_one_gate", [
    Eq(g, tanh(affine(c.prev, x))),
    Eq(u, sigmoid(affine(c.prev, x))),
    Eq(c, u * g + (1 - u) * c.prev),
], reference="Collins, Sohl-Dickstein, Sussillo, Capacity and trainability in recurrent neural networks, ICLR 2017, "
             "arXiv:1611.09913 (UGRNN, with the gate's sense reversed)")

gru = Cell("gru", [
    Eq(r, sigmoid(affine(c.prev, x))),
    Eq(i, sigmoid(affine(c.prev, x))),
    Eq(g, tanh(affine(r * c.prev, x))),
    Eq(c, i * g + (1 - i) * c.prev),
], reference="Cho et al., Learning phrase representations using RNN encoder-decoder, EMNLP 2014, arXiv:1406.1078 "
             "(with the update gate's sense of Chung et al., arXiv:1412.3555)")

gru_concat = Cell("gru_concat", [
    Eq(r, sigmoid(Param("W_r") @ concat(c.prev, x) + Param("b_r"))),
    Eq(i, sigmoid(Param("W_i") @ concat(c.prev, x) + Param("b_i"))),
    Eq(g, tanh(Param("W_g") @ concat(r * c.prev, x) + Param("b_g"))),
    Eq(c, i * g + (1 - i) * c.prev),
], reference="Cho et al., EMNLP 2014, arXiv:1406.1078: one weight matrix a gate, for [c, x]")

gru_reset_after = Cell("gru_reset_after", [
    Eq(z, sigmoid(affine(x, h.prev))),
    Eq(r, sigmoid(affine(x, h.prev))),
    Eq(n, tanh(affine(x) + r * (Param("U_n") @ h.prev + Param("d_n")))),
    Eq(h, (1 - z) * n + z * h.prev),
], reference="Cho et al., arXiv:1406.1078v1: the reset after the product, as in cuDNN and PyTorch's GRU (d_n is b_hn there)")

gru_inverted_update = Cell("gru_inverted_update", [
    Eq(u, sigmoid(affine(x, h.prev, bias=False))),
    Eq(r, sigmoid(affine(x, h.prev, bias=False))),
    Eq(m, tanh(affine(x, bias=False) + r * (Param("U_m") @ h.prev))),
    Eq(h, u * h.prev + (1 - u) * m),
], reference="Cho et al., arXiv:1406.1078v1: the reset after the product, no biases; u keeps, 1 - u renews")
