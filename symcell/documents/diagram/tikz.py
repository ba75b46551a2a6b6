"""The layout of a diagram as TikZ, which needs no other package: a picture for a paper, or a whole document of its size."""

from symcell.documents.diagram.graph import CIRCLES
from symcell.documents.diagram.scene import Scene
from symcell.documents.unicode import declarations

COLOURS = {
    "line": "52606D", "memory": "C2410C", "cell": "F4F6F8", "border": "9AA5B1", "box": "FFF3C4", "unit": "E3F8EC",
    "circle": "FFE3EC", "end": "DCEEFB", "formula": "ECE7FB", "ink": "1F2933",
}  # fmt: skip
FILLS = {"box": "box", "unit": "unit", "formula": "formula", "input": "end", "end": "end", "joint": "line"}
_POINT = 0.75  # TeX points in a pixel


def tikz_text(scene: Scene, document: bool = False) -> str:
    """A scene as a tikzpicture, or with `document` as a LaTeX document of one page that has its size."""
    picture = "\n".join([rf"\begin{{tikzpicture}}[x={_POINT}bp, y=-{_POINT}bp, line join=round]", *_lines(scene), r"\end{tikzpicture}", ""])
    if not document:
        return f"% {_comment(scene.title)}\n% needs \\usepackage{{tikz}}\n{picture}"
    size = ",".join(f"{side}={_n(length * _POINT)}bp" for side, length in (("paperwidth", scene.width), ("paperheight", scene.height)))
    return "\n".join([
        r"\documentclass{article}", rf"{declarations(picture)}\usepackage[{size},margin=0bp,noheadfoot]{{geometry}}",
        r"\usepackage{amsmath}", r"\usepackage{tikz}", r"\pagestyle{empty}", r"\parindent0pt \topskip0pt \maxdepth0pt",
        r"\begin{document}%", picture.rstrip() + "%", r"\end{document}", "",
    ])  # fmt: skip


def _lines(scene):
    yield from (rf"\definecolor{{symcell-{name}}}{{HTML}}{{{value}}}" for name, value in COLOURS.items())
    yield rf"\path[use as bounding box] (0,0) rectangle ({_n(scene.width)},{_n(scene.height)});"
    for x, y, w, h in scene.frames:
        yield _path("fill=symcell-cell, draw=symcell-border, rounded corners=9bp", f"{_at(x, y)} rectangle {_at(x + w, y + h)}")
    for line in scene.lines:
        colour, width = ("symcell-memory", 2.4) if line.memory else ("symcell-line", 1)
        yield _path(f"draw={colour}, line width={width}bp, rounded corners=4bp", " -- ".join(_at(*p) for p in line.points))
        if line.end:
            yield _path(f"fill={colour}", " -- ".join(_at(*p) for p in line.head) + " -- cycle")
    for dot in scene.dots:
        yield _path(f"fill=symcell-{'memory' if dot.memory else 'line'}", f"{_at(dot.x, dot.y)} circle[radius={_n(dot.r * _POINT)}bp]")
    for shape in scene.shapes:
        yield from _shape(shape)
    for text in scene.texts:
        yield _label(text.latex, text.x, text.y - 0.33 * text.size, text.size, {"start": "west"}.get(text.anchor, "center"))


def _shape(shape):
    left, top = shape.x - shape.w / 2, shape.y - shape.h / 2
    if shape.kind in CIRCLES:
        yield _path("fill=symcell-circle, draw=symcell-ink", f"{_at(shape.x, shape.y)} circle[radius={_n(shape.w / 2 * _POINT)}bp]")
    elif shape.kind != "value":
        radius = shape.h / 2 * _POINT if shape.kind in ("unit", "input") else 1 if shape.kind == "joint" else 3
        outline = "" if shape.kind == "joint" else ", draw=symcell-ink"
        style = f"fill=symcell-{FILLS[shape.kind]}{outline}, rounded corners={_n(radius * 0.99)}bp"
        yield _path(style, f"{_at(left, top)} rectangle {_at(left + shape.w, top + shape.h)}")
    if shape.latex:
        yield _label(shape.latex, shape.x, shape.y, shape.size, "center")


def _path(style, path):
    return rf"\path[{style}] {path};"


def _label(latex, x, y, size, anchor):
    font = rf"\fontsize{{{_n(size * _POINT)}}}{{{_n(size)}}}\selectfont"
    return rf"\node[anchor={anchor}, inner sep=0pt, text=symcell-ink] at {_at(x, y)} {{{font}$\mathstrut {latex}$}};"


def _at(x, y):
    return f"({_n(x)},{_n(y)})"


def _n(number):
    return f"{number:.2f}".rstrip("0").rstrip(".")


def _comment(text):
    return "".join(c if c.isprintable() else " " for c in text)
