"""Cells without gates that differ in their recurrent matrix: its initial value, what it depends on, when its rows are used."""

from itertools import pairwise

import numpy as np
from sympy import Eq, Mod, Piecewise, symbols, tanh

from symcell import Cell, Constant, Input, Param, State, affine, identity, matmul, outer, relu
from symcell.cells.compositions import layer_norm

x, h = Input("x"), State("h")
U, W = Param("U"), Param("W")

irnn = Cell("irnn", [
    Eq(h, relu(affine(x, h.prev))),
], reference="Le, Jaitly, Hinton, A simple way to initialize recurrent networks of rectified linear units, arXiv:1504.00941 "
             "(training begins at U_h = I, b_h = 0; the caller sets them)")

f = symbols("f")

multiplicative_rnn = Cell("multiplicative_rnn", [
    Eq(f, (Param("W_fx") @ x) * (Param("W_fh") @ h.prev)),
    Eq(h, tanh(affine(x, f))),
], reference="Sutskever, Martens, Hinton, Generating text with recurrent neural networks, ICML 2011 "
             "(n_f factors; the paper's W_hx and W_hf are W_h and U_h; the bias is pylstm's)",
   names={"W_h": "W_{hx}", "U_h": "W_{hf}"})


def symmetric_and_skew(M, beta, gamma):
    """(1 - beta) (M + M^T) + beta (M - M^T) - gamma I: skew-symmetric for beta = 1, damped by gamma."""
    return (1 - beta) * (M + M.T) + beta * (M - M.T) - gamma * identity("n_h")


beta_A, gamma_A, beta_W, gamma_W, epsilon = (
    Constant(name, ()) for name in ("beta_A", "gamma_A", "beta_W", "gamma_W", "epsilon")
)
A_stable, W_stable = symmetric_and_skew(Param("M_A"), beta_A, gamma_A), symmetric_and_skew(Param("M_W"), beta_W, gamma_W)

lipschitz_rnn = Cell("lipschitz_rnn", [
    Eq(h, h.prev + epsilon * matmul(A_stable, h.prev) + epsilon * tanh(matmul(W_stable, h.prev) + U @ x + Param("b"))),
], reference="Erichson et al., Lipschitz recurrent neural networks, ICLR 2021, arXiv:2006.12070 (Euler's method; as in the paper "
             "A multiplies from the left, where the authors' code has A^T)")

a = symbols("a")
t, period, wiring = Input("t", ()), Constant("T"), Constant("mask", ("n_h", "n_h"))

clockwork_rnn = Cell("clockwork_rnn", [
    Eq(a, tanh(matmul(wiring * U, h.prev) + W @ x + Param("b"))),
    Eq(h, Piecewise((a, Mod(t, period) < 1), (h.prev, True))),
], reference="Koutnik, Greff, Gomez, Schmidhuber, A clockwork RNN, ICML 2014, arXiv:1402.3511 (t counts steps, and t mod T < 1 "
             "is the paper's t mod T = 0; constants: T, the period of each unit, and mask, by which slow modules feed fast ones: "
             "clockwork_modules)",
   names={"h": "y_H", "U": "W_H", "W": "W_I"})


def clockwork_modules(periods, units):
    """The constants T (n,) and mask (n, n) of the Clockwork RNN: a module of `units` units for each of the increasing `periods`.
    A unit reads its own module and slower ones."""
    T = np.repeat(np.asarray(periods, float), units)
    return T, (T[:, None] <= T).astype(float)


p, s0, s1 = symbols("p s0 s1")
A, decay, rate = State("A", ("n_h", "n_h")), Constant("lamda", ()), Constant("eta", ())
steps = [Eq(new, relu(layer_norm(p + A @ old, Param("g"), Param("b")))) for old, new in pairwise([s0, s1, h])]

fast_weights_rnn = Cell("fast_weights_rnn", [
    Eq(p, W @ h.prev + Param("C") @ x),
    Eq(A, decay * A.prev + rate * outer(h.prev, h.prev)),
    Eq(s0, relu(p)),
    *steps,
], reference="Ba, Hinton, Mnih, Leibo, Ionescu, Using fast weights to attend to the recent past, NeurIPS 2016, arXiv:1610.06258 "
             "(two inner steps; doubtful: as in the paper A is updated with h_{t-1}; third-party code updates it with relu(p))")
