"""The passes as PyTorch operators, `symcell::forward` and `symcell::backward`: what they compute on CPU, and the shapes of it.

A cell is given by its key, see compiled; parameters are stacked, inputs, states and the tape in the cell's order, and `sizes` in
that of its interface. States that are not given begin at their declared numbers; those that begin at a parameter are always
given. What an operator returns lies in memory of its own.
"""

import ctypes
import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import TypeAlias

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
from symcell.torch.stacks import Stack

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


def computed(cell: Compiled, plan: Plan, call: Call, initial: Arrays) -> tuple[Arrays, Arrays, Arrays]:
    """Every state, the initial one first; every state after each sample's last step; the tape. initial: those that are given."""
    start = initial_states(cell.interface, initial, {}, plan.shapes, call.B, plan.dtype)
    states, tape = cell.passes.steps(call, 0, call.T, start)
    final = states_at_ends(call, states, 0, call.T, {})
    if call.ragged:  # nothing reads what is behind ends; what is returned has no memory as it was found
        for a in (*(a[1:] for a in states.values()), *tape.values()):
            within(a, call.lengths)
    return states, final, tape


def derived(
    cell: Compiled, plan: Plan, call: Call, states: Arrays, tape: Arrays, cotangents: Arrays, final: Arrays, of_inputs: bool
) -> tuple[Iterable[np.ndarray], Iterable[np.ndarray], Iterable[np.ndarray]]:
    """The gradients of stacked parameters, of initial states and, if wanted, of inputs. States and tape as they were computed."""
    carried = {
        name: copied(final[name]) if name in final else zeros((call.B, *plan.shapes[name]), plan.dtype)
        for name in cell.interface.states
    }
    grads, grads_of_inputs = cell.passes.steps_back(call, 0, call.T, states, tape, cotangents, carried, of_inputs)
    if call.ragged:
        for a in grads_of_inputs.values():
            within(a, call.lengths)
    stacks = zip(cell.stacks, plan.stacked, strict=False)  # without those of constants
    stacked = [_stacked(cell, stack, [grads[name] for name in stack.members], shape) for stack, shape in stacks]
    return stacked, carried.values(), grads_of_inputs.values()


def params_of(cell: Compiled, plan: Plan, params: Tensors) -> Arrays:
    """The memory of stacked parameters and constants, by the cell's names."""
    for stack, t, shape in zip(cell.tensors, params, plan.stacked, strict=True):
        if t.shape != shape or _NUMPY.get(t.dtype) != plan.dtype:
            raise _unfit(cell, stack.name, t, shape, plan)
    return named(list(map(array, params)), plan.rows)


def packed(cell: Compiled, plan: Plan, params: Tensors) -> Weights:
    """The weights of stacked parameters, in memory of their own."""
    return cell.passes.pack(plan.sizes, params_of(cell, plan, params), plan.dtype, torch.get_num_threads())


def packed_in_one(cell: Compiled, plan: Plan, params: Tensors) -> tuple[Weights, np.ndarray]:
    """The same in one piece of memory, as an operator returns them."""
    by_name, memory = params_of(cell, plan, params), allocate((plan.total,), plan.dtype, small=LINE)
    memory[...] = 0  # what is behind the last columns of panels
    weights = cell.weights(plan, by_name, memory)
    return cell.passes.pack(plan.sizes, by_name, plan.dtype, torch.get_num_threads(), weights), memory


def forward_on_cpu(
    cell: str, sizes: Sequence[int], params: Tensors, inputs: Tensors, initial: OptionalTensors, lengths: Tensor | None
) -> list[Tensor]:
    known = by_key(cell)
    plan = plan_of(known, sizes, inputs[0])
    weights, memory = packed_in_one(known, plan, params)
    first = arrays_of(known, plan, known.interface.states, initial, plan.shapes, inputs[0].shape[1:2])
    states, final, tape = computed(known, plan, call_of(known, plan, weights, inputs, lengths), first)
    return [*map(torch.from_numpy, (*states.values(), *final.values(), *map(ready, tape.values()), memory))]


