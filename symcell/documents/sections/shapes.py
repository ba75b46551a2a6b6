"""Shapes: the space of every quantity of one step."""

from collections import defaultdict

from sympy import Tuple

from symcell.documents.article import Equations, Line, Math, Paragraph, Section
from symcell.documents.nodes import Listed, Space


def shape_section(subject):
    """The quantities of one step, by shape."""
    derivation = subject.derivation
    cell, by_shape = derivation.declaration, defaultdict(dict)
    for q in (*cell.inputs, *(r.target for r in derivation.forward), *cell.params, *cell.constants):
        by_shape[derivation.shapes[q]][q] = None
    lines = tuple(
        Line(f"shape-{n}", Listed(*found), Space(Tuple(*shape), Tuple(*shape.over)), numbered=False, relation="in")
        for n, (shape, found) in enumerate(by_shape.items())
    )
    return Section("shapes", ("Shapes",), (*_heads(derivation), Equations(lines)))


def _heads(derivation):
    """What the mapped axes of a cell mean, if it has any."""
    axes = list(dict.fromkeys(n for shape in derivation.shapes.values() for n in shape.over))
    if not axes:
        return ()
    counts = [part for n in axes for part in (" or ", Math(n))][1:]
    words = " indices, as for heads, the equations are those of one; what has no such axis is shared by all."
    return (Paragraph(("Of a quantity for each of ", *counts, words)),)
