"""One or more steps -> a scene: the layout of a step side by side, states joined from one to the next."""

import re

from sympy import Symbol

from symcell.documents.diagram.detail import graph_of
from symcell.documents.diagram.graph import Graph, Node
from symcell.documents.diagram.labels import Labels
from symcell.documents.diagram.layout import SMALL, Layout, laid_out
from symcell.documents.diagram.scene import DrawnDot, DrawnLine, DrawnShape, DrawnText, Scene
from symcell.documents.diagram.text import width
from symcell.errors import CellError
from symcell.language.delays import Delay
from symcell.notation.plain import equation_lines

_OUTSIDE = 14.0  # how far lines reach out of the frame
_BETWEEN = 44.0  # between the frames of two steps
_APART = 20.0  # between names at a border
_END = 18.0  # the height of a name at a border
_EDGE = 6.0  # around the picture


def scene_of(derivation, steps: int = 1, notation=None) -> Scene:
    """The picture of some steps. `notation`: how many steps before t -> a printer of names, as symcell.documents.printer.Notation.
    Raises CellError unless there is a step to draw."""
    name = derivation.declaration.name
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
        raise CellError(f"cell {name}: a diagram shows a number of steps >= 1, found {steps!r}")
    graphs = [graph_of(derivation, Labels(derivation, back, notation)) for back in range(steps - 1, -1, -1)]
    return _Drawing(derivation, graphs, laid_out(graphs[0])).scene


