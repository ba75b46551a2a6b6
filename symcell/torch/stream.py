"""Step by step through layers, for inference."""

from typing import Any

import torch
from torch import Tensor

from symcell.errors import CellError
from symcell.torch import states
from symcell.torch.compiled import Compiled
from symcell.torch.sequences import by_name
from symcell.torch.sizes import main_input


class LayerStream:
    """The states of some samples, and what takes them a step further, in buffers of its own, with the parameters that the layer
    had. Nothing is differentiated. What it returns are tensors of their own. A stream is for one thread at a time."""

    def __init__(self, cell: Compiled, sizes: list[dict[str, int]], weights: list[dict[str, Tensor]], batch: int) -> None:
        self._compiled, self._cell, self.batch = cell, cell.interface, batch
        for named in weights:
            for name, t in named.items():
                if t.dtype not in (torch.float32, torch.float64) or t.is_meta:
                    found = f"{name} of {t.dtype} on {t.device}"
                    raise CellError(f"{cell.declaration.name}: a stream computes float32 and float64 on CPU, found {found}")
        frozen = [
            cell.kernel.freeze({name: t.numpy(force=True) for name, t in named.items()}, sizes=numbers)
            for named, numbers in zip(weights, sizes, strict=True)
        ]
        self._streams = [cell.kernel.stream(params, batch) for params in frozen]

    def step(self, input: Any) -> Any:
        """The outputs of a step with an input (B, *shape), or a dict of them by name."""
        cell = self._cell
        given = by_name(cell, input)
        arrays = {name: t.numpy(force=True) for name, t in given.items()}
        for k, stream in enumerate(self._streams):
            found = stream.step(arrays)
            if k < len(self._streams) - 1:
                x = [torch.from_numpy(found[name]) for name in cell.outputs]
                arrays = arrays | {main_input(cell) or "": torch.cat(x, -1).numpy()}
        return self._compiled.as_outputs({name: torch.from_numpy(found[name].copy()) for name in cell.outputs})

    @property
    def state(self) -> Any:
        """The states after the last step, each (layers, B, *shape), as Layer returns them."""
        rows = [stream.state for stream in self._streams]
        found = {name: torch.stack([torch.from_numpy(row[name]) for row in rows]) for name in self._cell.states}
        return self._compiled.as_states(found)

    def reset(self, state: Any = None) -> None:
        """Begin again, with states as Layer takes them; those left out begin at their declared value."""
        found = states.given(self._cell, state)
        for name, t in found.items():
            if len(t) != len(self._streams):
                raise CellError(f"{self._cell.name}: the state {name} has {len(t)} layers, expected {len(self._streams)}")
        for k, stream in enumerate(self._streams):
            stream.reset({name: t[k].numpy(force=True) for name, t in found.items()})
