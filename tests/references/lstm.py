"""Long short-term memory: of 1997, with a forget gate, with peepholes. Differentiated by hand.

Two adjoints are carried back through time. dh goes through the matrices of every gate; dc goes along the
carousel, from c to c_, multiplied by the forget gate alone, or in 1997 by exactly 1. Peepholes, one weight a
unit, open side ways: the gates that see c_ return p dz to it, and o, which sees c, returns p_o dz_o to c.
"""

import numpy as np

from .shared import (
    affine,
    affine_gradients,
    d_sigmoid,
    d_tanh,
    join_columns,
    previous,
    sequences,
    sigmoid,
    split_columns,
    total,
)


def lstm_1997_forward(params, inputs, initial):
    """i, o = sigma(.); g = 4 sigma(.) - 2; c = c_ + i g; h = o (2 sigma(c) - 1), with . = W x + U h_ + b

    Hochreiter & Schmidhuber 1997, with their squashing functions: g in (-2, 2), that of c in (-1, 1).
    """
    x, c_, h_ = inputs["x"], initial["c"], initial["h"]
    i, g, o, c, h = sequences(5, len(x), c_)
    for t in range(len(x)):
        i[t] = sigmoid(affine(params, "i", x[t], h_))
        o[t] = sigmoid(affine(params, "o", x[t], h_))
        g[t] = 4 * sigmoid(affine(params, "g", x[t], h_)) - 2
        c[t] = c_ + i[t] * g[t]
        h[t] = o[t] * (2 * sigmoid(c[t]) - 1)
        c_, h_ = c[t], h[t]
    return {"c": c, "h": h}, {"i": i, "g": g, "o": o}


def lstm_1997_backward(params, inputs, initial, states, tape, cotangents, final):
    """The full gradient; the paper cuts it where h_ enters the gates.

    With s = (g + 2) / 4, dg/dz_g = 4 s (1 - s); with s = sigma(c), the squashed c has the slope 2 s (1 - s).
    """
    p, x, i, g, o = params, inputs["x"], tape["i"], tape["g"], tape["o"]
    s = sigmoid(states["c"])
    h_ = previous(initial["h"], states["h"])
    dz_i, dz_g, dz_o = sequences(3, len(x), initial["c"])
    dc, dh = final["c"], final["h"]
    for t in reversed(range(len(x))):
        dh = dh + cotangents["h"][t]
        dz_o[t] = dh * (2 * s[t] - 1) * d_sigmoid(o[t])
        # The carousel: this dc is also dc_, untouched by the step.
        dc = dc + cotangents["c"][t] + dh * o[t] * 2 * d_sigmoid(s[t])
        dz_i[t] = dc * g[t] * d_sigmoid(i[t])
        dz_g[t] = dc * i[t] * 4 * d_sigmoid((g[t] + 2) / 4)
        dh = dz_i[t] @ p["U_i"] + dz_g[t] @ p["U_g"] + dz_o[t] @ p["U_o"]
    dparams = affine_gradients("i", dz_i, x, h_) | affine_gradients("g", dz_g, x, h_)
    dparams |= affine_gradients("o", dz_o, x, h_)
    dx = dz_i @ p["W_i"] + dz_g @ p["W_g"] + dz_o @ p["W_o"]
    return dparams, {"x": dx}, {"c": dc, "h": dh}


def lstm_forward(params, inputs, initial):
    """i, f, o = sigma(.); g = tanh(.); c = f c_ + i g; h = o tanh(c), with . = W x + U h_ + b

    Gers, Schmidhuber & Cummins 2000.
    """
    x, c_, h_ = inputs["x"], initial["c"], initial["h"]
    i, f, g, o, c, h = sequences(6, len(x), c_)
    for t in range(len(x)):
        i[t] = sigmoid(affine(params, "i", x[t], h_))
        f[t] = sigmoid(affine(params, "f", x[t], h_))
        g[t] = np.tanh(affine(params, "g", x[t], h_))
        o[t] = sigmoid(affine(params, "o", x[t], h_))
        c[t] = f[t] * c_ + i[t] * g[t]
        h[t] = o[t] * np.tanh(c[t])
        c_, h_ = c[t], h[t]
    return {"c": c, "h": h}, {"i": i, "f": f, "g": g, "o": o}


