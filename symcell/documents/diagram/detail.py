"""A derivation -> the graph of its diagram: as detailed as it stays legible."""

from collections import Counter
from graphlib import TopologicalSorter

from symcell.derivation.carousel import carousels
from symcell.documents.diagram.build import Builder
from symcell.documents.diagram.graph import ENDS, Edge, Graph, Node
from symcell.documents.diagram.labels import Labels
from symcell.documents.diagram.rows import rows_of
from symcell.language.symbols import State

_MOST = 26  # boxes and circles that are legible in one picture
_HIGHEST = 11  # rows
_BOX = 100  # the cost of a box on a path, more than any number of circles
_KEPT = ("constant", "gate", "elementwise")  # kinds of carousels whose path is stressed


def graph_of(derivation, labels: Labels) -> Graph:
    """The graph of one step. The equations with most operations become one box each while the whole has too many of them; those
    of states that are kept do so last. Where that is not enough, what one box alone reads becomes a part of it."""
    kinds = {c.state: c.kind for c in carousels(derivation)}
    kept = [s for s, kind in kinds.items() if kind in _KEPT]
    whole: set = set()
    within: set = set()
    while True:
        built = _built(derivation, labels, whole, within)
        graph = _with_memory(*_with_joints(built.nodes, built.edges), kinds)
        sizes = _sizes(graph, built.owner)
        large = [t for t, size in sizes.items() if size > 1 and t not in whole]
        parts = [t for t in sizes if _only_reader(derivation, t) in whole and t not in within]
        if large:
            rank = {t: (t not in kept, sizes[t]) for t in large}
            whole |= {t for t in large if rank[t] == max(rank.values())}  # equal equations look equal
        elif parts:
            within |= {*parts}
        else:
            return graph


def _only_reader(derivation, target):
    """The quantity whose equation alone reads another, which is no state."""
    readers = [e.target for e in derivation.declaration.equations if target in e.rhs.free_symbols]
    return readers[0] if len(readers) == 1 and not isinstance(target, State) else None


def _sizes(graph, owner):
    """For a graph that is too large, the sizes of equations: how many nodes they have, or in how many rows. Else none."""
    shown = [k for k, n in graph.nodes.items() if n.kind not in (*ENDS, "value", "joint")]
    if len(shown) > _MOST:
        return Counter(owner[k] for k in shown)
    rows = rows_of(graph)
    if len({*rows.row_of.values()}) <= _HIGHEST:
        return Counter()
    return Counter(t for t, _ in {(owner[k], rows.row_of[k]) for k in shown if rows.row_of[k] not in rows.rails})


def _built(derivation, labels, whole, within):
    builder = Builder(derivation, labels, whole, within)
    for equation in derivation.declaration.equations:
        if equation.target not in derivation.once:
            builder.add(equation)
    return builder


def _with_joints(nodes, edges):
    """Values that several boxes read together are joined once: x_t and h_{t-1} before the gates of an LSTM."""
    nodes, edges = dict(nodes), list(edges)
    while chosen := _most_read_together(nodes, edges):
        values, boxes = chosen
        key = f"joint{sum(n.kind == 'joint' for n in nodes.values()) + 1}"
        nodes[key] = Node(key, "joint", inputs=len(values))
        edges = [e for e in edges if not (e.target in boxes and e.source in values)]
        edges += [Edge(v, key) for v in values] + [Edge(key, b) for b in boxes]
    return nodes, edges


def _most_read_together(nodes, edges):
    """The (values, boxes) whose joint spares most lines."""
    read = {}
    for e in edges:
        if e.matrix and nodes[e.target].kind == "box":
            read.setdefault(e.target, []).append(e.source)
    sets = list(dict.fromkeys(frozenset(s) & frozenset(r) for s in read.values() for r in read.values()))
    best = None
    for values in sets:
        boxes = [b for b, s in read.items() if values <= set(s)]
        spared = (len(boxes) - 1) * (len(values) - 1)
        if spared > (best[0] if best else 0):
            best = spared, ([k for k in nodes if k in values], boxes)
    return best and best[1]


def _with_memory(nodes, edges, kinds):
    """The graph with its nodes in the order of computation, and the paths of the states that are kept: unit by unit, or by a sum
    even where other parts of the equation read them by matrices."""
    before = {k: [e.source for e in edges if e.target == k] for k in nodes}
    order = list(TopologicalSorter(before).static_order())
    ends = {(n.kind, getattr(n.symbol, "state", n.symbol)): k for k, n in nodes.items() if n.kind in ("previous", "state")}
    memory, used = {}, set()
    for state, kind in kinds.items():
        path, cost = _path(nodes, before, order, ends.get(("previous", state)), ends.get(("state", state)))
        if path and (kind in _KEPT or cost < _BOX) and not used & {*path}:
            memory[state.name] = path
            used |= {*path}
    return Graph({k: nodes[k] for k in order}, tuple(edges), memory)


def _path(nodes, before, order, first, last):
    """The path from one node to another that passes most circles and least boxes, and its cost."""
    cost = {first: 0}
    back = {}
    for key in order:
        known = [k for k in before[key] if k in cost]
        if known:
            back[key] = min(known, key=cost.__getitem__)
            cost[key] = cost[back[key]] + _COSTS.get(nodes[key].kind, _BOX)
    path = [last]
    while path[-1] in back:
        path.append(back[path[-1]])
    return (tuple(path[::-1]), cost[last]) if path[-1] == first else ((), 0)


_COSTS = {"times": 1, "plus": 1, "unit": 3, "state": 0}
