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
    _len_torch_dispatch_stack,
)
from torch._functorch.utils import enable_single_level_autograd_function
from torch.autograd import forward_ad
from torch.autograd.function import _SingleLevelFunction

from symcell.errors import CellError
from symcell.torch.compiled import by_key
from symcell.torch.operators import OptionalTensors, Tensors, backward, backward_on_cpu, forward, forward_on_cpu, library

_PLAIN = (Tensor, torch.nn.Parameter, type(None))


def run(
    cell: str, sizes: list[int], params: Tensors, inputs: Tensors, initial: OptionalTensors, lengths: Tensor | None
) -> Sequence[Tensor]:
    """`symcell::forward`, differentiable."""
    if torch.compiler.is_compiling() or not _plain((*params, *inputs, *initial, lengths)):
        found: Sequence[Tensor] = forward(cell, sizes, params, inputs, initial, lengths)
    elif _differentiated(*params, *inputs, *initial):
        found = _Forward.apply(None, cell, sizes, lengths, *params, *inputs, *initial)
    else:
        found = forward_on_cpu(cell, sizes, params, inputs, initial, lengths)
    return found


def _plain(tensors: Iterable[Tensor | None]) -> bool:
    """Whether tensors are in this machine's memory, and nothing but autograd wants to know of operators."""
    if _are_functorch_transforms_active() or _len_torch_dispatch_stack():
        return False
    return all(type(t) in _PLAIN and (t is None or t.is_cpu) for t in tensors)


def _differentiated(*tensors: Tensor | None) -> bool:
    """Whether derivatives are wanted, backward, or forward, which a Function refuses."""
    return (torch.is_grad_enabled() and _any_requires_grad(*tensors)) or forward_ad._current_level >= 0


class _Forward(_SingleLevelFunction):
    """`symcell::forward` with its tensors one by one: parameters, inputs, initial states. `keys` are those of the dispatcher;
    without them, the kernels are called directly."""

    @staticmethod
    def forward(ctx: Any, keys: Any, cell: str, sizes: list[int], lengths: Tensor | None, *tensors: Any) -> tuple:
        known = by_key(cell)
        n, k, s = len(known.tensors), len(known.interface.inputs), len(known.interface.states)
        arguments = cell, sizes, [*tensors[:n]], [*tensors[n : n + k]], [*tensors[n + k :]], lengths
        found = forward_on_cpu(*arguments) if keys is None else _at_next_level(forward, keys, arguments)
        ctx.set_materialize_grads(False)
        ctx.mark_non_differentiable(*found[2 * s :])
        ctx.save_for_backward(lengths, *tensors[: n + k], *found[:s], *found[2 * s :])
        ctx.cell, ctx.sizes, ctx.counts = cell, sizes, (n, k, s, len(known.stacks))
        ctx.given = [t is not None for t in tensors[n + k :]]
        return tuple(found)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple:
        lengths, *saved, packed = ctx.saved_tensors
        n, k, s, m = ctx.counts
        of_inputs = any(ctx.needs_input_grad[4 + n : 4 + n + k])
        straight = not torch.is_grad_enabled() and _plain((*grads, *saved))
        found = (backward_on_cpu if straight else backward)(
            ctx.cell, ctx.sizes, saved[:n], saved[n : n + k], saved[n + k : n + k + s], saved[n + k + s :], packed, lengths,
            [*grads[:s]], [*grads[s : 2 * s]], of_inputs,
        )  # fmt: skip
        inputs = found[m + s :] if of_inputs else [None] * k
        initial = [t if given else None for t, given in zip(found[m : m + s], ctx.given, strict=True)]
        return None, None, None, None, *found[:m], *[None] * (n - m), *inputs, *initial

    @staticmethod
    def jvp(ctx: Any, *tangents: Tensor | None) -> Any:
        name = ctx.cell.split(":")[0]
        raise CellError(f"{name}: symcell's kernels have no derivative in forward mode; make the layer with engine='torch'")


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
