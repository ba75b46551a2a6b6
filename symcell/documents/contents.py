"""Derivation -> Article: which sections a document has, and in which order."""

from symcell.derivation.carousel import Carousel
from symcell.documents.article import Article
from symcell.documents.sections.adjoints import adjoint_section, gradient_section
from symcell.documents.sections.forward import forward_section
from symcell.documents.sections.path import path_section
from symcell.documents.sections.shapes import shape_section
from symcell.documents.sections.subject import Subject


def article(derivation, steps=3, gradients=True, shapes=True):
    """The document of a derivation.

    steps: how many steps the products of step Jacobians show; gradients: whether the gradients of parameters are derived; shapes:
    whether the shape of every quantity is listed."""
    subject = Subject(derivation)
    sections = [
        forward_section(subject),
        *([shape_section(subject)] if shapes else []),
        adjoint_section(subject),
        *([gradient_section(subject)] if gradients and subject.cell.params else []),
        *[path_section(Carousel(derivation, s), steps) for s in subject.recurrent],
    ]
    cell = subject.cell
    return Article(derivation, cell.name, cell.reference, tuple(sections))


def path_article(carousel, steps=3):
    """The document of one state's carousel."""
    cell = carousel.derivation.declaration
    return Article(carousel.derivation, cell.name, "", (path_section(carousel, steps),))
