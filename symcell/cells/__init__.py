"""The catalogue: published cells, a file a family. `from symcell.cells import lstm`; `names()` lists them all."""

from symcell.cell import Cell
from symcell.cells.gru import gru, gru_concat, gru_inverted_update, gru_one_gate, gru_reset_after
from symcell.cells.lstm import cifg_lstm, lstm, lstm_1997, lstm_concat, peephole_lstm
from symcell.cells.rnn import rnn, rnn_concat, rnn_readout, scalar_rnn

_CATALOGUE = {value.name: value for value in list(globals().values()) if isinstance(value, Cell)}


def names():
    """The names of the catalogue's cells, in alphabetical order."""
    return sorted(_CATALOGUE)


def get(name):
    """The catalogue's cell of that name; KeyError if there is none."""
    return _CATALOGUE[name]


__all__ = [
    "cifg_lstm", "get", "gru", "gru_concat", "gru_inverted_update", "gru_one_gate", "gru_reset_after", "lstm", "lstm_1997",
    "lstm_concat", "names", "peephole_lstm", "rnn", "rnn_concat", "rnn_readout", "scalar_rnn",
]
