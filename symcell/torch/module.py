"""What a Layer and a StepCell have in common: a cell, its sizes, and its parameters as those of a PyTorch module.

A parameter's name in `parameters()` and `state_dict()` is that of its stack, see stacks: `weight_input`, `weight_recurrent` and
`bias`, or the cell's own name for a parameter that is alone; then, in a Layer, `_l0` for layer 0, and `_reverse` for the backward
direction. Constants are buffers. A state dict knows which of the cell's parameters each stack holds, and loading checks it.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor

from symcell.cell import Cell
from symcell.errors import CellError
from symcell.runtime.interface import shapes_of
from symcell.torch.compiled import Compiled, compiled
from symcell.torch.initialisation import initialise
from symcell.torch.options import check_options

Init = Callable[[str, Tensor], Any]


class CellModule(torch.nn.Module):
    """A cell's parameters, for each place in a network: see Layer and StepCell."""

    def __init__(
        self, cell: Cell, sizes: Mapping[str, int] | None, engine: str, forget_bias: float, init: Init | None, device: Any,
        dtype: torch.dtype | None,
    ) -> None:  # fmt: skip
        super().__init__()
        if not isinstance(cell, Cell):
            raise CellError(f"{type(self).__name__} takes a Cell, such as symcell.cells.lstm, found {type(cell).__name__}")
        check_options(cell.name, engine, forget_bias, init, sizes, dtype)
        self.cell, self.engine, self.forget_bias, self.init = cell, engine, forget_bias, init
        self._compiled = compiled(cell.declaration)
        self._places: dict[str, dict[str, int]] = {}  # suffix of names -> sizes
        self._shapes: dict[str, dict[str, tuple[int, ...]]] = {}  # and the shapes of all arrays
        self._new = {"device": device, "dtype": dtype}

    def _add(self, suffix: str, sizes: dict[str, int]) -> None:
        """Parameters for one more place."""
        self._places[suffix] = sizes
        self._shapes[suffix] = shapes = shapes_of(self._compiled.interface, sizes)
        for k, stack in enumerate(self._compiled.tensors):
            first = shapes[stack.members[0]]
            rows = (sum(shapes[name][0] for name in stack.members), *first[1:]) if len(stack.members) > 1 else first
            tensor = torch.empty(rows, **self._new)
            if k < len(self._compiled.stacks):
                self.register_parameter(stack.name + suffix, torch.nn.Parameter(tensor))
            else:
                self.register_buffer(stack.name + suffix, tensor)

    def reset_parameters(self) -> None:
        """Fill all parameters: by the user's function `init(name, tensor)`, the name being the cell's own; or by their roles in
        the equations, see `symcell.torch.initialisation`."""
        for suffix in self._places:
            weights = self._weights(suffix)
            if self.init is None:
                initialise(self.cell.declaration, weights, self.forget_bias)
                continue
            with torch.no_grad():
                for name, a in weights.items():
                    self.init(name, a)

    def _stacks(self, suffix: str) -> dict[str, Tensor]:
        return {stack.name: getattr(self, stack.name + suffix) for stack in self._compiled.tensors}

    def _weights(self, suffix: str) -> dict[str, Tensor]:
        """The cell's parameters and constants at a place, by their own names: views of the stacks."""
        return self._compiled.unstacked(self._stacks(suffix), self._places[suffix])

    def _weight(self, name: str, suffix: str) -> Tensor:
        weights = self._weights(suffix)
        if name not in weights:
            raise CellError(f"{self.cell.name}: unknown parameter {name!r}; expected {', '.join(weights)}")
        return weights[name]

    def _with_declared(self, suffix: str, start: dict[str, Tensor], x: Tensor) -> dict[str, Tensor]:
        """The states before the first step that were given, and those that begin at a parameter."""
        for name, source in self._compiled.interface.initial.items():
            if isinstance(source, str) and name not in start:
                start = start | {name: self._weight(source, suffix).expand(1, x.shape[1], *self._shapes[suffix][name])}
        return start

    def _check(self, inputs: Mapping[str, Tensor], initial: Mapping[str, Tensor]) -> None:
        """Raise CellError for tensors of another device or dtype than the parameters have."""
        own = next(iter((self._parameters or self._buffers).values()), None)
        for label, tensors in (("input", inputs), ("state", initial)):
            for name, t in tensors.items():
                if own is not None and t.device != own.device:
                    raise CellError(f"{self.cell.name}: the {label} {name} is on {t.device}, the parameters on {own.device}")
                if own is not None and t.dtype != own.dtype and not torch.is_autocast_enabled(own.device.type):
                    raise CellError(f"{self.cell.name}: the {label} {name} is of {t.dtype}, the parameters of {own.dtype}; "
                                    f"convert one of them, as {name}.to({own.dtype})")  # fmt: skip

    # What a state dict says of stacks beside their names and shapes; PyTorch keeps it in the metadata.

    def _held(self) -> dict[str, list[str]]:
        return {stack.name: list(stack.members) for stack in self._compiled.tensors}

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)
        if hasattr(destination, "_metadata"):
            destination._metadata.setdefault(prefix[:-1], {}).update(cell=self.cell.name, stacks=self._held())

    def _load_from_state_dict(
        self, state_dict: Any, prefix: str, local_metadata: Any, strict: bool, missing: Any, unexpected: Any, errors: list[str]
    ) -> None:  # fmt: skip
        found = (local_metadata or {}).get("stacks", self._held())
        for name, members in self._held().items():
            if name in found and found[name] != members:
                other = local_metadata["cell"]
                errors.append(f"{self.cell.name}: {prefix}{name} holds {', '.join(members)}; that of {other}, which was saved, "
                              f"holds {', '.join(found[name])}")  # fmt: skip
        super()._load_from_state_dict(state_dict, prefix, local_metadata, strict, missing, unexpected, errors)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if not isinstance(value, Compiled)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._compiled = compiled(self.cell.declaration)

    def __deepcopy__(self, memo: dict) -> Any:
        """A copy with parameters of its own, and the same cell."""
        memo[id(self.cell)] = self.cell
        copy = self.__class__.__new__(self.__class__)
        memo[id(self)] = copy
        copy.__setstate__({name: deepcopy(value, memo) for name, value in self.__getstate__().items()})
        return copy
