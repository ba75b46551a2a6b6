"""Calls of plain tensors, which go to the kernels directly: PyTorch's dispatcher costs some 70 us on the way to an operator and
back. All other calls, by compilers, transforms and subclasses of tensors, go through the operators.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch._C import _are_functorch_transforms_active, _dispatch_keys, _len_torch_dispatch_stack

from symcell.runtime.arguments import Arrays
from symcell.runtime.parameters import Weights
from symcell.torch.compiled import Compiled, Plan
from symcell.torch.differentiation import Function, differentiated
from symcell.torch.operators import (
    OptionalTensors,
    Tensors,
    arrays_of,
    backward,
    computed,
    derived,
    forward,
    packed,
    packed_in_one,
    plan_of,
)  # fmt: skip

_PLAIN = (Tensor, torch.nn.Parameter)
# The dispatcher's keys of a tensor, and of one made in inference mode; wrappers, such as those of vmap, have others.
_PLAIN_KEYS = {_dispatch_keys(torch.empty(0, device="cpu")).raw_repr()}
with torch.inference_mode():
    _PLAIN_KEYS.add(_dispatch_keys(torch.empty(0, device="cpu")).raw_repr())


def run(
    cell: Compiled, sizes: Sequence[int], params: Tensors, inputs: Tensors, initial: OptionalTensors, lengths: Tensor | None,
    wanted: Sequence[str],
) -> tuple[Sequence[Tensor], Sequence[Tensor]]:  # fmt: skip
    """The wanted states from the first step on, (T, B, ...), and all after each sample's last one, (1, B, ...), as the initial
    ones are; differentiable."""
    tensors = (*params, *inputs, *initial)
    if torch.compiler.is_compiling() or not _plain((*tensors, lengths)):
        first, s = [None if t is None else t.squeeze(0) for t in initial], len(initial)
        found = forward(cell.key, sizes, params, inputs, first, lengths)
        sequences = dict(zip(cell.interface.states, found, strict=False))
        return [sequences[name][1:] for name in wanted], [t.unsqueeze(0) for t in found[s : 2 * s]]
    plan = plan_of(cell, sizes, inputs[0])
    if differentiated(*tensors):
        found = _Kernels.apply(cell, plan, wanted, lengths, *tensors)  # type: ignore[attr-defined]  # of a class unknown to mypy
        return found[: len(wanted)], found[len(wanted) :]
    states, final, _ = _computed(cell, plan, packed(cell, plan, params), inputs, initial, lengths)
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
    cell: Compiled, plan: Plan, weights: Weights, inputs: Tensors, initial: OptionalTensors, lengths: Tensor | None
) -> tuple[Arrays, Arrays, Arrays]:
    names, lead = cell.interface.states, (1, inputs[0].shape[1])
    first = {name: a[0] for name, a in arrays_of(cell, plan, names, initial, plan.shapes, lead).items()}
    return computed(cell, plan, weights, inputs, first, lengths)


def _shown(states: Arrays, final: Arrays, wanted: Sequence[str]) -> tuple[list[Tensor], list[Tensor]]:
    """What `run` returns."""
    return [torch.from_numpy(states[name][1:]) for name in wanted], [torch.from_numpy(a[None]) for a in final.values()]


class _Kernels(Function):
    """The kernels: what `run` returns. The wanted states lie in the memory of the sequences that are saved, and are saved too, so
    that a change of them in place is noticed."""

    first = 4

    @staticmethod
    def forward(ctx: Any, known: Compiled, plan: Plan, wanted: Sequence[str], lengths: Tensor | None, *tensors: Any) -> tuple:
        params, inputs, initial = _Kernels.split(known, tensors)
        ctx.known, ctx.plan, ctx.wanted, ctx.weights = known, plan, wanted, packed(known, plan, params)
        states, final, tape = _computed(known, plan, ctx.weights, inputs, initial, lengths)
        shown, ended = _shown(states, final, wanted)
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*params, *inputs, *map(torch.from_numpy, (*states.values(), *tape.values())), *shown, lengths)
        return *shown, *ended

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple:
        known, s, w = ctx.known, len(ctx.known.interface.states), len(ctx.wanted)
        params, inputs, (*kept, lengths) = _Kernels.split(known, ctx.saved_tensors)
        by_name = dict(zip(ctx.wanted, grads, strict=False))
        cotangents, final = [by_name.get(name) for name in known.interface.states], grads[w:]
        saved = params, inputs, kept[:s], kept[s : len(kept) - w], lengths, cotangents, final
        if torch.is_grad_enabled() or not _plain(grads):
            return _Kernels._by_operator(ctx, *saved)
        return _Kernels._directly(ctx, *saved)

    @staticmethod
    def _directly(
        ctx: Any, params: Tensors, inputs: Tensors, states: Tensors, tape: Tensors, lengths: Tensor | None,
        cotangents: OptionalTensors, final: OptionalTensors,
    ) -> tuple:  # fmt: skip
        known, plan, names = ctx.known, ctx.plan, ctx.known.interface.states
        weights, ctx.weights = ctx.weights or packed(known, plan, params), None  # a graph that is kept may go backward again
        steps, samples = lead = inputs[0].shape[:2]
        ended = arrays_of(known, plan, names, final, plan.shapes, (1, samples))
        of_params, of_initial, of_inputs = derived(
            known, plan, weights, inputs, arrays_of(known, plan, names, states, plan.shapes, (steps + 1, samples)),
            arrays_of(known, plan, plan.tape, tape, plan.tape, lead), lengths,
            arrays_of(known, plan, names, cotangents, plan.shapes, lead), {name: a[0] for name, a in ended.items()},
            _Kernels.of_inputs(ctx),
        )  # fmt: skip
        found = (*of_params, *(a[None] for a in of_initial), *of_inputs)
        return _Kernels.gradients(ctx, [torch.from_numpy(a) for a in found])

    @staticmethod
    def _by_operator(
        ctx: Any, params: Tensors, inputs: Tensors, states: Tensors, tape: Tensors, lengths: Tensor | None,
        cotangents: OptionalTensors, final: OptionalTensors,
    ) -> tuple:  # fmt: skip
        known, plan = ctx.known, ctx.plan
        memory = torch.from_numpy(packed_in_one(known, plan, params)[1])
        found = backward(
            known.key, [*plan.sizes.values()], params, inputs, states, tape, memory, lengths, cotangents,
            [None if g is None else g.squeeze(0) for g in final], _Kernels.of_inputs(ctx),
        )  # fmt: skip
        m = len(known.stacks)
        found[m : m + len(states)] = [t.unsqueeze(0) for t in found[m : m + len(states)]]
        return _Kernels.gradients(ctx, found)
