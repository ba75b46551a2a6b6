"""Gated recurrent units (Cho et al. 2014) in the forms that are in use, differentiated by hand.

In all of them a gate u weighs a candidate g against the old state: c = u g + (1-u) c_. From that mean c_
receives (1-u) dc, and more from everything else that reads it.
"""

import numpy as np

from .shared import (
    affine,
    affine_gradients,
    d_sigmoid,
    d_tanh,
    join_columns,
    outer_sum,
    previous,
    sequences,
    sigmoid,
    split_columns,
    total,
)


def one_gate_forward(params, inputs, initial):
    """g = tanh(U_g c_ + W_g x + b_g); u = sigma(U_u c_ + W_u x + b_u); c = u g + (1-u) c_"""
    x, c_ = inputs["x"], initial["c"]
    g, u, c = sequences(3, len(x), c_)
    for t in range(len(x)):
        g[t] = np.tanh(affine(params, "g", x[t], c_))
        u[t] = sigmoid(affine(params, "u", x[t], c_))
        c[t] = u[t] * g[t] + (1 - u[t]) * c_
        c_ = c[t]
    return {"c": c}, {"g": g, "u": u}


def one_gate_backward(params, inputs, initial, states, tape, cotangents, final):
    """dg = u dc; du = (g - c_) dc; dc_ = (1-u) dc + U_g^T dz_g + U_u^T dz_u"""
    p, x, g, u = params, inputs["x"], tape["g"], tape["u"]
    c_ = previous(initial["c"], states["c"])
    dz_g, dz_u = sequences(2, len(x), initial["c"])
    dc = final["c"]
    for t in reversed(range(len(x))):
        dc = dc + cotangents["c"][t]
        dz_g[t] = dc * u[t] * d_tanh(g[t])
        dz_u[t] = dc * (g[t] - c_[t]) * d_sigmoid(u[t])
        dc = dc * (1 - u[t]) + dz_g[t] @ p["U_g"] + dz_u[t] @ p["U_u"]
    dparams = affine_gradients("g", dz_g, x, c_) | affine_gradients("u", dz_u, x, c_)
    return dparams, {"x": dz_g @ p["W_g"] + dz_u @ p["W_u"]}, {"c": dc}


def gru_forward(params, inputs, initial):
    """r, i = sigma(U c_ + W x + b); g = tanh(U_g (r c_) + W_g x + b_g); c = i g + (1-i) c_"""
    x, c_ = inputs["x"], initial["c"]
    r, i, g, c = sequences(4, len(x), c_)
    for t in range(len(x)):
        r[t] = sigmoid(affine(params, "r", x[t], c_))
        i[t] = sigmoid(affine(params, "i", x[t], c_))
        g[t] = np.tanh(affine(params, "g", x[t], r[t] * c_))
        c[t] = i[t] * g[t] + (1 - i[t]) * c_
        c_ = c[t]
    return {"c": c}, {"r": r, "i": i, "g": g}


def gru_backward(params, inputs, initial, states, tape, cotangents, final):
    """The reset gate is reached through s = r c_, which the candidate reads: ds = U_g^T dz_g, dr = c_ ds."""
    p, x, r, i, g = params, inputs["x"], tape["r"], tape["i"], tape["g"]
    c_ = previous(initial["c"], states["c"])
    dz_r, dz_i, dz_g = sequences(3, len(x), initial["c"])
    dc = final["c"]
    for t in reversed(range(len(x))):
        dc = dc + cotangents["c"][t]
        dz_g[t] = dc * i[t] * d_tanh(g[t])
        dz_i[t] = dc * (g[t] - c_[t]) * d_sigmoid(i[t])
        ds = dz_g[t] @ p["U_g"]
        dz_r[t] = ds * c_[t] * d_sigmoid(r[t])
        # c_ is read by the mean, by s, and by both gates.
        dc = dc * (1 - i[t]) + ds * r[t] + dz_r[t] @ p["U_r"] + dz_i[t] @ p["U_i"]
    dparams = affine_gradients("r", dz_r, x, c_) | affine_gradients("i", dz_i, x, c_)
    dparams |= affine_gradients("g", dz_g, x, r * c_)
    return dparams, {"x": dz_r @ p["W_r"] + dz_i @ p["W_i"] + dz_g @ p["W_g"]}, {"c": dc}


def concat_forward(params, inputs, initial):
    """r, i = sigma(W [c_; x] + b); g = tanh(W_g [r c_; x] + b_g); c = i g + (1-i) c_"""
    return gru_forward(split_columns(params), inputs, initial)


def concat_backward(params, inputs, initial, states, tape, cotangents, final):
    """The split form's, its two adjoints of each W put side by side."""
    split = split_columns(params)
    dparams, dinputs, dinitial = gru_backward(split, inputs, initial, states, tape, cotangents, final)
    return join_columns(dparams), dinputs, dinitial


