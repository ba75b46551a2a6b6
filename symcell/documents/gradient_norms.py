"""Vanishing and exploding gradients, measured: the norm of an adjoint against its distance from the loss.

The backward pass measures it. The product of the carousel, from the derivation, is the direct path's share.
"""

import csv
import io
from dataclasses import dataclass
from math import gcd

import numpy as np
from sympy import Symbol

from symcell.derivation.carousel import carousels
from symcell.derivation.derive import derive
from symcell.documents.step_values import before_each_step, step_values, steps_of
from symcell.errors import CellError
from symcell.files import write_atomically
from symcell.notation.plain import PlainPrinter
from symcell.trials import fits, random_sizes

_FAR = 1e3  # of a state that is bounded, or that a few steps add to


@dataclass(frozen=True)
class Curve:
    """Norms over units and samples of dL/d(state k steps before the last), k = 1, 2 ... T; `carousel`: the norms of an error
    that from k = 1 on passes through the elementwise part of the carousel alone (see `elementwise_part`), or None if there is
    none, or it is not measured; `factor`: the text of that part, or else of the whole factor, or ""."""

    cell: str
    state: str
    factor: str
    norms: np.ndarray
    carousel: np.ndarray | None


def measure(kernel, params, inputs, final, products=True):
    """A Curve for each of the cell's carousels, the freest first. params and inputs as for kernel.forward, inputs by name;
    `final` is the derivative of the loss with respect to the states after the last step, state -> (B, *shape). `products`:
    whether the curves have those of their carousels, which take the interpreter longer."""
    before = before_each_step(kernel, params, inputs)
    adjoints = adjoints_by_distance(kernel, params, inputs, final, before)
    found = carousels(derive(kernel.declaration))
    return [_curve(c, adjoints[c.state.name], params, inputs, before if products else None) for c in found]


def sizes_at_random(cell, hidden):
    """Inputs have 8 units, and there are 4 heads, or another divisor of `hidden`; all other sizes, also those that inputs share
    with states, are `hidden`. Where the cell's shapes do not allow these, sizes are drawn."""
    of_inputs, of_states = ({n.name for q in group for n in cell.shape(q) if n.is_Symbol} for group in (cell.inputs, cell.states))
    lengths = {n for q in cell.shapes for n in cell.shape(q)}
    heads = {n for shape in cell.shapes.values() for n in shape.over} | {n.as_numer_denom()[1] for n in lengths}
    chosen = dict.fromkeys((s.name for n in heads for s in n.free_symbols), gcd(4, hidden))
    sizes = dict.fromkeys(cell.sizes, hidden) | dict.fromkeys(of_inputs - of_states, 8) | chosen
    return sizes if fits(cell, sizes) else random_sizes(cell, np.random.default_rng(0))


def shapes_at_random(cell, quantities, hidden):
    """The shapes of quantities for these sizes, by name."""
    numbers = {Symbol(name, integer=True, positive=True): n for name, n in sizes_at_random(cell, hidden).items()}
    return {q.name: tuple(int(n.subs(numbers)) for n in cell.shape(q)) for q in quantities}


def measure_at_random(cell, steps, hidden, seed=0, samples=16, init=None):
    """Curves of a cell, by its NumPy module. See curves_at_random."""
    return curves_at_random(cell.plain(), steps, hidden, seed, samples, init)


def curves_at_random(kernel, steps, hidden, seed=0, samples=16, init=None, products=True):
    """Curves of a PlainKernel in float64 for random parameters, inputs and cotangents of its outputs after the last step.

    `init` maps the kernel's initial parameters to those wanted, as symcell.train.forget_bias does; `products`: see measure.
    Parameters and inputs that the cell is not defined for, or that lead its states far away, are replaced by their magnitudes."""
    random, cell = np.random.default_rng(seed), kernel.declaration

    def normal(quantities, *lead):
        return {name: random.normal(size=(*lead, *shape)) for name, shape in shapes_at_random(cell, quantities, hidden).items()}

    params = kernel.init(seed=seed, **sizes_at_random(cell, hidden))
    given = init(params) if init else params, normal(cell.inputs, steps, samples)
    final = normal(cell.outputs, samples)
    with np.errstate(all="ignore"):  # what is not finite is told below
        curves = measure(kernel, *within_reach(kernel, *given), final, products)
    if not all(np.isfinite(curve.norms).all() for curve in curves):
        raise CellError(f"cell {cell.name}: at random parameters and inputs its gradients are not finite")
    return curves


def within_reach(kernel, params, inputs):
    """Parameters and inputs as they are, or their magnitudes where these alone keep all states within reach."""
    for fitted in (np.asarray, np.abs):
        found = [{name: fitted(a) for name, a in group.items()} for group in (params, inputs)]
        if all((np.abs(a) < _FAR).all() for a in kernel.forward(*found).states.values()):
            return found
    return params, inputs


def _curve(carousel, adjoints, params, inputs, before):
    declaration, state = carousel.derivation.declaration, carousel.state.name
    if before is None:
        return Curve(declaration.name, state, "", _norms(adjoints), None)
    part, along = elementwise_part(carousel), None
    if part is not None:
        along = _norms(_along(adjoints[0], carousel_factors(carousel, part, params, inputs, before)))
    factor = PlainPrinter(carousel.derivation).doprint(carousel.factor if part is None else part)
    return Curve(declaration.name, state, factor, _norms(adjoints), along)


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
