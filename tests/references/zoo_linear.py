"""Linear recurrences, some of them complex, for one sample and one step, in JAX: a part of zoo.py, in its notation."""

import jax.numpy as jnp
from jax.nn import sigmoid as sigma
from jax.nn import silu, softplus
from jax.numpy import exp, sqrt

from references.zoo_lstm import layer_norm


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


def rwkv4(p, x, p_, A_, B_, y_, x_1_):
    """A, B: numerator and denominator of the average, times exp(-p); u: the bonus of the present, w: the logarithm of the decay."""
    r = sigma(p.W_r @ (p.mu_r * x + (1 - p.mu_r) * x_1_))
    k = p.W_k @ (p.mu_k * x + (1 - p.mu_k) * x_1_)
    v = p.W_v @ (p.mu_v * x + (1 - p.mu_v) * x_1_)
    here = jnp.maximum(p_, p.u + k)
    old, new = exp(p_ - here), exp(p.u + k - here)
    y = p.W_y @ (r * (old * A_ + new * v) / (old * B_ + new))
    kept = p_ - exp(p.w)
    top = jnp.maximum(kept, k)
    return top, exp(kept - top) * A_ + exp(k - top) * v, exp(kept - top) * B_ + exp(k - top), y, x


def lru(p, x, h_re_, h_im_, y_):
    eigenvalues = exp(-exp(p.nu) + 1j * exp(p.theta))
    h = eigenvalues * (h_re_ + 1j * h_im_) + exp(p.log_gamma) * ((p.B_re + 1j * p.B_im) @ x)
    return h.real, h.imag, ((p.C_re + 1j * p.C_im) @ h).real + p.D * x


def s5(p, x, h_re_, h_im_, y_):
    Lambda = p.Lambda_re + 1j * p.Lambda_im
    Lambda_bar = exp(Lambda * exp(p.log_Delta))
    h = Lambda_bar * (h_re_ + 1j * h_im_) + ((Lambda_bar - 1) / Lambda) * ((p.B_re + 1j * p.B_im) @ x)
    return h.real, h.imag, 2 * ((p.C_re + 1j * p.C_im) @ h).real + p.D * x


def s4d(p, x, h_re_, h_im_, y_):
    """h: a row for each channel of x."""
    A = -exp(p.log_a) + 1j * p.omega
    A_bar = exp(A * exp(p.log_Delta)[:, None])
    h = A_bar * (h_re_ + 1j * h_im_) + (A_bar - 1) / A * x[:, None]
    return h.real, h.imag, 2 * ((p.C_re + 1j * p.C_im) * h).sum(axis=1).real + p.D * x


def hgrn(p, x, h_re_, h_im_, y_):
    c = silu(p.W_c_re @ x + p.b_c_re) + 1j * silu(p.W_c_im @ x + p.b_c_im)
    l = p.gamma + (1 - p.gamma) * sigma(p.W_l @ x + p.b_l)
    h = l * exp(1j * p.theta) * (h_re_ + 1j * h_im_) + (1 - l) * c
    gated = silu(p.W_o @ x + p.b_o) * jnp.concatenate([h.real, h.imag])
    return h.real, h.imag, p.W_y @ (layer_norm(gated, p.g) + p.b)


LINEAR = (t_rnn, minlstm, rg_lru, rwkv4, lru, s5, s4d, hgrn)
