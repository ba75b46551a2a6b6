"""Calls of plain tensors, which go to the kernels directly: PyTorch's dispatcher costs some 70 us on the way to an operator and
back. All other calls go through the operators: by compilers, transforms and subclasses of tensors, and where something else is
to be done with what is saved for the backward pass, as by torch.utils.checkpoint.
"""

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor
from torch._C import _are_functorch_transforms_active, _dispatch_keys, _len_torch_dispatch_stack
from torch._C._autograd import _get_current_graph_task_keep_graph, _top_saved_tensors_default_hooks

from symcell.runtime.arguments import Arrays, ready
from symcell.runtime.calls import Call
from symcell.torch.compiled import Compiled, Plan
from symcell.torch.differentiation import Function, differentiated
from symcell.torch.operators import (
    OptionalTensors,
    Tensors,
    arrays_of,
    backward,
    call_of,
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
Kept: TypeAlias = tuple[Call, Arrays, Arrays]  # and states, the initial one first, and the tape


def run(
    cell: Compiled, sizes: Sequence[int], params: Tensors, inputs: Tensors, initial: OptionalTensors, lengths: Tensor | None,
    wanted: Sequence[str],
) -> tuple[Sequence[Tensor], Sequence[Tensor]]:  # fmt: skip
    """The wanted states from the first step on, (T, B, ...), and all after each sample's last one, (1, B, ...), as the initial
    ones are; differentiable."""
    tensors = (*params, *inputs, *initial)
    if torch.compiler.is_compiling() or _top_saved_tensors_default_hooks(True) or not _plain((*tensors, lengths)):
        first, s = [None if t is None else t.squeeze(0) for t in initial], len(initial)
        found = forward(cell.key, sizes, params, inputs, first, lengths)
        sequences = dict(zip(cell.interface.states, found, strict=False))
        return [sequences[name][1:] for name in wanted], [t.unsqueeze(0) for t in found[s : 2 * s]]
    plan = plan_of(cell, sizes, inputs[0])
    if differentiated(*tensors):
        found = _Kernels.apply(cell, plan, wanted, lengths, *tensors)  # type: ignore[attr-defined]  # of a class unknown to mypy
        return found[: len(wanted)], found[len(wanted) :]
    _, states, final, _ = _computed(cell, plan, params, inputs, initial, lengths)
    return _shown(states, final, wanted)


def _plain(tensors: Iterable[Tensor | None]) -> bool:
    """Whether tensors are in this machine's memory, and nothing but autograd wants to know of operators."""
    if _are_functorch_transforms_active() or _len_torch_dispatch_stack():
        return False
    for t in tensors:
        if t is not None and (type(t) not in _PLAIN or _dispatch_keys(t).raw_repr() not in _PLAIN_KEYS):
            return False
    return True


def _computed(
    cell: Compiled, plan: Plan, params: Tensors, inputs: Tensors, initial: OptionalTensors, lengths: Tensor | None
) -> tuple[Call, Arrays, Arrays, Arrays]:
    call = call_of(cell, plan, packed(cell, plan, params), inputs, lengths)
    first = arrays_of(cell, plan, cell.interface.states, initial, plan.shapes, (1, call.B))
    return call, *computed(cell, plan, call, {name: a[0] for name, a in first.items()})


def _shown(states: Arrays, final: Arrays, wanted: Sequence[str]) -> tuple[list[Tensor], list[Tensor]]:
    """What `run` returns."""
    return [torch.from_numpy(states[name][1:]) for name in wanted], [_unsqueezed(a) for a in final.values()]


def _unsqueezed(a: np.ndarray) -> Tensor:
    """A tensor with one axis more. The strides of a[None] would be others than PyTorch's, which then copies a gradient."""
    return torch.from_numpy(a.reshape((1, *a.shape)))


class _Kernels(Function):
    """The kernels: what `run` returns. What else the backward pass needs is kept beside what PyTorch saves, and as long. The
    wanted states, which lie in memory that is kept, are saved so that a change of them in place is noticed."""

    first = 4

    @staticmethod
    def forward(ctx: Any, known: Compiled, plan: Plan, wanted: Sequence[str], lengths: Tensor | None, *tensors: Any) -> tuple:
        params, inputs, initial = _Kernels.split(known, tensors)
        call, states, final, tape = _computed(known, plan, params, inputs, initial, lengths)
        shown, ended = _shown(states, final, wanted)
        ctx.known, ctx.plan, ctx.wanted, ctx.kept = known, plan, wanted, (call, states, tape)
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*params, *inputs, lengths, *shown)
        return *shown, *ended

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple:
        params, inputs, (lengths, *_) = _Kernels.split(ctx.known, ctx.saved_tensors)
        by_name, w = dict(zip(ctx.wanted, grads, strict=False)), len(ctx.wanted)
        cotangents = [by_name.get(name) for name in ctx.known.interface.states]
        known, plan, of_inputs = ctx.known, ctx.plan, _Kernels.of_inputs(ctx)
        if not torch.is_grad_enabled() and _plain(grads):
            found = _directly(known, plan, ctx.kept, cotangents, grads[w:], of_inputs)
        else:
            found = _by_operator(known, plan, ctx.kept, params, inputs, lengths, cotangents, grads[w:], of_inputs)
        if not _get_current_graph_task_keep_graph():
            ctx.kept = None
        return _Kernels.gradients(ctx, found)


def _directly(
    known: Compiled, plan: Plan, kept: Kept, cotangents: OptionalTensors, final: OptionalTensors, of_inputs: bool
) -> list[Tensor]:
    (call, states, tape), names = kept, known.interface.states
    given = arrays_of(known, plan, names, cotangents, plan.shapes, (call.T, call.B))
    ended = {name: a[0] for name, a in arrays_of(known, plan, names, final, plan.shapes, (1, call.B)).items()}
    of_params, of_initial, found = derived(known, plan, call, states, tape, given, ended, of_inputs)
    return [*map(torch.from_numpy, of_params), *map(_unsqueezed, of_initial), *map(torch.from_numpy, found)]


def _by_operator(
    known: Compiled, plan: Plan, kept: Kept, params: Tensors, inputs: Tensors, lengths: Tensor | None,
    cotangents: OptionalTensors, final: OptionalTensors, of_inputs: bool,
) -> list[Tensor]:  # fmt: skip
    """Where the gradients are to be differentiated, which the operator refuses, or have another axis."""
    states, tape = ([torch.from_numpy(ready(a)) for a in arrays.values()] for arrays in kept[1:])
    memory = torch.from_numpy(packed_in_one(known, plan, params)[1])
    ended = [None if g is None else g.squeeze(0) for g in final]
    found = backward(
        known.key, [*plan.sizes.values()], params, inputs, states, tape, memory, lengths, cotangents, ended, of_inputs
    )
    m, s = len(known.stacks), len(states)
    return [*found[:m], *(t.unsqueeze(0) for t in found[m : m + s]), *found[m + s :]]
