"""The cells of continuous time for one sample and one step, in JAX: a part of zoo.py, in its notation."""

from jax.nn import sigmoid as sigma
from jax.nn import softmax
from jax.numpy import exp, maximum, tanh

from references.zoo_lstm import pre


def gru_d(p, x, m, delta, x_seen_, h_):
    """V: the weights of the mask; w_x, b_x: the inputs' decay, W_gamma, b_gamma: that of the state."""
    weights = vars(p)

    def gate(name, old):
        return weights[f"W_{name}"] @ x_hat + weights[f"U_{name}"] @ old + weights[f"V_{name}"] @ m + weights[f"b_{name}"]

    kept = exp(-maximum(0, p.w_x * delta + p.b_x))
    old = exp(-maximum(0, p.W_gamma @ delta + p.b_gamma)) * h_
    x_hat = m * x + (1 - m) * (kept * x_seen_ + (1 - kept) * p.x_mean)
    z = sigma(gate("z", old))
    candidate = tanh(gate("g", sigma(gate("r", old)) * old))
    return m * x + (1 - m) * x_seen_, (1 - z) * old + z * candidate


def ct_gru(p, x, dt, H_, h_):
    """H: a row for each unit, a column for each time scale."""

    def selected(log_scale):
        return softmax(-((log_scale[:, None] - p.log_tau[None, :]) ** 2), axis=1)

    known = H_.sum(axis=1)
    retrieved = (selected(pre(p, "log_R", x, known)) * H_).sum(axis=1)
    S = selected(pre(p, "log_S", x, known))
    H = ((1 - S) * H_ + S * tanh(pre(p, "q", x, retrieved))[:, None]) * exp(-dt / exp(p.log_tau))[None, :]
    return H, H.sum(axis=1)


def ltc(p, x, v_):
    def currents(w, slope, middle, reversal, potential):
        """What all synapses of a neuron conduct, and that times their reversal potentials."""
        open_ = w * sigma(slope * (potential[:, None] - middle))
        return open_.sum(axis=0), (open_ * reversal).sum(axis=0)

    sensed, sensed_driven = currents(p.w_s, p.sigma_s, p.mu_s, p.E_s, p.w_in * x + p.b_in)
    v = v_
    for _ in range(6):
        conducted, driven = currents(p.w, p.sigma, p.mu, p.E, v)
        v = (p.C * v + p.g_leak * p.v_leak + driven + sensed_driven) / (p.C + p.g_leak + conducted + sensed)
    return (v,)


def cfc(p, x, dt, h_):
    u = 1.7159 * tanh(0.666 * pre(p, "u", x, h_))
    f_1, f_2 = tanh(p.U_f_1 @ u + p.b_f_1), tanh(p.U_f_2 @ u + p.b_f_2)
    s = sigma((p.U_a @ u + p.b_a) * dt + (p.U_c @ u + p.b_c))
    return (f_1 * (1 - s) + s * f_2,)


CONTINUOUS = (gru_d, ct_gru, ltc, cfc)
