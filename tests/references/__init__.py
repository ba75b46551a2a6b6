"""Recurrent cells differentiated by hand: what symcell's derivations and generated code are tested against.

Nothing here uses symcell or automatic differentiation. Each pass is the one a person derives on paper, for a
whole sequence of batches, with backpropagation through time in the backward pass.

    forward(params, inputs, initial) -> states, tape
    backward(params, inputs, initial, states, tape, cotangents, final) -> dparams, dinputs, dinitial

All arguments and results are dicts from a name to an array:

    params      as in the cell's equations; a matrix is (n_out, n_in)
    inputs      (T, B, n_x): x_1 .. x_T
    initial     (B, n): every state before the first step
    states      (T, B, n): every state after each step
    tape        (T, B, n): the gates that the backward pass reads again
    cotangents  (T, B, n): dL/d(state) received from outside at each step, for every state
    final       (B, n): dL/d(state) received from outside at the end of the sequence, added to the last
                step's; with T = 0 the final state is the initial one, so dinitial = final

In scalar_rnn there is no n: inputs and states are (T, B), initial is (B,), the parameters are 0-d.
Every dtype is preserved, complex included: a forward pass may be differentiated by a complex step.
A missing name raises KeyError; nothing else is checked.
"""

from collections.abc import Callable
from dataclasses import dataclass

from . import gru, lstm, rnn
from .shared import Arrays

__all__ = ["REFERENCES", "Reference"]


@dataclass(frozen=True)
class Reference:
    """A cell's two passes, with the signatures in this package's docstring."""

    forward: Callable[[Arrays, Arrays, Arrays], tuple[Arrays, Arrays]]
    backward: Callable[
        [Arrays, Arrays, Arrays, Arrays, Arrays, Arrays, Arrays], tuple[Arrays, Arrays, Arrays]
    ]


REFERENCES: dict[str, Reference] = {
    "rnn": Reference(rnn.rnn_forward, rnn.rnn_backward),
    "rnn_readout": Reference(rnn.readout_forward, rnn.readout_backward),
    "rnn_concat": Reference(rnn.concat_forward, rnn.concat_backward),
    "scalar_rnn": Reference(rnn.scalar_forward, rnn.scalar_backward),
    "gru_one_gate": Reference(gru.one_gate_forward, gru.one_gate_backward),
    "gru": Reference(gru.gru_forward, gru.gru_backward),
    "gru_concat": Reference(gru.concat_forward, gru.concat_backward),
    "gru_reset_after": Reference(gru.reset_after_forward, gru.reset_after_backward),
    "gru_inverted_update": Reference(gru.inverted_update_forward, gru.inverted_update_backward),
    "lstm_1997": Reference(lstm.lstm_1997_forward, lstm.lstm_1997_backward),
    "lstm": Reference(lstm.lstm_forward, lstm.lstm_backward),
    "lstm_concat": Reference(lstm.concat_forward, lstm.concat_backward),
    "peephole_lstm": Reference(lstm.peephole_forward, lstm.peephole_backward),
    "cifg_lstm": Reference(lstm.cifg_forward, lstm.cifg_backward),
}
