"""The catalogue: published cells, a file a family. `from symcell.cells import lstm`; `names()` lists them all."""

from typing import TYPE_CHECKING

from symcell.cell import Cell
from symcell.cells import gru_variants, grus, linear, lstm_variants, lstms, rnns, simple
from symcell.cells.linear import legendre_memory

_FAMILIES = (rnns, simple, lstms, lstm_variants, grus, gru_variants, linear)
_CATALOGUE = {cell.name: cell for family in _FAMILIES for cell in vars(family).values() if isinstance(cell, Cell)}
globals().update(_CATALOGUE)  # from symcell.cells import lstm


def names() -> list[str]:
    """The names of the catalogue's cells, in alphabetical order."""
    return sorted(_CATALOGUE)


def get(name: str) -> Cell:
    """The catalogue's cell of that name; KeyError if there is none."""
    return _CATALOGUE[name]


if TYPE_CHECKING:

    def __getattr__(name: str) -> Cell: ...  # a cell by its name


__all__ = ["get", "legendre_memory", "names", *_CATALOGUE]
