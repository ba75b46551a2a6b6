"""The picture of vanishing and exploding gradients: the norm of an adjoint against its distance from the loss.

The backward pass of a kernel measures it; the product of the carousel, from the derivation, is drawn beside it for the direct
path.
"""

import csv
import io
import textwrap
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sympy import Symbol

from symcell.derivation.carousel import carousels
from symcell.derivation.derive import derive
from symcell.errors import CellError
from symcell.files import write_atomically
from symcell.interpret import Scope
from symcell.notation.plain import factor_text

# Okabe and Ito's colours, which differ for every kind of colour vision; the markers differ without any colour.
_COLOURS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#000000", "#56B4E9", "#E69F00")
_MARKERS = "os^Dv<>"


@dataclass(frozen=True)
class Curve:
    """Norms over units and samples of dL/d(state k steps before the last), k = 1, 2 ... T; `carousel`: the norms of an error
    that from k = 1 on passes through the carousel alone, or None if its factor contains matrices; `factor`: its text."""

    cell: str
    state: str
    factor: str
    norms: np.ndarray
    carousel: np.ndarray | None


# Measured.


def measure(kernel, params, inputs, final):
    """A Curve for each of the cell's carousels. params and inputs as for kernel.forward, inputs by name; `final` is the
    derivative of the loss with respect to the states after the last step, state -> (B, *shape)."""
    before = _before_each_step(kernel, params, inputs)
    adjoints = adjoints_by_distance(kernel, params, inputs, final, before)
    return [_curve(c, adjoints[c.state.name], params, inputs, before) for c in carousels(derive(kernel.declaration))]


def sizes_at_random(cell, hidden):
    """Inputs have 8 units; all other sizes, also those that inputs share with states, are `hidden`."""
    of_inputs, of_states = ({n.name for q in group for n in cell.shape(q) if n.is_Symbol} for group in (cell.inputs, cell.states))
    return {name: 8 if name in of_inputs - of_states else hidden for name in cell.sizes}


def measure_at_random(cell, steps, hidden, seed=0, samples=16):
    """Curves of a cell in float64 for random parameters, inputs and cotangents of its outputs after the last step."""
    random, sizes = np.random.default_rng(seed), sizes_at_random(cell, hidden)
    numbers = {Symbol(name, integer=True, positive=True): n for name, n in sizes.items()}

    def normal(q, *lead):
        return random.normal(size=(*lead, *(int(n.subs(numbers)) for n in cell.shape(q))))

    kernel = cell.compile("float64")
    inputs = {x.name: normal(x, steps, samples) for x in cell.inputs}
    with np.errstate(all="ignore"):  # what is not finite is told below
        curves = measure(kernel, kernel.init(seed=seed, **sizes), inputs, {s.name: normal(s, samples) for s in cell.outputs})
    if not all(np.isfinite(curve.norms).all() for curve in curves):
        raise CellError(f"cell {cell.name}: at random parameters and inputs its gradients are not finite")
    return curves


def _curve(carousel, adjoints, params, inputs, before):
    along = None
    if carousel.kind != "matrix":
        along = _norms(_along(adjoints[0], carousel_factors(carousel, params, inputs, before)))
    return Curve(carousel.derivation.declaration.name, carousel.state.name, factor_text(carousel), _norms(adjoints), along)


def adjoints_by_distance(kernel, params, inputs, final, before=None):
    """dL/d(state k steps before the last) for k = 1, 2 ... T, state -> (T, B, *shape): the backward pass, one step at a time."""
    before = before or _before_each_step(kernel, params, inputs)
    adjoint, found = final, []
    for t in reversed(range(_steps(inputs))):
        run = kernel.forward(params, {x: a[t:t + 1] for x, a in inputs.items()}, {s: a[t] for s, a in before.items()})
        adjoint = kernel.backward(run, final=adjoint).initial
        found.append(adjoint)
    return {s: np.array([a[s] for a in found], float) for s in before}


def _steps(inputs):
    return len(next(iter(inputs.values())))


def _before_each_step(kernel, params, inputs):
    """The states that each step reads: name -> (T, B, *shape)."""
    start = kernel.forward(params, {x: a[:0] for x, a in inputs.items()}).final
    after = kernel.forward(params, inputs).states
    return {s: np.concatenate([start[s][None], a])[:len(a)] for s, a in after.items()}


