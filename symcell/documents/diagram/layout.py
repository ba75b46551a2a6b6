"""The graph of a step -> where everything stands."""

from symcell.documents.diagram.draw import drawn
from symcell.documents.diagram.graph import Graph
from symcell.documents.diagram.items import Items
from symcell.documents.diagram.order import ordered
from symcell.documents.diagram.place import placed
from symcell.documents.diagram.ports import chosen_ports
from symcell.documents.diagram.rows import rows_of
from symcell.documents.diagram.shapes import SMALL, Layout, size_of
from symcell.documents.diagram.text import width
from symcell.documents.diagram.wires import Wiring

_TRIES = 4  # to part lines that cover one another
_MARGIN = 16.0  # from the border to what is nearest


def laid_out(graph: Graph) -> Layout:
    """The layout of one step."""
    items = Items(graph, rows_of(graph))  # Graph -> rows, and the places where lines pass them
    rows = ordered(items)  # with few crossings
    reach = {k: _reach(graph, item) for k, item in items.items.items()}
    exits = _straight_exits(items, rows)
    ports, x = _ported(items, rows, reach, exits)
    wiring = _wired(items, rows, reach, exits, ports, x)
    apart: list = []
    for _ in range(_TRIES):
        covering = wiring.covering()
        apart += covering
        x = placed(items, rows, reach, ports, apart) if covering else None
        if x is None:
            break
        wiring = _wired(items, rows, reach, exits, ports, x)
    return drawn(wiring, rows)


def _ported(items, rows, reach, exits):
    """The ports, and the places for which lines are straight where they meet nodes."""
    widths = {k: size_of(items.graph.nodes[k])[0] for k in items.rows.row_of}
    first = placed(items, rows, reach)
    ports = chosen_ports(items, rows, first, reach, widths, exits, bold=True)
    x = placed(items, rows, reach, ports)
    if x is None:
        ports = chosen_ports(items, rows, first, reach, widths, exits, bold=False)
        x = placed(items, rows, reach, ports)
    return ports, x


def _wired(items, rows, reach, exits, ports, x):
    x = {k: v + _MARGIN for k, v in x.items()}
    return Wiring(items, rows, x, max(v + reach[k][1] for k, v in x.items()) + _MARGIN, ports, exits)


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
