"""Vanilla recurrent cells: one state a, no gates."""

from sympy import Eq, tanh

from symcell import Cell, Input, Param, State, affine, concat, softmax

x, a = Input("x"), State("a")

rnn = Cell("rnn", [
    Eq(a, tanh(affine(a.prev, x))),
], reference="Elman, Finding structure in time, Cognitive Science 14, 1990 (with tanh in place of the logistic function)")

y = State("y", "n_y")

rnn_readout = Cell("rnn_readout", [
    Eq(a, tanh(affine(a.prev, x))),
    Eq(y, softmax(affine(a))),
], outputs=[y], reference="Elman, Finding structure in time, Cognitive Science 14, 1990; with a softmax readout at every step")

rnn_concat = Cell("rnn_concat", [
    Eq(a, tanh(Param("W_a") @ concat(a.prev, x))),
], reference="Elman, Finding structure in time, Cognitive Science 14, 1990: one weight matrix for [a, x] and no bias")

u, s = Input("x", ()), State("a", ())
v, w = Param("v", ()), Param("w", ())

scalar_rnn = Cell("scalar_rnn", [
    Eq(s, w * s.prev + v * u),
], reference="Hochreiter, Untersuchungen zu dynamischen neuronalen Netzen, 1991: one linear unit, whose memory goes as w^k")
