"""The nets of a diagram as wires in the channels between its rows, for items that stand at given places."""

from symcell.documents.diagram.channels import Pin, Wire, assign_tracks, covering
from symcell.documents.diagram.items import Items
from symcell.documents.diagram.ports import Ports


class Wiring:
    """`channels`: row -> the wires above it, on `levels` of tracks. `level_entries`: previous value -> the
    node to whose left side it goes straight. `exits`: the nodes from which a line leaves straight to the right."""

    def __init__(self, items: Items, rows, x: dict[str, float], width: float, ports: Ports, exits: set[str]):
        self.items, self.x, self.width, self.ports, self.exits = items, x, width, ports, exits
        self.level_entries: dict[str, str] = {}
        self.channels = {r: self._wires(r) for r in rows}
        self.levels = {r: assign_tracks(wires, 0.0, width) for r, wires in self.channels.items()}

    def covering(self) -> list[tuple[str, float, str, float]]:
        """The pairs of places whose lines cover one another: (item, offset, item, offset), the first one to the right."""
        pairs = [sorted(pair, key=lambda pin: -pin.x) for wires in self.channels.values() for pair in covering(wires)]
        return [(p.anchor, p.x - self.x[p.anchor], q.anchor, q.x - self.x[q.anchor]) for p, q in pairs if p.anchor != q.anchor]

    def _wires(self, r):
        found: dict[str, Wire] = {}
        for link in self.items.links:
            if self.items.items[link.lower].row == r:
                up = self._feeds(link.lower, link.net)
                feed, sink = (link.lower, link.upper) if up else (link.upper, link.lower)
                wire = self._wire(found, feed, up, link.net)
                if wire.feed is None and (sink, not up, link.net) in self.ports.sides:
                    self.level_entries[link.net] = sink
                    found.pop(feed)
                else:
                    wire.ends.append(self._end(wire, sink, up, link))
        for link in self.items.level:
            if self.items.items[link.lower].row == r + 1:
                self._wire(found, link.lower, False, link.net).ends.append(self._pin(link.upper, True, link.net, link.mark))
        for key, states in self.items.exits.items():
            item = self.items.items[key]
            below = item.kind == "tap"
            if key not in self.exits and item.row - below == r:
                self._wire(found, key, not below, item.net or key).right += states
        return list(found.values())

    def _pin(self, key, above, net, mark=""):
        """The pin of an item in the row above a channel, or in the one below."""
        return Pin(self.x[key] + self.ports.offsets.get((key, not above, net), 0.0), above, key, key, mark)

    def _end(self, wire, sink, above, link):
        """The pin at which a line ends. One that enters a node at its side turns where it comes from, if it can."""
        place = sink, not above, link.net
        side = self.ports.sides.get(place, 0)
        if not side:
            return self._pin(sink, above, link.net, link.mark)
        nearest = self.x[sink] + side * self.ports.clear(sink)
        if place in self.ports.near or wire.feed is None or (wire.feed.x - nearest) * side < 0:
            return Pin(nearest, above, sink, sink, link.mark, side)
        return Pin(wire.feed.x, above, wire.feed.anchor, sink, link.mark, side)

    def _feeds(self, lower, net):
        """Whether the lower end of a link is where the value comes from."""
        return self.items.items[lower].row >= self._source_row(net)

    def _source_row(self, net):
        if net in self.items.items:
            return self.items.items[net].row
        return next(i.row for i in self.items.items.values() if i.net == net and i.kind == "tap")

    def _wire(self, found, feed, up, net):
        item = self.items.items[feed]
        if item.kind == "entry":
            return found.setdefault(feed, Wire(net, None))
        return found.setdefault(feed, Wire(net, self._pin(feed, not up, net)))
