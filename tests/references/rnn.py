"""Vanilla recurrent networks (Elman 1990), differentiated by hand."""

import numpy as np

from .shared import (
    affine,
    affine_gradients,
    d_tanh,
    join_columns,
    outer_sum,
    previous,
    sequences,
    softmax,
    split_columns,
    total,
)


def rnn_forward(params, inputs, initial):
    """a = tanh(W_a x + U_a a_ + b_a)"""
    x, a_ = inputs["x"], initial["a"]
    (a,) = sequences(1, len(x), a_)
    for t in range(len(x)):
        a[t] = np.tanh(affine(params, "a", x[t], a_))
        a_ = a[t]
    return {"a": a}, {}


def rnn_backward(params, inputs, initial, states, tape, cotangents, final):
    """dz = (1 - a^2) da and da_ = U_a^T dz: one such factor for every step that the gradient goes back."""
    x, a = inputs["x"], states["a"]
    a_ = previous(initial["a"], a)
    (dz,) = sequences(1, len(x), initial["a"])
    da = final["a"]
    for t in reversed(range(len(x))):
        da = da + cotangents["a"][t]
        dz[t] = da * d_tanh(a[t])
        da = dz[t] @ params["U_a"]
    return affine_gradients("a", dz, x, a_), {"x": dz @ params["W_a"]}, {"a": da}


def readout_forward(params, inputs, initial):
    """a as in the vanilla cell; y = softmax(U_y a + b_y)

    No step reads y_, so the readout is made of the whole sequence at once.
    """
    states, tape = rnn_forward(params, inputs, initial)
    a = states["a"]
    return {"a": a, "y": softmax(a @ params["U_y"].T + params["b_y"])}, tape


def readout_backward(params, inputs, initial, states, tape, cotangents, final):
    """First through the readout, which adds to what a receives at each step; then through time.

    The Jacobian of the softmax is diag(y) - y y^T, so dz = y * (dy - <y, dy>).
    """
    a, y = states["a"], states["y"]
    dy = cotangents["y"].copy()
    dy[-1:] += final["y"]  # no row at all when T = 0
    dz_y = y * (dy - (y * dy).sum(axis=-1, keepdims=True))

    da = cotangents["a"] + dz_y @ params["U_y"]
    dparams, dinputs, dinitial = rnn_backward(params, inputs, initial, states, tape, {"a": da}, final)

    dparams |= {"U_y": outer_sum(dz_y, a), "b_y": total(dz_y)}
    # The initial y is overwritten by the first step, and is the final y only where there is no step.
    dinitial["y"] = np.zeros_like(final["y"]) if len(y) else final["y"]
    return dparams, dinputs, dinitial


def concat_forward(params, inputs, initial):
    """a = tanh(W_a [a_; x]): the vanilla cell with W_a = [U_a, W_x] and b_a = 0"""
    return rnn_forward(_vanilla(params), inputs, initial)


def concat_backward(params, inputs, initial, states, tape, cotangents, final):
    """The vanilla cell's, less the adjoint of the bias, which is not a parameter here."""
    dparams, dinputs, dinitial = rnn_backward(
        _vanilla(params), inputs, initial, states, tape, cotangents, final
    )
    del dparams["b_a"]
    return join_columns(dparams), dinputs, dinitial


def _vanilla(params):
    joint = params["W_a"]
    return split_columns(params) | {"b_a": np.zeros(len(joint), joint.dtype)}


def scalar_forward(params, inputs, initial):
    """a = w a_ + v x, all scalars: x and a are (T, B), w and v are 0-d"""
    x, a_ = inputs["x"], initial["a"]
    (a,) = sequences(1, len(x), a_)
    for t in range(len(x)):
        a[t] = params["w"] * a_ + params["v"] * x[t]
        a_ = a[t]
    return {"a": a}, {}


def scalar_backward(params, inputs, initial, states, tape, cotangents, final):
    """da_ = w da: the influence of x_tau on a_t is v w^(t - tau). It explodes or vanishes."""
    x, a_ = inputs["x"], previous(initial["a"], states["a"])
    (da,) = sequences(1, len(x), initial["a"])
    carry = final["a"]
    for t in reversed(range(len(x))):
        da[t] = carry + cotangents["a"][t]
        carry = params["w"] * da[t]
    dparams = {"w": np.asarray((da * a_).sum()), "v": np.asarray((da * x).sum())}
    return dparams, {"x": params["v"] * da}, {"a": carry}