def reset_after_forward(params, inputs, initial):
    """z, r = sigma(W x + U h_ + b); n = tanh(W_n x + b_n + r q), q = U_n h_ + d_n; h = (1-z) n + z h_

    The form of cuDNN and PyTorch: the reset gate acts after the product, so it scales the bias d_n too.
    """
    p, x, h_ = params, inputs["x"], initial["h"]
    z, r, q, n, h = sequences(5, len(x), h_)
    for t in range(len(x)):
        z[t] = sigmoid(affine(p, "z", x[t], h_))
        r[t] = sigmoid(affine(p, "r", x[t], h_))
        q[t] = h_ @ p["U_n"].T + p["d_n"]
        n[t] = np.tanh(x[t] @ p["W_n"].T + p["b_n"] + r[t] * q[t])
        h[t] = (1 - z[t]) * n[t] + z[t] * h_
        h_ = h[t]
    return {"h": h}, {"z": z, "r": r, "q": q, "n": n}


def reset_after_backward(params, inputs, initial, states, tape, cotangents, final):
    """dr = q dz_n and dq = r dz_n; U_n and d_n are reached through q, W_n and b_n directly."""
    p, x, z, r, q, n = params, inputs["x"], tape["z"], tape["r"], tape["q"], tape["n"]
    h_ = previous(initial["h"], states["h"])
    dz_z, dz_r, dz_n, dq = sequences(4, len(x), initial["h"])
    dh = final["h"]
    for t in reversed(range(len(x))):
        dh = dh + cotangents["h"][t]
        dz_n[t] = dh * (1 - z[t]) * d_tanh(n[t])
        dz_z[t] = dh * (h_[t] - n[t]) * d_sigmoid(z[t])
        dz_r[t] = dz_n[t] * q[t] * d_sigmoid(r[t])
        dq[t] = dz_n[t] * r[t]
        dh = dh * z[t] + dz_z[t] @ p["U_z"] + dz_r[t] @ p["U_r"] + dq[t] @ p["U_n"]
    dparams = affine_gradients("z", dz_z, x, h_) | affine_gradients("r", dz_r, x, h_)
    dparams |= {"W_n": outer_sum(dz_n, x), "b_n": total(dz_n), "U_n": outer_sum(dq, h_), "d_n": total(dq)}
    return dparams, {"x": dz_z @ p["W_z"] + dz_r @ p["W_r"] + dz_n @ p["W_n"]}, {"h": dh}


def inverted_update_forward(params, inputs, initial):
    """u, r = sigma(W x + U h_); m = tanh(W_m x + r q), q = U_m h_; h = u h_ + (1-u) m

    The reset gate acts after the product; u is the weight of the old state; there are no biases.
    """
    p, x, h_ = params, inputs["x"], initial["h"]
    u, r, q, m, h = sequences(5, len(x), h_)
    for t in range(len(x)):
        u[t] = sigmoid(x[t] @ p["W_u"].T + h_ @ p["U_u"].T)
        r[t] = sigmoid(x[t] @ p["W_r"].T + h_ @ p["U_r"].T)
        q[t] = h_ @ p["U_m"].T
        m[t] = np.tanh(x[t] @ p["W_m"].T + r[t] * q[t])
        h[t] = u[t] * h_ + (1 - u[t]) * m[t]
        h_ = h[t]
    return {"h": h}, {"u": u, "r": r, "q": q, "m": m}


def inverted_update_backward(params, inputs, initial, states, tape, cotangents, final):
    """du = (h_ - m) dh; dr = q dz_m and dq = r dz_m; dh_ = u dh + U_u^T dz_u + U_r^T dz_r + U_m^T dq"""
    p, x, u, r, q, m = params, inputs["x"], tape["u"], tape["r"], tape["q"], tape["m"]
    h_ = previous(initial["h"], states["h"])
    dz_u, dz_r, dz_m, dq = sequences(4, len(x), initial["h"])
    dh = final["h"]
    for t in reversed(range(len(x))):
        dh = dh + cotangents["h"][t]
        dz_m[t] = dh * (1 - u[t]) * d_tanh(m[t])
        dz_u[t] = dh * (h_[t] - m[t]) * d_sigmoid(u[t])
        dz_r[t] = dz_m[t] * q[t] * d_sigmoid(r[t])
        dq[t] = dz_m[t] * r[t]
        dh = dh * u[t] + dz_u[t] @ p["U_u"] + dz_r[t] @ p["U_r"] + dq[t] @ p["U_m"]
    dparams = {"W_u": outer_sum(dz_u, x), "W_r": outer_sum(dz_r, x), "W_m": outer_sum(dz_m, x)}
    dparams |= {"U_u": outer_sum(dz_u, h_), "U_r": outer_sum(dz_r, h_), "U_m": outer_sum(dq, h_)}
    return dparams, {"x": dz_u @ p["W_u"] + dz_r @ p["W_r"] + dz_m @ p["W_m"]}, {"h": dh}
