"""The derivative of `symcell::forward` is `symcell::backward`; that one has none, and says so."""

from typing import Any

import torch
from torch import Tensor
from torch._C import _after_autograd_keyset, _any_requires_grad, _AutoDispatchBelowAutograd

from symcell.errors import CellError
from symcell.torch.compiled import by_key
from symcell.torch.operators import backward, forward, library


class _Forward(torch.autograd.Function):
    """`symcell::forward` with its tensors one by one: parameters, inputs, initial states."""

    @staticmethod
    def forward(ctx: Any, keyset: Any, cell: str, sizes: list[int], lengths: Tensor | None, *tensors: Tensor) -> tuple:
        known = by_key(cell)
        n, k, s = len(known.tensors), len(known.interface.inputs), len(known.interface.states)
        with _AutoDispatchBelowAutograd():
            found = forward.redispatch(
                keyset & _after_autograd_keyset, cell, sizes, [*tensors[:n]], [*tensors[n : n + k]], [*tensors[n + k :]], lengths
            )
        ctx.set_materialize_grads(False)
        ctx.mark_non_differentiable(*found[2 * s :])
        ctx.save_for_backward(lengths, *tensors[: n + k], *found[:s], *found[2 * s :])
        ctx.cell, ctx.sizes, ctx.counts = cell, sizes, (n, k, s, len(known.stacks))
        return tuple(found)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple:
        lengths, *saved, packed = ctx.saved_tensors
        n, k, s, m = ctx.counts
        of_inputs = any(ctx.needs_input_grad[4 + n : 4 + n + k])
        found = backward(
            ctx.cell, ctx.sizes, saved[:n], saved[n : n + k], saved[n + k : n + k + s], saved[n + k + s :], packed, lengths,
            [*grads[:s]], [*grads[s : 2 * s]], of_inputs,
        )  # fmt: skip
        inputs = found[m + s :] if of_inputs else [None] * k
        return None, None, None, None, *found[:m], *[None] * (n - m), *inputs, *found[m : m + s]


class _Backward(torch.autograd.Function):
    """`symcell::backward`, whose results cannot be differentiated."""

    @staticmethod
    def forward(ctx: Any, keyset: Any, arguments: tuple, *tensors: Tensor) -> tuple:
        ctx.cell = arguments[0]
        with _AutoDispatchBelowAutograd():
            return tuple(backward.redispatch(keyset & _after_autograd_keyset, *arguments))

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple:
        name = ctx.cell.split(":")[0]
        raise CellError(f"{name}: symcell's kernels have no second derivative; make the layer with engine='torch'")


def _differentiable_forward(keyset, cell, sizes, params, inputs, initial, lengths):
    if torch.is_grad_enabled() and _any_requires_grad(params, inputs, initial):
        return list(_Forward.apply(keyset, cell, sizes, lengths, *params, *inputs, *initial))
    with _AutoDispatchBelowAutograd():
        return forward.redispatch(keyset & _after_autograd_keyset, cell, sizes, params, inputs, initial, lengths)


def _refusing_backward(keyset, *arguments):
    tensors = [t for a in arguments for t in (a if isinstance(a, (list, tuple)) else (a,)) if isinstance(t, Tensor)]
    if torch.is_grad_enabled() and any(t.requires_grad for t in tensors):
        return list(_Backward.apply(keyset, arguments, *tensors))
    with _AutoDispatchBelowAutograd():
        return backward.redispatch(keyset & _after_autograd_keyset, *arguments)


library.impl("forward", _differentiable_forward, "Autograd", with_keyset=True)
library.impl("backward", _refusing_backward, "Autograd", with_keyset=True)
