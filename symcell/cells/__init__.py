"""The catalogue: published cells, a file a family. `from symcell.cells import lstm`; `names()` lists them all."""

import difflib
from typing import TYPE_CHECKING

from symcell.cell import Cell
from symcell.cells import (
    ablations,
    continuous,
    few_gates,
    gates,
    gru_variants,
    grus,
    heads,
    linear,
    linear_variants,
    lstm_descendants,
    lstm_variants,
    lstms,
    recurrent_matrices,
    rnns,
    simple,
    state_spaces,
)
from symcell.cells.linear import legendre_memory
from symcell.cells.recurrent_matrices import clockwork_modules
from symcell.errors import UnknownCell

_FAMILIES = (
    rnns, recurrent_matrices, simple, lstms, ablations, lstm_variants, lstm_descendants, grus, gru_variants, gates, few_gates,
    continuous, linear, linear_variants, state_spaces, heads,
)  # fmt: skip
_CATALOGUE = {cell.name: cell for family in _FAMILIES for cell in vars(family).values() if isinstance(cell, Cell)}
globals().update(_CATALOGUE)  # from symcell.cells import lstm


def names() -> list[str]:
    """The names of the catalogue's cells, in alphabetical order."""
    return sorted(_CATALOGUE)


def get(name: str) -> Cell:
    """The catalogue's cell of that name. Raises CellError, which is a KeyError too, if there is none."""
    if name not in _CATALOGUE:
        close = difflib.get_close_matches(str(name), names(), n=3)
        hint = f"did you mean {' or '.join(close)}?" if close else "`symcell list` and symcell.cells.names() show them"
        raise UnknownCell(f"the catalogue has no cell {name!r}; {hint}")
    return _CATALOGUE[name]


if TYPE_CHECKING:

    def __getattr__(name: str) -> Cell: ...  # a cell by its name


__all__ = ["clockwork_modules", "get", "legendre_memory", "names", *_CATALOGUE]