def lstm_backward(params, inputs, initial, states, tape, cotangents, final):
    """do = tanh(c) dh; dc += o (1 - tanh^2 c) dh; di = g dc, df = c_ dc, dg = i dc; dc_ = f dc

    and dh_ = sum of U^T dz over the four gates.
    """
    p, x, i, f, g, o = params, inputs["x"], tape["i"], tape["f"], tape["g"], tape["o"]
    tanh_c = np.tanh(states["c"])
    c_, h_ = previous(initial["c"], states["c"]), previous(initial["h"], states["h"])
    dz_i, dz_f, dz_g, dz_o = sequences(4, len(x), initial["c"])
    dc, dh = final["c"], final["h"]
    for t in reversed(range(len(x))):
        dh = dh + cotangents["h"][t]
        dz_o[t] = dh * tanh_c[t] * d_sigmoid(o[t])
        dc = dc + cotangents["c"][t] + dh * o[t] * d_tanh(tanh_c[t])
        dz_i[t] = dc * g[t] * d_sigmoid(i[t])
        dz_f[t] = dc * c_[t] * d_sigmoid(f[t])
        dz_g[t] = dc * i[t] * d_tanh(g[t])
        dc = dc * f[t]
        dh = dz_i[t] @ p["U_i"] + dz_f[t] @ p["U_f"] + dz_g[t] @ p["U_g"] + dz_o[t] @ p["U_o"]
    dparams = affine_gradients("i", dz_i, x, h_) | affine_gradients("f", dz_f, x, h_)
    dparams |= affine_gradients("g", dz_g, x, h_) | affine_gradients("o", dz_o, x, h_)
    dx = dz_i @ p["W_i"] + dz_f @ p["W_f"] + dz_g @ p["W_g"] + dz_o @ p["W_o"]
    return dparams, {"x": dx}, {"c": dc, "h": dh}


def concat_forward(params, inputs, initial):
    """The same with . = W [h_; x] + b"""
    return lstm_forward(split_columns(params), inputs, initial)


def concat_backward(params, inputs, initial, states, tape, cotangents, final):
    """The split form's, its two adjoints of each W put side by side."""
    split = split_columns(params)
    dparams, dinputs, dinitial = lstm_backward(split, inputs, initial, states, tape, cotangents, final)
    return join_columns(dparams), dinputs, dinitial


def peephole_forward(params, inputs, initial):
    """i, f = sigma(. + p c_); g = tanh(.); c = f c_ + i g; o = sigma(. + p_o c); h = o tanh(c)

    with . = W x + U h_ + b. Gers, Schraudolph & Schmidhuber 2002.
    """
    p, x, c_, h_ = params, inputs["x"], initial["c"], initial["h"]
    i, f, g, o, c, h = sequences(6, len(x), c_)
    for t in range(len(x)):
        i[t] = sigmoid(affine(p, "i", x[t], h_) + p["p_i"] * c_)
        f[t] = sigmoid(affine(p, "f", x[t], h_) + p["p_f"] * c_)
        g[t] = np.tanh(affine(p, "g", x[t], h_))
        c[t] = f[t] * c_ + i[t] * g[t]
        o[t] = sigmoid(affine(p, "o", x[t], h_) + p["p_o"] * c[t])
        h[t] = o[t] * np.tanh(c[t])
        c_, h_ = c[t], h[t]
    return {"c": c, "h": h}, {"i": i, "f": f, "g": g, "o": o}


