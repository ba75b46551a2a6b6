"""Article -> one formula, for a notebook."""

from symcell.documents.formulas.nodes import tex
from symcell.documents.layout import entry
from symcell.documents.printer import Notation


def notebook_latex(article):
    """The equations of an article as one formula."""
    notation, numbers = Notation(article.derivation), article.numbers
    lines = [entry(a, notation) for a in article.lines]
    rows = " \\\\\n".join(f"{tex(e.left)} &{tex(e.right)} && {_tag(numbers.get(e.key))}" for e in lines)
    return rf"$\displaystyle \begin{{aligned}}{rows}\end{{aligned}}$"


def _tag(number):
    return rf"\text{{({number})}}" if number else ""
