"""The graph of a step -> where everything stands: nodes, lines, and the ends of lines at the borders."""

from dataclasses import dataclass, field

from symcell.documents.diagram.channels import Wire, assign_tracks, junctions
from symcell.documents.diagram.graph import CIRCLES, Graph, Node
from symcell.documents.diagram.items import Items
from symcell.documents.diagram.order import ordered
from symcell.documents.diagram.place import placed
from symcell.documents.diagram.ports import chosen_ports
from symcell.documents.diagram.rows import rows_of
from symcell.documents.diagram.text import width

SIZE, SMALL = 13.0, 11.0  # of the letters in boxes, and of the names beside them
_PITCH, _WIDE_PITCH = 9.0, 20.0  # between tracks; between those with a name at the border
_MARGIN = 16.0  # from the border to what is nearest


@dataclass(frozen=True)
class Shape:
    """A node with its place: the middle, the width and the height."""

    node: Node
    x: float
    y: float
    w: float
    h: float


@dataclass(frozen=True)
class Line:
    """The line of a net through points with straight angles; `end`: whether it ends in a node, where an arrow's head stands."""

    net: str
    points: tuple[tuple[float, float], ...]
    end: bool = False
    memory: bool = False
    mark: str = ""


@dataclass
class Layout:
    """All of one step, y downwards from the top. `left` and `right`: previous value, or state -> the y of its line at the border."""

    width: float = 0.0
    height: float = 0.0
    shapes: dict[str, Shape] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)
    dots: list[tuple[str, float, float]] = field(default_factory=list)
    left: dict[str, float] = field(default_factory=dict)
    right: dict[str, float] = field(default_factory=dict)


def size_of(node: Node) -> tuple[float, float]:
    """The width and height of a node."""
    if node.kind in CIRCLES:
        return 20.0, 20.0
    if node.kind == "joint":
        return max(6.0, 10.0 * node.inputs - 12.0), 18.0
    inner = width(node.label, SIZE)
    if node.kind == "value":
        return inner + 4, 16.0
    return max(inner + 14, 34.0 if node.kind in ("box", "formula") else 30.0), 26.0 if node.kind in ("box", "formula") else 22.0


def laid_out(graph: Graph) -> Layout:
    """The layout of one step."""
    items = Items(graph, rows_of(graph))
    rows = ordered(items)
    reach = {k: _reach(graph, item) for k, item in items.items.items()}
    exits = _straight_exits(items, rows)
    widths = {k: size_of(graph.nodes[k])[0] for k in items.rows.row_of}
    first = placed(items, rows, reach)
    for bold in (True, False):
        ports = chosen_ports(items, rows, first, reach, widths, exits, bold)
        x = placed(items, rows, reach, ports)
        if x is not None:
            break
    return _Router(items, rows, x, ports, exits).layout


def _straight_exits(items, rows):
    """The nodes from which a line leaves straight to the right, since no other node stands there."""
    found = set()
    for key in items.exits:
        item = items.items[key]
        if item.kind == "node" and items.graph.nodes[key].kind != "input":
            row = rows[item.row]
            if all(items.items[k].kind != "node" for k in row[row.index(key) + 1 :]):
                found.add(key)
    return found


def _reach(graph, item):
    """How far an item reaches to its left and right, with the space around it and the name to its right."""
    if item.kind == "entry":
        return 2.0, 2.0
    if item.kind != "node":
        return 6.0, 6.0
    node = graph.nodes[item.key]
    half = size_of(node)[0] / 2
    beside = width(node.name, SMALL) + 6 if node.name else 0
    return half + 7, half + 7 + beside


