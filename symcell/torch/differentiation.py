"""The derivative of `symcell::forward` is `symcell::backward`; that one has none, and says so.

`run` is what layers call. PyTorch's dispatcher costs some 70 us on the way to an operator and back, so eager calls of plain
tensors go to the kernels directly; all others, by compilers, transforms and subclasses of tensors, through the operators.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch._C import (
    _after_autograd_keyset,
    _any_requires_grad,
    _are_functorch_transforms_active,
    _AutoDispatchBelowAutograd,
    _dispatch_keys,
    _len_torch_dispatch_stack,
)
from torch._functorch.utils import enable_single_level_autograd_function
from torch.autograd import forward_ad
from torch.autograd.function import _SingleLevelFunction

from symcell.errors import CellError
from symcell.torch.compiled import by_key
from symcell.torch.operators import OptionalTensors, Tensors, backward, backward_on_cpu, computed, forward, library

_PLAIN = (Tensor, torch.nn.Parameter)
# The dispatcher's keys of a tensor, and of one made in inference mode; wrappers, such as those of vmap, have others.
_PLAIN_KEYS = {_dispatch_keys(torch.empty(0, device="cpu")).raw_repr()}
with torch.inference_mode():
    _PLAIN_KEYS.add(_dispatch_keys(torch.empty(0, device="cpu")).raw_repr())


def run(
    cell: str, sizes: list[int], params: Tensors, inputs: Tensors, initial: OptionalTensors, lengths: Tensor | None
) -> tuple[Sequence[Tensor], Sequence[Tensor]]:
    """Every state from the first step on, (T, B, ...), and after each sample's last one; differentiable."""
    count, tensors = len(initial), (*params, *inputs, *initial)
    if torch.compiler.is_compiling() or not _plain((*tensors, lengths)):
        found = forward(cell, sizes, params, inputs, initial, lengths)
        return [t[1:] for t in found[:count]], found[count : 2 * count]
    if _differentiated(*tensors):
        found = _Kernels.apply(cell, sizes, lengths, *tensors)  # type: ignore[attr-defined]  # of a class that torch does not show
        return found[:count], found[count:]
    states, final, _ = computed(cell, sizes, params, inputs, initial, lengths)
    return [torch.from_numpy(a[1:]) for a in states.values()], [*map(torch.from_numpy, final.values())]


def _plain(tensors: Iterable[Tensor | None]) -> bool:
    """Whether tensors are in this machine's memory, and nothing but autograd wants to know of operators."""
    if _are_functorch_transforms_active() or _len_torch_dispatch_stack():
        return False
    return all(t is None or (type(t) in _PLAIN and _dispatch_keys(t).raw_repr() in _PLAIN_KEYS) for t in tensors)


def _differentiated(*tensors: Tensor | None) -> bool:
    """Whether derivatives are wanted, backward, or forward, which a Function refuses."""
    return (torch.is_grad_enabled() and _any_requires_grad(*tensors)) or forward_ad._current_level >= 0


class _Function(_SingleLevelFunction):
    """What the two below have in common. Their tensors come one by one: parameters, inputs, initial states."""

    @staticmethod
    def prepare(ctx: Any, cell: str, sizes: list[int], tensors: tuple, lengths: Tensor | None) -> tuple:
        """The arguments of `symcell::forward`."""
        known = by_key(cell)
        n, k, s = len(known.tensors), len(known.interface.inputs), len(known.interface.states)
        ctx.set_materialize_grads(False)
        ctx.cell, ctx.sizes, ctx.counts = cell, sizes, (n, k, s, len(known.stacks))
        ctx.given = [t is not None for t in tensors[n + k :]]
        return cell, sizes, [*tensors[:n]], [*tensors[n : n + k]], [*tensors[n + k :]], lengths

    @staticmethod
    def gradients(ctx: Any, compute: Any, saved: Sequence[Tensor], cotangents: list, final: list, first: int) -> tuple:
        """Those of the Function's arguments, by `symcell::backward`. saved: parameters, inputs, states, the tape, the packed
        weights, lengths; first: the place of the parameters among the arguments."""
        n, k, s, m = ctx.counts
        of_inputs = any(ctx.needs_input_grad[first + n : first + n + k])
        arguments = saved[:n], saved[n : n + k], saved[n + k : n + k + s], saved[n + k + s : -2], saved[-2], saved[-1]
        found = compute(ctx.cell, ctx.sizes, *arguments, cotangents, final, of_inputs)
        inputs = found[m + s :] if of_inputs else [None] * k
        return *[None] * first, *found[:m], *[None] * (n - m), *inputs, *found[m : m + s]

    @staticmethod
    def jvp(ctx: Any, *tangents: Tensor | None) -> Any:
        name = ctx.cell.split(":")[0]
        raise CellError(f"{name}: symcell's kernels have no derivative in forward mode; make the layer with engine='torch'")


