"""The passes as PyTorch operators, `symcell::forward` and `symcell::backward`: what they compute on CPU, and the shapes of it.

A cell is given by its key, see compiled; parameters are stacked, inputs, states and the tape in the cell's order, and `sizes` in
that of its interface. What an operator returns lies in memory of its own.
"""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

from symcell.runtime.arguments import Arrays, ready
from symcell.runtime.lengths import within
from symcell.runtime.memory import LINE, allocate
from symcell.torch.compiled import Compiled, Plan, by_key

library = torch.library.Library("symcell", "DEF")
# -> every state (T + 1, B, ...), the initial one first; every state after each sample's last step; the tape; the packed weights
library.define(
    "forward(str cell, int[] sizes, Tensor[] params, Tensor[] inputs, Tensor[] initial, Tensor? lengths) -> Tensor[]",
    tags=(torch.Tag.pt2_compliant_tag,),
)
# -> the gradients of parameters, initial states and, if they are wanted, inputs
library.define(
    "backward(str cell, int[] sizes, Tensor[] params, Tensor[] inputs, Tensor[] states, Tensor[] tape, Tensor packed, "
    "Tensor? lengths, Tensor?[] cotangents, Tensor?[] final, bool of_inputs) -> Tensor[]",
    tags=(torch.Tag.pt2_compliant_tag,),
)
forward, backward = torch.ops.symcell.forward.default, torch.ops.symcell.backward.default

Tensors: TypeAlias = Sequence[Tensor]
_NUMPY: dict[torch.dtype, np.dtype] = {torch.float32: np.dtype("float32"), torch.float64: np.dtype("float64")}


def plan_of(cell: Compiled, sizes: Sequence[int], tensor: Tensor) -> Plan:
    return cell.plan(sizes, _NUMPY[tensor.dtype])


def forward_on_cpu(
    cell: str, sizes: Sequence[int], params: Tensors, inputs: Tensors, initial: Tensors, lengths: Tensor | None
) -> list[Tensor]:
    known = by_key(cell)
    plan, interface = plan_of(known, sizes, inputs[0]), known.interface
    dtype, threads = _NUMPY[inputs[0].dtype], torch.get_num_threads()
    named = known.named(plan, arrays(params))
    memory = allocate((plan.total,), dtype, small=LINE)
    memory[...] = 0  # what is behind the last columns of panels
    weights = known.weights(plan, named, memory)
    known.passes.pack(plan.sizes, named, dtype, threads, weights)
    of_inputs, start = _by_name(interface.inputs, inputs), _by_name(interface.states, initial)
    ends = None if lengths is None else lengths.numpy()
    states, tape = known.passes.forward(weights, of_inputs, start, ends, threads)
    final = {name: _after_last(a, ends) for name, a in states.items()}
    if ends is not None:  # nothing reads what is behind them; an operator returns no memory as it was found
        for a in (*(a[1:] for a in states.values()), *tape.values()):
            within(a, ends)
    return [torch.from_numpy(a) for group in (states, final) for a in group.values()] + [
        *(torch.from_numpy(ready(a)) for a in tape.values()), torch.from_numpy(memory)
    ]  # fmt: skip


def _after_last(states: np.ndarray, ends: np.ndarray | None) -> np.ndarray:
    """The state after each sample's last step."""
    found: np.ndarray = states[-1].copy() if ends is None else states[ends, np.arange(states.shape[1])]
    return found


def backward_on_cpu(
    cell: str, sizes: Sequence[int], params: Tensors, inputs: Tensors, states: Tensors, tape: Tensors, packed: Tensor,
    lengths: Tensor | None, cotangents: Sequence[Tensor | None], final: Sequence[Tensor | None], of_inputs: bool,
) -> list[Tensor]:  # fmt: skip
    known = by_key(cell)
    plan, interface = plan_of(known, sizes, inputs[0]), known.interface
    weights = known.weights(plan, known.named(plan, arrays(params)), packed.numpy())
    given = _by_name(interface.states, cotangents)
    ends = None if lengths is None else lengths.numpy()
    grads, grads_of_inputs, carried = known.passes.backward(
        weights, _by_name(interface.inputs, inputs), _by_name(interface.states, states), _by_name(plan.tape, tape),
        {name: a[1:] for name, a in given.items()}, _by_name(interface.states, final), ends, torch.get_num_threads(), of_inputs,
    )  # fmt: skip
    for name, a in given.items():
        carried[name] += a[0]
    if ends is not None:
        for a in grads_of_inputs.values():
            within(a, ends)
    stacked = [_stacked(grads, rows, shape) for rows, shape in zip(plan.rows, plan.stacked, strict=True) if rows[0][0] in grads]
    return [*map(torch.from_numpy, (*stacked, *carried.values(), *grads_of_inputs.values()))]


def _stacked(grads: Arrays, rows: tuple, shape: tuple[int, ...]) -> np.ndarray:
    """The gradient of a stack."""
    (name, _, _), *others = rows
    if not others:
        return ready(grads[name])
    stack = allocate(shape, grads[name].dtype)
    for name, first, last in rows:
        stack[first:last] = grads[name]
    return stack


def arrays(tensors: Tensors) -> list[np.ndarray]:
    """The memory of tensors, as arrays."""
    return [t.numpy(force=True) for t in tensors]


def _by_name(names, tensors: Sequence[Tensor | None]) -> Arrays:
    return {name: t.numpy(force=True) for name, t in zip(names, tensors, strict=True) if t is not None}


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
