"""Cells with heads: each head keeps a matrix, to which keys and values are added and from which a query reads.

`split` makes a vector for each head of one for all; what follows is written for one head, and happens for any number of them.
"""

from sympy import Abs, Eq, Max, Rational, exp, sqrt, symbols, tanh

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
    elu,
    log_sigmoid,
    merge,
    outer,
    sigmoid,
    silu,
    size,
    softplus,
    split,
    window,
)
from symcell.cells.compositions import layer_norm, normalised, rms_norm

H, P = "n_heads", Param
x, y = Input("x"), State("y")
S, n, h = State("S", ("n_k", "n_v"), over=H), State("n", "n_k", over=H), State("h")
a, b, d, f, g, i, k, m_t, o, q, r, u, v, w, z = symbols("a b d f g i k m_t o q r u v w z")

linear_attention = Cell("linear_attention", [
    Eq(q, 1 + elu(P("W_q", over=H) @ x)),
    Eq(k, 1 + elu(P("W_k", over=H) @ x)),
    Eq(v, P("W_v", over=H) @ x),
    Eq(S, S.prev + outer(k, v)),
    Eq(n, n.prev + k),
    Eq(y, P("W_y") @ merge(S.T @ q / dot(q, n))),
], outputs=y, reference="Katharopoulos et al., Transformers are RNNs, ICML 2020, arXiv:2006.16236",
   names={"S": "s", "n": "z", "W_q": "W_Q", "W_k": "W_K", "W_v": "W_V"})

retnet = Cell("retnet", [
    Eq(q, P("W_q", over=H) @ x),
    Eq(k, P("W_k", over=H) @ x / sqrt(size("n_k"))),
    Eq(v, P("W_v", over=H) @ x),
    Eq(S, Constant("gamma", (), over=H) * S.prev + outer(k, v)),
    Eq(o, layer_norm(S.T @ q)),
    Eq(y, P("W_y") @ (silu(P("W_g") @ x) * merge(o))),
], outputs=y, reference="Sun et al., Retentive network, arXiv:2307.08621 (recurrent form, without the rotation of q and k; "
                        "gamma is 1 - 2**(-5 - j) for head j)",
   names={"q": "Q", "k": "K", "v": "V", "W_q": "W_Q", "W_k": "W_K", "W_v": "W_V", "W_g": "W_G", "W_y": "W_O"})

gla = Cell("gla", [
    Eq(q, P("W_q", over=H) @ x / sqrt(size("n_k"))),
    Eq(k, P("W_k", over=H) @ x),
    Eq(v, P("W_v", over=H) @ x),
    Eq(a, exp(log_sigmoid(split(P("G_2") @ (P("G_1", ("n_r", "n_x")) @ x) + P("b_a"), H)) / 16)),
    Eq(S, column(a) * S.prev + outer(k, v)),
    Eq(o, layer_norm(S.T @ q)),
    Eq(y, P("W_y") @ (silu(P("W_g") @ x + P("b_g")) * merge(o))),
], outputs=y, reference="Yang et al., Gated linear attention transformers, ICML 2024, arXiv:2312.06635",
   names={"a": r"\alpha", "G_1": r"W_\alpha^1", "G_2": r"W_\alpha^2", "b_a": r"b_\alpha"}
         | {"W_q": "W_Q", "W_k": "W_K", "W_v": "W_V", "W_g": "W_r", "b_g": "b_r", "W_y": "W_O"})

m, C = State("m", (), over=H), State("C", ("n_v", "n_k"), over=H)

mlstm = Cell("mlstm", [
    Eq(q, affine(x, over=H)),
    Eq(k, affine(x, over=H) / sqrt(size("n_k"))),
    Eq(v, affine(x, over=H)),
    Eq(i, split(affine(x), H, ())),
    Eq(f, log_sigmoid(split(affine(x), H, ()))),
    Eq(o, sigmoid(affine(x))),
    Eq(m, Max(f + m.prev, i)),
    Eq(C, exp(f + m.prev - m) * C.prev + exp(i - m) * outer(v, k)),
    Eq(n, exp(f + m.prev - m) * n.prev + exp(i - m) * k),
    Eq(h, o * merge(C @ q / Max(Abs(dot(n, q)), exp(-m)))),
], reference="Beck et al., xLSTM, NeurIPS 2024, arXiv:2405.04517 (mLSTM, forget gate by sigmoid)",
   names={"i": r"\tilde i", "f": r"\log f", "z_f": r"\tilde f", "z_o": r"\tilde o"})

deltanet = Cell("deltanet", [
    Eq(q, normalised(silu(P("W_q", over=H) @ x))),
    Eq(k, normalised(silu(P("W_k", over=H) @ x))),
    Eq(v, silu(P("W_v", over=H) @ x)),
    Eq(b, sigmoid(split(P("W_b") @ x, H, ()))),
    Eq(S, S.prev + outer(k, b * (v - S.prev.T @ k))),
    Eq(y, P("W_y") @ merge(rms_norm(S.T @ q))),
], outputs=y, reference="Schlag, Irie, Schmidhuber, Linear transformers are secretly fast weight programmers, ICML 2021, "
                        "arXiv:2102.11174 (the delta rule); Yang et al., NeurIPS 2024, arXiv:2406.06484 (features and norms)",
   names={"b": r"\beta", "W_b": r"W_\beta"})