def backward_on_cpu(
    cell: str, sizes: Sequence[int], params: Tensors, inputs: Tensors, states: Tensors, tape: Tensors, packed: Tensor,
    lengths: Tensor | None, cotangents: OptionalTensors, final: OptionalTensors, of_inputs: bool,
) -> list[Tensor]:  # fmt: skip
    known = by_key(cell)
    plan, names, lead = plan_of(known, sizes, inputs[0]), known.interface.states, inputs[0].shape[:2]
    weights = known.weights(plan, params_of(known, plan, params), array(packed))
    sequences = arrays_of(known, plan, names, states, plan.shapes, (lead[0] + 1, lead[1]))
    found = derived(
        known, plan, call_of(known, plan, weights, inputs, lengths), sequences,
        arrays_of(known, plan, plan.tape, tape, plan.tape, lead),
        arrays_of(known, plan, names, cotangents, plan.shapes, lead), arrays_of(known, plan, names, final, plan.shapes, lead[1:]),
        of_inputs,
    )  # fmt: skip
    return [torch.from_numpy(a) for group in found for a in group]


def call_of(cell: Compiled, plan: Plan, weights: Weights, inputs: Tensors, lengths: Tensor | None) -> Call:
    """The call that the passes take."""
    (steps, samples), dtype = inputs[0].shape[:2], plan.dtype
    arrays = arrays_of(cell, plan, cell.interface.inputs, inputs, plan.shapes, (steps, samples))
    ends = checked_lengths(cell.interface, None if lengths is None else lengths.numpy(), steps, samples)
    ragged, threads = lengths is not None, torch.get_num_threads()
    return Call(steps, samples, plan.sizes, plan.shapes, dtype, weights, arrays, ends, ragged, (), threads, [(0, steps)])


def _stacked(cell: Compiled, stack: Stack, parts: list[np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    """The gradient of a stack, from those of its parts: without a copy where they fill an array one after another, as those of
    one product do."""
    if len(parts) == 1:
        return ready(parts[0])
    whole = parts[0].base
    if isinstance(whole, np.ndarray) and whole.size == math.prod(shape):
        if stack.name not in cell.side_by_side:  # which the cell's module decides, not the call
            ends = accumulate((a.nbytes for a in parts), initial=whole.ctypes.data)
            cell.side_by_side[stack.name] = whole.flags.c_contiguous and all(
                a.base is whole and a.flags.c_contiguous and a.ctypes.data == end for a, end in zip(parts, ends, strict=False)
            )
        if cell.side_by_side[stack.name]:
            return whole.reshape(shape)
    return np.concatenate(parts, out=allocate(shape, parts[0].dtype))


def arrays_of(
    cell: Compiled, plan: Plan, names: Iterable[str], tensors: OptionalTensors, shapes: Mapping[str, tuple[int, ...]],
    lead: tuple[int, ...],
) -> Arrays:  # fmt: skip
    """The memory of tensors by name, each with the axes `lead` before its own; what is None is left out."""
    found = {}
    for name, t in zip(names, tensors, strict=True):
        if t is not None:
            if t.shape != (shape := lead + shapes[name]) or _NUMPY.get(t.dtype) != plan.dtype:
                raise _unfit(cell, name, t, shape, plan)
            found[name] = array(t)
    return found


def _unfit(cell: Compiled, name: str, t: Tensor, shape: tuple[int, ...], plan: Plan) -> CellError:
    """Compiled code would write beside arrays of other shapes."""
    found = f"has shape {tuple(t.shape)} and {t.dtype}"
    return CellError(f"{cell.interface.name}: {name} {found}, expected {tuple(shape)} and {plan.dtype}")


def array(t: Tensor) -> np.ndarray:
    """The memory of a tensor, as an array that is valid as long as the tensor is; a copy where it does not lie in one piece.
    `Tensor.numpy` would mark the memory as one that must not be resized, as FSDP does with parameters between their uses."""
    if t.is_contiguous() and not t.is_neg():
        return np.ndarray(t.shape, _NUMPY[t.dtype], _Memory.from_address(t.data_ptr()))
    return ready(t.numpy(force=True))


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
