"""The scans for one sample and one step, in JAX: a part of zoo.py, in its notation."""

import jax.numpy as jnp
from jax.nn import sigmoid as sigma
from jax.nn import softplus
from jax.numpy import exp, sqrt


def blocks(R, v):
    """A block-diagonal matrix times a vector: every head has neighbouring units of its own."""
    return jnp.concatenate([block @ part for block, part in zip(R, jnp.split(v, len(R)), strict=True)])


def t_rnn(p, x, h_):
    f = sigma(p.W_f @ x + p.b_f)
    return (f * h_ + (1 - f) * (p.W_z @ x + p.b_z),)


def minlstm(p, x, h_):
    f, i = sigma(p.W_f @ x), sigma(p.W_i @ x)
    candidate = p.W_g @ x
    g = jnp.where(candidate >= 0, candidate + 0.5, sigma(candidate))
    return ((f * h_ + i * g) / (f + i),)


def rg_lru(p, x, h_):
    r, i = sigma(blocks(p.W_a, x) + p.b_a), sigma(blocks(p.W_x, x) + p.b_x)
    a = exp(-8 * softplus(p.Lambda) * r)
    return (a * h_ + sqrt(1 - a**2) * (i * x),)


SCANS = (t_rnn, minlstm, rg_lru)
