"""Sequences of several episodes: the cell that begins anew where an input says so has the same parameters."""

from functools import cache

import torch
from torch import Tensor

from symcell.cell import Cell
from symcell.errors import CellError
from symcell.language.declaration import Declaration
from symcell.runtime.interface import Interface
from symcell.torch.sequences import Sequences
from symcell.transforms import resettable

_NAME = "reset"


@cache
def resettable_of(cell: Declaration) -> Declaration:
    """The cell with one input more, which is above 0 where an episode begins."""
    name = _NAME
    while any(str(q) == name for q in cell.shapes):
        name += "_"
    return resettable(Cell.of(cell), name).declaration


def beginnings(cell: Interface, given: Sequences, resets: Tensor, batch_first: bool) -> Tensor:
    """`resets` as (T, B), samples in the order of the inputs. Raises CellError for another shape than inputs have."""
    if not isinstance(resets, Tensor):
        raise CellError(f"{cell.name}: resets must be a tensor, found {type(resets).__name__}")
    x = next(iter(given.inputs.values()))
    if resets.device != x.device or resets.is_complex():
        found = f"{resets.dtype} on {resets.device}"
        raise CellError(f"{cell.name}: resets must be true or false, or real numbers, on {x.device}, found {found}")
    flags = resets.unsqueeze(-1) if given.unbatched else resets.transpose(0, 1) if batch_first and resets.ndim == 2 else resets
    steps, samples = x.shape[:2]
    if tuple(flags.shape) != (steps, samples):
        axes = "(T,)" if given.unbatched else "(B, T)" if batch_first else "(T, B)"
        raise CellError(f"{cell.name}: resets has shape {tuple(resets.shape)}, expected {axes}, T = {steps}, B = {samples}")
    return flags if given.order is None else flags.index_select(1, given.order)


def resets_of(
    cell: Interface, inputs: dict[str, Tensor], episodes: Tensor, lengths: Tensor | None, backward: bool
) -> dict[str, Tensor]:
    """The inputs of the resettable cell. From the end to the beginning, an episode begins one step before the next one."""
    flags = episodes > 0 if episodes.is_floating_point() else episodes != 0
    if backward:
        flags = torch.cat([flags[1:], torch.zeros_like(flags[:1])])
        if lengths is not None:
            flags = flags & (torch.arange(1, len(flags) + 1)[:, None] < lengths).to(flags.device)
    (name,) = [name for name in cell.inputs if name not in inputs]
    return inputs | {name: flags.to(next(iter(inputs.values())).dtype)}