def carousel_factors(carousel, params, inputs, before):
    """The carousel's factor at every step, (T, B, *shape): its expression, for the values that the equations give its symbols."""
    derivation, factor, state = carousel.derivation, carousel.factor, carousel.state.name
    cell, shape = derivation.declaration, before[state].shape[2:]
    shared = {q: np.asarray(params[q.name], float) for q in (*cell.params, *cell.constants)}
    sizes = _sizes(cell, shared, inputs, before)
    shapes = {row.target: tuple(int(n.subs(sizes)) for n in row.shape.whole) for row in derivation.forward}
    whole = Symbol("factor")
    axes = {q: own.over for q, own in derivation.shapes.items()} | {whole: derivation.shapes[carousel.state].over}

    def at(t, b):
        values = shared | sizes | {x: np.asarray(inputs[x.name][t, b], float) for x in cell.inputs}
        values |= {s.prev: np.asarray(before[s.name][t, b], float) for s in cell.states}
        scope = Scope(values, axes)
        for row in derivation.forward:
            scope.assign(row.target, row.rhs, shapes[row.target])
        scope.assign(whole, factor, shape)
        return values[whole]

    T, B = before[state].shape[:2]
    return np.array([[at(t, b) for b in range(B)] for t in range(T)])


def _sizes(cell, shared, inputs, before):
    """Size symbol -> number, read off the arrays."""
    actual = {q: a.shape for q, a in shared.items()}
    actual |= {x: inputs[x.name].shape[2:] for x in cell.inputs} | {s: before[s.name].shape[2:] for s in cell.states}
    pairs = [pair for q, lengths in actual.items() for pair in zip(cell.shape(q), lengths, strict=True)]
    return {n: length for n, length in pairs if n.is_Symbol}


def _along(adjoint, factors):
    """The adjoint at distance 1, multiplied by the factors for the distances 2, 3 ... T."""
    carried = [adjoint]
    for factor in factors[-2::-1]:
        carried.append(carried[-1] * factor)
    return np.array(carried)


def _norms(values):
    return np.sqrt((values ** 2).reshape(len(values), -1).sum(axis=1))


# Drawn.


def picture_path(path):
    """The path of a picture, which is a PNG unless it ends with another format. Raises CellError for an unknown format."""
    from matplotlib.backend_bases import FigureCanvasBase

    path, kinds = Path(path), FigureCanvasBase.get_supported_filetypes()
    if not path.suffix and path.name:
        path = path.with_suffix(".png")
    if path.suffix.lower()[1:] not in kinds:
        raise CellError(f"a picture's name ends with .{', .'.join(sorted(kinds))}; found {str(path)!r}")
    return path


def draw(panels, path, title=""):
    """Draw the picture in the format that the path ends with. `panels`: title -> Curves, side by side.

    Every curve is relative to its own norm at distance 1, on a logarithmic scale."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(2.5 + 5 * len(panels), 5.6), layout="constrained", dpi=120)
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    named = len({curve.cell for curves in panels.values() for curve in curves}) > 1
    for ax, (name, curves) in zip(axes, panels.items(), strict=True):
        for k, curve in enumerate(curves):
            _draw_curve(ax, curve, f"{curve.cell}: " if named else "", _COLOURS[k % len(_COLOURS)], _MARKERS[k % len(_MARKERS)])
        ax.set(title=name, yscale="log", xlabel="distance k from the last step", xlim=(1, None))
        ax.grid(True, color="#dddddd", linewidth=0.6)
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("gradient norm, relative to k = 1")
    handles, labels = axes[0].get_legend_handles_labels()  # filled by columns: a curve, and its carousel below it
    figure.legend(handles, labels, loc="outside lower center", ncols=min(2 + len(panels), len(labels) // 2), frameon=False)
    figure.suptitle(textwrap.fill(title, int(10 * figure.get_figwidth())) or None)  # ten letters an inch leave a margin
    path, picture = picture_path(path), io.BytesIO()
    kind = path.suffix[1:].lower()
    figure.savefig(picture, format=kind, **({"metadata": {"Software": "symcell"}} if kind == "png" else {}))
    return write_atomically(path, picture.getvalue())


def is_drawn(path):
    """Whether a file is a PNG that `draw` has written."""
    with open(path, "rb") as file:
        return b"tEXtSoftware\0symcell" in file.read(100)


def _draw_curve(ax, curve, name, colour, marker):
    from matplotlib.colors import to_rgb

    k = np.arange(1, len(curve.norms) + 1)
    ax.plot(k, _relative(curve.norms), color=colour, marker=marker, markevery=8, markersize=5, linewidth=2,
            label=f"{name}dL/d{curve.state}, measured")
    if curve.carousel is None:
        ax.plot([], [], linestyle="none", label=" ")
        return
    shade = [(1 if name else 0.6) * channel for channel in to_rgb(colour)]  # darker where the two may be one line
    what = f"product of {curve.factor}" if len(curve.factor) <= 12 else "carousel's product"
    ax.plot(k, _relative(curve.carousel), color=shade, linestyle=(0, (4, 2)), linewidth=1.5, label=f"{name}the {what} alone")


def _relative(norms):
    """Norms relative to that at distance 1; NaN instead of 0, which a logarithmic scale cannot show."""
    return np.where(norms > 0, norms, np.nan) / (norms[0] or 1)


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
