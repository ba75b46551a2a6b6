"""Calls of plain tensors, which go to the kernels directly: PyTorch's dispatcher costs some 70 us on the way to an operator and
back. All other calls, by compilers, transforms and subclasses of tensors, go through the operators.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch._C import _are_functorch_transforms_active, _dispatch_keys, _len_torch_dispatch_stack

from symcell.torch.compiled import Compiled, Plan
from symcell.torch.differentiation import Function, differentiated
from symcell.torch.operators import (
    OptionalTensors,
    Tensors,
    array,
    backward,
    computed,
    derived,
    forward,
    packed,
    packed_in_one,
    plan_of,
)

_PLAIN = (Tensor, torch.nn.Parameter)
# The dispatcher's keys of a tensor, and of one made in inference mode; wrappers, such as those of vmap, have others.
_PLAIN_KEYS = {_dispatch_keys(torch.empty(0, device="cpu")).raw_repr()}
with torch.inference_mode():
    _PLAIN_KEYS.add(_dispatch_keys(torch.empty(0, device="cpu")).raw_repr())


def run(
    cell: Compiled, sizes: list[int], params: Tensors, inputs: Tensors, initial: OptionalTensors, lengths: Tensor | None
) -> tuple[Sequence[Tensor], Sequence[Tensor]]:
    """Every state from the first step on, (T, B, ...), and after each sample's last one; differentiable."""
    count, tensors = len(initial), (*params, *inputs, *initial)
    if torch.compiler.is_compiling() or not _plain((*tensors, lengths)):
        found = forward(cell.key, sizes, params, inputs, initial, lengths)
        return [t[1:] for t in found[:count]], found[count : 2 * count]
    plan = plan_of(cell, sizes, inputs[0])
    if differentiated(*tensors):
        found = _Kernels.apply(cell, plan, lengths, *tensors)  # type: ignore[attr-defined]  # of a class that torch does not show
        return found[:count], found[count:]
    states, final, _ = computed(cell, plan, packed(cell, plan, params), inputs, initial, lengths)
    return [torch.from_numpy(a[1:]) for a in states.values()], [*map(torch.from_numpy, final.values())]


def _plain(tensors: Iterable[Tensor | None]) -> bool:
    """Whether tensors are in this machine's memory, and nothing but autograd wants to know of operators."""
    if _are_functorch_transforms_active() or _len_torch_dispatch_stack():
        return False
    return all(t is None or (type(t) in _PLAIN and _dispatch_keys(t).raw_repr() in _PLAIN_KEYS) for t in tensors)


class _Kernels(Function):
    """The kernels: the states from the first step on, and after each sample's last one. They lie in the memory of the sequences
    that are saved, and are saved too, so that a change of them in place is noticed."""

    first = 3

    @staticmethod
    def forward(ctx: Any, known: Compiled, plan: Plan, lengths: Tensor | None, *tensors: Any) -> tuple:
        params, inputs, initial = _Kernels.split(known, tensors)
        ctx.known, ctx.plan, ctx.weights = known, plan, packed(known, plan, params)
        states, final, tape = computed(known, plan, ctx.weights, inputs, initial, lengths)
        shown = [torch.from_numpy(a[1:]) for a in states.values()]
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*params, *inputs, *map(torch.from_numpy, (*states.values(), *tape.values())), *shown, lengths)
        return *shown, *map(torch.from_numpy, final.values())

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple:
        known, plan, of_inputs = ctx.known, ctx.plan, _Kernels.of_inputs(ctx)
        params, inputs, (*kept, lengths) = _Kernels.split(known, ctx.saved_tensors)
        m, s = len(known.stacks), len(known.interface.states)
        if torch.is_grad_enabled() or not _plain(grads):
            memory = torch.from_numpy(packed_in_one(known, plan, params)[1])
            found = backward(known.key, [*plan.sizes.values()], params, inputs, kept[:s], kept[s:-s], memory, lengths,
                             [*grads[:s]], [*grads[s:]], of_inputs)  # fmt: skip
        else:
            weights, ctx.weights = ctx.weights or packed(known, plan, params), None  # a graph that is kept may go backward again
            states, tape = dict(zip(known.interface.states, map(array, kept), strict=False)), dict(zip(plan.tape, map(array, kept[s:]), strict=False))
            found = derived(known, plan, weights, inputs, states, tape, lengths, grads[:s], grads[s:], of_inputs)
        return _Kernels.gradients(ctx, found, found[m : m + s])