class _Router:
    def __init__(self, items, rows, x, ports, exits):
        self.graph, self.items, self.rows, self.ports, self.straight_exits = items.graph, items, rows, ports, exits
        self.x = {k: v + _MARGIN for k, v in x.items()}
        self.layout = Layout(width=max(v + _reach(self.graph, items.items[k])[1] for k, v in self.x.items()) + _MARGIN)
        self.level_entries = {}  # previous value -> the node to whose left side it goes straight
        self.channels = {r: self._wires(r) for r in rows}
        self.y = self._heights()
        self._draw()

    # Wires: the nets between two rows.

    def _wires(self, r):
        found: dict[str, Wire] = {}
        for link in self.items.links:
            if self.items.items[link.lower].row == r:
                up = self._feeds(link.lower, link.net)
                feed, sink = (link.lower, link.upper) if up else (link.upper, link.lower)
                wire = self._wire(found, feed, up, link.net)
                side = self.ports.sides.get((sink, not up, link.net), 0)
                if side and wire.feed is None:
                    self.level_entries[link.net] = sink
                    found.pop(feed)
                    continue
                near = (sink, not up, link.net) in self.ports.near
                x = self._corner(wire, sink, side, near) if side else self._pin(sink, not up, link.net)
                wire.ends.append((x, up, link.mark, sink, side))
        for link in self.items.level:
            if self.items.items[link.lower].row == r + 1:
                self._wire(found, link.lower, False, link.net).ends.append(
                    (self._pin(link.upper, False, link.net), True, link.mark, link.upper, 0))
        for key, states in self.items.exits.items():
            item = self.items.items[key]
            below = item.kind == "tap"
            if key not in self.straight_exits and item.row - below == r:
                self._wire(found, key, not below, item.net or key).right += states
        return list(found.values())

    def _pin(self, key, top, net):
        return self.x[key] + self.ports.offsets.get((key, top, net), 0.0)

    def _corner(self, wire, key, side, near):
        """The x at which a line turns to a node's side: where it comes from if nothing is in between."""
        nearest = self.x[key] + side * self.ports.clear(key)
        if wire.feed is None or near:
            return nearest
        x = wire.feed[0]
        return x if (x - nearest) * side >= 0 else nearest

    def _feeds(self, lower, net):
        """Whether the lower end of a link is where the value comes from."""
        item = self.items.items[lower]
        source_row = self._source_row(net)
        return item.row >= source_row if item.net == net or lower == net else False

    def _source_row(self, net):
        if net in self.items.items:
            return self.items.items[net].row
        return next(i.row for i in self.items.items.values() if i.net == net and i.kind == "tap")

    def _wire(self, found, feed, up, net):
        item = self.items.items[feed]
        if item.kind == "entry":
            return found.setdefault(feed, Wire(net, None))
        return found.setdefault(feed, Wire(net, (self._pin(feed, up, net), not up)))

    # From the bottom to the top.

    def _heights(self):
        """The y of each row, and the first track's above it."""
        y, at = {}, 0.0
        self.track = {}
        for r in sorted(self.rows):
            tall = max([size_of(self.graph.nodes[k])[1] for k in self.rows[r] if k in self.graph.nodes], default=10.0) / 2
            y[r] = at + tall
            at = self._channel(r, y[r] + tall)
        top = (at if self.channels[max(y)] else max(y.values())) + _MARGIN
        self.layout.height = top + _MARGIN
        self.track = {key: top - v for key, v in self.track.items()}
        return {r: top - v for r, v in y.items()}

    def _channel(self, r, bottom):
        """Place the tracks above a row; returns where the next row begins."""
        wires = self.channels[r]
        levels = assign_tracks(wires, 0.0, self.layout.width)
        at = bottom + 12
        for level in range(levels):
            named = any(w.level == level and (w.right or w.feed is None) for w in wires)
            at += (_WIDE_PITCH - _PITCH) / 2 * named
            self.track[r, level] = at
            at += _PITCH + (_WIDE_PITCH - _PITCH) / 2 * named
        return at + 10 if levels else bottom + 22

    # Drawing.

    def _draw(self):
        for key, item in self.items.items.items():
            if item.kind == "node":
                node = self.graph.nodes[key]
                self.layout.shapes[key] = Shape(node, self.x[key], self.y[item.row], *size_of(node))
        for r, rail in self.items.rows.rails.items():
            self._rail(r, rail)
        for r, wires in self.channels.items():
            for wire in wires:
                self._draw_wire(r, wire)
        for net, key in self.level_entries.items():
            shape = self.layout.shapes[key]
            mark = next(e.mark for e in self.graph.edges if (e.source, e.target) == (net, key))
            self.layout.lines.append(Line(net, ((0.0, shape.y), (shape.x - shape.w / 2, shape.y)), True, mark=mark))
            self.layout.left[net] = shape.y
        for key in self.straight_exits:
            y = self.y[self.items.items[key].row]
            self.layout.lines.append(Line(key, ((self.x[key], y), (self.layout.width, y))))
            self.layout.right |= dict.fromkeys(self.items.exits[key], y)

    def _rail(self, r, rail):
        y, taps = self.y[r], [i for i in self.items.items.values() if i.row == r and i.kind == "tap"]
        stops = [(0.0, rail.start)] if rail.start else []
        stops += [(self.x[k], k) for k in rail.nodes]
        last = max([self.x[rail.nodes[-1]], *(self.x[t.key] for t in taps if t.net == rail.nodes[-1])])
        stops.append((self.layout.width, rail.end) if rail.end else (last, ""))
        for (a, net), (b, to) in zip(stops, stops[1:]):
            mark = next((e.mark for e in self.graph.edges if e.source == net and e.target == to), "")
            self.layout.lines.append(Line(net, ((a, y), (b, y)), to in rail.nodes, rail.memory, mark))
        if rail.start:
            self.layout.left[rail.start] = y
        if rail.end:
            self.layout.right[rail.end] = y
        self.layout.dots += [(t.net, self.x[t.key], y) for t in taps if rail.end or self.x[t.key] < last - 0.5]

    def _draw_wire(self, r, wire):
        lower, upper = self.y[r], self.y[r + 1] if r + 1 in self.y else self.y[r]
        track = self.track.get((r, wire.level), 0.0)
        if wire.feed is None:
            start = [(0.0, track)]
            self.layout.left[wire.net] = track
        else:
            x, above = wire.feed
            start = [(x, upper if above else lower)] + ([] if wire.straight else [(x, track)])
        for x, above, mark, sink, side in wire.ends:
            bend = [] if wire.straight else [(x, track)]
            self._line(wire.net, [*start, *bend, (x, upper if above else lower)], sink, side, mark)
        if wire.right:
            self.layout.lines.append(Line(wire.net, (*start, (self.layout.width, track))))
            self.layout.right |= dict.fromkeys(wire.right, track)
        if not wire.straight:
            self.layout.dots += [(wire.net, x, track) for x in junctions(wire, 0.0, self.layout.width)]

    def _line(self, net, points, sink, side, mark):
        """A line to an item; to a node as far as its edge."""
        shape = self.layout.shapes.get(sink)
        (x, y) = points[-1]
        if shape is not None and side:
            points.append((shape.x + side * shape.w / 2, y))
        elif shape is not None:
            points[-1] = (x, edge_of(shape, x, points[-2][1]))
        clean = tuple(p for k, p in enumerate(points) if k == 0 or p != points[k - 1])
        self.layout.lines.append(Line(net, clean, shape is not None, mark=mark))


def edge_of(shape: Shape, x: float, from_y: float) -> float:
    """The y at which a vertical line meets a node."""
    half = shape.h / 2
    if shape.node.kind in CIRCLES:
        half = max(half * half - (x - shape.x) ** 2, 0.0) ** 0.5
    return shape.y + (half if from_y > shape.y else -half)
