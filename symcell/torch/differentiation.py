"""The derivative of `symcell::forward` is `symcell::backward`; that one has none, and says so."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch._C import _after_autograd_keyset, _any_requires_grad, _are_functorch_transforms_active, _AutoDispatchBelowAutograd
from torch._functorch.utils import enable_single_level_autograd_function
from torch.autograd import forward_ad
from torch.autograd.function import _SingleLevelFunction

from symcell.errors import CellError
from symcell.torch.compiled import Compiled, by_key
from symcell.torch.operators import backward, forward, library


def differentiated(*tensors: Tensor | None) -> bool:
    """Whether derivatives are wanted, backward, or forward, which a Function refuses."""
    return (torch.is_grad_enabled() and _any_requires_grad(*tensors)) or forward_ad._current_level >= 0


class Function(_SingleLevelFunction):
    """What Functions of a cell's passes have in common; their tensors come one by one, behind `first` other arguments:
    parameters, inputs, initial states."""

    first: int

    @classmethod
    def split(cls, known: Compiled, tensors: Sequence) -> tuple[Sequence, Sequence, Sequence]:
        """Parameters, inputs, and what follows."""
        n, k = len(known.tensors), len(known.interface.inputs)
        return tensors[:n], tensors[n : n + k], tensors[n + k :]

    @classmethod
    def of_inputs(cls, ctx: Any) -> bool:
        """Whether the gradients of inputs are wanted."""
        return any(cls.split(ctx.known, ctx.needs_input_grad[cls.first :])[1])

    @classmethod
    def gradients(cls, ctx: Any, found: list) -> tuple:
        """Those of the arguments, from those that `symcell::backward` returns."""
        known = ctx.known
        n, m, s = len(known.tensors), len(known.stacks), len(known.interface.states)
        inputs = found[m + s :] or [None] * len(known.interface.inputs)
        initial = (t if wanted else None for t, wanted in zip(found[m : m + s], ctx.needs_input_grad[-s:], strict=True))
        return *[None] * cls.first, *found[:m], *[None] * (n - m), *inputs, *initial

    @staticmethod
    def jvp(ctx: Any, *tangents: Tensor | None) -> Any:
        name = ctx.known.interface.name
        raise CellError(f"{name}: symcell's kernels have no derivative in forward mode; make the layer with engine='torch'")


class _Forward(Function):
    """`symcell::forward`, where the dispatcher has these keys."""

    first = 4

    @staticmethod
    def forward(ctx: Any, keys: Any, cell: str, sizes: list[int], lengths: Tensor | None, *tensors: Any) -> tuple:
        ctx.known, ctx.sizes = by_key(cell), sizes
        params, inputs, initial = _Forward.split(ctx.known, tensors)
        found, s = _at_next_level(forward, keys, (cell, sizes, [*params], [*inputs], [*initial], lengths)), len(initial)
        ctx.set_materialize_grads(False)
        ctx.mark_non_differentiable(*found[2 * s :])
        ctx.save_for_backward(*params, *inputs, *found[:s], *found[2 * s :], lengths)
        return tuple(found)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple:
        params, inputs, (*kept, packed, lengths) = _Forward.split(ctx.known, ctx.saved_tensors)
        m, s = len(ctx.known.stacks), len(ctx.known.interface.states)
        sequences, final, of_inputs = grads[:s], [*grads[s : 2 * s]], _Forward.of_inputs(ctx)
        cotangents = [None if g is None else g[1:] for g in sequences]
        found = backward(
            ctx.known.key, ctx.sizes, params, inputs, kept[:s], kept[s:], packed, lengths, cotangents, final, of_inputs
        )
        found[m : m + s] = [t if g is None else t + g[0] for t, g in zip(found[m : m + s], sequences, strict=True)]
        return _Forward.gradients(ctx, found)


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
    if differentiated(*params, *inputs, *initial):
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
