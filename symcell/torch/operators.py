"""The passes as PyTorch operators, `symcell::forward` and `symcell::backward`: what they compute on CPU, and the shapes of it.

A cell is given by its key, see compiled; parameters are stacked, inputs, states and the tape in the cell's order, and `sizes` in
that of its interface. States that are not given begin at their declared numbers; those that begin at a parameter are always
given. What an operator returns lies in memory of its own.
"""

import ctypes
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor

from symcell.errors import CellError
from symcell.runtime.arguments import Arrays, copied, ready
from symcell.runtime.calls import Call, initial_states
from symcell.runtime.lengths import checked_lengths, states_at_ends, within
from symcell.runtime.memory import LINE, allocate, zeros
from symcell.runtime.parameters import Weights
from symcell.torch.compiled import Compiled, Plan, by_key, named

library = torch.library.Library("symcell", "DEF")
# -> every state (T + 1, B, ...), the initial one first; every state after each sample's last step; the tape; the packed weights
library.define(
    "forward(str cell, int[] sizes, Tensor[] params, Tensor[] inputs, Tensor?[] initial, Tensor? lengths) -> Tensor[]",
    tags=(torch.Tag.pt2_compliant_tag,),
)
# cotangents: of every state from the first step on -> the gradients of parameters, initial states and, if wanted, inputs
library.define(
    "backward(str cell, int[] sizes, Tensor[] params, Tensor[] inputs, Tensor[] states, Tensor[] tape, Tensor packed, "
    "Tensor? lengths, Tensor?[] cotangents, Tensor?[] final, bool of_inputs) -> Tensor[]",
    tags=(torch.Tag.pt2_compliant_tag,),
)
forward, backward = torch.ops.symcell.forward.default, torch.ops.symcell.backward.default

Tensors: TypeAlias = Sequence[Tensor]
OptionalTensors: TypeAlias = Sequence[Tensor | None]
_NUMPY: dict[torch.dtype, np.dtype] = {torch.float32: np.dtype("float32"), torch.float64: np.dtype("float64")}


class _Memory(ctypes.c_char * (1 << 46)):  # type: ignore[misc]  # as long as the longest; arrays take what they need
    """What lies at an address."""


def plan_of(cell: Compiled, sizes: Sequence[int], tensor: Tensor) -> Plan:
    return cell.plan(sizes, _NUMPY[tensor.dtype])


def computed(
    cell: str, sizes: Sequence[int], params: Tensors, inputs: Tensors, initial: OptionalTensors, lengths: Tensor | None
) -> tuple[Arrays, Arrays, list[np.ndarray]]:
    """Every state, the initial one first; every state after each sample's last step; the tape and the packed weights."""
    known = by_key(cell)
    plan, (steps, samples) = plan_of(known, sizes, inputs[0]), inputs[0].shape[:2]
    params_by_name = named(_stacks(known, plan, params), plan.rows)
    memory = allocate((plan.total,), plan.dtype, small=LINE)
    memory[...] = 0  # what is behind the last columns of panels
    weights = known.weights(plan, params_by_name, memory)
    known.passes.pack(plan.sizes, params_by_name, plan.dtype, torch.get_num_threads(), weights)
    call = _call(known, plan, weights, inputs, lengths)
    given = _by_name(known, plan, known.interface.states, initial, plan.shapes, (samples,))
    start = initial_states(known.interface, given, {}, plan.shapes, samples, plan.dtype)
    states, tape = known.passes.steps(call, 0, steps, start)
    final = states_at_ends(call, states, 0, steps, {})
    if call.ragged:  # nothing reads what is behind ends; an operator returns no memory as it was found
        for a in (*(a[1:] for a in states.values()), *tape.values()):
            within(a, call.lengths)
    return states, final, [*map(ready, tape.values()), memory]


def forward_on_cpu(*arguments: Any) -> list[Tensor]:
    states, final, rest = computed(*arguments)
    return [*map(torch.from_numpy, (*states.values(), *final.values(), *rest))]


def backward_on_cpu(
    cell: str, sizes: Sequence[int], params: Tensors, inputs: Tensors, states: Tensors, tape: Tensors, packed: Tensor,
    lengths: Tensor | None, cotangents: OptionalTensors, final: OptionalTensors, of_inputs: bool,
) -> list[Tensor]:  # fmt: skip
    known = by_key(cell)
    plan, (steps, samples), names = plan_of(known, sizes, inputs[0]), inputs[0].shape[:2], known.interface.states
    params_by_name = named(_stacks(known, plan, params), plan.rows) if known.interface.copied else {}
    call = _call(known, plan, known.weights(plan, params_by_name, _array(packed)), inputs, lengths)
    sequences = _by_name(known, plan, names, states, plan.shapes, (steps + 1, samples))
    of_tape = _by_name(known, plan, plan.tape, tape, plan.tape, (steps, samples))
    given = _by_name(known, plan, names, cotangents, plan.shapes, (steps, samples))
    carried = {name: copied(a) for name, a in _by_name(known, plan, names, final, plan.shapes, (samples,)).items()}
    carried = {n: carried[n] if n in carried else zeros((samples, *plan.shapes[n]), plan.dtype) for n in names}
    grads, grads_of_inputs = known.passes.steps_back(
        call, 0, steps, {n: ready(a) for n, a in sequences.items()}, {n: ready(a) for n, a in of_tape.items()},
        given, carried, of_inputs,
    )  # fmt: skip
    if call.ragged:
        for a in grads_of_inputs.values():
            within(a, call.lengths)
    stacked = [_stacked(grads, rows, shape) for rows, shape in zip(plan.rows, plan.stacked, strict=True) if rows[0][0] in grads]
    return [*map(torch.from_numpy, (*stacked, *carried.values(), *grads_of_inputs.values()))]


