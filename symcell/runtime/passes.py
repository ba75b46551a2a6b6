"""The passes of a cell over arrays that were checked, segment by segment; and a face of arrays alone, for other libraries."""

from collections.abc import Callable
from typing import Any

import numpy as np

from .arguments import Arrays, check_shapes, checked_arrays, checked_threads, copied, ready
from .calls import Call, check_given, given_arrays, put
from .errors import CellError
from .interface import Interface, shapes_of
from .lengths import checked_lengths, cotangents_between, lengths_between, states_at_ends
from .memory import allocate, zeros
from .parameters import Weights, packed
from .sums import grown, rounded

_MANY = 64  # sets of sizes whose tapes are remembered
Shapes = dict[str, tuple[int, ...]]


class Passes:
    """The three functions of a generated module: pack_weights, forward_steps and backward_steps.

    `pack`, `forward` and `backward` take and return named arrays, and remember nothing: what an operator of another library can
    call."""

    def __init__(self, cell: Interface, pack: Callable, forward: Callable, backward: Callable) -> None:
        self.interface, self.functions = cell, (pack, forward, backward)
        self._pack, self._forward, self._backward = pack, forward, backward
        self._tapes: dict[tuple[int, ...], Shapes] = {}  # sizes -> the shapes of tapes

    def pack(
        self, sizes: dict[str, int], params: Arrays, dtype: np.dtype, threads: int = 1, into: Weights | None = None
    ) -> Weights:
        """Parameters, name -> array of the dtype, as the passes read them; in new memory, or `into` that of earlier ones."""
        return packed(self.interface, self._pack, sizes, params, dtype, threads, into)

    def forward(
        self, weights: Weights, inputs: Arrays, initial: Arrays, lengths: np.ndarray | None = None, threads: int | None = None
    ) -> tuple[Arrays, Arrays]:
        """The states, name -> (T + 1, B, *shape), the initial one first, and the tape, name -> array. inputs: name -> (T, B,
        *shape); initial: every state -> (B, *shape); lengths: (B,). Raises CellError for wrong names, shapes and dtypes."""
        call = self._call(weights, inputs, lengths, threads)
        return self.steps(call, 0, call.T, self._of_states(call, "initial", initial, (call.B,)))

    def backward(
        self, weights: Weights, inputs: Arrays, states: Arrays, tape: Arrays, cotangents: Arrays, final: Arrays,
        lengths: np.ndarray | None = None, threads: int | None = None, input_gradients: bool = True,
    ) -> tuple[Arrays, Arrays, Arrays]:  # fmt: skip
        """The gradients of parameters, inputs and initial states, name -> array. States and tape are those that `forward`
        returned for the same weights and inputs, and stay as they are; cotangents: state -> (T, B, *shape) and final: state ->
        (B, *shape), zero where left out. The gradient of an initial value that is a parameter is left to the caller: that of
        the initial state, added up over samples. Raises CellError for wrong names, shapes and dtypes."""
        call = self._call(weights, inputs, lengths, threads)
        states = {n: ready(a) for n, a in self._of_states(call, "states", states, (call.T + 1, call.B)).items()}
        tape = {n: ready(a) for n, a in self._of_tape(call, tape).items()}
        cotangents = self._of_states(call, "cotangents", cotangents, (call.T, call.B), partly=True)
        final = self._of_states(call, "final", final, (call.B,), partly=True)
        carried = {name: copied(final[name]) if name in final else zeros((call.B, *call.shapes[name]), call.dtype)
                   for name in self.interface.states}  # fmt: skip
        of_params, of_inputs = self.steps_back(call, 0, call.T, states, tape, cotangents, carried, input_gradients)
        return of_params, of_inputs, carried

    def _of_states(
        self, call: Call, group: str, arrays: Arrays, lead: tuple[int, ...], partly: bool = False
    ) -> Arrays:
        """Arrays of states, checked; all of them, unless some may be left out."""
        found = checked_arrays(self.interface, group, arrays, self.interface.states, call.dtype, partly)
        check_shapes(self.interface, group, found, self.interface.states, call.shapes, lead)
        return found

    def _of_tape(self, call: Call, tape: Arrays) -> Arrays:
        """The arrays of a tape, checked."""
        wanted = self._tape_shapes(call)
        found = checked_arrays(self.interface, "tape", tape, wanted, call.dtype)
        for name, a in found.items():
            expected = (call.T, call.B, *wanted[name])
            if a.shape != expected:
                words = f"expected (T, B, ...) = {expected}, as passes.forward returned it for these inputs"
                raise CellError(f"{self.interface.name}: tape[{name!r}] has shape {a.shape}, {words}")
        return found

    def _tape_shapes(self, call: Call) -> Shapes:
        """The shape of each array of a tape, without steps and samples: as the forward pass allocates it for no steps."""
        sizes = tuple(call.sizes.values())
        if sizes not in self._tapes:
            start, inputs = (
                {name: np.zeros((*lead, *call.shapes[name]), call.dtype) for name in names}
                for lead, names in (((1,), self.interface.states), ((0, 1), self.interface.inputs))
            )
            _, tape = self._forward(0, 1, call.sizes, call.dtype, call.weights.copies, call.weights.packs, inputs, inputs, start,
                                    np.zeros(1, np.int64), 1, lambda *_: None)  # fmt: skip
            if len(self._tapes) == _MANY:
                self._tapes.clear()
            self._tapes[sizes] = {name: a.shape[2:] for name, a in tape.items()}
        return self._tapes[sizes]

    def _call(self, weights: Weights, inputs: Arrays, lengths: np.ndarray | None, threads: int | None) -> Call:
        given = given_arrays(self.interface, inputs, None, next(iter(inputs.values())).dtype)
        shapes = shapes_of(self.interface, weights.sizes)
        check_given(self.interface, given, shapes)
        T, B = given.lead
        arrays = {name: ready(a) for name, a in given.inputs.items()}
        dtype, ragged = next(iter(arrays.values())).dtype, lengths is not None
        for packed_as in {a.dtype for group in (weights.copies, weights.packs) for a in group.values()} - {dtype}:
            raise CellError(f"{self.interface.name}: the weights were packed as {packed_as}, found inputs of dtype {dtype}")
        lengths, threads = checked_lengths(self.interface, lengths, T, B), checked_threads(self.interface, threads)
        return Call(T, B, weights.sizes, shapes, dtype, weights, arrays, lengths, ragged, (), threads, [(0, T)])

    def prepared(
        self, weights: Weights, inputs: Arrays, start: Arrays, dtype: np.dtype, steps: int
    ) -> tuple[Arrays, Any, tuple]:
        """For a stream: memory for the states of some steps, the forward pass, and its arguments for the first of them."""
        calls: list[tuple] = []
        batch = next(iter(start.values())).shape[0]
        lengths = np.ones(batch, np.int64)
        states, _ = self._forward(steps, batch, weights.sizes, dtype, weights.copies, weights.packs, inputs, inputs, start,
                                  lengths, 1, lambda *call: calls.append(call))  # fmt: skip
        ((pass_, parts, _, _, shared),) = calls
        return states, pass_, (1, 1, lengths, *parts[0].share, *shared)

    # Runs

    def run(self, call: Call, start: Arrays) -> tuple[Arrays, list[Arrays], Arrays | None, Arrays]:
        """The final states; the states at the start of each segment; and, without checkpoints, all states and the tape."""
        if len(call.segments) == 1:
            given = {name: ready(a) for name, a in call.inputs.items()}
            call.inputs.update({n: allocate(a.shape, a.dtype) if a is call.inputs[n] else a for n, a in given.items()})
            sequences, tape = self.steps(call, 0, call.T, start, given)
            return states_at_ends(call, sequences, 0, call.T, {}), [], sequences, tape
        starts: list[Arrays] = [{name: copied(a) for name, a in start.items()}]
        final: Arrays = {}
        for first, last in call.segments:
            sequences, _ = self.steps(call, first, last, starts[-1])
            starts.append({name: a[-1].copy() for name, a in sequences.items()})
            final = states_at_ends(call, sequences, first, last, final)
        return final, starts[:-1], None, {}

    def replayed(self, call: Call, starts: list[Arrays]) -> Arrays:
        """All states of a run with checkpoints, computed again."""
        states: Arrays = {}
        for (first, last), start in zip(call.segments, starts, strict=True):
            sequences, _ = self.steps(call, first, last, start)
            put(states, {name: a[1:] for name, a in sequences.items()}, first, last, call.T)
        return states

    def run_back(
        self, call: Call, parts: tuple[list[Arrays], Arrays | None, Arrays], cotangents: Arrays, carried: Arrays,
        input_gradients: bool,
    ) -> tuple[Arrays, Arrays]:  # fmt: skip
        """The gradients of parameters and inputs, from the last segment to the first; `carried` ends as those of initial
        states."""
        starts, sequences, tape = parts
        if sequences is not None:
            return self.steps_back(call, 0, call.T, sequences, tape, cotangents, carried, input_gradients)
        totals: Arrays = {}
        of_inputs: Arrays = {}
        for (first, last), start in zip(call.segments[::-1], starts[::-1], strict=True):
            states, tape = self.steps(call, first, last, start)
            of_params, inputs = self.steps_back(call, first, last, states, tape, cotangents, carried, input_gradients)
            totals = grown(totals, of_params)
            put(of_inputs, inputs, first, last, call.T)
        return {name: rounded(a, call.dtype) for name, a in totals.items()}, of_inputs

    # Segments

    def steps(
        self, call: Call, first: int, last: int, start: Arrays, given: Arrays | None = None
    ) -> tuple[Arrays, Arrays]:
        """The states of some steps, the initial one before them, and their tape. What is `given` as inputs is copied to the
        call's while it is read."""
        kept = call.inputs if given else {name: ready(a[first:last]) for name, a in call.inputs.items()}
        return self._forward(last - first, call.B, call.sizes, call.dtype, call.weights.copies, call.weights.packs, given or kept,
                             kept, start, lengths_between(call, first, last), call.threads)  # fmt: skip

    def steps_back(
        self, call: Call, first: int, last: int, states: Arrays, tape: Arrays, cotangents: Arrays, carried: Arrays,
        input_gradients: bool,
    ) -> tuple[Arrays, Arrays]:  # fmt: skip
        """The gradients of parameters and inputs from some steps; `carried` goes from the last one to the first."""
        given = cotangents_between(call, self.interface.recurrent, cotangents, carried, first, last)
        inputs = {name: ready(a[first:last]) for name, a in call.inputs.items()}
        of_params, of_inputs = self._backward(
            last - first, call.B, call.sizes, call.dtype, call.weights.copies, call.weights.packs, inputs, states, tape, given,
            carried, lengths_between(call, first, last), call.threads, input_gradients,
        )  # fmt: skip
        return of_params, of_inputs if input_gradients else {}
