"""Greff et al.'s eight ablations of the LSTM with peepholes: no input, forget or output gate, no input or output activation
function, coupled gates, no peepholes, and full gate recurrence."""

from sympy import symbols

from symcell import Input, Param, State, affine, sigmoid
from symcell.cells.lstms import peephole_lstm

x, h, c = Input("x"), State("h"), State("c")
i, f, g, o = symbols("i f g o")
I, F, O = State("i"), State("f"), State("o")  # gates that the next step reads

ODYSSEY = "Greff et al., LSTM: a search space odyssey, arXiv:1503.04069"


def recurrent(gate, peephole):
    """A gate that reads the gates of the step before."""
    gates = sum(Param(f"R_{gate}{other}") @ other.prev for other in (I, F, O))
    return sigmoid(affine(x, h.prev) + Param(f"p_{gate}") * peephole + gates)


no_input_gate_lstm = peephole_lstm.variant("no_input_gate_lstm", {i: 1}, reference=f"{ODYSSEY}: NIG")
no_forget_gate_lstm = peephole_lstm.variant("no_forget_gate_lstm", {f: 1}, reference=f"{ODYSSEY}: NFG")
no_output_gate_lstm = peephole_lstm.variant("no_output_gate_lstm", {o: 1}, reference=f"{ODYSSEY}: NOG")
no_input_activation_lstm = peephole_lstm.variant("no_input_activation_lstm", {g: affine(x, h.prev)}, reference=f"{ODYSSEY}: NIAF")
no_output_activation_lstm = peephole_lstm.variant("no_output_activation_lstm", {h: o * c}, reference=f"{ODYSSEY}: NOAF")
cifg_lstm = peephole_lstm.variant("cifg_lstm", {f: 1 - i}, reference=f"{ODYSSEY}: CIFG, coupled input and forget gates")
no_peepholes_lstm = peephole_lstm.variant("no_peepholes_lstm", dict.fromkeys((i, f, o), sigmoid(affine(x, h.prev))),
                                          reference=f"{ODYSSEY}: NP, equivalent to lstm")
full_gate_recurrence_lstm = peephole_lstm.variant("full_gate_recurrence_lstm", {
    I: recurrent(I, c.prev), F: recurrent(F, c.prev), O: recurrent(O, c)}, reference=f"{ODYSSEY}: FGR")
