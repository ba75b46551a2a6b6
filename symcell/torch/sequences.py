"""A layer's input, however it is given, as sequences (T, B, ...) by name; and its output in the same form."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from symcell.errors import CellError
from symcell.runtime.interface import Interface
from symcell.torch.sizes import main_input


class Sequences(NamedTuple):
    """Inputs, name -> (T, B, ...); lengths (B,); `shown` makes of a sequence (T, B, ...) what the user sees, and `unbatched` says
    whether he has no axis of samples; for a PackedSequence, the order of samples in it, and the way back."""

    inputs: dict[str, Tensor]
    lengths: Tensor | None
    shown: Callable[[Tensor], Any]
    unbatched: bool = False
    order: Tensor | None = None
    back: Tensor | None = None


def sequences(cell: Interface, given: Any, lengths: Any, batch_first: bool) -> Sequences:
    """The sequences that a user gives: a tensor (T, B, ...), or as `batch_first` says, or (T, ...); a PackedSequence; or, by
    name, such tensors. Raises CellError for anything else."""
    if isinstance(given, PackedSequence):
        if lengths is not None:
            raise CellError(f"{cell.name}: a PackedSequence has its lengths; leave out lengths=")
        return _packed(cell, given)
    inputs = by_name(cell, given)
    leads = {name: t.ndim - len(cell.inputs[name]) for name, t in inputs.items()}
    for name, t in inputs.items():
        if leads[name] not in (1, 2) or (leads[name] == 1 and max(leads.values()) == 2):
            axes = ", ".join(("B, T" if batch_first else "T, B", *cell.inputs[name]))
            raise CellError(f"{cell.name}: expected the input {name} as ({axes}), or without B, found shape {tuple(t.shape)}")
    if next(iter(leads.values())) == 1:
        if lengths is not None:
            raise CellError(f"{cell.name}: lengths are of a batch, and this input has none")
        return Sequences({name: t.unsqueeze(1) for name, t in inputs.items()}, None, lambda t: t.squeeze(1), True)
    if batch_first:
        inputs = {name: t.transpose(0, 1) for name, t in inputs.items()}
    samples = next(iter(inputs.values())).shape[1]
    return Sequences(inputs, _lengths(cell, lengths, samples), _batch_first if batch_first else _as_it_is)


def check_inputs(
    cell: Interface, inputs: Mapping[str, Tensor], shapes: Mapping[str, tuple[int, ...]]
) -> tuple[int, int]:
    """(T, B), which all inputs have. Raises CellError for inputs of other shapes, and for no steps, as PyTorch's modules do."""
    steps, samples = next(iter(inputs.values())).shape[:2]
    for name, t in inputs.items():
        if t.shape[2:] != shapes[name]:
            axes = ", ".join(cell.inputs[name])
            raise CellError(f"{cell.name}: each step of the input {name} has shape {tuple(t.shape[2:])}, expected ({axes}) = "
                            f"{shapes[name]}")  # fmt: skip
        if t.shape[:2] != (steps, samples):
            raise CellError(f"{cell.name}: the inputs differ in steps or samples: {name} has {tuple(t.shape[:2])}, another one "
                            f"{(steps, samples)}")  # fmt: skip
    if steps == 0:
        raise CellError(f"{cell.name}: expected a sequence of more than 0 steps")
    return steps, samples


def reversal(steps: int, lengths: Tensor | None, samples: int) -> Callable[[Tensor], Tensor]:
    """What puts a sequence (T, B, ...) in the reverse order, each sample within its own length; twice, it is as it was."""
    if lengths is None:
        return lambda t: t.flip(0)
    time = torch.arange(steps, device=lengths.device)[:, None]
    places = torch.where(time < lengths, lengths - 1 - time, time) * samples + torch.arange(samples, device=lengths.device)

    def reverse(t: Tensor) -> Tensor:
        return t.flatten(0, 1).index_select(0, places.flatten().to(t.device)).view(t.shape)

    return reverse


def _lengths(cell: Interface, lengths: Any, samples: int) -> Tensor | None:
    """The steps of each sample, on CPU. The engine checks that they are from 0 to T."""
    if lengths is None:
        return None
    expected = f"{cell.name}: lengths must be an integer for each of the {samples} samples"
    found = lengths if isinstance(lengths, Tensor) else _tensor_of(lengths, expected)
    if found.shape != (samples,) or found.is_floating_point() or found.is_complex() or found.dtype == torch.bool:
        raise CellError(f"{expected}, found {found.dtype} of shape {tuple(found.shape)}")
    if found.device.type == "meta":
        raise CellError(f"{expected}, found a tensor on meta, which has no numbers")
    return found.to("cpu", torch.int64)


def _tensor_of(lengths: Any, expected: str) -> Tensor:
    try:
        return torch.as_tensor(lengths, dtype=None if len(lengths) else torch.int64)
    except (TypeError, ValueError, RuntimeError):  # as PyTorch refuses what is no sequence of numbers
        raise CellError(f"{expected}, found {lengths!r}") from None


def by_name(cell: Interface, given: Any) -> dict[str, Tensor]:
    """The inputs that a user gives, as a tensor if it is the only one, or as a dict. Raises CellError for anything else."""
    name = main_input(cell)
    if isinstance(given, Tensor) and len(cell.inputs) == 1 and name:
        return {name: given}
    if not isinstance(given, Mapping):
        wanted = "a tensor" if len(cell.inputs) == 1 else f"a dict with {', '.join(cell.inputs)}"
        raise CellError(f"{cell.name}: expected the input as {wanted}, found {type(given).__name__}")
    if set(given) != set(cell.inputs) or not all(isinstance(t, Tensor) for t in given.values()):
        found = ", ".join(f"{n} ({type(t).__name__})" for n, t in given.items())
        raise CellError(f"{cell.name}: expected tensors for the inputs {', '.join(cell.inputs)}, found {found}")
    return {name: given[name] for name in cell.inputs}


def _packed(cell: Interface, given: PackedSequence) -> Sequences:
    """Samples stay in the order of the PackedSequence, from the longest to the shortest, until it is made again."""
    if len(cell.inputs) != 1:
        raise CellError(f"{cell.name}: give its inputs {', '.join(cell.inputs)} as a dict of tensors, with lengths=")
    x, lengths = pad_packed_sequence(PackedSequence(given.data, given.batch_sizes))

    def shown(t: Tensor) -> PackedSequence:
        packed = pack_padded_sequence(t, lengths)
        return PackedSequence(packed.data, packed.batch_sizes, given.sorted_indices, given.unsorted_indices)

    return Sequences({next(iter(cell.inputs)): x}, lengths, shown, False, given.sorted_indices, given.unsorted_indices)


def _as_it_is(t: Tensor) -> Tensor:
    return t


def _batch_first(t: Tensor) -> Tensor:
    return t.transpose(0, 1)
