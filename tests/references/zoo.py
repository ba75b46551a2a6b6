"""The published cells' equations for one sample and one step, in JAX: what their kernels are tested against.

Transcribed from the published equations, not from the catalogue's declarations, which this file does not read. A cell takes its parameters
and constants p, its inputs, and its old states, whose names end in an underscore; it returns the new states in the same order.
Parameters have the catalogue's names: W_q @ input, U_q @ (state or intermediate) and b_q stand in the equation of q.
"""

from types import SimpleNamespace

import jax.numpy as jnp
from jax.nn import log_sigmoid, relu, silu, softplus
from jax.nn import sigmoid as sigma
from jax.numpy import exp, tanh

from references.transcription import cifg_lstm, gru_reset_after, lstm, lstm_1997, peephole_lstm, rnn
from references.zoo_ablations import ABLATIONS
from references.zoo_continuous import CONTINUOUS
from references.zoo_gates import GATES
from references.zoo_heads import HEADS
from references.zoo_linear import LINEAR, blocks
from references.zoo_lstm import (
    layer_norm_lstm,
    lstm_1997_truncated,
    lstmp,
    multiplicative_lstm,
    on_lstm,
    phased_lstm,
    pre,
    t_lstm,
    zoneout_lstm,
)
from references.zoo_lstm_descendants import LSTM_DESCENDANTS
from references.zoo_recurrent import RECURRENT


def jordan(p, x, y_):
    h = sigma(pre(p, "h", x, y_))
    return (sigma(p.U_y @ h + p.b_y),)


def indrnn(p, x, h_):
    return (relu(p.W_h @ x + p.u * h_ + p.b_h),)


def ctrnn(p, x, h_):
    h = h_
    for _ in range(6):
        h = h + p.dt * (tanh(pre(p, "h", x, h)) - h / p.tau)
    return (h,)


def scrn(p, x, s_, h_, y_):
    s = (1 - p.alpha) * (p.B @ x) + p.alpha * s_
    h = sigma(p.P @ s + p.A @ x + p.R @ h_)
    return s, h, p.U @ h + p.V @ s


def antisymmetric_rnn(p, x, h_):
    A = p.M - p.M.T - p.gamma * jnp.eye(len(p.M))
    return (h_ + p.epsilon * tanh(A @ h_ + p.V @ x + p.b),)


def cornn(p, x, z_, y_):
    """U_z_y and U_z_z: the two recurrent matrices in the equation of z, by the state that they multiply."""
    force = tanh(p.W_z @ x + p.U_z_y @ y_ + p.U_z_z @ z_ + p.b_z)
    z = z_ + p.dt * (force - p.gamma * y_ - p.epsilon * z_)
    return z, y_ + p.dt * z


def statistical_recurrent_unit(p, x, mu_, o_):
    """mu: a row of statistics for every rate alpha; flattened row by row."""
    r = relu(p.U_r @ mu_.reshape(-1) + p.b_r)
    phi = relu(p.U_p @ r + p.W_p @ x + p.b_p)
    mu = p.alpha[:, None] * mu_ + (1 - p.alpha[:, None]) * phi[None, :]
    return mu, relu(p.U_o @ mu.reshape(-1) + p.b_o)


def gru_cho(p, x, h_):
    z, r = sigma(pre(p, "z", x, h_)), sigma(pre(p, "r", x, h_))
    g = tanh(pre(p, "g", x, r * h_))
    return (z * h_ + (1 - z) * g,)


def ugrnn(p, x, h_):
    g = sigma(pre(p, "g", x, h_))
    return (g * h_ + (1 - g) * tanh(pre(p, "c", x, h_)),)


def mgu(p, x, h_):
    f = sigma(pre(p, "f", x, h_))
    return ((1 - f) * h_ + f * tanh(pre(p, "g", x, f * h_)),)


def mut1(p, x, h_):
    z = sigma(p.W_z @ x + p.b_z)
    r = sigma(pre(p, "r", x, h_))
    g = tanh(p.U_g @ (r * h_) + tanh(p.W_g @ x) + p.b_g)
    return (g * z + h_ * (1 - z),)


def li_gru(p, x, h_):
    """n_z, n_g: the gains of the folded batch normalisation, on the feed-forward part only."""
    z = sigma(p.n_z * (p.W_z @ x) + p.b_z + p.U_z @ h_)
    g = relu(p.n_g * (p.W_g @ x) + p.b_g + p.U_g @ h_)
    return (z * h_ + (1 - z) * g,)


def fastgrnn(p, x, h_):
    shared = p.W @ x + p.U @ h_
    z, c = sigma(shared + p.b_z), tanh(shared + p.b_c)
    return ((sigma(p.zeta) * (1 - z) + sigma(p.nu)) * c + z * h_,)


def rhn(p, x, h_):
    H1, T1 = tanh(pre(p, "H1", x, h_)), sigma(pre(p, "T1", x, h_))
    s = H1 * T1 + h_ * (1 - T1)
    H2, T2 = tanh(p.U_H2 @ s + p.b_H2), sigma(p.U_T2 @ s + p.b_T2)
    return (H2 * T2 + s * (1 - T2),)


