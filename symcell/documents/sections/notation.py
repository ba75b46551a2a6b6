"""Notation: what the letters, the marks of adjoints, and the operators of this document are."""

from sympy import S

from symcell.documents.article import Items, Math, Paragraph, Section
from symcell.documents.nodes import B, InCode, L, Steps, T, rate, t, total_rate
from symcell.documents.sections.glossary import A, glossary, u, v
from symcell.documents.sections.subject import listed
from symcell.language.symbols import Adjoint


def notation_section(subject, others):
    """The first section, which explains what the other ones use, and nothing else."""
    expressions = [e for section in others for e in section.expressions]
    return Section("notation", ("Notation",), (
        _sequence(subject), *_heads(subject), *_code(subject), _adjoints(subject), *_later(subject),
        *_operators(subject, expressions),
    ))  # fmt: skip


def _operators(subject, expressions):
    """A list of what the operators mean, in letters of their own."""
    meanings = [parts for _, parts in glossary(expressions, subject.shape)]
    if not meanings:
        return ()
    used = {q for parts in meanings for part in parts if isinstance(part, Math) for q in part.expr.free_symbols}
    letters = [(noun, [q for q in group if q in used]) for noun, group in (("vector", (u, v)), ("matrix", (A,)))]
    nouns = [(f"{noun}s " if len(found) > 1 else f"a {noun} ", *listed(found)) for noun, found in letters if found]
    words = [part for n, noun in enumerate(nouns) for part in (" and " if n else " for ", *noun)]
    return Paragraph(("The operators", *words, ":")), Items(tuple(map(_sentence, meanings)))


def _sentence(parts):
    first, *rest = parts
    return (first[0].upper() + first[1:] if isinstance(first, str) else first, *rest, ".")


def _later(subject):
    """What the marks mean by which a quantity receives something from steps after the next one."""
    later = {q: Math(Adjoint(q, f"carried{steps}")) for q, steps in subject.delays.values() if steps > 1}
    if not later:
        return ()
    steps = max(steps for _, steps in subject.delays.values())
    return (Paragraph((
        "Steps after the next one read ", *listed(later), " too. A number n behind the plus sign says that the part comes back "
        "from step t + n and those after it: ", *listed(later.values()), f" from step t + {steps} on.",
    )),)  # fmt: skip


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