class _Drawing:
    def __init__(self, derivation, graphs: list[Graph], layout: Layout):
        self.graphs, self.layout = graphs, layout
        self.derivation, self.name = derivation, derivation.declaration.name
        self.said = equation_lines(derivation)
        self.scene = Scene(self._title(), self._description())
        self.stressed = {k for path in graphs[0].memory.values() for k in path}
        self.before = {n.symbol.state.name: k for k, n in graphs[0].nodes.items() if n.kind == "previous"}
        self.after = {n.symbol.name: k for k, n in graphs[0].nodes.items() if n.kind == "state"}
        inputs = [s for s in layout.shapes.values() if s.node.kind == "input"]
        self.bottom = min((s.y - s.h / 2 - 6 for s in inputs), default=layout.height)
        self._draw()

    def _title(self):
        steps = "one step" if len(self.graphs) == 1 else f"{len(self.graphs)} steps"
        return f"Diagram of {steps} of {self.name}"

    def _description(self):
        kept = ", ".join(self.graphs[0].memory)
        return "; ".join(self.said.values()) + (f". The path of {kept} from one step to the next is stressed." if kept else ".")

    def _draw(self):
        starts = [width(self.graphs[0].nodes[k].label, SMALL) for k in self.layout.left]
        x = _EDGE + max(starts, default=0.0) + 12 + _OUTSIDE
        for step, graph in enumerate(self.graphs):
            last = step == len(self.graphs) - 1
            self._step(graph, step, x)
            if step == 0:
                self._names(graph, self.layout.left, x - _OUTSIDE, "end", -1)
            shown = self.layout.right if last else {k: y for k, y in self.layout.right.items() if self._next(k) is None}
            self._names(graph, shown, x + self.layout.width + _OUTSIDE, "start", 1)
            if not last:
                self._joined(x + self.layout.width)
            x += self.layout.width + _BETWEEN
        ends = [width(self.graphs[-1].nodes[k].label, SMALL) for k in self.layout.right]
        self.scene.width = x - _BETWEEN + _OUTSIDE + max(ends, default=0.0) + 12 + _EDGE
        self.scene.height = self.layout.height + 2 * _EDGE

    def _next(self, key):
        """The previous value of the next step that a state becomes, if that step reads it."""
        state = self.graphs[0].nodes[key].symbol.name
        found = self.before.get(state)
        return found if found in self.layout.left else None

    def _step(self, graph, step, x):
        """The frame, the lines and the nodes of one step."""
        self.scene.frames.append((x, _EDGE, self.layout.width, self.bottom))
        for line in self.layout.lines:
            points = tuple((x + a, _EDGE + b) for a, b in line.points)
            self.scene.lines.append(DrawnLine(self._symbol(graph, line.net), points, line.end, line.memory))
            if line.mark:
                self._mark(line.mark, points[-1], points[-2])
        for net, a, b in self.layout.dots:
            memory = any(m.memory and m.points[0][1] == b == m.points[1][1] and m.points[0][0] <= a <= m.points[1][0]
                         for m in self.layout.lines)
            self.scene.dots.append(DrawnDot(self._symbol(graph, net), x + a, _EDGE + b, 3.4 if memory else 2.4, memory))
        for key, shape in self.layout.shapes.items():
            self._shape(graph.nodes[key], shape, step, x)

    def _shape(self, node: Node, shape, step, x):
        self.scene.shapes.append(DrawnShape(
            self._id(node.key, step), self._name(node.symbol), node.kind, node.label, self._said(node.symbol), x + shape.x,
            _EDGE + shape.y, shape.w, shape.h))  # fmt: skip
        if node.name:
            at = x + shape.x + shape.w / 2 + 2, _EDGE + shape.y - shape.h / 2 + 1
            self.scene.texts.append(DrawnText(self._name(node.symbol), node.name, *at, SMALL, "start"))

    def _mark(self, mark, end, before):
        """A sign beside the head of a line."""
        (x, y), up = end, end[1] < before[1]
        if end[1] == before[1]:
            x, y = x - 9, y - 5
        else:
            x, y = x - 8, y + (12 if up else -5)
        self.scene.texts.append(DrawnText("", mark, x, y, SMALL))

    def _names(self, graph, ends, x, anchor, side):
        """The names of values at a border, each where its line ends, or as near as others leave room."""
        placed = _apart(sorted(ends.items(), key=lambda e: e[1]))
        for key, y in placed.items():
            node, line_y = graph.nodes[key], ends[key]
            w = width(node.label, SMALL) + 12
            middle = x + side * w / 2
            edge = x - side * _OUTSIDE
            points = [(edge, line_y), (edge + side * 5, line_y), (edge + side * 9, y), (x, y)] if y != line_y else [(edge, y), (x, y)]
            points = tuple((a, _EDGE + b) for a, b in points)
            memory = key in self.stressed
            self.scene.lines.append(DrawnLine(self._name(node.symbol), points if side > 0 else points[::-1], side > 0, memory))
            self.scene.shapes.append(DrawnShape(
                self._id(key, 0 if side < 0 else len(self.graphs) - 1), self._name(node.symbol), "end", node.label,
                self._said(node.symbol), middle, _EDGE + y, w, _END, SMALL))  # fmt: skip

    def _joined(self, x):
        """The lines from one step to the next."""
        joined = [(key, self._next(key)) for key in self.layout.right if self._next(key) is not None]
        for k, (after, before) in enumerate(joined):
            a, b = self.layout.right[after] + _EDGE, self.layout.left[before] + _EDGE
            bend = x + _BETWEEN * (k + 1) / (len(joined) + 1)
            points = ((x, a), (bend, a), (bend, b), (x + _BETWEEN, b)) if a != b else ((x, a), (x + _BETWEEN, b))
            self.scene.lines.append(DrawnLine(self._name(self.graphs[0].nodes[after].symbol), points, False, after in self.stressed))

    def _symbol(self, graph, key):
        return self._name(graph.nodes[key].symbol)

    def _name(self, symbol: Symbol | None) -> str:
        """The name of a quantity in Python; those of all that a window keeps, which one line stands for."""
        state = getattr(symbol, "state", symbol)
        if symbol is None or not isinstance(state, Delay):
            return "" if symbol is None else symbol.name
        kept = [s for s in self.derivation.declaration.states if isinstance(s, Delay) and s.of == state.of]
        return " ".join((s if symbol is state else s.prev).name for s in kept)

    def _said(self, symbol):
        numbers = {e.target: e.number for e in self.derivation.declaration.equations}
        return self.said.get(numbers.get(symbol), "")

    def _id(self, key, step):
        return f"{re.sub(r'[^A-Za-z0-9]+', '-', self.name)}-{key}-{step}"


def _apart(ends):
    """key -> y, moved down where names would cover one another."""
    placed, least = {}, float("-inf")
    for key, y in ends:
        placed[key] = y if y >= least else least
        least = placed[key] + _APART
    return placed
