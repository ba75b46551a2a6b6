"""The layout of a diagram as a picture: PNG, or PDF, by matplotlib, which sets the LaTeX of names."""

import io

from symcell.documents.diagram.graph import CIRCLES
from symcell.documents.diagram.scene import Scene
from symcell.documents.diagram.tikz import COLOURS, FILLS

_DPI = 96  # a pixel of the scene is one of CSS
_POINT = 72 / _DPI


def picture(scene: Scene, kind: str) -> bytes:
    """A scene in a format of matplotlib, such as png (twice as large as its pixels) or pdf."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(scene.width / _DPI, scene.height / _DPI), dpi=2 * _DPI)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, scene.width), ylim=(scene.height, 0))
    axes.set_axis_off()
    with _computer_modern():
        _draw(axes, scene)
        content = io.BytesIO()
        figure.savefig(content, format=kind, **({"metadata": {"Software": "symcell"}} if kind == "png" else {}))
    return content.getvalue()


def _computer_modern():
    from matplotlib import rc_context

    return rc_context({"mathtext.fontset": "cm", "svg.hashsalt": "symcell"})


def _draw(axes, scene):
    for x, y, w, h in scene.frames:
        _box(axes, x, y, w, h, 12, COLOURS["cell"], COLOURS["border"], 0)
    for line in scene.lines:
        colour = COLOURS["memory" if line.memory else "line"]
        xs, ys = zip(*line.points, strict=True)
        axes.plot(xs, ys, color=f"#{colour}", linewidth=2.4 if line.memory else 1, zorder=1, solid_joinstyle="round")
        if line.end:
            axes.fill(*zip(*line.head, strict=True), color=f"#{colour}", zorder=2, linewidth=0)
    for dot in scene.dots:
        _circle(axes, dot.x, dot.y, dot.r, COLOURS["memory" if dot.memory else "line"], None)
    for shape in scene.shapes:
        _shape(axes, shape)
    for text in scene.texts:
        y = text.y - 0.33 * text.size
        _text(axes, text.latex, text.x, y, text.size, {"start": "left"}.get(text.anchor, "center"))


def _shape(axes, shape):
    if shape.kind in CIRCLES:
        _circle(axes, shape.x, shape.y, shape.w / 2, COLOURS["circle"], COLOURS["ink"])
    elif shape.kind != "value":
        radius = shape.h / 2 if shape.kind in ("unit", "input") else 2 if shape.kind == "joint" else 4
        edge = None if shape.kind == "joint" else COLOURS["ink"]
        _box(axes, shape.x - shape.w / 2, shape.y - shape.h / 2, shape.w, shape.h, radius, COLOURS[FILLS[shape.kind]], edge, 3)
    if shape.latex:
        _text(axes, shape.latex, shape.x, shape.y, shape.size, "center")


def _box(axes, x, y, w, h, radius, fill, edge, order):
    from matplotlib.patches import FancyBboxPatch

    style = f"round,pad=0,rounding_size={min(radius, w / 2, h / 2)}"
    axes.add_patch(FancyBboxPatch((x, y), w, h, boxstyle=style, fc=f"#{fill}", ec=f"#{edge or fill}", lw=0.8, zorder=order))


def _circle(axes, x, y, radius, fill, edge):
    from matplotlib.patches import Circle

    axes.add_patch(Circle((x, y), radius, fc=f"#{fill}", ec=f"#{edge or fill}", lw=0.8, zorder=3))


def _text(axes, latex, x, y, size, side):
    axes.text(x, y, f"${latex}$", fontsize=size * _POINT, ha=side, va="center_baseline", color=f"#{COLOURS['ink']}", zorder=4)
