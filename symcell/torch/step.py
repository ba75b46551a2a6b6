"""StepCell: one step of a cell, in the place of torch.nn.LSTMCell, GRUCell or RNNCell."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from symcell.cell import Cell
from symcell.errors import CellError
from symcell.runtime.interface import Interface
from symcell.torch import states
from symcell.torch.engines import engine_for
from symcell.torch.module import CellModule, Init
from symcell.torch.sequences import by_name, check_inputs, sequences
from symcell.torch.sizes import sizes_of_layers


class StepCell(CellModule):
    """One step of a cell, with the calling conventions of torch.nn.LSTMCell, GRUCell and RNNCell; arguments as of Layer.

    Parameters are named as in a Layer, without a suffix."""

    def __init__(
        self,
        cell: Cell,
        input_size: int | None = None,
        hidden_size: int | None = None,
        sizes: Mapping[str, int] | None = None,
        engine: str = "auto",
        forget_bias: float = 1.0,
        init: Init | None = None,
        device: Any = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(cell, sizes, engine, forget_bias, init, device, dtype)
        self.input_size, self.hidden_size = input_size, hidden_size
        (self.sizes,) = sizes_of_layers(self._compiled.interface, input_size, hidden_size, sizes)
        self._add("", self.sizes)
        self.reset_parameters()

    def forward(self, input: Tensor | Mapping[str, Tensor], hx: Any = None) -> Any:
        """The states after a step: a tensor, or a named tuple that begins with the outputs.

        input: (B, *shape), or (*shape) of one sample; of several inputs, a dict. hx: the states before it, each (B, *shape), as
        they are returned, or by name; those left out begin at their declared value. Raises CellError as Layer does."""
        cell, shapes = self._compiled.interface, self._shapes[""]
        given, first = sequences(cell, _one_step(cell, input), None, False), states.given(cell, hx)
        self._check(given.inputs, first)
        _, samples = check_inputs(cell, given.inputs, shapes)
        lead = () if given.unbatched else (samples,)
        for name, t in first.items():
            if tuple(t.shape) != (*lead, *shapes[name]):
                axes = ", ".join((*("B" for _ in lead), *cell.states[name]))
                found = f"has shape {tuple(t.shape)}, expected ({axes}) = {(*lead, *shapes[name])}"
                raise CellError(f"{cell.name}: the state {name} {found}")
        start = {name: t.unsqueeze(0) if given.unbatched else t for name, t in first.items()}
        x = next(iter(given.inputs.values()))
        start = self._with_declared("", {name: t.unsqueeze(0) for name, t in start.items()}, x)
        engine = engine_for(self.engine, cell.name, x)
        _, final = engine(self._compiled, self.sizes, self._stacks(""), given.inputs, start, None, ())
        ended = {name: t[0, 0] if given.unbatched else t.squeeze(0) for name, t in final.items()}
        return self._compiled.as_states(ended)

    def weight(self, name: str) -> Tensor:
        """One of the cell's parameters or constants, by its own name, as a view. Raises CellError for an unknown name."""
        return self._weight(name, "")

    def extra_repr(self) -> str:
        return ", ".join([self.cell.name, *(f"{name}={n}" for name, n in self.sizes.items())])


def _one_step(cell: Interface, input: Any) -> dict[str, Tensor]:
    """The inputs by name, with an axis of steps."""
    found = by_name(cell, input)
    for name, t in found.items():
        if t.ndim - len(cell.inputs[name]) not in (0, 1):
            axes = ", ".join(("B", *cell.inputs[name]))
            raise CellError(f"{cell.name}: expected the input {name} as ({axes}), or without B, found shape {tuple(t.shape)}")
    return {name: t.unsqueeze(0) for name, t in found.items()}
