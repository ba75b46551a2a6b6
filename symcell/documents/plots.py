"""Pictures: gradient norms against distance, gates over time, the powers of one weight."""

import io
import textwrap
from pathlib import Path

import numpy as np

from symcell.errors import CellError
from symcell.files import write_atomically

# Okabe and Ito's colours, which differ for every kind of colour vision; the markers differ without any colour.
_COLOURS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#000000", "#56B4E9", "#E69F00")
_MARKERS = "os^Dv<>"


# Gradient norms.


def draw_norms(panels, path, title=""):
    """Draw gradient norms in the format that the path ends with. `panels`: title -> Curves, side by side.

    Every curve is relative to its own norm at distance 1, on a logarithmic scale. Returns the path."""
    figure = _figure(2.5 + 5 * len(panels), 5.6)
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    named = len({curve.cell for curves in panels.values() for curve in curves}) > 1
    for ax, (name, curves) in zip(axes, panels.items(), strict=True):
        for k, curve in enumerate(curves):
            _draw_curve(ax, curve, f"{curve.cell}: " if named else "", *_style(k))
        ax.set(title=name, yscale="log", xlabel="distance k from the last step", xlim=(1, None))
        _plain(ax)
    axes[0].set_ylabel("gradient norm, relative to k = 1")
    entries = list(zip(*axes[0].get_legend_handles_labels(), strict=True))
    if any(curve.carousel is not None for curve in next(iter(panels.values()))):
        _legend(figure, entries, together=2)  # a curve, and its carousel below it
    else:
        _legend(figure, entries[::2])
    return _saved(figure, path, title)


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


# Gates over time.


def draw_gates(columns, path, title=""):
    """Draw one sequence, and below it each gate and state as a row of units over time. `columns`: title -> Gates, side by side.

    The units of a row are sorted by their mean over time, so that the most open ones stand on top. Returns the path."""
    first = next(iter(columns.values()))
    heights = [0.5, *(1 for _ in (*first.gates, *first.states))]
    figure = _figure(1.5 + 4.2 * len(columns), 1 + 1.15 * len(heights))
    grid = figure.subplots(len(heights), len(columns), squeeze=False, sharex=True, gridspec_kw={"height_ratios": heights})
    for column, (name, found) in zip(grid.T, columns.items(), strict=True):
        column[0].set_title(name)
        column[0].bar(np.arange(len(found.input)), found.input - found.input.min(), width=1, color="#555555")
        images = [_draw_units(ax, a, (0, 1), "viridis") for ax, a in zip(column[1:], found.gates.values(), strict=False)]
        own = column[1 + len(found.gates):]
        images += [_draw_units(ax, a, _symmetric(a), "RdBu_r") for ax, a in zip(own, found.states.values(), strict=True)]
        for ax, image in zip(column[1:], images, strict=True):
            figure.colorbar(image, ax=ax, aspect=8, pad=0.01)
        column[-1].set_xlabel("step t")
    for ax, name in zip(grid[:, 0], ("input", *first.gates, *first.states), strict=True):
        ax.set_ylabel(name)
    for ax in grid.flat:
        ax.set_yticks([])
    return _saved(figure, path, title)


def _draw_units(ax, values, limits, colours):
    order = np.argsort(values.mean(axis=0))
    bottom, top = limits
    image = values[:, order].T
    return ax.imshow(image, aspect="auto", origin="lower", vmin=bottom, vmax=top, cmap=colours, interpolation="nearest")


def _symmetric(values):
    largest = np.abs(values).max(initial=0) or 1
    return -largest, largest


# Powers of a weight.


def draw_powers(norms, path, title=""):
    """Draw the influence of an input k steps ago in a recurrence of one weight, and the powers of the weight behind it.

    `norms`: (label, weight) -> what was measured at k = 0, 1 ... T, on a logarithmic scale. Returns the path."""
    figure = _figure(7.5, 5)
    ax = figure.subplots()
    for n, ((label, weight), values) in enumerate(norms.items()):
        colour, marker = _style(n)
        k = np.arange(len(values))
        ax.plot(k, np.abs(float(weight)) ** k, color=colour, linewidth=1.5)
        ax.plot(k, values, color=colour, linestyle="none", marker=marker, markevery=4, markersize=5, label=label)
    ax.set(yscale="log", xlabel="distance k", ylabel=r"$|\,\partial a_t / \partial a_{t-k}\,|$", xlim=(0, None))
    _plain(ax)
    _legend(figure, list(zip(*ax.get_legend_handles_labels(), strict=True)))
    return _saved(figure, path, title)


# What all pictures share.


def picture_path(path):
    """The path of a picture, which is a PNG unless it ends with another format. Raises CellError for an unknown format."""
    from matplotlib.backend_bases import FigureCanvasBase

    path, kinds = Path(path), FigureCanvasBase.get_supported_filetypes()
    if not path.suffix and path.name:
        path = path.with_suffix(".png")
    if path.suffix.lower()[1:] not in kinds:
        raise CellError(f"a picture's name ends with .{', .'.join(sorted(kinds))}; found {str(path)!r}")
    return path


def is_drawn(path):
    """Whether a file is a PNG that symcell has drawn."""
    with open(path, "rb") as file:
        return b"tEXtSoftware\0symcell" in file.read(100)


def _figure(width, height):
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained", dpi=100)
    FigureCanvasAgg(figure)
    return figure


def _style(k):
    return _COLOURS[k % len(_COLOURS)], _MARKERS[k % len(_MARKERS)]


def _plain(ax):
    ax.grid(True, color="#dddddd", linewidth=0.6)
    ax.spines[["top", "right"]].set_visible(False)


def _legend(figure, entries, together=1):
    """A legend below the axes, in as many columns as fit; `together` entries in a row stay in one column."""
    from matplotlib.lines import Line2D

    fit = int(13 * figure.get_figwidth()) // (9 + max(len(label) for _, label in entries))  # in letters
    groups = -(-len(entries) // together)
    columns = max(1, min(fit, groups))
    rows = together * -(-groups // columns)
    entries += [(Line2D([], [], linestyle="none"), " ")] * (rows * columns - len(entries))  # matplotlib fills column by column
    figure.legend(*zip(*entries, strict=True), loc="outside lower center", ncols=columns, frameon=False)


def _saved(figure, path, title):
    figure.suptitle(textwrap.fill(title, int(10 * figure.get_figwidth())) or None)  # ten letters an inch leave a margin
    path, picture = picture_path(path), io.BytesIO()
    kind = path.suffix[1:].lower()
    figure.savefig(picture, format=kind, **({"metadata": {"Software": "symcell"}} if kind == "png" else {}))
    return write_atomically(path, picture.getvalue())
