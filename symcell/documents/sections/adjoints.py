"""Adjoints: the backward pass of one step, and the gradients that are sums over all steps."""

from collections import defaultdict

from symcell.documents.article import Equations, Line, Math, Paragraph, Section
from symcell.documents.nodes import At, Steps, SumOver, T, Terms, b, t
from symcell.documents.sums import written_sum
from symcell.language.symbols import Adjoint, Param


def adjoint_section(subject):
    """The adjoints of one step, in order, and where the sweep begins."""
    lines = tuple(_line(subject, row) for row in subject.derivation.adjoint if not isinstance(row.target.of, Param) and not row.summed)
    ends = tuple(
        Line(f"end-{s.name}", At(Adjoint(s, "carried"), T), Adjoint(s) * 0) for s in subject.recurrent
    )
    begin = (Paragraph(("No step follows the last one:",)), Equations(ends)) if ends else ()
    words = Paragraph(("Backwards through the steps, ", Math(Steps(T, 1)), ":"))
    return Section("adjoints", ("Adjoints",), (*begin, words, Equations(lines, Steps(T, 1))))


def gradient_section(subject):
    """The gradients of parameters, and of what is computed once a sequence."""
    rows = [row for row in subject.derivation.adjoint if row.summed]
    words = Paragraph(("Sums over all steps and samples:",))
    return Section("gradients", ("Gradients",), (words, Equations(tuple(_line(subject, row) for row in rows))))


def _line(subject, row):
    return Line(f"adjoint-{row.target.of.name}", row.target, _right(subject, row), _rules(subject, row))


def _right(subject, row):
    """The terms of an adjoint, summed over the steps for a quantity that all steps share."""
    body = written_sum([term.expr for term in row.terms], subject.derivation.shape)
    starts = _as_initial_value(subject, row.target.of)
    if row.summed and _over_time(subject, row):
        body = SumOver(body, t, b)
    if not starts:
        return body
    return Terms(*starts, body) if row.rhs != 0 else starts[0] if len(starts) == 1 else Terms(*starts)


def _as_initial_value(subject, q):
    """The terms of a parameter that is the initial value of states: the adjoints carried back from the first step."""
    return [SumOver(At(Adjoint(s, "carried"), 0), b) for s in subject.recurrent if s.initial == q]


def _over_time(subject, row):
    """Whether the terms have a value at every step, rather than one for the sequence."""
    timeless = {Adjoint(r.target) for r in subject.derivation.forward if r.once}
    symbols = {s for term in row.terms for s in term.expr.free_symbols if isinstance(s, Adjoint)}
    return not symbols <= timeless if symbols else False


def _rules(subject, row):
    """The note beside an adjoint: each rule once, with its equations."""
    by_rule = defaultdict(list)
    for term in row.terms:
        by_rule[term.rule] += [] if term.source is None else [term.source]
    parts = []
    for rule, sources in by_rule.items():
        parts += ["; "] if parts else []
        parts += [f"{rule} of ", subject.lines_of(sources)] if sources else [rule]
    return tuple(parts)
