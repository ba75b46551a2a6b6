"""The layout of a diagram as SVG text: no scripts, colours for light and dark pages, every quantity marked by its name."""

from xml.etree import ElementTree as ET

from symcell.documents.diagram.graph import CIRCLES
from symcell.documents.diagram.scene import Scene
from symcell.documents.diagram.text import runs, width

STYLE = """
.symcell-diagram { --ink: #1f2933; --line: #52606d; --memory: #c2410c; --cell: #f4f6f8; --border: #9aa5b1; --box: #fff3c4;
  --unit: #e3f8ec; --circle: #ffe3ec; --end: #dceefb; --formula: #ece7fb; color: var(--ink); }
@media (prefers-color-scheme: dark) { .symcell-diagram { --ink: #e4e7eb; --line: #9aa5b1; --memory: #fb923c; --cell: #1f2933;
  --border: #616e7c; --box: #513c06; --unit: #14402a; --circle: #5c1a33; --end: #0f3554; --formula: #3a2d66; } }
.symcell-diagram text { fill: var(--ink); font-family: "STIX Two Text", "Latin Modern Roman", "Cambria", "Times New Roman", serif; }
.symcell-diagram .line { fill: none; stroke: var(--line); stroke-width: 1.4; }
.symcell-diagram .head, .symcell-diagram .dot { fill: var(--line); }
.symcell-diagram .memory.line { stroke: var(--memory); stroke-width: 3.2; }
.symcell-diagram .memory.head, .symcell-diagram .memory.dot { fill: var(--memory); }
.symcell-diagram .frame { fill: var(--cell); stroke: var(--border); stroke-width: 1.2; }
.symcell-diagram .shape { stroke: var(--ink); stroke-width: 1.1; }
.symcell-diagram .box .shape { fill: var(--box); } .symcell-diagram .unit .shape { fill: var(--unit); }
.symcell-diagram .circle .shape { fill: var(--circle); } .symcell-diagram .formula .shape { fill: var(--formula); }
.symcell-diagram .input .shape, .symcell-diagram .end .shape { fill: var(--end); }
.symcell-diagram .joint .shape { fill: var(--line); stroke: none; }
"""


def svg_text(scene: Scene) -> str:
    """A scene as the text of an SVG file."""
    root = ET.Element("svg", {
        "xmlns": "http://www.w3.org/2000/svg", "viewBox": f"0 0 {_n(scene.width)} {_n(scene.height)}", "width": _n(scene.width),
        "height": _n(scene.height), "role": "img", "class": "symcell-diagram", "aria-label": scene.title, "style": "max-width: 100%; height: auto",
    })  # fmt: skip
    ET.SubElement(root, "title").text = scene.title
    ET.SubElement(root, "desc").text = scene.description
    ET.SubElement(root, "style").text = STYLE
    for x, y, w, h in scene.frames:
        ET.SubElement(root, "rect", {"class": "frame", "x": _n(x), "y": _n(y), "width": _n(w), "height": _n(h), "rx": "12"})
    for line in scene.lines:
        _line(root, line)
    for dot in scene.dots:
        ET.SubElement(root, "circle", {"class": _classes("dot", dot), "cx": _n(dot.x), "cy": _n(dot.y), "r": _n(dot.r), **_of(dot)})
    for shape in scene.shapes:
        _shape(root, shape)
    for text in scene.texts:
        _text(root, text.latex, text.x, text.y, text.size, text.anchor, _of(text))
    for element in root:
        element.tail = "\n"
    return ET.tostring(root, encoding="unicode") + "\n"


def _line(root, line):
    kind = "memory " if line.memory else ""
    ET.SubElement(root, "path", {"class": f"{kind}line", "d": rounded(line.points), **_of(line)})
    if line.end:
        points = " ".join(f"{_n(x)},{_n(y)}" for x, y in line.head)
        ET.SubElement(root, "polygon", {"class": f"{kind}head", "points": points, **_of(line)})


def rounded(points, radius=6.0):
    """The path through points with round corners."""
    text = f"M{_n(points[0][0])} {_n(points[0][1])}"
    for (ax, ay), (bx, by), (cx, cy) in zip(points, points[1:], points[2:], strict=False):
        r = min(radius, _length(ax, ay, bx, by) / 2, _length(bx, by, cx, cy) / 2)
        p, q = _towards(bx, by, ax, ay, r), _towards(bx, by, cx, cy, r)
        text += f"L{_n(p[0])} {_n(p[1])}Q{_n(bx)} {_n(by)} {_n(q[0])} {_n(q[1])}"
    return text + f"L{_n(points[-1][0])} {_n(points[-1][1])}"


def _length(ax, ay, bx, by):
    return abs(ax - bx) + abs(ay - by)


def _towards(x, y, to_x, to_y, r):
    far = _length(x, y, to_x, to_y) or 1.0
    return x + (to_x - x) * r / far, y + (to_y - y) * r / far


def _shape(root, shape):
    kind = "circle" if shape.kind in CIRCLES else shape.kind
    group = ET.SubElement(root, "g", {"class": f"node {kind}", "id": shape.id, **_of(shape)})
    if shape.said:
        ET.SubElement(group, "title").text = shape.said
    if shape.kind in CIRCLES:
        ET.SubElement(group, "circle", {"class": "shape", "cx": _n(shape.x), "cy": _n(shape.y), "r": _n(shape.w / 2)})
    elif shape.kind != "value":
        radius = {"unit": shape.h / 2, "input": shape.h / 2, "joint": 2}.get(shape.kind, 4)
        ET.SubElement(group, "rect", {
            "class": "shape", "x": _n(shape.x - shape.w / 2), "y": _n(shape.y - shape.h / 2), "width": _n(shape.w),
            "height": _n(shape.h), "rx": _n(radius),
        })  # fmt: skip
    if shape.latex:
        _text(group, shape.latex, shape.x, shape.y + 0.33 * shape.size, shape.size, "middle", {})


def _text(root, latex, x, y, size, anchor, attributes):
    """Runs of text, subscripts lower and smaller."""
    text = ET.SubElement(root, "text", {"x": _n(x), "y": _n(y), "font-size": _n(size), "text-anchor": anchor, **attributes})
    level = 0
    for run in runs(latex):
        style = {"font-style": "italic"} if run.italic else {}
        if run.level:
            style["font-size"] = _n(0.72 * size)
        if run.level != level:
            style["dy"] = _n((level - run.level) * 0.28 * size)
            level = run.level
        ET.SubElement(text, "tspan", style).text = run.text
    return width(latex, size)


def _of(mark):
    return {"data-symbol": mark.symbol} if mark.symbol else {}


def _classes(kind, mark):
    return f"memory {kind}" if mark.memory else kind


def _n(number):
    """A number with as few digits as needed."""
    return f"{number:.2f}".rstrip("0").rstrip(".") if isinstance(number, float) else str(number)
