"""What a diagram must not do: nodes that cover one another, lines through nodes, lines that lie on lines of other values."""

from itertools import combinations, pairwise

from symcell.documents.diagram.detail import graph_of
from symcell.documents.diagram.labels import Labels
from symcell.documents.diagram.layout import laid_out


def layout_of(cell):
    return laid_out(graph_of(cell.derive(), Labels(cell.derive())))


def faults(layout):
    """A line for each fault of a layout."""
    shapes = list(layout.shapes.values())
    found = [f"{a.node.key} covers {b.node.key}" for a, b in combinations(shapes, 2) if _overlap(_box(a), _box(b))]
    segments = [(line.net, *segment) for line in layout.lines for segment in pairwise(line.points)]
    for net, p, q in segments:
        found += [f"a line of {net} passes through {s.node.key}" for s in shapes if s.node.key != net and _overlap(_span(p, q), _box(s, 1.5))]
    for (net, *a), (other, *b) in combinations(segments, 2):
        if net != other and _on_one_another(a, b):
            found.append(f"a line of {net} lies on one of {other} at {a} {b}")
    ends = [*layout.left.items(), *layout.right.items()]
    found += [f"{key} is outside" for key, y in ends if not -1e-6 <= y <= layout.height]
    return list(dict.fromkeys(found))


def _box(shape, smaller=0.0):
    w, h = shape.w / 2 - smaller, shape.h / 2 - smaller
    return shape.x - w, shape.y - h, shape.x + w, shape.y + h


def _span(p, q):
    return min(p[0], q[0]), min(p[1], q[1]), max(p[0], q[0]), max(p[1], q[1])


def _overlap(a, b):
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _on_one_another(a, b):
    """Whether two straight pieces of lines cover one another for more than a point."""
    for along, across in ((0, 1), (1, 0)):
        if all(abs(p[across] - a[0][across]) < 1.5 for p in (*a, *b)):
            ends_a, ends_b = sorted(p[along] for p in a), sorted(p[along] for p in b)
            return min(ends_a[1], ends_b[1]) - max(ends_a[0], ends_b[0]) > 1.5
    return False
