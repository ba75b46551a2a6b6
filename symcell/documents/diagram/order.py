"""The order of the items in each row: as the equations compute them, or by igraph's layout of layers, and then with fewer
crossings.

The equations' order reads best; the layout by layers sometimes crosses less. The better of both is taken."""

from itertools import combinations

from symcell.documents.diagram.items import Items

_SWEEPS = 12


def ordered(items: Items) -> dict[int, list[str]]:
    """row -> its items from left to right."""
    rows = items.in_rows()
    number = _sequence(items)
    starts = [number, _with_fixed_places(items, _by_layers(items, rows, number))]
    found = [_Sifting(items, {r: sorted(keys, key=start.__getitem__) for r, keys in rows.items()}) for start in starts]
    return min(found, key=lambda f: f.all_crossings()).rows


def _by_layers(items, rows, number):
    """item -> x in Sugiyama's layout of the rows as layers, the right way round."""
    from igraph import Graph as LayeredGraph

    keys = sorted(items.items, key=number.__getitem__)
    index = {k: n for n, k in enumerate(keys)}
    layered = LayeredGraph(n=len(keys), edges=[(index[link.lower], index[link.upper]) for link in items.links])
    layout = layered.layout_sugiyama(layers=[items.items[k].row for k in keys])
    x = {k: layout[n][0] for k, n in index.items()}
    pairs = [(a, b) for row in rows.values() for a, b in combinations(row, 2)]
    turned = sum((x[a] - x[b]) * (number[a] - number[b]) < 0 for a, b in pairs)
    return {k: -v for k, v in x.items()} if 2 * turned > len(pairs) else x


def _sequence(items):
    """item -> a number: nodes in the order in which they are computed for one state after the other, gates before candidates;
    lines near what they lead to."""
    graph, visited = items.graph, {}
    on_path = {k for path in graph.memory.values() for k in path}

    def visit(key):
        if key not in visited:
            visited[key] = None
            for source in sorted(graph.sources(key), key=lambda s: s not in on_path):
                visit(source)
            visited[key] = len(visited) + sum(v is not None for v in visited.values())

    for key, node in graph.nodes.items():
        if node.kind == "state":
            visit(key)
    for key in graph.nodes:
        visit(key)
    number = {k: float(v) for k, v in visited.items()}
    for item in items.items.values():
        if item.kind != "node":
            number[item.key] = _towards(items, item.key, number)
    return _with_fixed_places(items, number)


def _with_fixed_places(items, number):
    """The same numbers, but for items that stand at the left, and with those of rails in their order."""
    first = min(number.values()) - 1.0
    number = number | {k: first for k, item in items.items.items() if item.kind == "entry" or _is_first(items, k)}
    return _with_rails_in_order(items, number)


def _is_first(items, key):
    """Whether an item stands at the left: joints, and the lines of states that lead to them or branch, stand before what reads
    them."""
    graph, item = items.graph, items.items[key]
    if item.kind != "pass":
        return item.kind == "node" and item.group is not None and graph.nodes[key].kind == "joint"
    below = [k for k in graph.targets(item.net) if items.rows.row_of.get(k, item.row) <= item.row]
    joins = any(graph.nodes[k].kind == "joint" for k in below)
    return graph.nodes[item.net].kind == "previous" and (joins or len(below) > 1)


def _towards(items, key, number):
    """The number of a place of a line: just before what it leads to."""
    links = [link for link in (*items.links, *items.level) if key in (link.lower, link.upper)]
    ends = [link.upper if link.lower == key else link.lower for link in links]
    known = [number[e] for e in ends if e in number and items.items[e].kind == "node" and e != items.items[key].net]
    return min(known, default=number.get(items.items[key].net, 0)) - 0.5


def _with_rails_in_order(items, number):
    """The same numbers, where those of a rail's items never decrease."""
    for row in items.rows.rails:
        least = min(number.values()) - 1.0
        on_rail = [i for i in items.items.values() if i.row == row and i.group is not None]
        for group in sorted({i.group for i in on_rail}):
            members = [i.key for i in on_rail if i.group == group]
            for key in members:
                number[key] = max(number[key], least + 1e-3)
            least = max(number[k] for k in members)
    return number


class _Sifting:
    """Moves one item after the other to the place in its row where its lines cross the least others."""

    def __init__(self, items, rows):
        self.items, self.rows = items, rows
        self.near = {k: [] for k in items.items}  # item -> (net, item in a neighbouring row, row)
        for link in items.links:
            self.near[link.lower].append((link.net, link.upper))
            self.near[link.upper].append((link.net, link.lower))
        for _ in range(_SWEEPS):
            self.at = {k: p for keys in self.rows.values() for p, k in enumerate(keys)}
            if not any([self._sift(key) for key in items.items if items.items[key].kind != "entry"]):
                break

    def all_crossings(self):
        """The number of crossings of all lines."""
        return sum(self._crossings(a, b) for row in self.rows.values() for a, b in combinations(row, 2)) // 2

    def _sift(self, key):
        """Whether the item has moved."""
        row = self.rows[self.items.items[key].row]
        here = row.index(key)
        best, place = 0, here
        for step in (1, -1):
            gain, p = 0, here
            while 0 <= p + step < len(row) and self._may_swap(key, row[p + step]):
                left, right = (key, row[p + step]) if step > 0 else (row[p + step], key)
                gain += self._crossings(right, left) - self._crossings(left, right)
                p += step
                if gain < best:
                    best, place = gain, p
        row.insert(place, row.pop(here))
        self.at.update({k: p for p, k in enumerate(row)})
        return place != here

    def _may_swap(self, a, b):
        if _is_first(self.items, a) or _is_first(self.items, b):
            return False
        a, b = self.items.items[a], self.items.items[b]
        return b.kind != "entry" and (a.group is None or b.group is None or a.group == b.group)

    def _crossings(self, left, right):
        """The crossings of the lines of two items that stand in this order."""
        items, count = self.items.items, 0
        for net, a in self.near[left]:
            for other, b in self.near[right]:
                if net != other and items[a].row == items[b].row and self.at[a] > self.at[b]:
                    count += 1
        return count
