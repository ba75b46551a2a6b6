"""Every cell's equations for one sample, in JAX: what the hand-derived passes are themselves tested against.

Transcribed from the equations, not from the NumPy passes. The package does not import it: it needs JAX.
A cell takes its parameters p, its input x and its old states, and returns its new states in the same order.
"""

import jax
import jax.numpy as jnp
from jax.nn import sigmoid as sigma
from jax.numpy import tanh

N_X, N_H, N_Y = 3, 5, 4  # all different, so that a transposed or misplaced matrix cannot pass


def rnn(p, x, a_):
    return (tanh(p.W_a @ x + p.U_a @ a_ + p.b_a),)


def rnn_readout(p, x, a_, y_):
    a = tanh(p.W_a @ x + p.U_a @ a_ + p.b_a)
    return a, jax.nn.softmax(p.U_y @ a + p.b_y)


def rnn_concat(p, x, a_):
    return (tanh(p.W_a @ jnp.concatenate([a_, x])),)


def scalar_rnn(p, x, a_):
    return (p.w * a_ + p.v * x,)


def gru_one_gate(p, x, c_):
    g = tanh(p.U_g @ c_ + p.W_g @ x + p.b_g)
    u = sigma(p.U_u @ c_ + p.W_u @ x + p.b_u)
    return (u * g + (1 - u) * c_,)


def gru(p, x, c_):
    r = sigma(p.U_r @ c_ + p.W_r @ x + p.b_r)
    i = sigma(p.U_i @ c_ + p.W_i @ x + p.b_i)
    g = tanh(p.U_g @ (r * c_) + p.W_g @ x + p.b_g)
    return (i * g + (1 - i) * c_,)


def gru_concat(p, x, c_):
    r = sigma(p.W_r @ jnp.concatenate([c_, x]) + p.b_r)
    i = sigma(p.W_i @ jnp.concatenate([c_, x]) + p.b_i)
    g = tanh(p.W_g @ jnp.concatenate([r * c_, x]) + p.b_g)
    return (i * g + (1 - i) * c_,)


def gru_reset_after(p, x, h_):
    z = sigma(p.W_z @ x + p.U_z @ h_ + p.b_z)
    r = sigma(p.W_r @ x + p.U_r @ h_ + p.b_r)
    n = tanh(p.W_n @ x + p.b_n + r * (p.U_n @ h_ + p.d_n))
    return ((1 - z) * n + z * h_,)


def gru_inverted_update(p, x, h_):
    u = sigma(p.W_u @ x + p.U_u @ h_)
    r = sigma(p.W_r @ x + p.U_r @ h_)
    m = tanh(p.W_m @ x + r * (p.U_m @ h_))
    return (u * h_ + (1 - u) * m,)


def lstm_1997(p, x, c_, h_):
    i = sigma(p.W_i @ x + p.U_i @ h_ + p.b_i)
    o = sigma(p.W_o @ x + p.U_o @ h_ + p.b_o)
    g = 4 * sigma(p.W_g @ x + p.U_g @ h_ + p.b_g) - 2
    c = c_ + i * g
    return c, o * (2 * sigma(c) - 1)


def lstm(p, x, c_, h_):
    i = sigma(p.W_i @ x + p.U_i @ h_ + p.b_i)
    f = sigma(p.W_f @ x + p.U_f @ h_ + p.b_f)
    g = tanh(p.W_g @ x + p.U_g @ h_ + p.b_g)
    o = sigma(p.W_o @ x + p.U_o @ h_ + p.b_o)
    c = f * c_ + i * g
    return c, o * tanh(c)


def lstm_concat(p, x, c_, h_):
    hx = jnp.concatenate([h_, x])
    c = sigma(p.W_f @ hx + p.b_f) * c_ + sigma(p.W_i @ hx + p.b_i) * tanh(p.W_g @ hx + p.b_g)
    return c, sigma(p.W_o @ hx + p.b_o) * tanh(c)


def peephole_lstm(p, x, c_, h_):
    i = sigma(p.W_i @ x + p.U_i @ h_ + p.p_i * c_ + p.b_i)
    f = sigma(p.W_f @ x + p.U_f @ h_ + p.p_f * c_ + p.b_f)
    c = f * c_ + i * tanh(p.W_g @ x + p.U_g @ h_ + p.b_g)
    o = sigma(p.W_o @ x + p.U_o @ h_ + p.p_o * c + p.b_o)
    return c, o * tanh(c)


def cifg_lstm(p, x, c_, h_):
    i = sigma(p.W_i @ x + p.U_i @ h_ + p.p_i * c_ + p.b_i)
    c = (1 - i) * c_ + i * tanh(p.W_g @ x + p.U_g @ h_ + p.b_g)
    o = sigma(p.W_o @ x + p.U_o @ h_ + p.p_o * c + p.b_o)
    return c, o * tanh(c)


SHAPES = {"W": (N_H, N_X), "U": (N_H, N_H), "b": (N_H,), "d": (N_H,), "p": (N_H,)}
READOUT = {"U_y": (N_Y, N_H), "b_y": (N_Y,)}


def shapes(kinds: str, gates: str, **others: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    """W_i, U_i, b_i, ... for every kind and gate, and others; J is a joint matrix [U, W]."""
    named = {f"{kind}_{gate}": SHAPES[kind] for gate in gates for kind in kinds if kind != "J"}
    joint = {f"W_{gate}": (N_H, N_H + N_X) for gate in gates if "J" in kinds}
    return named | joint | others


PARAMETERS = {
    rnn: shapes("WUb", "a"),
    rnn_readout: shapes("WUb", "a", **READOUT),
    rnn_concat: shapes("J", "a"),
    scalar_rnn: {"w": (), "v": ()},
    gru_one_gate: shapes("WUb", "gu"),
    gru: shapes("WUb", "rig"),
    gru_concat: shapes("Jb", "rig"),
    gru_reset_after: shapes("WUb", "zrn", d_n=(N_H,)),
    gru_inverted_update: shapes("WU", "urm"),
    lstm_1997: shapes("WUb", "iog"),
    lstm: shapes("WUb", "ifgo"),
    lstm_concat: shapes("Jb", "ifgo"),
    peephole_lstm: shapes("WUb", "ifgo") | shapes("p", "ifo"),
    cifg_lstm: shapes("WUb", "igo") | shapes("p", "io"),
}
CELLS = {cell.__name__: cell for cell in PARAMETERS}
