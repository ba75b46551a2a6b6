"""Steps at full speed: an object that goes through samples step by step, in buffers of its own."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .arguments import STEP, check_shapes, checked_arrays, copied, positive
from .bound import bound
from .calls import Given, check_given, given_arrays, initial_states
from .errors import CellError
from .interface import Owner, shapes_of
from .parameters import Frozen
from .sizes import all_sizes

_STEPS = 64  # whose states are kept; then their buffer begins again


class Stream:
    """The states of some samples, and what takes them a step further.

    `step` returns views of the stream's buffers, name -> (batch, *shape). They hold the state after that step until 63 more
    steps are done or `reset` is called; copy what is needed for longer. Parameters are frozen ones, read where they are: after
    `frozen.update` the next step uses the new numbers. A stream is for one thread at a time. A step that is interrupted, as by
    Ctrl-C, was made or was not; `state` tells, and the stream goes on from there."""

    def __init__(
        self, kernel: Owner, params: Frozen, batch: int = 1, state: Mapping[str, ArrayLike] | None = None
    ) -> None:
        self._kernel, self._params, self.batch = kernel, params, positive(kernel.interface, "batch", batch)
        self.reset(state)

    def step(self, inputs: ArrayLike | Mapping[str, ArrayLike]) -> dict[str, np.ndarray]:
        """The state after a step with inputs (batch, *shape), or name -> array. Raises CellError for wrong names, shapes and
        dtypes."""
        if type(inputs) is np.ndarray and inputs.shape == self._shape and inputs.dtype == self._dtype:
            self._single[...] = inputs
        else:
            self._write(inputs)
        row = self._call(self._table, self._added, _STEPS)
        if not row:
            self._begin_again()
            row = self._call(self._table, self._added, _STEPS)
        return self._rows[row]

    @property
    def state(self) -> dict[str, np.ndarray]:
        """The state after the last step, name -> (batch, *shape): see the class for how long it holds. Before the first step of a
        cell whose sizes only its inputs tell, the states that were given."""
        return self._rows[0 if len(self._rows) == 1 else int(self._table[-1])]

    def reset(self, state: Mapping[str, ArrayLike] | None = None) -> None:
        """Begin again, with a state, name -> (batch, *shape); states left out begin at their declared value. Raises CellError for
        wrong names, shapes and dtypes."""
        interface, params = self._kernel.interface, self._params
        given = checked_arrays(interface, "state", {} if state is None else state, interface.states, params._dtype, partly=True)
        start = given = {name: copied(a) for name, a in given.items()}
        if params._knows_all:
            shapes = shapes_of(interface, params._told)
            check_shapes(interface, "state", given, interface.states, shapes, (self.batch,), STEP)
            start = initial_states(interface, given, params, shapes, self.batch, params._dtype)
        self._given, self._rows = given, [start]
        self._shape: tuple[int, ...] | None = None  # of a single input, once a step is prepared

    def _write(self, inputs: Any) -> None:
        """Check inputs, and write them; before the first step, prepare it."""
        interface, params, first = self._kernel.interface, self._params, len(self._rows) == 1
        given = given_arrays(interface, inputs, self._given if first else None, params._dtype, STEP)
        if given.lead != (self.batch,):
            raise CellError(f"{interface.name}: this stream has {self.batch} samples, found inputs of {given.lead[0]}")
        groups = {"params": dict(params), "inputs": given.inputs, "initial": given.initial}
        sizes = self._sizes if not first else params._told if params._knows_all else all_sizes(interface, groups, STEP)
        check_given(interface, given, shapes_of(interface, sizes))
        if first:
            self._prepare(given, sizes)
        for name, a in given.inputs.items():
            self._inputs[name][0] = a

    def _prepare(self, given: Given, sizes: dict[str, int]) -> None:
        """Allocate the states of all steps, and the call of the pass for one of them."""
        kernel, params, self._sizes, self._dtype = self._kernel, self._params, sizes, self._params._dtype
        self._inputs = {name: np.zeros((1, *a.shape), self._dtype) for name, a in given.inputs.items()}
        start = initial_states(
            kernel.interface, self._given, params, shapes_of(kernel.interface, sizes), self.batch, self._dtype
        )
        self._weights = params._packed(sizes, 1)  # held here, they are updated
        self._states, pass_, arguments = kernel.passes.prepared(
            self._weights, self._inputs, start, self._dtype, _STEPS
        )
        moving = {k: a[0].nbytes for k, a in enumerate(arguments) if any(a is s for s in self._states.values())}
        self._call, self._table, self._added = bound(pass_, arguments, moving)
        self._kept, self._begin = arguments, self._table.copy()  # the table has addresses only
        self._rows = [{name: a[row] for name, a in self._states.items()} for row in range(_STEPS + 1)]
        if len(self._inputs) == 1:
            (self._single,) = (a[0] for a in self._inputs.values())
            self._shape = self._single.shape  # at last: from now on `step` does not look whether all is prepared

    def _begin_again(self) -> None:
        """Go on in the first row of the buffers, from the last state."""
        for a in self._states.values():
            a[0] = a[-1]
        self._table[...] = self._begin

    def __reduce__(self) -> tuple[Any, ...]:
        return Stream, (self._kernel, self._params, self.batch, {name: a.copy() for name, a in self.state.items()})

    def __repr__(self) -> str:
        return f"Stream of {self._kernel.interface.name}, batch {self.batch}"
