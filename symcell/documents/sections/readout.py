"""The readout: softmax outputs with the cross-entropy as the loss, where adjoints become differences."""

from sympy import log

from symcell.documents.article import Equations, Line, Math, Paragraph, Section
from symcell.documents.nodes import L, Steps, SumOver, T, Terms, TimedLetter, b, t
from symcell.language.primitives import dot, softmax
from symcell.language.symbols import Adjoint


def readouts(subject):
    """The states that are the softmax of a vector, and that nothing but the loss reads."""
    rows = [r for r in subject.derivation.forward if isinstance(r.rhs, softmax) and r.target in subject.cell.outputs]
    read = {q for r in subject.derivation.forward for q in r.rhs.free_symbols}
    return [r for r in rows if len(r.shape) == 1 and not {r.target, r.target.prev} & read]


def readout_section(subject, row):
    """What the adjoint of the argument of the softmax is if the loss is the cross-entropy."""
    y, z = row.target, row.rhs.args[0]
    p = TimedLetter("p", "q", "d", shape=row.shape)
    loss = Line(f"readout-loss-{y.name}", L, SumOver(-dot(p, log(y)), t, b))
    bar = Line(f"readout-{y.name}", Adjoint(z), Terms(y, -p))
    words = Paragraph(("Let the loss be the cross-entropy of ", Math(y), " with targets ", Math(p), " whose entries add up to 1:"))
    then = Paragraph(("Then the adjoint of the argument of the softmax is the difference of output and target:",))
    return Section(f"readout-{y.name}", ("The readout ", Math(y)), (words, Equations((loss,)), then, Equations((bar,), Steps(T, 1))))
