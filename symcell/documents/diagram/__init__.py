"""The diagram of a cell, drawn from its equations: SVG for pages, TikZ for papers."""

from symcell.documents.diagram.step import scene_of
from symcell.documents.diagram.svg import svg_text


def diagram_svg(derivation, steps: int = 1, notation=None) -> str:
    """One step of a cell, or several side by side, as the text of an SVG file."""
    return svg_text(scene_of(derivation, steps, notation))
