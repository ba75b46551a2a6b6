"""Kin of the linear recurrences: gates of the input alone that are normalised, typed, bounded, or kept as logarithms."""

from sympy import Eq, Max, Piecewise, exp, sqrt, symbols

from symcell import Cell, Input, Param, State, affine, sigmoid, softplus, window

x, h = Input("x"), State("h")
a, f, g, i, r, u, z = symbols("a f g i r u z")

t_rnn = Cell("t_rnn", [
    Eq(z, affine(x)),
    Eq(f, sigmoid(affine(x))),
    Eq(h, f * h.prev + (1 - f) * z),
], reference="Balduzzi, Ghifary, Strongly-typed recurrent neural networks, ICML 2016, arXiv:1602.02218",
   names={"W_z": "W", "W_f": "V"})

minlstm = Cell("minlstm", [
    Eq(f, sigmoid(Param("W_f") @ x)),
    Eq(i, sigmoid(Param("W_i") @ x)),
    Eq(u, Param("W_g") @ x),
    Eq(g, Piecewise((u + 0.5, u >= 0), (sigmoid(u), True))),
    Eq(h, f / (f + i) * h.prev + i / (f + i) * g),
], reference="Feng et al., Were RNNs all we needed?, arXiv:2410.01201 (with the positive candidate of its log-space form)",
   names={"g": r"\tilde h"})

rg_lru = Cell("rg_lru", [
    Eq(r, sigmoid(Param("W_a", blocks="n_heads") @ x + Param("b_a"))),
    Eq(i, sigmoid(Param("W_x", blocks="n_heads") @ x + Param("b_x"))),
    Eq(a, exp(-8 * softplus(Param("Lambda")) * r)),
    Eq(h, a * h.prev + sqrt(1 - a**2) * (i * x)),
], reference="De et al., Griffin, arXiv:2402.19427 (the RG-LRU; sigmoid(-Lambda)^(8 r), written by its logarithm)")

k, q, v, wkv = symbols("k q v wkv")
A, B, p, y = State("A"), State("B"), State("p", initial=-1e30), State("y", "n_y")
bonus, decay = Param("u"), exp(Param("w"))


def shifted(name):
    """A product with a mixture of this input and the last."""
    mix, (now, before) = Param(f"mu_{name}"), window(x, 2)
    return Param(f"W_{name}") @ (mix * now + (1 - mix) * before)


rwkv4 = Cell("rwkv4", [
    Eq(r, sigmoid(shifted("r"))),
    Eq(k, shifted("k")),
    Eq(v, shifted("v")),
    Eq(q, Max(p.prev, bonus + k)),
    Eq(wkv, (exp(p.prev - q) * A.prev + exp(bonus + k - q) * v) / (exp(p.prev - q) * B.prev + exp(bonus + k - q))),
    Eq(p, Max(p.prev - decay, k)),
    Eq(A, exp(p.prev - decay - p) * A.prev + exp(k - p) * v),
    Eq(B, exp(p.prev - decay - p) * B.prev + exp(k - p)),
    Eq(y, Param("W_y") @ (r * wkv)),
], outputs=[y], reference="Peng et al., RWKV, Findings of EMNLP 2023, arXiv:2305.13048 "
                          "(time mixing; A and B are multiples of exp(-p))",
   names={"A": r"a^\prime", "B": r"b^\prime", "y": "o", "W_y": "W_o"})
