"""What computes a layer's cells: the Numba kernels, on CPU; or the cell's module for the torch target, anywhere."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import torch
from torch import Tensor

from symcell.errors import CellError
from symcell.torch.compiled import Compiled
from symcell.torch.eager import run

Tensors: TypeAlias = dict[str, Tensor]
Sizes: TypeAlias = dict[str, int]
Wanted: TypeAlias = Sequence[str]
# cell, sizes, stacked parameters and constants by name, inputs, initial states (1, B, ...), where those left
# out begin at their declared numbers, lengths, the states that are wanted -> these, if not more, at every step, (T, B, ...), and
# all after each sample's last one, (1, B, ...): the axis of layers and directions, which a layer's user sees
Engine: TypeAlias = Callable[
    [Compiled, Sizes, Tensors, Tensors, Tensors, Tensor | None, Wanted], tuple[Tensors, Tensors]
]


def engine_for(name: str, cell: str, x: Tensor) -> Engine:
    """The engine that a layer's user wants, or, with "auto", the kernels where they can compute an input. Raises CellError where
    they are wanted and cannot."""
    if name == "torch":
        return by_torch
    if x.is_cpu and x.dtype in (torch.float32, torch.float64) and not torch.is_autocast_enabled("cpu"):
        return by_kernels
    if name == "kernels":
        device = x.device.type
        found = f"{x.dtype} on {device}" if not torch.is_autocast_enabled(device) else f"autocast on {device}"
        raise CellError(f"{cell}: engine='kernels' computes float32 and float64 on CPU, found {found}; choose 'auto' or 'torch'")
    return by_torch


def by_kernels(
    cell: Compiled, sizes: Sizes, stacks: Tensors, inputs: Tensors, initial: Tensors, lengths: Tensor | None, wanted: Wanted
) -> tuple[Tensors, Tensors]:
    interface = cell.interface
    states, final = run(
        cell,
        [sizes[n] for n in interface.sizes],
        [stacks[stack.name] for stack in cell.tensors],
        [inputs[name] for name in interface.inputs],
        [initial.get(name) for name in interface.states],
        lengths,
        wanted,
    )
    return dict(zip(wanted, states, strict=True)), dict(zip(interface.states, final, strict=True))


def by_torch(
    cell: Compiled, sizes: Sizes, stacks: Tensors, inputs: Tensors, initial: Tensors, lengths: Tensor | None, wanted: Wanted
) -> tuple[Tensors, Tensors]:
    device = next(iter(inputs.values())).device
    ends = None if lengths is None else lengths.to(device)
    cell.know_operations()
    first = {name: t.squeeze(0) for name, t in initial.items()}
    run = cell.operations.forward(cell.unstacked(stacks, sizes), inputs, first, ends, sizes)
    return run.states, {name: t.unsqueeze(0) for name, t in run.final.items()}
