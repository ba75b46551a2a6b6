"""Adjoints: the backward pass of one step, and the gradients that are sums over all steps."""

from collections import defaultdict

from symcell.derivation.reverse import SEEDS
from symcell.documents.article import Equations, Line, Math, Paragraph, Reference, Section
from symcell.documents.nodes import At, Steps, SumOver, T, b, is_timeless, t
from symcell.documents.sums import written_sum
from symcell.language.symbols import Adjoint, Param


def adjoint_section(subject):
    """The adjoints of one step, in order, and where the sweep begins."""
    lines = tuple(
        _line(subject, row) for row in subject.derivation.adjoint if not isinstance(row.target.of, Param) and not row.summed
    )
    ends = [Line(f"end-{s.name}", At(Adjoint(s, "carried"), T), Adjoint(s) * 0, numbered=False) for s in subject.recurrent]
    begin = (Paragraph(("No step follows the last one:",)), Equations(tuple(ends), beside=True)) if ends else ()
    words = Paragraph(("Backwards through the steps, ", Math(Steps(T, 1)), ":"))
    return Section("adjoints", ("Adjoints",), (*begin, words, Equations(lines, Steps(T, 1))))


def gradient_section(subject, params):
    """The gradients of initial states, and those of parameters with all that is computed from parameters alone."""
    held = {s: (s, 1) for s in subject.recurrent} | subject.delays
    starts = tuple(
        Line(f"start-{s.name}", At(Adjoint(q), 1 - steps), At(Adjoint(s, "carried"), 0), numbered=False)
        for s, (q, steps) in held.items()
    )
    rows = [row for row in subject.derivation.adjoint if row.summed] if params else []
    blocks = []
    if starts:
        blocks += [Paragraph(("The gradients of the values before the first step, of every sample:",))]
        blocks += [Equations(starts, beside=True)]
    if rows:
        blocks += [Paragraph(("The gradients of parameters, which all steps and samples share:",))]
        blocks += [Equations(tuple(_line(subject, row) for row in rows))]
    return Section("gradients", ("Gradients",), tuple(blocks))


def _line(subject, row):
    return Line(f"adjoint-{row.target.of.name}", row.target, _right(subject, row), _rules(subject, row))


def _right(subject, row):
    """The terms of an adjoint; those that have a value at every step are summed for a quantity that all steps share."""
    derivation, exprs = subject.derivation, [term.expr for term in row.terms]
    if not row.summed:
        return written_sum(exprs, derivation.shape)
    timed = [e for e in exprs if not is_timeless(e, derivation)]
    parts = [
        *_as_initial_value(subject, row.target.of),
        *([SumOver(written_sum(timed, derivation.shape), t, b)] if timed else []),
        *[e for e in exprs if e not in timed and e != 0],
    ]
    return written_sum(parts, derivation.shape) if parts else exprs[0]


def _as_initial_value(subject, q):
    """The terms of a parameter that is the initial value of states: the adjoints carried back from the first step."""
    return [SumOver(At(Adjoint(s, "carried"), 0), b) for s in subject.recurrent if s.initial == q]


def _rules(subject, row):
    """The note beside an adjoint: each rule once, with its equations."""
    by_rule = defaultdict(list)
    for term in row.terms:
        rule, source = (SEEDS[1], None) if term.source in subject.delays else (term.rule, term.source)
        by_rule[rule] += [] if source is None else [source]
    starts = tuple(f"initial-{s.name}" for s in subject.recurrent if s.initial == row.target.of)
    parts = ["initial value ", Reference(starts)] if starts else []
    by_rule = {rule: sources for rule, sources in by_rule.items() if sources or not starts}  # it is read as an initial value
    for rule, sources in by_rule.items():
        parts += ["; "] if parts else []
        parts += [f"{rule} of ", subject.lines_of(sources)] if sources else [rule]
    return tuple(parts)
