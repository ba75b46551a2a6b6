"""Gradients of cells through symcell.torch.Layer against differences, in float64: of the kernels, and those of second order of the
operations of PyTorch. With NUMBA_DISABLE_JIT=1 the kernels run as plain Python, which takes less time than compiling them.

    python -m support.torch_gradients [--second] [cell ...]      (in tests/; default: the whole catalogue)
"""

import sys

import numpy as np
import torch
from torch.autograd.gradcheck import GradcheckError, gradcheck

import symcell.torch
from symcell import cells, stop_gradient
from symcell.torch.stacks import role_of
from symcell.trials import random_sizes


def has_that_of_differences(cell):
    """Whether a cell declares no other gradient: it stops none, nor passes one straight through a step."""
    return not any(e.rhs.has(stop_gradient) for e in cell.equations)


def check(name, second=False, steps=4, samples=2):
    """Raise GradcheckError unless inputs, initial states and parameters of a cell have the gradients of differences; or the
    gradients those of the second order."""
    layer = _layer(cells.get(name), "torch" if second else "kernels")
    function, tensors = _as_function(layer, steps, samples)
    if second:
        function, tensors = _derivative(function, tensors)
    assert function(*tensors)
    gradcheck(function, tensors, fast_mode=True, atol=1e-5)


def _layer(cell, engine):
    torch.manual_seed(0)
    layer = symcell.torch.Layer(cell, sizes=random_sizes(cell, np.random.default_rng(7)), dtype=torch.float64, engine=engine)
    for p in cell.params:
        if role_of(cell.declaration, p) is None:  # a period has many jumps near 0; with a large eigenvalue, states grow fast
            layer.weight(p.name).data.uniform_(0.4, 0.8)
    return layer


def _as_function(layer, steps, samples):
    """A function from a layer's parameters, inputs and initial states to all of its states, and what it is called with."""
    interface = layer._compiled.interface
    shapes, params = interface.shapes(**layer.sizes), dict(layer.named_parameters())
    inputs = {n: torch.randn(steps, samples, *shapes[n], dtype=torch.float64) for n in interface.inputs}
    states = {n: torch.rand(1, samples, *shapes[n], dtype=torch.float64) + 0.5 for n in interface.states}

    def function(*tensors):
        given = iter(tensors)
        own, x, start = ({n: next(given) for n in group} for group in (params, inputs, states))
        _, final, every = torch.func.functional_call(layer, own, (x, start), {"return_states": True})
        both = (*final, *every) if isinstance(final, tuple) else (final, every)
        return tuple(t for t in both if t.requires_grad)

    return function, [t.detach().requires_grad_() for group in (params, inputs, states) for t in group.values()]


def _derivative(function, tensors):
    """A function to the gradients of another, of its arguments and the adjoints of its results. Unlike torch.autograd.gradgradcheck
    it leaves out gradients that are zero everywhere."""
    bars = [torch.randn_like(t).requires_grad_() for t in function(*tensors)]

    def derivative(*given):
        own, adjoints = given[: len(tensors)], given[len(tensors) :]
        found = torch.autograd.grad(function(*own), own, adjoints, create_graph=True, allow_unused=True)
        return tuple(t for t in found if t is not None and t.requires_grad)

    return derivative, [*tensors, *bars]


def main(arguments):
    """Print how each cell does; 1 if one fails."""
    names, failed = [a for a in arguments if a != "--second"] or cells.names(), False
    for name in names:
        if not has_that_of_differences(cells.get(name)):
            print(name, "declares another gradient", flush=True)
            continue
        try:
            check(name, "--second" in arguments)
            print(name, "ok", flush=True)
        except GradcheckError as error:
            failed = True
            print(name, f"FAILED: {error}", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