def peephole_backward(params, inputs, initial, states, tape, cotangents, final):
    """dc += o (1 - tanh^2 c) dh + p_o dz_o; dc_ = f dc + p_i dz_i + p_f dz_f; else as without peepholes"""
    p, x, i, f, g, o = params, inputs["x"], tape["i"], tape["f"], tape["g"], tape["o"]
    tanh_c = np.tanh(states["c"])
    c_, h_ = previous(initial["c"], states["c"]), previous(initial["h"], states["h"])
    dz_i, dz_f, dz_g, dz_o = sequences(4, len(x), initial["c"])
    dc, dh = final["c"], final["h"]
    for t in reversed(range(len(x))):
        dh = dh + cotangents["h"][t]
        dz_o[t] = dh * tanh_c[t] * d_sigmoid(o[t])
        dc = dc + cotangents["c"][t] + dh * o[t] * d_tanh(tanh_c[t]) + dz_o[t] * p["p_o"]
        dz_i[t] = dc * g[t] * d_sigmoid(i[t])
        dz_f[t] = dc * c_[t] * d_sigmoid(f[t])
        dz_g[t] = dc * i[t] * d_tanh(g[t])
        dc = dc * f[t] + dz_i[t] * p["p_i"] + dz_f[t] * p["p_f"]
        dh = dz_i[t] @ p["U_i"] + dz_f[t] @ p["U_f"] + dz_g[t] @ p["U_g"] + dz_o[t] @ p["U_o"]
    dparams = affine_gradients("i", dz_i, x, h_) | affine_gradients("f", dz_f, x, h_)
    dparams |= affine_gradients("g", dz_g, x, h_) | affine_gradients("o", dz_o, x, h_)
    dparams |= {"p_i": total(dz_i * c_), "p_f": total(dz_f * c_), "p_o": total(dz_o * states["c"])}
    dx = dz_i @ p["W_i"] + dz_f @ p["W_f"] + dz_g @ p["W_g"] + dz_o @ p["W_o"]
    return dparams, {"x": dx}, {"c": dc, "h": dh}


def cifg_forward(params, inputs, initial):
    """i = sigma(. + p_i c_); g = tanh(.); c = (1-i) c_ + i g; o = sigma(. + p_o c); h = o tanh(c)

    The coupled input and forget gate, f = 1 - i, of Greff et al. 2015.
    """
    p, x, c_, h_ = params, inputs["x"], initial["c"], initial["h"]
    i, g, o, c, h = sequences(5, len(x), c_)
    for t in range(len(x)):
        i[t] = sigmoid(affine(p, "i", x[t], h_) + p["p_i"] * c_)
        g[t] = np.tanh(affine(p, "g", x[t], h_))
        c[t] = (1 - i[t]) * c_ + i[t] * g[t]
        o[t] = sigmoid(affine(p, "o", x[t], h_) + p["p_o"] * c[t])
        h[t] = o[t] * np.tanh(c[t])
        c_, h_ = c[t], h[t]
    return {"c": c, "h": h}, {"i": i, "g": g, "o": o}


def cifg_backward(params, inputs, initial, states, tape, cotangents, final):
    """As the peephole LSTM's, but i takes from c_ what it gives to g: di = (g - c_) dc.

    The adjoint of the old cell state is dc_ = (1-i) dc + p_i dz_i.
    """
    p, x, i, g, o = params, inputs["x"], tape["i"], tape["g"], tape["o"]
    tanh_c = np.tanh(states["c"])
    c_, h_ = previous(initial["c"], states["c"]), previous(initial["h"], states["h"])
    dz_i, dz_g, dz_o = sequences(3, len(x), initial["c"])
    dc, dh = final["c"], final["h"]
    for t in reversed(range(len(x))):
        dh = dh + cotangents["h"][t]
        dz_o[t] = dh * tanh_c[t] * d_sigmoid(o[t])
        dc = dc + cotangents["c"][t] + dh * o[t] * d_tanh(tanh_c[t]) + dz_o[t] * p["p_o"]
        dz_i[t] = dc * (g[t] - c_[t]) * d_sigmoid(i[t])
        dz_g[t] = dc * i[t] * d_tanh(g[t])
        dc = dc * (1 - i[t]) + dz_i[t] * p["p_i"]
        dh = dz_i[t] @ p["U_i"] + dz_g[t] @ p["U_g"] + dz_o[t] @ p["U_o"]
    dparams = affine_gradients("i", dz_i, x, h_) | affine_gradients("g", dz_g, x, h_)
    dparams |= affine_gradients("o", dz_o, x, h_)
    dparams |= {"p_i": total(dz_i * c_), "p_o": total(dz_o * states["c"])}
    dx = dz_i @ p["W_i"] + dz_g @ p["W_g"] + dz_o @ p["W_o"]
    return dparams, {"x": dx}, {"c": dc, "h": dh}
