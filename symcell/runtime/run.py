"""What forward and backward return."""

from typing import Any

import numpy as np

from .arguments import Arrays, copied
from .calls import Call
from .errors import CellError
from .interface import Owner
from .lengths import within
from .parameters import Frozen


class Run:
    """What `forward` computed, and what `backward` needs of it.

    states: name -> (T, B, *shape), every step, zeros behind the end of a shorter sample; final: name -> (B, *shape), after each
    sample's last step; outputs: the states that the cell shows; tape: name -> what else the backward pass reads.

    A run keeps what it needs: its own copy of inputs and parameters. It may go backward any number of times, with the same
    result, whatever becomes of the arrays that `forward` was given. States and tape are read-only, since backward reads them;
    copy what is to be changed. Frozen parameters are not copied: once they are updated, their earlier runs refuse to go
    backward. A run with checkpoints does not copy its inputs either, leave them as they are; it has no tape, and computes
    states and outputs again when they are first asked for."""

    final: dict[str, np.ndarray]

    def __init__(
        self, kernel: Owner, call: Call, final: Arrays, starts: list[Arrays], sequences: Arrays | None, tape: Arrays,
        frozen: Frozen | None = None,
    ) -> None:  # fmt: skip
        self.final = final
        self._kernel, self._call, self._parts = kernel, call, (starts, sequences, tape)
        self._frozen = frozen and (frozen, frozen._version)
        self._states: Arrays | None = None  # once they are asked for

    @property
    def states(self) -> dict[str, np.ndarray]:
        if self._states is None:
            self._states = self._all_states()
        return self._states

    @property
    def outputs(self) -> dict[str, np.ndarray]:
        return {name: self.states[name] for name in self._kernel.interface.outputs}

    def _all_states(self) -> Arrays:
        starts, sequences, _ = self._parts
        if sequences is None:
            self._check_current()
            found = self._kernel.passes.replayed(self._call, starts)
        else:
            found = {name: a[1:] for name, a in sequences.items()}
        if self._call.ragged:
            found = {name: within(copied(a), self._call.lengths) for name, a in found.items()}
        return _read_only(found)

    @property
    def tape(self) -> dict[str, np.ndarray]:
        return _read_only(self._parts[2])

    def _check_current(self) -> None:
        """Raise CellError if frozen parameters have changed since."""
        if self._frozen and self._frozen[0]._version != self._frozen[1]:
            name = self._kernel.interface.name
            raise CellError(f"{name}: this run's frozen parameters were updated after forward; call backward before update")

    def __repr__(self) -> str:
        shapes = ((name, (self._call.T, *a.shape)) for name, a in self.final.items())
        return f"Run of {self._kernel.interface.name}: " + ", ".join(f"{name} {shape}" for name, shape in shapes)

    def __reduce__(self) -> tuple[Any, ...]:
        self._check_current()
        return Run, (self._kernel, self._call, self.final, *self._parts, self._frozen and self._frozen[0])


def _read_only(arrays: Arrays) -> Arrays:
    views = {name: a.view() for name, a in arrays.items()}
    for a in views.values():
        a.flags.writeable = False
    return views


class Gradients:
    """The derivatives of the loss: params, inputs and initial, each a dict of arrays."""

    params: dict[str, np.ndarray]
    inputs: dict[str, np.ndarray]
    initial: dict[str, np.ndarray]

    def __init__(self, params: Arrays, inputs: Arrays, initial: Arrays, cell: str = "") -> None:
        self.params, self.inputs, self.initial, self._cell = params, inputs, initial, cell

    def __repr__(self) -> str:
        return f"Gradients of {self._cell}: " + ", ".join((*self.params, *self.inputs, *self.initial))