gated_deltanet = Cell("gated_deltanet", [
    Eq(q, normalised(silu(P("W_q", over=H) @ x))),
    Eq(k, normalised(silu(P("W_k", over=H) @ x))),
    Eq(v, silu(P("W_v", over=H) @ x)),
    Eq(b, sigmoid(split(P("W_b") @ x, H, ()))),
    Eq(a, exp(-exp(P("A_log", (), over=H)) * softplus(split(affine(x), H, ())))),
    Eq(S, a * S.prev + outer(k, b * (v - a * S.prev.T @ k))),
    Eq(y, P("W_y") @ (silu(P("W_g") @ x) * merge(rms_norm(S.T @ q)))),
], outputs=y, reference="Yang, Kautz, Hatamizadeh, Gated delta networks, ICLR 2025, arXiv:2412.06464 "
                        "(without the convolutions of q, k, v)",
   names={"a": r"\alpha", "b": r"\beta"})


def shifted(name):
    """The input between this step and the last one, mixed unit by unit."""
    now, before = window(x, 2)
    return now + P(f"mu_{name}") * (before - now)


def low_rank(name, e):
    """lambda + B tanh(A e)"""
    return P(f"lambda_{name}") + P(f"B_{name}") @ tanh(P(f"A_{name}", (f"n_{name}", "n_x")) @ e)


def mixed(name):
    """The same, where the mixture depends on the input."""
    now, before = window(x, 2)
    return now + low_rank(name, shifted("x")) * (before - now)


rwkv6 = Cell("rwkv6", [
    Eq(r, P("W_r", over=H) @ mixed("r")),
    Eq(k, P("W_k", over=H) @ mixed("k")),
    Eq(v, P("W_v", over=H) @ mixed("v")),
    Eq(w, exp(-exp(split(low_rank("d", mixed("w")), H)))),
    Eq(o, (S.prev + outer(P("u", over=H) * k, v)).T @ r),
    Eq(S, column(w) * S.prev + outer(k, v)),
    Eq(y, P("W_y") @ (silu(P("W_g") @ mixed("g")) * merge(layer_norm(o)))),
], outputs=y, reference="Peng et al., Eagle and Finch, arXiv:2404.05892 (RWKV-6, time mixing)",
   names={"W_y": "W_o"})

rwkv7 = Cell("rwkv7", [
    Eq(r, P("W_r", over=H) @ shifted("r")),
    Eq(z, P("W_k", over=H) @ shifted("k")),
    Eq(v, P("W_v", over=H) @ shifted("v")),
    Eq(w, exp(-exp(-Rational(1, 2)) * sigmoid(split(low_rank("d", shifted("w")), H)))),
    Eq(a, sigmoid(split(low_rank("a", shifted("a")), H))),
    Eq(d, normalised(P("xi", over=H) * z)),
    Eq(k, z * (1 + P("alpha", over=H) * (a - 1))),
    Eq(S, column(w) * S.prev - outer(a * d, S.prev.T @ d) + outer(k, v)),
    Eq(o, layer_norm(S.T @ r) + dot(r, P("rho", over=H) * k) * v),
    Eq(y, P("W_y") @ (sigmoid(low_rank("g", shifted("g"))) * merge(o))),
], outputs=y, reference="Peng et al., RWKV-7 Goose, arXiv:2503.14456 (time mixing, without the value residual of deeper layers)",
   names={"z": "k", "d": r"\hat\kappa", "k": r"\tilde k", "W_y": "W_o"})

M, (B_t, C_t, delta) = State("S", ("n_p", "n_s"), over=H), symbols("B C delta")

mamba2 = Cell("mamba2", [
    Eq(v, P("W_v", over=H) @ x),
    Eq(u, silu(convolve(v, 4, over=H))),
    Eq(b, P("W_b") @ x),
    Eq(B_t, silu(convolve(b, 4))),
    Eq(q, P("W_q") @ x),
    Eq(C_t, silu(convolve(q, 4))),
    Eq(delta, softplus(split(affine(x), H, ()))),
    Eq(M, exp(-delta * exp(P("A_log", (), over=H))) * M.prev + outer(delta * u, B_t)),
    Eq(o, M @ C_t + P("D", (), over=H) * u),
    Eq(y, P("W_y") @ (P("g") * rms_norm(merge(o) * silu(P("W_z") @ x)))),
], outputs=y, reference="Dao, Gu, Transformers are SSMs, ICML 2024, arXiv:2405.21060 (one group)",
   names={"S": "h", "delta": r"\Delta"})
