"""Cells without gates, or with one or two of them, for one sample and one step, in JAX: a part of zoo.py, in its notation."""

import jax.numpy as jnp
from jax.nn import relu
from jax.nn import sigmoid as sigma
from jax.numpy import tanh

from references.zoo_lstm import layer_norm, pre


def irnn(p, x, h_):
    return (relu(pre(p, "h", x, h_)),)


def multiplicative_rnn(p, x, h_):
    """W_hh, chosen by x, is W_hf diag(W_fx x) W_fh; W_hf is called U_h."""
    recurrent = p.U_h @ jnp.diag(p.W_fx @ x) @ p.W_fh
    return (tanh(recurrent @ h_ + p.W_h @ x + p.b_h),)


def lipschitz_rnn(p, x, h_):
    def stable(M, beta, gamma):
        return (1 - beta) * (M + M.T) + beta * (M - M.T) - gamma * jnp.eye(len(M))

    slope = stable(p.M_A, p.beta_A, p.gamma_A) @ h_ + tanh(stable(p.M_W, p.beta_W, p.gamma_W) @ h_ + p.U @ x + p.b)
    return (h_ + p.epsilon * slope,)


def clockwork_rnn(p, t, x, h_):
    """The rows of modules whose period divides t are computed, the others keep their values."""
    return (jnp.where(t % p.T == 0, tanh((p.mask * p.U) @ h_ + p.W @ x + p.b), h_),)


def fast_weights_rnn(p, x, A_, h_):
    """A is updated with h_{t-1} before h_t is computed with it. g, b: of the layer normalisation."""
    boundary = p.W @ h_ + p.C @ x
    A = p.lamda * A_ + p.eta * h_[:, None] * h_[None, :]
    h = relu(boundary)
    for _ in range(2):
        h = relu(layer_norm(boundary + A @ h, p.g) + p.b)
    return A, h


def fastrnn(p, x, h_):
    return (sigma(p.alpha) * tanh(pre(p, "g", x, h_)) + sigma(p.beta) * h_,)


def cfn(p, x, h_):
    return (sigma(pre(p, "theta", x, h_)) * tanh(h_) + sigma(pre(p, "eta", x, h_)) * tanh(p.W @ x),)


def star(p, x, h_):
    k, z = sigma(pre(p, "k", x, h_)), tanh(p.W_z @ x + p.b_z)
    return (tanh((1 - k) * h_ + k * z),)


def minimal_rnn(p, x, h_):
    z = tanh(p.W_z @ x + p.b_z)
    u = sigma(p.U_h @ h_ + p.U_z @ z + p.b_u)
    return (u * h_ + (1 - u) * z,)


def janet(p, x, h_):
    s = pre(p, "f", x, h_)
    return (sigma(s) * h_ + (1 - sigma(s - p.beta)) * tanh(pre(p, "g", x, h_)),)


def ran(p, x, c_, h_):
    c = sigma(pre(p, "i", x, h_)) * (p.W_g @ x) + sigma(pre(p, "f", x, h_)) * c_
    return c, tanh(c)


def unicornn(p, x, z_, y_):
    """A network of oscillators, each with a frequency of its own, without a matrix between them."""
    force = tanh(p.w * y_ + p.V @ x + p.b) + p.alpha * y_
    z = z_ - p.dt * sigma(p.c) * force
    return z, y_ + p.dt * sigma(p.c) * z


def lem(p, x, z_, y_):
    """dt_z, dt_y: the time steps of z, the slow state, and of y, which sees the new z."""
    dt_z, dt_y = p.dt * sigma(pre(p, "dt_z", x, y_)), p.dt * sigma(pre(p, "dt_y", x, y_))
    z = (1 - dt_z) * z_ + dt_z * tanh(pre(p, "z", x, y_))
    return z, (1 - dt_y) * y_ + dt_y * tanh(pre(p, "y", x, z))


RECURRENT = (irnn, multiplicative_rnn, lipschitz_rnn, clockwork_rnn, fast_weights_rnn, fastrnn, cfn, star, minimal_rnn, janet, ran, unicornn, lem)
