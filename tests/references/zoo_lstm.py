"""The published variants of the LSTM for one sample and one step, in JAX: a part of zoo.py, in its notation."""

import jax.numpy as jnp
from jax.lax import stop_gradient
from jax.nn import sigmoid as sigma
from jax.nn import softmax
from jax.numpy import log, sqrt, tanh

from references.transcription import lstm, lstm_1997, peephole_lstm


def pre(p, gate, x, h_):
    """W @ x + U @ h_ + b, each with the gate's index."""
    weights = vars(p)
    return weights[f"W_{gate}"] @ x + weights[f"U_{gate}"] @ h_ + weights[f"b_{gate}"]


def lstm_1997_truncated(p, x, c_, h_):
    """The gradient of 1997: errors flow back through the carousel alone, not through what the gates and the input read."""
    return lstm_1997(p, x, c_, stop_gradient(h_))


def lstmp(p, x, c_, r_):
    c, h = lstm(p, x, c_, r_)
    return c, p.P @ h


def multiplicative_lstm(p, x, c_, h_):
    m = (p.W_m @ x) * (p.U_m @ h_)
    i, f, o = (sigma(pre(p, gate, x, m)) for gate in "ifo")
    c = f * c_ + i * tanh(pre(p, "u", x, m))
    return c, o * tanh(c)


def on_lstm(p, x, c_, h_):
    """Chunks of two: a master gate's entry serves two neighbouring units."""
    F = jnp.repeat(jnp.cumsum(softmax(pre(p, "m_f", x, h_))), 2)
    I = jnp.repeat(1 - jnp.cumsum(softmax(pre(p, "m_i", x, h_))), 2)
    i, f, o = (sigma(pre(p, gate, x, h_)) for gate in "ifo")
    overlap = F * I
    f_hat = f * overlap + (F - overlap)
    i_hat = i * overlap + (I - overlap)
    c = f_hat * c_ + i_hat * tanh(pre(p, "g", x, h_))
    return c, o * tanh(c)


def layer_norm(v, gain):
    deviation = v - v.mean()
    return gain * deviation / sqrt((deviation**2).mean() + 1e-5)


def layer_norm_lstm(p, x, c_, h_):
    """W, U, b: the four gates on top of one another, in the order i, g, f, o."""
    v = layer_norm(p.W @ x, p.g_x) + layer_norm(p.U @ h_, p.g_h) + p.b
    i, g, f, o = v.reshape(4, -1)
    c = sigma(f) * c_ + sigma(i) * tanh(g)
    return c, sigma(o) * tanh(layer_norm(c, p.g_c) + p.b_c)


def phased_lstm(p, t, x, c_, h_):
    phase = jnp.mod(t - p.s, p.tau) / p.tau
    falling = jnp.where(phase < p.r, 2 - 2 * phase / p.r, p.alpha * phase)
    k = jnp.where(phase < p.r / 2, 2 * phase / p.r, falling)
    c, h = peephole_lstm(p, x, c_, h_)
    return k * c + (1 - k) * c_, k * h + (1 - k) * h_


def t_lstm(p, dt, x, c_, h_):
    short = tanh(p.U_d @ c_ + p.b_d)
    return lstm(p, x, c_ - short + short / log(jnp.e + dt), h_)


def zoneout_lstm(p, x, m_c, m_h, c_, h_):
    c, h = lstm(p, x, c_, h_)
    return m_c * c_ + (1 - m_c) * c, m_h * h_ + (1 - m_h) * h
