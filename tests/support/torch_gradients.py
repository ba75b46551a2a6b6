"""Gradients of cells through symcell.torch.Layer against differences, in float64, in plain Python: NUMBA_DISABLE_JIT=1 must be set.

    NUMBA_DISABLE_JIT=1 python -m support.torch_gradients [cell ...]      (in tests/; default: the whole catalogue)
"""

import sys

import numpy as np
import torch

import symcell.torch
from symcell import cells, stop_gradient
from symcell.torch.stacks import role_of
from symcell.trials import random_sizes


def has_that_of_differences(cell):
    """Whether a cell declares no other gradient: it stops none, nor passes one straight through a step."""
    return not any(e.rhs.has(stop_gradient) for e in cell.equations)


def check(name, steps=3, samples=2):
    """Raise GradcheckError unless inputs, initial states and parameters of a cell have the gradients of differences."""
    cell, random = cells.get(name), np.random.default_rng(7)
    torch.manual_seed(0)
    layer = symcell.torch.Layer(cell, sizes=random_sizes(cell, random), dtype=torch.float64)
    interface = layer._compiled.interface
    shapes = interface.shapes(**layer.sizes)
    inputs = {n: torch.randn(steps, samples, *shapes[n], dtype=torch.float64) for n in interface.inputs}
    states = {n: torch.rand(1, samples, *shapes[n], dtype=torch.float64) + 0.5 for n in interface.states}
    params = dict(layer.named_parameters())
    for p in cell.params:
        if role_of(cell.declaration, p) is None:  # a time constant or a period has many jumps near 0
            layer.weight(p.name).data.uniform_(0.5, 1.5)

    def function(*tensors):
        given = iter(tensors)
        own, x, start = ({n: next(given) for n in group} for group in (params, inputs, states))
        _, final, every = torch.func.functional_call(layer, own, (x, start), {"return_states": True})
        both = (*final, *every) if isinstance(final, tuple) else (final, every)
        return tuple(t for t in both if t.requires_grad)

    tensors = [t.detach().requires_grad_() for group in (params, inputs, states) for t in group.values()]
    assert function(*tensors)
    assert torch.autograd.gradcheck(function, tensors, fast_mode=True, atol=1e-5)


if __name__ == "__main__":
    for name in sys.argv[1:] or [n for n in cells.names() if has_that_of_differences(cells.get(n))]:
        check(name)
        print(name, "ok", flush=True)
