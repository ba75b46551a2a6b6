"""What stands in the rows of a diagram: nodes, and the places where lines pass.

The value of a node is one net of lines, however many read it. Between two rows a net connects items of the one with items of the
other; where it passes a row, it has an item there."""

from dataclasses import dataclass, field

from symcell.documents.diagram.graph import Graph
from symcell.documents.diagram.rows import Rows


@dataclass
class Item:
    """A node, or a place of the net of `net`: where it passes a row ("pass"), leaves its rail ("tap"), or enters at the left
    ("entry")."""

    key: str
    row: int
    kind: str = "node"
    net: str = ""
    group: int | None = None  # its place among the items of a rail, which stay in order


@dataclass(frozen=True)
class Link:
    """A net between two rows, from an item of the lower row to one of the upper row. `reads`: the edge's end is here."""

    net: str
    lower: str
    upper: str
    mark: str = ""


@dataclass
class Items:
    """`links`: between neighbouring rows; `exits`: item -> the states whose line leaves to the right above it (or below it, if
    the item is a tap); `straight`: node -> the state whose line leaves to the right from the node itself."""

    graph: Graph
    rows: Rows
    items: dict[str, Item] = field(default_factory=dict)
    links: list[Link] = field(default_factory=list)
    exits: dict[str, list[str]] = field(default_factory=dict)
    level: list[Link] = field(default_factory=list)  # from a tap to a node of the same row, below it

    def __post_init__(self):
        for key, row in self.rows.row_of.items():
            self.items[key] = Item(key, row)
        self._rail_of = {}
        for rail in self.rows.rails.values():
            for k, node in enumerate(rail.nodes):
                self.items[node].group = 2 * k + 1
                self._rail_of[node] = rail
            if rail.start:
                self._rail_of[rail.start] = rail
        for key, node in self.graph.nodes.items():
            if node.kind != "state":
                self._net(key)

    def _net(self, key):
        """The items and links of the value of one node."""
        rail = self._rail_of.get(key)
        edges = [e for e in self.graph.edges if e.source == key and not self._along(rail, key, e.target)]
        ends = [e for e in edges if self.graph.nodes[e.target].kind == "state"]
        reads = [(self.rows.row_of[e.target], e) for e in edges if e not in ends]
        if not reads and not ends:
            return
        row = self._row(key, reads)
        for up in (True, False):
            sinks = [(r, e) for r, e in reads if r != row and (r > row) == up]
            self._trunk(key, row, rail, sorted(sinks, key=lambda s: abs(s[0] - row)), 1 if up else -1)
        for _, e in [s for s in reads if s[0] == row]:
            tap = self._leave(key, row, rail, e.target)
            self.level.append(Link(key, tap, e.target, e.mark))
        for e in ends:
            self.exits.setdefault(self._leave(key, row, rail, e.target), []).append(e.target)

    def _along(self, rail, key, target):
        """Whether an edge lies on the rail itself."""
        if rail is None:
            return False
        chain = [rail.start, *rail.nodes, rail.end]
        return chain[chain.index(key) + 1] == target

    def _row(self, key, reads):
        """The row of a node; a previous value that starts no rail enters below what reads it first."""
        if key in self.rows.row_of:
            return self.rows.row_of[key]
        rail = self._rail_of.get(key)
        if rail is not None:
            return next(r for r, found in self.rows.rails.items() if found is rail)
        row = max(min((r for r, _ in reads), default=1) - 1, 0)
        self.items[key] = Item(key, row, "entry", key)
        return row

    def _trunk(self, key, row, rail, sinks, step):
        """One line through the rows to the farthest sink, with branches to the nearer ones."""
        at, here = row, None
        for k, (r, e) in enumerate(sinks):
            while abs(r - at) > 1:
                passing = f"{key}@{at + step}"
                self.items[passing] = Item(passing, at + step, "pass", key)
                self._link(key, here or self._leave(key, row, rail, passing), passing, step)
                at, here = at + step, passing
            self._link(key, here or self._leave(key, row, rail, f"{e.target}.{k}"), e.target, step, e.mark)

    def _link(self, net, a, b, step, mark=""):
        self.links.append(Link(net, a, b, mark) if step > 0 else Link(net, b, a, mark))

    def _leave(self, key, row, rail, towards):
        """The item at which a net leaves its source: the node, or a tap of its rail."""
        if rail is None:
            return key
        tap = f"{key}>{towards}"
        group = 0 if key == rail.start else 2 * rail.nodes.index(key) + 2
        self.items[tap] = Item(tap, row, "tap", key, group)
        return tap

    def in_rows(self) -> dict[int, list[str]]:
        """row -> its items, in no order."""
        found: dict[int, list[str]] = {r: [] for r in range(max(i.row for i in self.items.values()) + 1)}
        for item in self.items.values():
            found[item.row].append(item.key)
        return found
