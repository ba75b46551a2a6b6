"""The states of a layer as its user sees them: one tensor, or a named tuple that begins with the outputs."""

import copyreg
from collections import namedtuple
from collections.abc import Mapping
from functools import cache
from typing import Any

from torch import Tensor
from torch.utils._pytree import _register_namedtuple

from symcell.errors import CellError
from symcell.runtime.interface import Interface


def order(cell: Interface) -> tuple[str, ...]:
    """The states, those that the cell shows first: (h, c) for an LSTM."""
    return (*cell.outputs, *(name for name in cell.states if name not in cell.outputs))


class Shown:
    """How a user sees some states: one as it is, several as a named tuple, whose class is made here."""

    def __init__(self, cell: Interface, names: tuple[str, ...]) -> None:
        self.names, self._made = names, _tuple_of(cell.name, names) if len(names) > 1 else None

    def __call__(self, states: dict[str, Any]) -> Any:
        return states[self.names[0]] if self._made is None else self._made(*[states[name] for name in self.names])


def given(cell: Interface, states: Any) -> dict[str, Tensor]:
    """The states that a user gives: by name, some or all; or as they are shown. Raises CellError for anything else."""
    if states is None:
        return {}
    names = order(cell)
    if type(states) is not tuple and isinstance(states, Mapping):
        if unknown := [str(name) for name in states if name not in names]:
            raise CellError(f"{cell.name}: unknown states {', '.join(unknown)}; expected {', '.join(names)}")
        return _tensors(cell, states)
    if isinstance(states, Tensor):
        states = (states,)
    if not isinstance(states, (tuple, list)) or len(states) != len(names):
        found = f"{len(states)} of them" if isinstance(states, (tuple, list)) else type(states).__name__
        raise CellError(f"{cell.name}: expected the states ({', '.join(names)}), found {found}")
    return _tensors(cell, dict(zip(names, states, strict=True)))


def _tensors(cell: Interface, states: Mapping[str, Any]) -> dict[str, Tensor]:
    for name, t in states.items():
        if not isinstance(t, Tensor):
            raise CellError(f"{cell.name}: the state {name} must be a tensor, found {type(t).__name__}")
    return dict(states)


@cache
def _tuple_of(cell: str, names: tuple[str, ...]) -> Any:
    """The named tuple of a cell, which can be pickled though it is made here."""
    made: Any = namedtuple(f"{cell}_states", names, rename=True)  # type: ignore[misc]
    # The export of a program writes the class by this name.
    _register_namedtuple(made, serialized_type_name=f"symcell.{cell}:{','.join(names)}")
    copyreg.pickle(made, lambda values: (_made_again, (cell, names, tuple(values))))
    return made


def _made_again(cell: str, names: tuple[str, ...], values: tuple) -> Any:
    return _tuple_of(cell, names)(*values)
