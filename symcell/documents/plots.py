"""The picture of vanishing and exploding gradients: the norm of an adjoint against its distance from the loss.

Measured through a kernel's backward pass, and beside it the carousel's product: what the derivation says of the direct path.
"""

import csv
from dataclasses import dataclass

import numpy as np

from symcell.derive import recurrent_states
from symcell.interpret import evaluate
from symcell.jacobian import Carousel

# Okabe and Ito's colours, which differ for every kind of colour vision; the styles differ without any colour.
_COLOURS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_MARKERS = "os^Dv<>"
_KINDS = ("constant", "gate", "elementwise", "matrix")


@dataclass(frozen=True)
class Curve:
    """Norms over units and samples of dL/d(state k steps before the last), k = 1, 2 ... T; `carousel`, the norms if the error
    went along the carousel alone from k = 1 on, or None where a matrix takes part in it."""

    cell: str
    state: str
    factor: str
    norms: np.ndarray
    carousel: np.ndarray | None


def carousels(cell):
    """The carousels of the states that some step reads again, the freest first: constant, gate, elementwise, matrix."""
    derivation = cell.derive()
    found = [Carousel(derivation, s) for s in recurrent_states(derivation.forward)]
    return sorted(found, key=lambda c: (c.factor == 0, _KINDS.index(c.kind)))


def measure(kernel, params, inputs, final, state=None):
    """The Curve of a state (default: the one with the freest carousel), for a loss with the derivative `final` with respect to the
    states after the last step, state -> (B, *shape); inputs: name -> (T, B, *shape)."""
    carousel = next(c for c in carousels(kernel.cell) if state is None or c.state.name == state)
    run = kernel.forward(params, inputs)
    adjoints = adjoints_by_distance(kernel, params, inputs, final)[carousel.state.name]
    along = None
    if carousel.kind != "matrix":
        along = _norms(_along(adjoints[0], carousel_factors(carousel, params, inputs, run)))
    return Curve(kernel.cell.name, carousel.state.name, str(carousel.factor), _norms(adjoints), along)


def adjoints_by_distance(kernel, params, inputs, final):
    """dL/d(state k steps before the last), state -> (T, B, *shape), k = 1, 2 ... T: the backward pass, a step at a time."""
    before, adjoint, found = _before_each_step(kernel, params, inputs), final, []
    for t in reversed(range(len(next(iter(inputs.values()))))):
        step = kernel.forward(params, {x: a[t:t + 1] for x, a in inputs.items()}, {s: a[t] for s, a in before.items()})
        adjoint = kernel.backward(step, final=adjoint).initial
        found.append(adjoint)
    return {s: np.array([a[s] for a in found]) for s in before}


def _before_each_step(kernel, params, inputs):
    """The states that each step reads: name -> (T, B, *shape)."""
    states = kernel.forward(params, inputs).states
    start = kernel.forward(params, {x: a[:0] for x, a in inputs.items()}, {s: a[0] for s, a in []}).final
    return {s: np.concatenate([start[s][None], a])[:len(a)] for s, a in states.items()}


def carousel_factors(carousel, params, inputs, run):
    """The carousel's factor at every step, (T, B, ...): its expression with the values that the equations give its symbols."""
    raise NotImplementedError
