"""The gated units of symcell/cells/gates.py for one sample and one step, in JAX: a part of zoo.py, in its notation."""

from jax.nn import relu
from jax.nn import sigmoid as sigma
from jax.numpy import tanh

from references.zoo_lstm import pre


def minimal(p, f, x, h_):
    return ((1 - f) * h_ + f * tanh(pre(p, "g", x, f * h_)),)


def mgu1(p, x, h_):
    return minimal(p, sigma(p.U_f @ h_ + p.b_f), x, h_)


def mgu2(p, x, h_):
    return minimal(p, sigma(p.U_f @ h_), x, h_)


def mgu3(p, x, h_):
    return minimal(p, sigma(p.b_f), x, h_)


def mutated(p, z, r, x, h_):
    return (z * tanh(pre(p, "g", x, r * h_)) + (1 - z) * h_,)


def mut2(p, x, h_):
    """P takes x to as many units as h has."""
    return mutated(p, sigma(pre(p, "z", x, h_)), sigma(p.P @ x + p.U_r @ h_ + p.b_r), x, h_)


def mut3(p, x, h_):
    return mutated(p, sigma(pre(p, "z", x, tanh(h_))), sigma(pre(p, "r", x, h_)), x, h_)


def intersection_rnn(p, x, h_, y_):
    y_in, h_in = relu(pre(p, "y_in", x, h_)), tanh(pre(p, "h_in", x, h_))
    g_y, g_h = sigma(pre(p, "g_y", x, h_)), sigma(pre(p, "g_h", x, h_))
    return g_h * h_ + (1 - g_h) * h_in, g_y * x + (1 - g_y) * y_in


def atr(p, x, h_):
    seen, known = p.W_p @ x + p.b_p, p.U_q @ h_ + p.b_q
    return (sigma(seen + known) * seen + sigma(seen - known) * h_,)


def brc(p, x, h_):
    a = 1 + tanh(p.W_a @ x + p.w_a * h_ + p.b_a)
    c = sigma(p.W_c @ x + p.w_c * h_ + p.b_c)
    return (c * h_ + (1 - c) * tanh(p.W_h @ x + a * h_),)


def nbrc(p, x, h_):
    a, c = 1 + tanh(pre(p, "a", x, h_)), sigma(pre(p, "c", x, h_))
    return (c * h_ + (1 - c) * tanh(p.W_h @ x + a * h_),)


def delta_rnn(p, x, h_):
    seen, known = p.W @ x, p.U @ h_
    z = tanh(p.alpha * known * seen + p.beta_1 * known + p.beta_2 * seen + p.b)
    r = sigma(seen + p.b_r)
    return (tanh((1 - r) * z + r * h_),)


GATES = (mgu1, mgu2, mgu3, mut2, mut3, intersection_rnn, atr, brc, nbrc, delta_rnn)
