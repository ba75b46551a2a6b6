"""The states of a layer as its user sees them: one tensor, or a named tuple that begins with the outputs."""

import copyreg
from collections import namedtuple
from collections.abc import Mapping
from functools import cache
from typing import Any

from torch import Tensor

from symcell.errors import CellError
from symcell.runtime.interface import Interface


def order(cell: Interface) -> tuple[str, ...]:
    """The states, those that the cell shows first: (h, c) for an LSTM."""
    return (*cell.outputs, *(name for name in cell.states if name not in cell.outputs))


def shown(cell: Interface, states: dict[str, Any], names: tuple[str, ...]) -> Any:
    """States by name -> one, or a named tuple of several."""
    return states[names[0]] if len(names) == 1 else _tuple_of(cell.name, names)(*(states[name] for name in names))


def given(cell: Interface, states: Any) -> dict[str, Tensor]:
    """The states that a user gives: by name, some or all; or as `shown` shows them. Raises CellError for anything else."""
    names = order(cell)
    if states is None:
        return {}
    if isinstance(states, Mapping):
        if unknown := [str(name) for name in states if name not in names]:
            raise CellError(f"{cell.name}: unknown states {', '.join(unknown)}; expected {', '.join(names)}")
        return dict(states)
    if isinstance(states, Tensor):
        states = (states,)
    if not isinstance(states, (tuple, list)) or len(states) != len(names):
        found = f"{len(states)} of them" if isinstance(states, (tuple, list)) else type(states).__name__
        raise CellError(f"{cell.name}: expected the states ({', '.join(names)}), found {found}")
    return dict(zip(names, states, strict=True))


@cache
def _tuple_of(cell: str, names: tuple[str, ...]) -> Any:
    """The named tuple of a cell, which can be pickled though it is made here."""
    made: Any = namedtuple(f"{cell}_states", names, rename=True)  # type: ignore[misc]
    copyreg.pickle(made, lambda values: (_made_again, (cell, names, tuple(values))))
    return made


def _made_again(cell: str, names: tuple[str, ...], values: tuple) -> Any:
    return _tuple_of(cell, names)(*values)
