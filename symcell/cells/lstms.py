"""Long short-term memory: a cell state c that errors pass through, and a gated output h."""

from sympy import Eq, symbols, tanh

from symcell import Cell, Input, Param, State, affine, concat, sigmoid
from symcell.cells.notation import by_gate

x, h, c = Input("x"), State("h"), State("c")
i, f, g, o = symbols("i f g o")
p_i, p_f, p_o = Param("p_i"), Param("p_f"), Param("p_o")

NAMES_1997 = {  # y^in and y^out are the gates, s_c is the internal state, y^c the cell's output
    "i": r"y^{\mathrm{in}}", "o": r"y^{\mathrm{out}}", "c": "s_c", "h": "y^c",
    **by_gate({"i": r"\mathrm{in}", "o": r"\mathrm{out}", "g": "c"}, W="W_{@}", U="U_{@}", b="b_{@}", z=r"\mathrm{net}_{@}"),
}  # fmt: skip

lstm_1997 = Cell("lstm_1997", [
    Eq(i, sigmoid(affine(x, h.prev))),
    Eq(o, sigmoid(affine(x, h.prev))),
    Eq(g, 4 * sigmoid(affine(x, h.prev)) - 2),
    Eq(c, c.prev + i * g),
    Eq(h, o * (2 * sigmoid(c) - 1)),
], reference="Hochreiter and Schmidhuber, Long short-term memory, Neural Computation 9(8), 1997 "
             "(the full gradient; the paper truncates it at the gates' inputs)",
   names=NAMES_1997)

lstm = Cell("lstm", [
    Eq(i, sigmoid(affine(x, h.prev))),
    Eq(f, sigmoid(affine(x, h.prev))),
    Eq(g, tanh(affine(x, h.prev))),
    Eq(o, sigmoid(affine(x, h.prev))),
    Eq(c, f * c.prev + i * g),
    Eq(h, o * tanh(c)),
], reference="Gers, Schmidhuber, Cummins, Learning to forget, Neural Computation 12(10), 2000")

lstm_concat = Cell("lstm_concat", [
    Eq(i, sigmoid(Param("W_i") @ concat(h.prev, x) + Param("b_i"))),
    Eq(f, sigmoid(Param("W_f") @ concat(h.prev, x) + Param("b_f"))),
    Eq(g, tanh(Param("W_g") @ concat(h.prev, x) + Param("b_g"))),
    Eq(o, sigmoid(Param("W_o") @ concat(h.prev, x) + Param("b_o"))),
    Eq(c, f * c.prev + i * g),
    Eq(h, o * tanh(c)),
], reference="Gers, Schmidhuber, Cummins, Learning to forget, Neural Computation 12(10), 2000 (one weight matrix a gate: [h, x])")

peephole_lstm = Cell("peephole_lstm", [
    Eq(i, sigmoid(affine(x, h.prev) + p_i * c.prev)),
    Eq(f, sigmoid(affine(x, h.prev) + p_f * c.prev)),
    Eq(g, tanh(affine(x, h.prev))),
    Eq(c, f * c.prev + i * g),
    Eq(o, sigmoid(affine(x, h.prev) + p_o * c)),
    Eq(h, o * tanh(c)),
], reference="Gers, Schraudolph, Schmidhuber, Learning precise timing with LSTM recurrent networks, JMLR 3, 2002; "
             "the vanilla LSTM of Greff et al., arXiv:1503.04069",
   names={"g": "z", "h": "y", "W_g": "W_z", "b_g": "b_z"} | by_gate({"i": "i", "f": "f", "g": "z", "o": "o"}, U="R_@"))
