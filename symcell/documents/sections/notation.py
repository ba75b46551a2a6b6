"""Notation: what the letters, the marks of adjoints, and the operators of this document are."""

from sympy import S

from symcell.documents.article import Math, Paragraph, Section
from symcell.documents.nodes import B, InCode, L, Letter, Steps, T, rate, t, total_rate
from symcell.documents.sections.glossary import glossary
from symcell.documents.sections.subject import listed
from symcell.language.symbols import Adjoint

v = Letter("v", "q", "w")


def notation_section(subject, others):
    """The first section, which explains what the other ones use, and nothing else."""
    expressions = [e for section in others for e in section.expressions]
    words = [part for _, parts in glossary(expressions, subject.shape) for part in ("; ", *parts)][1:]
    return Section(
        "notation",
        ("Notation",),
        (
            _sequence(subject), *_heads(subject), *_code(subject), _adjoints(subject),
            *([Paragraph((*words, "."))] if words else []),
        ),
    )  # fmt: skip


def _sequence(subject):
    """What a sequence, a sample and the loss are."""
    outputs = listed(subject.cell.outputs)
    return Paragraph((
        "A sequence has the steps ", Math(Steps(S.One, T)), "; what has the index 0 is given before the first one. The "
        "equations are those of one sample; where ", Math(B), " samples are processed together, each has such "
        "equations of its own, with the same parameters. The cell shows ", *outputs, ". The loss ", Math(L),
        " is a number that is computed from the values of ",
        *listed([s for s in subject.cell.states if s not in subject.delays]), " at all steps.",
    ))  # fmt: skip


def _adjoints(subject):
    """What a bar, and its marks, mean."""
    s = (subject.recurrent or subject.cell.states)[0]
    direct, carried = Adjoint(s, "cotangent"), Adjoint(s, "carried")
    back = (", and ", Math(carried), " the part that comes back from step ", Math(t + 1)) if subject.recurrent else ()
    return Paragraph((
        "The adjoint ", Math(Adjoint(v), "=", total_rate(L, v)), " is the derivative of the loss by ", Math(v),
        " through all that is computed from it. Of the adjoint of a state, ", Math(direct, "=", rate(L, s)),
        " is the direct part: what ", Math(L), " sends where it contains ", Math(s), " itself", *back, ".",
    ))  # fmt: skip


def _code(subject):
    """Which names code has for the symbols of the paper."""
    cell = subject.cell
    pairs = [part for q in cell.shapes if q.name in cell.names for part in (", ", Math(InCode(q)), " for ", Math(q))][1:]
    return (Paragraph(("Code has names of its own: ", *pairs, ".")),) if pairs else ()


def _heads(subject):
    """What the mapped axes of a cell mean, if it has any."""
    axes = list(dict.fromkeys(n for shape in subject.derivation.shapes.values() for n in shape.over))
    if not axes:
        return ()
    counts = [part for n in axes for part in (" or ", Math(n))][1:]
    return (Paragraph((
        "Quantities of heads, which the shapes show, are there once for each of ", *counts,
        " heads. Their equations are those of one head; what belongs to no head is shared by all.",
    )),)  # fmt: skip
