"""Vanishing and exploding gradients, measured: the norm of an adjoint against its distance from the loss.

The backward pass of a kernel measures it. The product of the carousel, from the derivation, is the direct path's share.
"""

import csv
import io
from dataclasses import dataclass

import numpy as np
from sympy import Symbol

from symcell.derivation.carousel import carousels
from symcell.derivation.derive import derive
from symcell.documents.step_values import before_each_step, step_values, steps_of
from symcell.errors import CellError
from symcell.files import write_atomically
from symcell.notation.plain import PlainPrinter


@dataclass(frozen=True)
class Curve:
    """Norms over units and samples of dL/d(state k steps before the last), k = 1, 2 ... T; `carousel`: the norms of an error
    that from k = 1 on passes through the elementwise part of the carousel alone (see `elementwise_part`), or None if there is
    none; `factor`: the text of that part, or else of the whole factor."""

    cell: str
    state: str
    factor: str
    norms: np.ndarray
    carousel: np.ndarray | None


def measure(kernel, params, inputs, final):
    """A Curve for each of the cell's carousels, the freest first. params and inputs as for kernel.forward, inputs by name;
    `final` is the derivative of the loss with respect to the states after the last step, state -> (B, *shape)."""
    before = before_each_step(kernel, params, inputs)
    adjoints = adjoints_by_distance(kernel, params, inputs, final, before)
    return [_curve(c, adjoints[c.state.name], params, inputs, before) for c in carousels(derive(kernel.declaration))]


def sizes_at_random(cell, hidden):
    """Inputs have 8 units; all other sizes, also those that inputs share with states, are `hidden`."""
    of_inputs, of_states = ({n.name for q in group for n in cell.shape(q) if n.is_Symbol} for group in (cell.inputs, cell.states))
    return {name: 8 if name in of_inputs - of_states else hidden for name in cell.sizes}


def measure_at_random(cell, steps, hidden, seed=0, samples=16, init=None):
    """Curves of a cell in float64 for random parameters, inputs and cotangents of its outputs after the last step.

    `init` maps the kernel's initial parameters to those wanted, as symcell.train.forget_bias does."""
    random, sizes = np.random.default_rng(seed), sizes_at_random(cell, hidden)
    numbers = {Symbol(name, integer=True, positive=True): n for name, n in sizes.items()}

    def normal(q, *lead):
        return random.normal(size=(*lead, *(int(n.subs(numbers)) for n in cell.shape(q))))

    kernel = cell.compile("float64")
    params = kernel.init(seed=seed, **sizes)
    inputs = {x.name: normal(x, steps, samples) for x in cell.inputs}
    with np.errstate(all="ignore"):  # what is not finite is told below
        curves = measure(kernel, init(params) if init else params, inputs, {s.name: normal(s, samples) for s in cell.outputs})
    if not all(np.isfinite(curve.norms).all() for curve in curves):
        raise CellError(f"cell {cell.name}: at random parameters and inputs its gradients are not finite")
    return curves


def _curve(carousel, adjoints, params, inputs, before):
    part, along = elementwise_part(carousel), None
    if part is not None:
        along = _norms(_along(adjoints[0], carousel_factors(carousel, part, params, inputs, before)))
    factor = PlainPrinter(carousel.derivation).doprint(carousel.factor if part is None else part)
    return Curve(carousel.derivation.declaration.name, carousel.state.name, factor, _norms(adjoints), along)


def elementwise_part(carousel):
    """The carousel's factor where no matrix takes part in it; else what the state's own equation says, as 1 - i of a GRU, the
    other paths left out; None if matrices take part in that, or if it is 0."""
    if carousel.kind != "matrix":
        return carousel.factor
    return carousel.direct if carousel.direct.is_commutative and carousel.direct != 0 else None


def adjoints_by_distance(kernel, params, inputs, final, before=None):
    """dL/d(state k steps before the last) for k = 1, 2 ... T, state -> (T, B, *shape): the backward pass, one step at a time."""
    before = before or before_each_step(kernel, params, inputs)
    adjoint, found = final, []
    for t in reversed(range(steps_of(inputs))):
        run = kernel.forward(params, {x: a[t:t + 1] for x, a in inputs.items()}, {s: a[t] for s, a in before.items()})
        adjoint = kernel.backward(run, final=adjoint).initial
        found.append(adjoint)
    return {s: np.array([a[s] for a in found], float) for s in before}


def carousel_factors(carousel, part, params, inputs, before):
    """An elementwise part of the carousel's factor at every step, (T, B, *shape), for the values that the equations give its
    symbols."""
    (factors,) = step_values(carousel.derivation, [(part, carousel.state)], params, inputs, before)
    return factors


def _along(adjoint, factors):
    """The adjoint at distance 1, multiplied by the factors for the distances 2, 3 ... T."""
    carried = [adjoint]
    for factor in factors[-2::-1]:
        carried.append(carried[-1] * factor)
    return np.array(carried)


def _norms(values):
    return np.sqrt((values ** 2).reshape(len(values), -1).sum(axis=1))


def write_csv(panels, path):
    """The numbers of the picture: panel, cell, state, distance, gradient_norm, carousel_norm."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["panel", "cell", "state", "distance", "gradient_norm", "carousel_norm"])
    for name, curves in panels.items():
        for c in curves:
            along = [""] * len(c.norms) if c.carousel is None else [f"{n:.6g}" for n in c.carousel]
            writer.writerows([name, c.cell, c.state, k + 1, f"{n:.6g}", along[k]] for k, n in enumerate(c.norms))
    return write_atomically(path, text.getvalue())