def _call(cell: Compiled, plan: Plan, weights: Weights, inputs: Tensors, lengths: Tensor | None) -> Call:
    """The call that the passes take."""
    (steps, samples), dtype = inputs[0].shape[:2], plan.dtype
    arrays = _by_name(cell, plan, cell.interface.inputs, inputs, plan.shapes, (steps, samples))
    ends = checked_lengths(cell.interface, None if lengths is None else lengths.numpy(), steps, samples)
    ragged, threads = lengths is not None, torch.get_num_threads()
    return Call(steps, samples, plan.sizes, plan.shapes, dtype, weights, arrays, ends, ragged, (), threads, [(0, steps)])


def _stacked(grads: Arrays, rows: tuple, shape: tuple[int, ...]) -> np.ndarray:
    """The gradient of a stack."""
    (name, _, _), *others = rows
    if not others:
        return ready(grads[name])
    stack = allocate(shape, grads[name].dtype)
    for name, first, last in rows:
        stack[first:last] = grads[name]
    return stack


def _stacks(cell: Compiled, plan: Plan, params: Tensors) -> list[np.ndarray]:
    """The memory of stacked parameters."""
    for stack, t, shape in zip(cell.tensors, params, plan.stacked, strict=True):
        if t.shape != shape or _NUMPY.get(t.dtype) != plan.dtype:
            raise _unfit(cell, stack.name, t, shape, plan)
    return [_array(t) for t in params]


def _by_name(
    cell: Compiled, plan: Plan, names: Iterable[str], tensors: OptionalTensors, shapes: Mapping[str, tuple[int, ...]],
    lead: tuple[int, ...],
) -> Arrays:  # fmt: skip
    """The memory of tensors by name, each with the axes `lead` before its own; what is None is left out."""
    found = {}
    for name, t in zip(names, tensors, strict=True):
        if t is not None:
            if t.shape != (shape := lead + shapes[name]) or _NUMPY.get(t.dtype) != plan.dtype:
                raise _unfit(cell, name, t, shape, plan)
            found[name] = _array(t)
    return found


def _unfit(cell: Compiled, name: str, t: Tensor, shape: tuple[int, ...], plan: Plan) -> CellError:
    """Compiled code would write beside arrays of other shapes."""
    found = f"has shape {tuple(t.shape)} and {t.dtype}"
    return CellError(f"{cell.interface.name}: {name} {found}, expected {shape} and {plan.dtype}")


def _array(t: Tensor) -> np.ndarray:
    """The memory of a tensor, as an array that is valid as long as the tensor is. `Tensor.numpy` would mark the memory as one
    that must not be resized, as FSDP does with parameters between their uses."""
    if t.is_contiguous() and not t.is_neg():
        return np.ndarray(t.shape, _NUMPY[t.dtype], _Memory.from_address(t.data_ptr()))
    found: np.ndarray = t.numpy(force=True)
    return found


library.impl("forward", forward_on_cpu, "CPU")
library.impl("backward", backward_on_cpu, "CPU")


@torch.library.register_fake("symcell::forward", lib=library)
def _(cell, sizes, params, inputs, initial, lengths):
    known, x = by_key(cell), inputs[0]
    plan = plan_of(known, sizes, x)
    steps, samples = x.shape[:2]
    states = [plan.shapes[name] for name in known.interface.states]
    return [
        *(x.new_empty((steps + 1, samples, *shape)) for shape in states),
        *(x.new_empty((samples, *shape)) for shape in states),
        *(x.new_empty((steps, samples, *shape)) for shape in plan.tape.values()),
        x.new_empty((plan.total,)),
    ]


@torch.library.register_fake("symcell::backward", lib=library)
def _(cell, sizes, params, inputs, states, tape, packed, lengths, cotangents, final, of_inputs):
    known, (steps, samples) = by_key(cell), inputs[0].shape[:2]
    plan = plan_of(known, sizes, inputs[0])
    return [
        *(packed.new_empty(shape) for shape in plan.stacked[: len(known.stacks)]),
        *(packed.new_empty((samples, *plan.shapes[name])) for name in known.interface.states),
        *(packed.new_empty((steps, samples, *plan.shapes[name])) for name in known.interface.inputs if of_inputs),
    ]