class _Kernels(_Function):
    """The kernels, called directly: the states from the first step on, and after each sample's last one. They lie in the memory
    of the sequences that are saved, and are saved too, so that a change of them in place is noticed."""

    @staticmethod
    def forward(ctx: Any, cell: str, sizes: list[int], lengths: Tensor | None, *tensors: Any) -> tuple:
        arguments = _Function.prepare(ctx, cell, sizes, tensors, lengths)
        states, final, rest = computed(*arguments)
        shown = [torch.from_numpy(a[1:]) for a in states.values()]
        ctx.save_for_backward(*shown, *arguments[2], *arguments[3], *map(torch.from_numpy, (*states.values(), *rest)), lengths)
        return *shown, *map(torch.from_numpy, final.values())

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple:
        s, saved = ctx.counts[2], ctx.saved_tensors
        straight = not torch.is_grad_enabled() and _plain(grads)
        found = _Function.gradients(ctx, backward_on_cpu if straight else backward, saved[s:], [*grads[:s]], [*grads[s:]], 3)
        return *found[:-s], *(t if given else None for t, given in zip(found[-s:], ctx.given, strict=True))


class _Forward(_Function):
    """`symcell::forward`, where the dispatcher has these keys."""

    @staticmethod
    def forward(ctx: Any, keys: Any, cell: str, sizes: list[int], lengths: Tensor | None, *tensors: Any) -> tuple:
        arguments = _Function.prepare(ctx, cell, sizes, tensors, lengths)
        found, s = _at_next_level(forward, keys, arguments), ctx.counts[2]
        ctx.mark_non_differentiable(*found[2 * s :])
        ctx.save_for_backward(*arguments[2], *arguments[3], *found[:s], *found[2 * s :], lengths)
        return tuple(found)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple:
        s, sequences = ctx.counts[2], grads[: ctx.counts[2]]
        cotangents = [None if g is None else g[1:] for g in sequences]
        found = _Function.gradients(ctx, backward, ctx.saved_tensors, cotangents, [*grads[s : 2 * s]], 4)
        initial = [t if g is None else t + g[0] for t, g in zip(found[-s:], sequences, strict=True)]
        return *found[:-s], *(t if given else None for t, given in zip(initial, ctx.given, strict=True))


class _Backward(_SingleLevelFunction):
    """`symcell::backward`, whose results cannot be differentiated."""

    @staticmethod
    def forward(ctx: Any, keys: Any, arguments: tuple, *tensors: Tensor) -> tuple:
        ctx.cell = arguments[0]
        return tuple(_at_next_level(backward, keys, arguments))

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple:
        name = ctx.cell.split(":")[0]
        raise CellError(f"{name}: symcell's kernels have no second derivative; make the layer with engine='torch'")


def _at_next_level(operator: Any, keys: Any, arguments: tuple) -> Any:
    """The same inside a Function, which turns gradients off: a transform around this one may want them."""
    with torch.set_grad_enabled(_are_functorch_transforms_active()):
        return _below_autograd(operator, keys, arguments)


def _below_autograd(operator: Any, keys: Any, arguments: tuple) -> Any:
    """What the dispatcher does next with an operator."""
    with _AutoDispatchBelowAutograd():
        return operator.redispatch(keys & _after_autograd_keyset, *arguments)


def _differentiable_forward(keys, cell, sizes, params, inputs, initial, lengths):
    if _differentiated(*params, *inputs, *initial):
        with enable_single_level_autograd_function():
            return list(_Forward.apply(keys, cell, sizes, lengths, *params, *inputs, *initial))
    return _below_autograd(forward, keys, (cell, sizes, params, inputs, initial, lengths))


def _refusing_backward(keys, *arguments):
    tensors = [t for a in arguments for t in (a if isinstance(a, (list, tuple)) else (a,)) if isinstance(t, Tensor)]
    if torch.is_grad_enabled() and any(t.requires_grad for t in tensors):
        with enable_single_level_autograd_function():
            return list(_Backward.apply(keys, arguments, *tensors))
    return _below_autograd(backward, keys, arguments)


library.impl("forward", _differentiable_forward, "Autograd", with_keyset=True)
library.impl("backward", _refusing_backward, "Autograd", with_keyset=True)
