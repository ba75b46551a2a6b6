"""Derivation -> Article: which sections a document has, and in which order."""

from dataclasses import replace
from functools import lru_cache

from symcell.derivation.carousel import Carousel
from symcell.derivation.derive import Derivation
from symcell.documents.article import Article, Equations
from symcell.documents.delays import with_honest_delays
from symcell.documents.naming import with_named_arguments
from symcell.documents.sections.adjoints import adjoint_section, gradient_section
from symcell.documents.sections.forward import forward_section
from symcell.documents.sections.jacobian import jacobian_section
from symcell.documents.sections.notation import notation_section
from symcell.documents.sections.path import path_section, still_section
from symcell.documents.sections.readout import readout_section, readouts
from symcell.documents.sections.rules import EXAMPLES, rules_section
from symcell.documents.sections.shapes import shape_section
from symcell.documents.sections.steps import steps_section
from symcell.documents.sections.subject import Subject
from symcell.errors import CellError


@lru_cache(maxsize=16, typed=True)  # 1 step is one, and True is none
def article(
    derivation: Derivation, steps: int = 3, gradients: bool = True, shapes: bool = True, proofs: bool | str = False
) -> Article:
    """The document of a derivation.

    steps: how many steps the products of step Jacobians show; gradients: whether the gradients of parameters are derived; shapes:
    whether the shape of every quantity is listed; proofs: whether a page follows with the rules of differentiation that were used
    and their proofs, or all rules for "all". Raises CellError unless steps is a whole number from 1 on, and for other values of
    proofs."""
    subject = _subject(derivation, steps)
    sections = [
        forward_section(subject),
        *([shape_section(subject)] if shapes else []),
        adjoint_section(subject),
        *([gradient_section(subject, gradients)] if subject.recurrent or (gradients and subject.cell.params) else []),
        *[readout_section(subject, row) for row in readouts(subject)],
        *_over_time(subject, steps),
        *_rules(subject, proofs),
    ]
    return _article(subject, [notation_section(subject, sections), *sections])


def path_article(carousel: Carousel, steps: int = 3) -> Article:
    """The document of one state's carousel. No rules stand behind its lines: they would refer to forward equations, which are in
    the document of the derivation."""
    subject = _subject(carousel.derivation, steps)
    sections = [jacobian_section(subject), *_paths(subject, [carousel.state], steps)]
    return _article(subject, map(_without_rules, sections))


def _subject(derivation, steps):
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
        name = derivation.declaration.name
        raise CellError(
            f"cell {name}: the products of step Jacobians are over a number of steps from 1 on, found steps={steps!r}"
        )
    return Subject(with_named_arguments(derivation))


def _article(subject, sections):
    whole = Article(subject.derivation, subject.cell.name, subject.cell.reference, tuple(sections))
    return with_honest_delays(whole)


def _without_rules(section):
    def bare(block):
        if not isinstance(block, Equations):
            return block
        return replace(block, lines=tuple(replace(line, rule=()) for line in block.lines))

    return replace(section, blocks=tuple(map(bare, section.blocks)))


def _over_time(subject, steps):
    """The sections on what happens from step to step, where anything does."""
    if not subject.step.local:
        return []
    return [jacobian_section(subject), steps_section(subject, steps), *_paths(subject, subject.recurrent, steps)]


def _paths(subject, states, steps):
    """A section for each state whose error passes on, one for all that have the same factor; and one for the others."""
    carousels = [Carousel(subject.derivation, s) for s in states if s not in subject.delays]
    alike = {}
    for carousel in carousels:
        own = () if carousel.factor.is_commutative else (carousel.state,)
        alike.setdefault((carousel.factor, own), []).append(carousel)
    sections = [
        path_section(subject, first, steps, [c.state for c in others])
        for (factor, _), (first, *others) in alike.items()
        if factor != 0
    ]
    still = [c.state for c in carousels if c.factor == 0]
    return [*sections, *([still_section(subject, still)] if still else [])]


def _rules(subject, proofs):
    """The page of rules: those that adjoints came from, or all."""
    if proofs not in (True, False, "all"):
        raise CellError(f"cell {subject.cell.name}: proofs is True, False or 'all', found {proofs!r}")
    used = EXAMPLES if proofs == "all" else {term.rule for row in subject.derivation.adjoint for term in row.terms}
    return [rules_section(used)] if proofs else []
