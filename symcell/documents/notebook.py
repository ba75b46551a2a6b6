"""Article -> formulas for a notebook: one for each display, because KaTeX refuses very long ones."""

from symcell.documents.article import Equations
from symcell.documents.printer import Notation
from symcell.documents.web import displays


def notebook_latex(article):
    """The equations of an article as formulas, without its words. Each is a display: notebooks would print others in one line."""
    notation, numbers = Notation(article.derivation), article.numbers
    blocks = [block for section in article.sections for block in section.blocks if isinstance(block, Equations)]

    def number(line):
        return rf"\text{{({numbers[line.key]})}}" if line.numbered else ""

    return "\n\n".join(f"$$\n{formula}\n$$" for block in blocks for formula in displays(block, notation, number))
