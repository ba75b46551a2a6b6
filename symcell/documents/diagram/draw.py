"""A wiring -> the layout: the height of every row and track, and all shapes and lines."""

from itertools import pairwise

from symcell.documents.diagram.channels import junctions
from symcell.documents.diagram.shapes import Layout, Line, Shape, edge_of, size_of
from symcell.documents.diagram.wires import Wiring

_PITCH, _WIDE_PITCH = 9.0, 20.0  # between tracks; between those with a name at the border
_EDGE = 16.0  # above the highest row, and below the lowest


def drawn(wiring: Wiring, rows: dict[int, list[str]]) -> Layout:
    """The layout with all its lines."""
    return _Drawer(wiring, rows).layout


class _Drawer:
    def __init__(self, wiring, rows):
        self.wiring, self.items, self.graph, self.rows = wiring, wiring.items, wiring.items.graph, rows
        self.layout = Layout(width=wiring.width)
        self.track = {}  # (row, level) -> y
        self.y = self._heights()
        self._draw()

    def _heights(self):
        """The y of each row, and the first track's above it."""
        y, at = {}, 0.0
        for r in sorted(self.rows):
            tall = max([size_of(self.graph.nodes[k])[1] for k in self.rows[r] if k in self.graph.nodes], default=10.0) / 2
            y[r] = at + tall
            at = self._channel(r, y[r] + tall)
        top = (at if self.wiring.channels[max(y)] else max(y.values())) + _EDGE
        self.layout.height = top + _EDGE
        self.track = {key: top - v for key, v in self.track.items()}
        return {r: top - v for r, v in y.items()}

    def _channel(self, r, bottom):
        """Place the tracks above a row; returns where the next row begins."""
        wires = self.wiring.channels[r]
        at = bottom + 12
        for level in range(self.wiring.levels[r]):
            named = any(w.level == level and (w.right or w.feed is None) for w in wires)
            at += (_WIDE_PITCH - _PITCH) / 2 * named
            self.track[r, level] = at
            at += _PITCH + (_WIDE_PITCH - _PITCH) / 2 * named
        return at + 10 if self.wiring.levels[r] else bottom + 22

    def _draw(self):
        for key, item in self.items.items.items():
            if item.kind == "node":
                node = self.graph.nodes[key]
                self.layout.shapes[key] = Shape(node, self.wiring.x[key], self.y[item.row], *size_of(node))
        for r, rail in self.items.rows.rails.items():
            self._rail(r, rail)
        for r, wires in self.wiring.channels.items():
            for wire in wires:
                self._draw_wire(r, wire)
        for net, key in self.wiring.level_entries.items():
            shape = self.layout.shapes[key]
            mark = next(e.mark for e in self.graph.edges if (e.source, e.target) == (net, key))
            self.layout.lines.append(Line(net, ((0.0, shape.y), (shape.x - shape.w / 2, shape.y)), True, mark=mark))
            self.layout.left[net] = shape.y
        for key in self.wiring.exits:
            y = self.y[self.items.items[key].row]
            self.layout.lines.append(Line(key, ((self.wiring.x[key], y), (self.layout.width, y))))
            self.layout.right |= dict.fromkeys(self.items.exits[key], y)

    def _rail(self, r, rail):
        y, taps = self.y[r], [i for i in self.items.items.values() if i.row == r and i.kind == "tap"]
        stops = [(0.0, rail.start)] if rail.start else []
        stops += [(self.wiring.x[k], k) for k in rail.nodes]
        last = max([self.wiring.x[rail.nodes[-1]], *(self.wiring.x[t.key] for t in taps if t.net == rail.nodes[-1])])
        stops.append((self.layout.width, rail.end) if rail.end else (last, ""))
        for (a, net), (b, to) in pairwise(stops):
            mark = next((e.mark for e in self.graph.edges if e.source == net and e.target == to), "")
            edge = b - self.layout.shapes[to].w / 2 if to in rail.nodes else b
            self.layout.lines.append(Line(net, ((a, y), (edge, y)), to in rail.nodes and not rail.memory, rail.memory, mark))
        if rail.start:
            self.layout.left[rail.start] = y
        if rail.end:
            self.layout.right[rail.end] = y
        self.layout.dots += [(t.net, self.wiring.x[t.key], y) for t in taps if rail.end or self.wiring.x[t.key] < last - 0.5]

    def _draw_wire(self, r, wire):
        lower, upper = self.y[r], self.y[r + 1] if r + 1 in self.y else self.y[r]
        track = self.track.get((r, wire.level), 0.0)
        if wire.feed is None:
            start = [(0.0, track)]
            self.layout.left[wire.net] = track
        else:
            near, far = (upper, lower) if wire.feed.above else (lower, upper)
            shape = self.layout.shapes.get(wire.feed.anchor)
            start = [(wire.feed.x, near if shape is None else edge_of(shape, wire.feed.x, far))]
            start += [] if wire.straight else [(wire.feed.x, track)]
        for pin in wire.ends:
            bend = [] if wire.straight else [(pin.x, track)]
            self._line(wire.net, [*start, *bend, (pin.x, upper if pin.above else lower)], pin)
        if wire.right:
            self.layout.lines.append(Line(wire.net, (*start, (self.layout.width, track))))
            self.layout.right |= dict.fromkeys(wire.right, track)
        if not wire.straight:
            self.layout.dots += [(wire.net, x, track) for x in junctions(wire, 0.0, self.layout.width)]

    def _line(self, net, points, pin):
        """A line to an item; to a node as far as its edge."""
        shape = self.layout.shapes.get(pin.sink)
        (x, y) = points[-1]
        if shape is not None and pin.side:
            points.append((shape.x + pin.side * shape.w / 2, y))
        elif shape is not None:
            points[-1] = (x, edge_of(shape, x, points[-2][1]))
        clean = tuple(p for k, p in enumerate(points) if k == 0 or p != points[k - 1])
        self.layout.lines.append(Line(net, clean, shape is not None, mark=pin.mark))
