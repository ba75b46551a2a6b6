"""Rival cells in JAX, written as one would for speed: stacked weights, the inputs' products before the scan, one product a step.

Each takes the parameters p by symcell's names, the inputs x (T, B, n_x) and the initial states, and returns the states that the
loss reads, (T, B, n) each.
"""

import jax
import jax.numpy as jnp
from jax import lax
from jax.nn import log_sigmoid, sigmoid, silu, softplus
from jax.numpy import tanh


def _stacked(p, kind, gates):
    return jnp.concatenate([p[f"{kind}_{g}"] for g in gates])


def _gates(p, x, gates):
    """The inputs' share of all gates, and what the recurrent product is with."""
    return x @ _stacked(p, "W", gates).T + _stacked(p, "b", gates), _stacked(p, "U", gates).T


def lstm(p, x, init):
    before, U = _gates(p, x, "ifgo")

    def step(state, z):
        c, h = state
        i, f, g, o = jnp.split(z + h @ U, 4, axis=-1)
        c = sigmoid(f) * c + sigmoid(i) * tanh(g)
        h = sigmoid(o) * tanh(c)
        return (c, h), h

    return {"h": lax.scan(step, (init["c"], init["h"]), before)[1]}


def peephole_lstm(p, x, init):
    before, U = _gates(p, x, "ifgo")

    def step(state, z):
        c, h = state
        i, f, g, o = jnp.split(z + h @ U, 4, axis=-1)
        c_new = sigmoid(f + p["p_f"] * c) * c + sigmoid(i + p["p_i"] * c) * tanh(g)
        h = sigmoid(o + p["p_o"] * c_new) * tanh(c_new)
        return (c_new, h), h

    return {"h": lax.scan(step, (init["c"], init["h"]), before)[1]}


def slow_forget_lstm(p, x, init):
    before = x @ _stacked(p, "W", "ifgo").T + _stacked(p, "b", "ifgo")
    of_h = jnp.concatenate([p["U_i"], p["U_f_h"], p["U_o_h"]]).T
    of_s = jnp.concatenate([p["U_f_s"], p["U_o_s"]]).T
    n = p["U_i"].shape[0]

    def step(state, z):
        c, h, s = state
        from_h, from_s = h @ of_h, s @ of_s
        i = sigmoid(z[:, :n] + from_h[:, :n])
        f = sigmoid(z[:, n : 2 * n] + from_h[:, n : 2 * n] + from_s[:, :n])
        g = tanh(z[:, 2 * n : 3 * n] + (i * h) @ p["U_g"].T)
        o = sigmoid(z[:, 3 * n :] + from_h[:, 2 * n :] + from_s[:, n:])
        c = f * c + i * g
        h = o * tanh(c)
        u = sigmoid(h @ p["U_u_h"].T + s @ p["U_u_s"].T + p["b_u"])
        s = (1 - u) * s + u * tanh(c @ p["U_s"].T + p["b_s"])
        return (c, h, s), h

    return {"h": lax.scan(step, (init["c"], init["h"], init["s"]), before)[1]}


def cornn(p, x, init):
    before = x @ p["W_z"].T + p["b_z"]
    U = jnp.concatenate([p["U_z_y"], p["U_z_z"]], axis=1).T

    def step(state, a):
        z, y = state
        z = z + p["dt"] * (tanh(a + jnp.concatenate([y, z], axis=-1) @ U) - p["gamma"] * y - p["epsilon"] * z)
        y = y + p["dt"] * z
        return (z, y), y

    return {"y": lax.scan(step, (init["z"], init["y"]), before)[1]}


def _per_head(x, W):
    """W (heads, units, inputs) times x, for all steps and samples."""
    return jnp.einsum("tbx,hkx->tbhk", x, W)


def _merged(o):
    return o.reshape(*o.shape[:2], -1)


def gla(p, x, init):
    q, k, v = _per_head(x, p["W_q"]) / jnp.sqrt(p["W_q"].shape[1]), _per_head(x, p["W_k"]), _per_head(x, p["W_v"])
    a = jnp.exp(log_sigmoid((x @ p["G_1"].T) @ p["G_2"].T + p["b_a"]) / 16).reshape(k.shape)

    def step(S, now):
        q, k, v, a = now
        S = a[..., None] * S + k[..., None] * v[..., None, :]
        return S, jnp.einsum("bhkv,bhk->bhv", S, q)

    o = _normed(lax.scan(step, init["S"], (q, k, v, a))[1], 1)
    return {"y": (silu(x @ p["W_g"].T + p["b_g"]) * _merged(o)) @ p["W_y"].T}