def delta_gru(p, x, x_sent_, h_sent_, m_r_, m_z_, m_x_, m_h_, h_):
    """W_g and U_g: the candidate's matrices. The biases stand in the initial accumulators only: see `start`."""
    x_moved, h_moved = abs(x - x_sent_) >= p.theta, abs(h_ - h_sent_) >= p.theta
    dx, dh = jnp.where(x_moved, x - x_sent_, 0), jnp.where(h_moved, h_ - h_sent_, 0)
    x_sent, h_sent = jnp.where(x_moved, x, x_sent_), jnp.where(h_moved, h_, h_sent_)
    m_r = m_r_ + p.W_r @ dx + p.U_r @ dh
    m_z = m_z_ + p.W_z @ dx + p.U_z @ dh
    m_x = m_x_ + p.W_g @ dx
    m_h = m_h_ + p.U_g @ dh
    z = sigma(m_z)
    g = tanh(m_x + sigma(m_r) * m_h)
    return x_sent, h_sent, m_r, m_z, m_x, m_h, (1 - z) * g + z * h_


def sru(p, x, c_, h_):
    f = sigma(p.W_f @ x + p.v_f * c_ + p.b_f)
    r = sigma(p.W_r @ x + p.v_r * c_ + p.b_r)
    c = f * c_ + (1 - f) * (p.W @ x)
    return c, r * c + (1 - r) * p.alpha * x


def sru_v1(p, x, c_, h_):
    return sru(SimpleNamespace(**vars(p), v_f=0.0, v_r=0.0, alpha=1.0), x, c_, h_)


def window_of_two(p, gate, x, x_1_):
    weights = vars(p)
    return weights[f"W_{gate}_x"] @ x + weights[f"W_{gate}_x_1"] @ x_1_ + weights[f"b_{gate}"]


def qrnn(p, x, c_, h_, x_1_):
    z, f, o = tanh(window_of_two(p, "z", x, x_1_)), sigma(window_of_two(p, "f", x, x_1_)), sigma(window_of_two(p, "o", x, x_1_))
    c = f * c_ + (1 - f) * z
    return c, o * c, x


def qrnn_ifo(p, x, c_, h_, x_1_):
    i, f, o = (sigma(window_of_two(p, gate, x, x_1_)) for gate in "ifo")
    c = f * c_ + i * tanh(window_of_two(p, "z", x, x_1_))
    return c, o * c, x


def mingru(p, x, h_):
    z = sigma(p.W_z @ x)
    return ((1 - z) * h_ + z * (p.W_g @ x),)


def mamba(p, x, S_, y_, v_1_, v_2_, v_3_):
    """K_u_0 ... K_u_3: the causal convolution, K_u_0 for the present; b_u: its bias. v_1_, v_2_, v_3_: what it read 1, 2, 3 steps ago."""
    v = p.W_v @ x
    u = silu(p.K_u_0 * v + p.K_u_1 * v_1_ + p.K_u_2 * v_2_ + p.K_u_3 * v_3_ + p.b_u)
    delta = softplus(p.W_2 @ (p.W_1 @ u) + p.b_delta)
    S = exp(-delta[:, None] * exp(p.A_log)) * S_ + jnp.outer(delta * u, p.W_B @ u)
    y = p.W_y @ ((S @ (p.W_C @ u) + p.D * u) * silu(p.W_z @ x))
    return S, y, v, v_1_, v_2_


def slstm(p, x, m_, c_, n_, h_):
    i_log = p.W_i @ x + blocks(p.R_i, h_) + p.b_i
    f_log = log_sigmoid(p.W_f @ x + blocks(p.R_f, h_) + p.b_f)
    z = tanh(p.W_z @ x + blocks(p.R_z, h_) + p.b_z)
    o = sigma(p.W_o @ x + blocks(p.R_o, h_) + p.b_o)
    m = jnp.maximum(f_log + m_, i_log)
    i, f = exp(i_log - m), exp(f_log + m_ - m)
    c, n = f * c_ + i * z, f * n_ + i
    return m, c, n, o * c / n


def lmu(p, x, m_, h_):
    u = p.e_x @ x + p.e_h @ h_ + p.e_m @ m_
    m = p.A @ m_ + p.B * u
    return m, tanh(p.W_x @ x + p.W_h @ h_ + p.W_m @ m)


ZOO = {
    cell.__name__: cell
    for cell in (
        rnn, jordan, indrnn, ctrnn, scrn, antisymmetric_rnn, cornn, statistical_recurrent_unit,
        lstm_1997, lstm_1997_truncated, lstm, peephole_lstm, cifg_lstm, lstmp, multiplicative_lstm, on_lstm, layer_norm_lstm, phased_lstm, t_lstm, zoneout_lstm,
        gru_cho, gru_reset_after, ugrnn, mgu, mut1, li_gru, fastgrnn, rhn, delta_gru,
        sru, sru_v1, qrnn, qrnn_ifo, mingru, mamba, slstm, lmu, *HEADS,
        *RECURRENT, *LSTM_DESCENDANTS, *GATES, *CONTINUOUS, *LINEAR,
    )
} | ABLATIONS  # fmt: skip


def start(name, p, shaped):
    """The states of a batch before the first step where the caller gives none: zero, but for DeltaGRU's accumulators, which
    hold the biases, RWKV's running maximum, and the Skip LSTM's gate, which is open. shaped: state -> any array of its shape."""
    first = {state: jnp.zeros(a.shape) for state, a in shaped.items()}
    if name == "delta_gru":
        first |= {f"m_{m}": first[f"m_{m}"] + vars(p)[f"b_{m}"] for m in "rzxh"}
    if name == "skip_lstm":
        first["u_tilde"] = first["u_tilde"] + 1
    if name == "rwkv4":
        first["p"] -= 1e30
    return first
