"""Article -> one formula, for a notebook."""

from symcell.documents.printer import Notation
from symcell.documents.web import aligned


def notebook_latex(article):
    """The equations of an article as one formula."""
    numbers = article.numbers
    text = aligned(article.lines, Notation(article.derivation), lambda line: rf"\text{{({numbers[line.key]})}}" if line.numbered else "")
    return rf"$\displaystyle {text}$"
