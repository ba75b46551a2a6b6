"""Forward: the values before the first step, and the equations of one step."""

from symcell.documents.article import Equations, Line, Math, Paragraph, Section
from symcell.documents.nodes import At, Steps, T


def forward_section(subject):
    """The initial values, and the equations as declared; what flattening named stands over its name, or on a line before."""
    begin = tuple(Line(f"initial-{s.name}", At(s, 0), s.initial) for s in subject.recurrent)
    equations = tuple(Line(f"forward-{q.name}", q, right) for q, right in subject.lines)
    words = Paragraph(("The equations of one step, in order; ", Math(Steps(1, T)), "."))
    before = (Paragraph(("Before the first step, unless a call gives other values:",)), Equations(begin)) if begin else ()
    return Section("forward", ("Forward",), (*before, words, Equations(equations, Steps(1, T))))
