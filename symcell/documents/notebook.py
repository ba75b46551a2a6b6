"""Article -> formulas for a notebook: one for each display, because KaTeX refuses very long ones."""

from symcell.documents.article import Equations
from symcell.documents.printer import Notation
from symcell.documents.web import aligned


def notebook_latex(article):
    """The equations of an article as formulas, without its words."""
    notation, numbers = Notation(article.derivation), article.numbers
    blocks = [block for section in article.sections for block in section.blocks if isinstance(block, Equations)]
    formulas = [aligned(b, notation, lambda a: rf"\text{{({numbers[a.key]})}}" if a.numbered else "") for b in blocks]
    return "\n\n".join(rf"$\displaystyle {f}$" for f in formulas)
