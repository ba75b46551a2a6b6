"""What a page measures of its cell: how its gradient fades, beside other cells; and what its gates do.

Both run the cell's NumPy module, so that no kernel is compiled."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any

import numpy as np

from symcell.derivation.derive import derive
from symcell.derivation.memory import purposes
from symcell.derivation.roles import forget_biases
from symcell.documents.gates import gates_of, gates_over_time
from symcell.documents.gradient_norms import Curve, curves_at_random, shapes_at_random, sizes_at_random, within_reach
from symcell.documents.html.charts import Series, norm_chart, row_chart
from symcell.documents.html.page import Figure
from symcell.errors import CellError

_KINDS = ("other", "thin")  # how the cells beside are drawn
_BIASES = ((None, "own"), (1.0, "open"), (3.0, "wide"))
_STEPS, _HIDDEN, _SAMPLES = 48, 16, 8
_PULSES, _PULSE = (8, 9, 10, 28, 29, 30), 3.0
_MOST_GATES = 6


def figures(made: Callable[[], Any], beside: Sequence[Any] = ()) -> tuple[Figure, ...]:
    """The figures of a cell's page. `made` makes its PlainKernel; `beside` are those of other cells. Where gradients cannot be
    measured, the first one says why instead; cells without a gate have no second one."""
    try:
        kernel = made()
        curves = _curves(kernel, beside)
    except CellError as error:
        return (Figure("Gradient flow", "", f"It cannot be measured. {error}"),)
    if not curves:
        return (Figure("Gradient flow", "", "No step reads a state of the step before, so that no error goes back."),)
    return (_flow(kernel.declaration, curves), *_gates(kernel))


@lru_cache(maxsize=16)
def _curve(kernel: Any, bias: float | None = None) -> Curve | None:
    """The norms of the freest state's adjoints, or None if no error goes back."""
    init = partial(_with_bias, kernel, bias)
    return next(iter(curves_at_random(kernel, _STEPS, _HIDDEN, samples=_SAMPLES, init=init, products=False)), None)


def _with_bias(kernel, bias, params):
    """Parameters with a forget bias, or as they are for None."""
    names = forget_biases(derive(kernel.declaration)) if bias is not None else ()
    return params | {name: np.full_like(params[name], bias) for name in names}


def _curves(kernel, beside):
    """(curve, what is said of it, how it is drawn) of the cell with several forget biases, and of the cells beside it."""
    biases = _BIASES if forget_biases(derive(kernel.declaration)) else _BIASES[:1]
    own = [(_curve(kernel, b), "" if b is None else f", forget bias {b:g}", kind) for b, kind in biases]
    others = [(_curve(k), "", kind) for k, kind in zip(beside, _KINDS, strict=False) if k.declaration != kernel.declaration]
    return [*own, *(found for found in others if found[0])] if own[0][0] else []


def _flow(cell, curves):
    drawn = [Series(f"{c.cell}: dL/d{c.state}{said}", kind, c.norms / (c.norms[0] or 1)) for c, said, kind in curves]
    title = f"Gradient norms of {cell.name} against the distance from the loss"
    words = "; ".join(f"{s.name}: {s.values[7]:.1g} at k = 8, {s.values[31]:.1g} at k = 32" for s in drawn)
    sizes = ", ".join(f"{name} = {n}" for name, n in sizes_at_random(cell, _HIDDEN).items())
    caption = (
        "The norm of the gradient k steps before the loss, relative to k = 1, as the backward pass finds it before any training: "
        "parameters are uniform within 1/√n of 0, inputs normal (their magnitudes where the cell is not defined otherwise)"
        f"{'; ' * bool(sizes)}{sizes}."
    )
    if biases := sorted(forget_biases(derive(cell))):
        caption += f" The forget bias is {' and '.join(biases)}, of what keeps the state."
    return Figure("Gradient flow", norm_chart(drawn, title, words, "distance k", "norm, relative to k = 1"), caption)


def _gates(kernel):
    """The figure of the gates, if there are any: as initialised, and with a forget bias."""
    derivation = derive(kernel.declaration)
    done = purposes(derivation)
    gates = sorted(gates_of(derivation), key=lambda q: not done.get(q))[:_MOST_GATES]
    if not gates:
        return ()
    biases = (_BIASES[0], _BIASES[2]) if forget_biases(derivation) else _BIASES[:1]
    found = [(_over_time(kernel, gates, b), "as initialised" if b is None else f"forget bias {b:g}", kind) for b, kind in biases]
    first = found[0][0]
    rows = [("input", [Series("input", "thin", first.input)], 0, _PULSE)]
    for q in gates:
        says = f"{q.name} {' and '.join(done[q])}" if done.get(q) else q.name
        rows.append((says, [_units(over.gates[q.name], said, kind) for over, said, kind in found], 0, 1))
    for name in first.states:
        changes = [Series(said, kind, np.abs(over.states[name]).mean(axis=1)) for over, said, kind in found]
        rows.append((f"what the pulses change in {name}", changes, 0, max(s.values.max() for s in changes) or 1))
    title = f"Gates of {derivation.declaration.name} over time"
    lines = [(name, s) for name, own, *_ in rows[1:] for s in own]
    words = "; ".join(f"{name}: {s.values.min():.2g} to {s.values.max():.2g} ({s.name})" for name, s in lines)
    caption = (
        "What two pulses do to the gates before any training: the median of the units, and the band that holds 80% of them. "
        "The last row shows how long the state remembers: the mean over its units of how far it is from what it is without "
        "pulses. Every input is a random pattern during a pulse and 0 otherwise; a single number, such as a time, is 1."
    )
    kinds = [Series(said, kind, first.input) for _, said, kind in found]
    return (Figure("Gates over time", row_chart(rows, title, words, "step t", kinds), caption),)


def _over_time(kernel, gates, bias):
    """Gates and how far the state is from what it is without pulses."""
    random, cell = np.random.default_rng(1), kernel.declaration
    params = _with_bias(kernel, bias, kernel.init(0, **sizes_at_random(cell, _HIDDEN)))
    pulses = np.isin(np.arange(1, _STEPS + 1), _PULSES) * _PULSE
    shapes = shapes_at_random(cell, cell.inputs, _HIDDEN)
    patterned = any(shapes.values())
    inputs = {
        name: np.ones((_STEPS, 1)) if patterned and not shape else np.multiply.outer(pulses, random.normal(size=(1, *shape)))
        for name, shape in shapes.items()
    }
    params, inputs = within_reach(kernel, params, inputs)
    over = gates_over_time(derive(cell), gates, kernel, params, inputs, pulses)
    quiet = {name: a if patterned and not shapes[name] else 0 * a for name, a in inputs.items()}
    without = kernel.forward(params, quiet).states
    return replace(over, states={name: a - without[name].reshape(a.shape) for name, a in over.states.items()})


def _units(values, name, kind):
    return Series(name, kind, np.median(values, axis=1), (np.quantile(values, 0.1, axis=1), np.quantile(values, 0.9, axis=1)))
