"""Recurrent cells without gates: what a step adds, and in which order, is all that tells them apart."""

from itertools import pairwise

from sympy import Eq, symbols, tanh

from symcell import Cell, Constant, Input, Param, State, affine, column, flat, identity, matmul, relu, row, sigmoid

x, h, y = Input("x"), State("h"), State("y")
alpha, dt, epsilon, gamma = (Constant(name, ()) for name in ("alpha", "dt", "epsilon", "gamma"))

y_jordan, h_jordan = State("y", "n_y"), symbols("h")

jordan = Cell("jordan", [
    Eq(h_jordan, sigmoid(affine(x, y_jordan.prev))),
    Eq(y_jordan, sigmoid(affine(h_jordan))),
], reference="Jordan, Serial order, ICS Report 8604, UCSD, 1986 (doubtful: the context units without their self-recurrence)")

indrnn = Cell("indrnn", [
    Eq(h, relu(affine(x) + Param("u") * h.prev)),
], reference="Li et al., Independently recurrent neural network, CVPR 2018, arXiv:1803.04831",
   names={"W_h": "W", "b_h": "b"})


def euler_steps(state, slope, count):
    """`count` sub-steps of Euler's method from the state's previous value to its next, all with the same weights."""
    values = [state.prev, *symbols(f"{state}1:{count}"), state]
    return [Eq(new, old + dt * slope(old)) for old, new in pairwise(values)]


tau, W, U, b = Param("tau", ()), Param("W_h"), Param("U_h"), Param("b_h")

ctrnn = Cell("ctrnn", euler_steps(h, lambda v: tanh(W @ x + U @ v + b) - v / tau, count=6),
             reference="Funahashi, Nakamura, Approximation of dynamical systems by continuous time recurrent neural networks, "
                       "Neural Networks 6, 1993; Beer, Adaptive Behavior 3, 1995: six sub-steps of Euler")

h_scrn, s, y_scrn = State("h"), State("s", "n_s"), State("y", "n_y")

scrn = Cell("scrn", [
    Eq(s, (1 - alpha) * (Param("B") @ x) + alpha * s.prev),
    Eq(h_scrn, sigmoid(Param("P") @ s + Param("A") @ x + Param("R") @ h_scrn.prev)),
    Eq(y_scrn, Param("U") @ h_scrn + Param("V") @ s),
], outputs=[y_scrn], reference="Mikolov et al., Learning longer memory in recurrent neural networks, ICLR workshop 2015, "
                               "arXiv:1412.7753 (doubtful: the authors' code learns s's recurrence, and feeds s_{t-1} to h)")

M = Param("M")

antisymmetric_rnn = Cell("antisymmetric_rnn", [
    Eq(h, h.prev + epsilon * tanh(matmul(M - M.T - gamma * identity("n_h"), h.prev) + Param("V") @ x + Param("b"))),
], reference="Chang et al., AntisymmetricRNN, ICLR 2019, arXiv:1902.09689",
   names={"M": "W_h", "V": "V_h", "b": "b_h"})

z = State("z")

cornn = Cell("cornn", [
    Eq(z, z.prev + dt * (tanh(affine(x, y.prev, z.prev)) - gamma * y.prev - epsilon * z.prev)),
    Eq(y, y.prev + dt * z),
], reference="Rusch, Mishra, Coupled oscillatory recurrent neural network, ICLR 2021, arXiv:2010.00951 "
             "(damping at z_{t-1}, as the code has it)",
   names={"x": "u", "dt": r"{\Delta t}", "W_z": "V", "U_z_y": "W", "U_z_z": r"\mathcal{W}", "b_z": "b"})

mu, o = State("mu", ("n_a", "n_p")), State("o", "n_o")
r, p = symbols("r p")
rates = Constant("alpha", "n_a")

statistical_recurrent_unit = Cell("statistical_recurrent_unit", [
    Eq(r, relu(affine(flat(mu.prev)))),
    Eq(p, relu(affine(r, x))),
    Eq(mu, column(rates) * mu.prev + (1 - column(rates)) * row(p)),
    Eq(o, relu(affine(flat(mu)))),
], outputs=[o], reference="Oliva, Poczos, Schneider, The statistical recurrent unit, ICML 2017, arXiv:1703.00381 "
                          "(a row of mu for each rate alpha)",
   names={"p": r"\varphi", "U_r": "W^{(r)}", "U_p": r"W^{(\varphi)}", "W_p": "W^{(x)}", "U_o": "W^{(o)}"}
         | {"b_r": "b^{(r)}", "b_p": r"b^{(\varphi)}", "b_o": "b^{(o)}"})
