"""Shapes: the space of every quantity of one step."""

from collections import defaultdict

from sympy import Tuple

from symcell.documents.article import Equations, Line, Section
from symcell.documents.nodes import Listed, Space


def shape_section(subject):
    """The quantities of one step, by shape."""
    derivation = subject.derivation
    cell, by_shape = derivation.declaration, defaultdict(dict)
    for q in (*cell.inputs, *(q for q in subject.rows if q not in subject.delays), *cell.params, *cell.constants):
        by_shape[derivation.shapes[q]][q] = None
    lines = tuple(
        Line(f"shape-{n}", Listed(*found), Space(Tuple(*shape), Tuple(*shape.over)), numbered=False, relation="in")
        for n, (shape, found) in enumerate(by_shape.items())
    )
    return Section("shapes", ("Shapes",), (Equations(lines),))