def mamba2(p, x, init):
    def convolved(name, of, e):
        padded = jnp.concatenate([jnp.stack([init[f"{of}_{k}"] for k in (3, 2, 1)]), e])
        return silu(sum(p[f"K_{name}_{k}"] * padded[3 - k : len(padded) - k] for k in range(4)) + p[f"b_{name}"])

    u, B, C = convolved("u", "v", _per_head(x, p["W_v"])), convolved("B", "b", x @ p["W_b"].T), convolved("C", "q", x @ p["W_q"].T)
    delta = softplus(x @ p["W_delta"].T + p["b_delta"])

    def step(S, now):
        u, B, C, delta = now
        keep = jnp.exp(-delta * jnp.exp(p["A_log"]))
        S = keep[..., None, None] * S + (delta[..., None] * u)[..., None] * B[:, None, None, :]
        return S, jnp.einsum("bhps,bs->bhp", S, C) + p["D"][:, None] * u

    o = _merged(lax.scan(step, init["S"], (u, B, C, delta))[1]) * silu(x @ p["W_z"].T)
    return {"y": (p["g"] * o / jnp.sqrt((o * o).mean(-1, keepdims=True) + 1e-5)) @ p["W_y"].T}


def _normed(v, gain):
    v = v - v.mean(-1, keepdims=True)
    return gain * v / jnp.sqrt((v * v).mean(-1, keepdims=True) + 1e-5)


def layer_norm_lstm(p, x, init):
    before, U = _normed(x @ p["W"].T, p["g_x"]) + p["b"], p["U"].T

    def step(state, z):
        c, h = state
        i, g, f, o = jnp.split(z + _normed(h @ U, p["g_h"]), 4, axis=-1)
        c = sigmoid(f) * c + sigmoid(i) * tanh(g)
        h = sigmoid(o) * tanh(_normed(c, p["g_c"]) + p["b_c"])
        return (c, h), h

    return {"h": lax.scan(step, (init["c"], init["h"]), before)[1]}


def slstm(p, x, init):
    names = "ifzo"
    before = x @ jnp.concatenate([p[f"W_{n}"] for n in names]).T + jnp.concatenate([p[f"b_{n}"] for n in names])
    heads = jnp.stack([p[f"R_{n}"] for n in names])  # (4, heads, n, n)

    def step(state, a):
        m, c, n, h = state
        shape = (h.shape[0], heads.shape[1], heads.shape[2])
        products = jnp.einsum("ghij,bhj->gbhi", heads, h.reshape(shape)).reshape(4, *h.shape)
        i, f, z, o = (part + product for part, product in zip(jnp.split(a, 4, axis=-1), products, strict=True))
        f = log_sigmoid(f)
        m_new = jnp.maximum(f + m, i)
        i, f = jnp.exp(i - m_new), jnp.exp(f + m - m_new)
        c = f * c + i * tanh(z)
        n = f * n + i
        h = sigmoid(o) * c / n
        return (m_new, c, n, h), h

    return {"h": lax.scan(step, (init["m"], init["c"], init["n"], init["h"]), before)[1]}


def lstmp(p, x, init):
    before, U = _gates(p, x, "ifgo")

    def step(state, z):
        c, r = state
        i, f, g, o = jnp.split(z + r @ U, 4, axis=-1)
        c = sigmoid(f) * c + sigmoid(i) * tanh(g)
        r = (sigmoid(o) * tanh(c)) @ p["P"].T
        return (c, r), r

    return {"r": lax.scan(step, (init["c"], init["r"]), before)[1]}


# Scans, in parallel over time


def _scanned(decay, added, first):
    """The linear recurrence s_t = decay_t s_{t-1} + added_t by an associative scan."""

    def combined(a, b):
        return a[0] * b[0], b[0] * a[1] + b[1]

    added = added.at[0].add(decay[0] * first)
    return lax.associative_scan(combined, (decay, added))[1]


def mingru(p, x, init):
    z, g = sigmoid(x @ p["W_z"].T), x @ p["W_g"].T
    return {"h": _scanned(1 - z, z * g, init["h"])}


def qrnn(p, x, init):
    last = jnp.concatenate([init["x_1"][None], x[:-1]])
    z, f, o = (x @ p[f"W_{g}_x"].T + last @ p[f"W_{g}_x_1"].T + p[f"b_{g}"] for g in "zfo")
    f = sigmoid(f)
    return {"h": sigmoid(o) * _scanned(f, (1 - f) * tanh(z), init["c"])}


def sru_v1(p, x, init):
    f, r = (sigmoid(x @ p[f"W_{g}"].T + p[f"b_{g}"]) for g in "fr")
    return {"h": r * _scanned(f, (1 - f) * (x @ p["W"].T), init["c"]) + (1 - r) * x}


def compiled(cell):
    """(forward, both): jitted, the second with gradients of parameters, inputs and initial states, given cotangents."""

    def loss(p, x, init, cotangents):
        shown = cell(p, x, init)
        return sum((shown[name] * cotangents[name]).sum() for name in shown), shown

    return jax.jit(cell), jax.jit(jax.value_and_grad(loss, (0, 1, 2), has_aux=True))
