"""The catalogue: published cells, a file a family. `from symcell.cells import lstm`; `names()` lists them all.

A family is imported, and its cells are declared, when one of its cells is first asked for.
"""

import difflib
from importlib import import_module
from typing import TYPE_CHECKING

from symcell.cell import Cell
from symcell.errors import UnknownCell

if TYPE_CHECKING:
    from symcell.cells.linear import legendre_memory as legendre_memory
    from symcell.cells.recurrent_matrices import clockwork_modules as clockwork_modules

_FAMILIES = {
    "rnns": "rnn rnn_concat rnn_readout scalar_rnn",
    "recurrent_matrices": "irnn multiplicative_rnn lipschitz_rnn clockwork_rnn fast_weights_rnn",
    "simple": "jordan indrnn ctrnn scrn antisymmetric_rnn cornn statistical_recurrent_unit",
    "lstms": "lstm_1997 lstm lstm_concat peephole_lstm",
    "ablations": "no_input_gate_lstm no_forget_gate_lstm no_output_gate_lstm no_input_activation_lstm no_output_activation_lstm "
                 "cifg_lstm no_peepholes_lstm full_gate_recurrence_lstm",
    "lstm_variants": "lstm_1997_truncated lstmp multiplicative_lstm on_lstm layer_norm_lstm phased_lstm t_lstm zoneout_lstm "
                     "slstm",
    "lstm_descendants": "indylstm mogrifier_lstm nested_lstm time_lstm_1 time_lstm_3 nas_cell mc_lstm skip_lstm",
    "grus": "gru_one_gate gru gru_concat gru_reset_after gru_inverted_update",
    "gru_variants": "gru_cho ugrnn mgu mut1 li_gru fastgrnn rhn delta_gru",
    "gates": "mgu1 mgu2 mgu3 mut2 mut3 intersection_rnn atr brc nbrc delta_rnn",
    "few_gates": "fastrnn cfn star minimal_rnn janet ran unicornn lem",
    "continuous": "gru_d ct_gru ltc cfc",
    "linear": "sru sru_v1 qrnn qrnn_ifo mingru mamba lmu",
    "linear_variants": "t_rnn minlstm rg_lru rwkv4",
    "state_spaces": "lru s5 s4d hgrn",
    "heads": "linear_attention retnet gla mlstm deltanet gated_deltanet rwkv6 rwkv7 mamba2",
}  # fmt: skip
_FAMILY_OF = {name: family for family, text in _FAMILIES.items() for name in text.split()}
_FUNCTIONS = {"legendre_memory": "linear", "clockwork_modules": "recurrent_matrices"}


def names() -> list[str]:
    """The names of the catalogue's cells, in alphabetical order."""
    return sorted(_FAMILY_OF)


def get(name: str) -> Cell:
    """The catalogue's cell of that name. Raises CellError, which is a KeyError too, if there is none."""
    if name not in _FAMILY_OF:
        close = difflib.get_close_matches(str(name), names(), n=3)
        hint = f"did you mean {' or '.join(close)}?" if close else "`symcell list` and symcell.cells.names() show them"
        raise UnknownCell(f"the catalogue has no cell {name!r}; {hint}")
    return getattr(import_module(f"{__name__}.{_FAMILY_OF[name]}"), name)


def __getattr__(name: str) -> Cell:
    """A cell by its name, or a function that makes constants of one."""
    family = (_FAMILY_OF | _FUNCTIONS).get(name)
    if family is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return globals().setdefault(name, getattr(import_module(f"{__name__}.{family}"), name))


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


__all__ = ["clockwork_modules", "get", "legendre_memory", "names", *_FAMILY_OF]
