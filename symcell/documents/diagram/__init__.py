"""The diagram of a cell, drawn from its equations: SVG for pages, TikZ for papers.

    Derivation -> Graph    what reads what (build, detail)
    Graph -> Layout        rows, their order, and places (rows, items, order, place, ports, channels, layout)
    Layout -> Scene        one step or several side by side, with all names (step)
    Scene -> text          svg, tikz; or a picture

The layout by layers is igraph's, and the places solve a linear program by SciPy."""

from importlib.util import find_spec

from symcell.documents.diagram.scene import Scene
from symcell.documents.diagram.step import scene_of
from symcell.documents.diagram.svg import svg_text
from symcell.documents.diagram.tikz import tikz_text
from symcell.errors import CellError

NEEDS = ("igraph", "scipy")
KINDS = (".svg", ".tex", ".png", ".pdf")


def diagram_svg(derivation, steps: int = 1, notation=None) -> str:
    """One step of a cell, or several side by side, as the text of an SVG file."""
    return svg_text(_scene(derivation, steps, notation))


def diagram_file(derivation, kind: str, steps: int = 1, notation=None, document: bool = False) -> str | bytes:
    """The same as the content of a file whose name ends with `kind`, one of KINDS; .tex is a tikzpicture, or with `document` a
    LaTeX document of one page. Raises CellError for another kind."""
    if kind not in KINDS:
        raise CellError(f"a diagram is a file that ends with {', '.join(KINDS)}; found {kind!r}")
    scene = _scene(derivation, steps, notation)
    if kind == ".svg":
        return svg_text(scene)
    if kind == ".tex":
        return tikz_text(scene, document)
    from symcell.documents.diagram.picture import picture

    return picture(scene, kind[1:])


def _scene(derivation, steps, notation) -> Scene:
    if missing := [p for p in NEEDS if find_spec(p) is None]:
        raise CellError(f'a diagram needs {" and ".join(missing)}: pip install "symcell[diagrams]"')
    return scene_of(derivation, steps, notation)
