"""The published cells with heads, for one sample and one step, in JAX: see `zoo`. The first axis of a per-head array is the head's."""

import jax.numpy as jnp
from jax.nn import elu, log_sigmoid, silu, softplus
from jax.nn import sigmoid as sigma
from jax.numpy import exp, sqrt, tanh


def per_head(W, x):
    return jnp.einsum("hkx,x->hk", W, x)


def read(S, q):
    """The query's sum of values, which are the last axis of S."""
    return jnp.einsum("hkv,hk->hv", S, q)


def added(k, v):
    return k[:, :, None] * v[:, None, :]


def unit(e):
    return e / sqrt((e**2).sum(-1, keepdims=True) + 1e-5)


def rms(e):
    return e / sqrt((e**2).mean(-1, keepdims=True) + 1e-5)


def group_norm(e):
    centred = e - e.mean(-1, keepdims=True)
    return centred / sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)


def linear_attention(p, x, S_, n_, y_):
    q, k, v = 1 + elu(per_head(p.W_q, x)), 1 + elu(per_head(p.W_k, x)), per_head(p.W_v, x)
    S, n = S_ + added(k, v), n_ + k
    return S, n, p.W_y @ (read(S, q) / (q * n).sum(-1, keepdims=True)).ravel()


def retnet(p, x, S_, y_):
    """gamma: one number a head."""
    q, k, v = per_head(p.W_q, x), per_head(p.W_k, x) / sqrt(p.W_k.shape[1]), per_head(p.W_v, x)
    S = p.gamma[:, None, None] * S_ + added(k, v)
    return S, p.W_y @ (silu(p.W_g @ x) * group_norm(read(S, q)).ravel())


def gla(p, x, S_, y_):
    """G_2 @ G_1: the low-rank gate."""
    q, k, v = per_head(p.W_q, x) / sqrt(p.W_q.shape[1]), per_head(p.W_k, x), per_head(p.W_v, x)
    a = exp(log_sigmoid(p.G_2 @ (p.G_1 @ x) + p.b_a) / 16).reshape(k.shape)
    S = a[:, :, None] * S_ + added(k, v)
    return S, p.W_y @ (silu(p.W_g @ x + p.b_g) * group_norm(read(S, q)).ravel())


def mlstm(p, x, m_, C_, n_, h_):
    q, k, v = (per_head(vars(p)[f"W_{e}"], x) + vars(p)[f"b_{e}"] for e in "qkv")
    k = k / sqrt(k.shape[1])
    i, f, o = p.W_i @ x + p.b_i, log_sigmoid(p.W_f @ x + p.b_f), sigma(p.W_o @ x + p.b_o)
    m = jnp.maximum(f + m_, i)
    keep, add = exp(f + m_ - m), exp(i - m)
    C = keep[:, None, None] * C_ + add[:, None, None] * added(v, k)
    n = keep[:, None] * n_ + add[:, None] * k
    scale = jnp.maximum(abs((n * q).sum(-1)), exp(-m))
    return m, C, n, o * (jnp.einsum("hvk,hk->hv", C, q) / scale[:, None]).ravel()


def deltanet(p, x, S_, y_):
    q, k, v = unit(silu(per_head(p.W_q, x))), unit(silu(per_head(p.W_k, x))), silu(per_head(p.W_v, x))
    b = sigma(p.W_b @ x)
    S = S_ + added(k, b[:, None] * (v - read(S_, k)))
    return S, p.W_y @ rms(read(S, q)).ravel()


def gated_deltanet(p, x, S_, y_):
    q, k, v = unit(silu(per_head(p.W_q, x))), unit(silu(per_head(p.W_k, x))), silu(per_head(p.W_v, x))
    b, a = sigma(p.W_b @ x), exp(-exp(p.A_log) * softplus(p.W_a @ x + p.b_a))
    S = a[:, None, None] * S_
    S = S + added(k, b[:, None] * (v - read(S, k)))
    return S, p.W_y @ (silu(p.W_g @ x) * rms(read(S, q)).ravel())


def lora(p, name, e):
    return vars(p)[f"lambda_{name}"] + vars(p)[f"B_{name}"] @ tanh(vars(p)[f"A_{name}"] @ e)


def rwkv6(p, x, S_, y_, x_1_):
    shift = x_1_ - x
    r, k, v, w, g = (x + lora(p, e, x + p.mu_x * shift) * shift for e in "rkvwg")
    r, k, v = per_head(p.W_r, r), per_head(p.W_k, k), per_head(p.W_v, v)
    w = exp(-exp(lora(p, "d", w))).reshape(k.shape)
    o = read(S_ + added(p.u * k, v), r)
    S = w[:, :, None] * S_ + added(k, v)
    return S, p.W_y @ (silu(p.W_g @ g) * group_norm(o).ravel()), x


def rwkv7(p, x, S_, y_, x_1_):
    r, z, v, w, a, g = (x + vars(p)[f"mu_{e}"] * (x_1_ - x) for e in "rkvwag")
    r, z, v = per_head(p.W_r, r), per_head(p.W_k, z), per_head(p.W_v, v)
    w = exp(-exp(-0.5) * sigma(lora(p, "d", w))).reshape(z.shape)
    a = sigma(lora(p, "a", a)).reshape(z.shape)
    removed, k = unit(p.xi * z), z * (1 + p.alpha * (a - 1))
    S = w[:, :, None] * S_ - added(a * removed, read(S_, removed)) + added(k, v)
    bonus = (r * p.rho * k).sum(-1, keepdims=True) * v
    return S, p.W_y @ (sigma(lora(p, "g", g)) * (group_norm(read(S, r)) + bonus).ravel()), x


def mamba2(p, x, S_, y_, b_1_, b_2_, b_3_, q_1_, q_2_, q_3_, v_1_, v_2_, v_3_):
    """B and C are the same for all heads; A_log and D are one number a head; K_u_0 ... K_u_3: the convolution of u, K_u_0 for now."""

    def convolved(name, *values):
        return silu(sum(vars(p)[f"K_{name}_{k}"] * e for k, e in enumerate(values)) + vars(p)[f"b_{name}"])

    v, b, q = per_head(p.W_v, x), p.W_b @ x, p.W_q @ x
    u, B, C = convolved("u", v, v_1_, v_2_, v_3_), convolved("B", b, b_1_, b_2_, b_3_), convolved("C", q, q_1_, q_2_, q_3_)
    delta = softplus(p.W_delta @ x + p.b_delta)
    S = exp(-delta * exp(p.A_log))[:, None, None] * S_ + (delta[:, None] * u)[:, :, None] * B
    o = S @ C + p.D[:, None] * u
    return S, p.W_y @ (p.g * rms(o.ravel() * silu(p.W_z @ x))), b, b_1_, b_2_, q, q_1_, q_2_, v, v_1_, v_2_


HEADS = (linear_attention, retnet, gla, mlstm, deltanet, gated_deltanet, rwkv6, rwkv7, mamba2)
