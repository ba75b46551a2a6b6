"""Cells made from the LSTM, for one sample and one step, in JAX: a part of zoo.py, in its notation."""

from types import SimpleNamespace

import jax.numpy as jnp
from jax.lax import stop_gradient
from jax.nn import relu
from jax.nn import sigmoid as sigma
from jax.numpy import tanh

from references.transcription import lstm
from references.zoo_lstm import pre


def indylstm(p, x, c_, h_):
    """u: in the place of a recurrent matrix, its diagonal."""
    matrices = {f"U_{gate}": jnp.diag(vars(p)[f"u_{gate}"]) for gate in "ifgo"}
    return lstm(SimpleNamespace(**vars(p), **matrices), x, c_, h_)


def mogrifier_lstm(p, x, c_, h_):
    x = 2 * sigma(p.Q_1 @ h_) * x
    h_ = 2 * sigma(p.R_2 @ x) * h_
    x = 2 * sigma(p.Q_3 @ h_) * x
    h_ = 2 * sigma(p.R_4 @ x) * h_
    x = 2 * sigma(p.Q_5 @ h_) * x
    return lstm(p, x, c_, h_)


def nested_lstm(p, x, c_in_, c_, h_):
    """The inner LSTM's gates end in _in; its input is what the outer one adds, its old output what the outer one keeps."""
    i, f, o = (sigma(pre(p, gate, x, h_)) for gate in "ifo")
    inner = SimpleNamespace(**{name.removesuffix("_in"): a for name, a in vars(p).items() if name.endswith("_in")})
    c_in, c = lstm(inner, i * pre(p, "g", x, h_), c_in_, f * c_)
    return c_in, c, o * tanh(c)


def time_gate(p, k, dt, x):
    weights = vars(p)
    return sigma(weights[f"W_T{k}"] @ x + tanh(weights[f"w_{k}"] * dt) + weights[f"b_T{k}"])


def time_lstm_1(p, dt, x, c_, h_):
    i, f = (sigma(pre(p, gate, x, h_) + vars(p)[f"p_{gate}"] * c_) for gate in "if")
    c = f * c_ + i * time_gate(p, 1, dt, x) * tanh(pre(p, "g", x, h_))
    return c, sigma(pre(p, "o", x, h_) + p.w_o * dt + p.p_o * c) * tanh(c)


def time_lstm_3(p, dt, x, c_, h_):
    """c_short makes the output of this step, c is what later ones remember."""
    i, g = sigma(pre(p, "i", x, h_) + p.p_i * c_), tanh(pre(p, "g", x, h_))
    T1, T2 = time_gate(p, 1, dt, x), time_gate(p, 2, dt, x)
    c_short = c_ + i * T1 * (g - c_)
    c = c_ + i * (T2 * g - c_)
    return c, sigma(pre(p, "o", x, h_) + p.w_o * dt + p.p_o * c_short) * tanh(c_short)


def nas_cell(p, x, c_, h_):
    weights = vars(p)
    of_x, of_h = ([weights[f"{kind}_a{k}"] @ v for k in range(8)] for kind, v in (("W", x), ("U", h_)))
    sums = [u + v for u, v in zip(of_x, of_h, strict=True)]
    first = tanh(sigma(sums[0]) * relu(sums[1]))
    second = tanh(sigma(sums[2]) + relu(of_x[3] * of_h[3]))
    third = tanh(tanh(sums[4]) * sigma(sums[5]))
    fourth = sigma(tanh(sums[6]) + sigma(sums[7]))
    c = tanh(first + c_) * second
    return c, tanh(c * tanh(third + fourth))


def mc_lstm(p, a, x, c_, h_):
    """x: mass; a: what else is known. The columns of I and R say where each unit of mass goes."""
    share = c_ / jnp.where(c_.sum() == 0, 1, c_.sum())

    def normalised(name):
        W, U, B = (vars(p)[f"{letter}_{name}"] for letter in "WUB")
        weights = jnp.exp(jnp.einsum("kja,a->kj", W, a) + jnp.einsum("kjh,h->kj", U, share) + B)
        return weights / weights.sum(axis=0)

    o = sigma(p.W_o @ a + p.U_o @ share + p.b_o)
    m = jnp.einsum("kj,j->k", normalised("R"), c_) + jnp.einsum("kj,j->k", normalised("I"), x)
    return (1 - o) * m, o * m


def skip_lstm(p, x, c_, h_, u_tilde_):
    """Straight through: the rounded u has the gradient of what was rounded."""
    u = u_tilde_ + stop_gradient(jnp.round(u_tilde_) - u_tilde_)
    new = lstm(p, x, c_, h_)
    c, h = (u * after + (1 - u) * before for after, before in zip(new, (c_, h_), strict=True))
    delta = sigma(p.w_p @ c + p.b_p)
    return c, h, u * delta + (1 - u) * (u_tilde_ + jnp.minimum(delta, 1 - u_tilde_))


LSTM_DESCENDANTS = (indylstm, mogrifier_lstm, nested_lstm, time_lstm_1, time_lstm_3, nas_cell, mc_lstm, skip_lstm)
