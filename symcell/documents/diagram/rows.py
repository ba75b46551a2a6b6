"""The rows of a diagram, the lowest first: joints, then what they feed, and the paths of memory on top.

What is computed before the memory stands below what reads it; what reads the memory hangs below it, towards the state that is
shown: the output gate of an LSTM, o * tanh(c), and tanh(c) from the bottom to the top. So no line goes back."""

from dataclasses import dataclass, field
from graphlib import TopologicalSorter

from symcell.documents.diagram.graph import ENDS, Graph


@dataclass
class Rail:
    """A line through a whole row: from a previous value, if there is one, through nodes, to a new value, if there is one."""

    nodes: tuple[str, ...]
    start: str = ""
    end: str = ""
    memory: bool = False


@dataclass
class Rows:
    """`row_of`: node -> row; `rails`: row -> Rail."""

    row_of: dict[str, int]
    rails: dict[int, Rail] = field(default_factory=dict)


def rows_of(graph: Graph) -> Rows:
    """The row of every node but previous values and states, which stand at the ends of lines."""
    memory = [Rail(path[1:-1], path[0], path[-1], memory=True) for path in graph.memory.values() if len(path) > 2]
    on_top = {k: rail for rail in memory for k in rail.nodes}
    joints = _joint_rails(graph, {rail.start for rail in memory})
    lower = _lower(graph, {*on_top, *(rail.nodes[0] for rail in joints)}, on_top)
    first = len(joints) + 1
    row_of = {k: 0 for k, n in graph.nodes.items() if n.kind == "input"}
    row_of |= {rail.nodes[0]: r for r, rail in enumerate(joints, 1)}
    for key in TopologicalSorter(lower).static_order():
        row_of[key] = max((row_of[k] + 1 for k in lower[key]), default=first)
    rails = dict(enumerate(joints, 1))
    top = max([first - 1, *row_of.values()]) + 1
    for r, rail in enumerate(reversed(memory), top):
        rails[r] = rail
        row_of |= dict.fromkeys(rail.nodes, r)
    for key, node in graph.nodes.items():
        if node.kind == "value":  # beside what reads it
            row_of[key] = max(min(row_of[k] for k in graph.targets(key)) - 1, 0)
    return Rows(row_of, rails)


def _joint_rails(graph, taken):
    """A rail for each joint; a previous value that no other rail starts with enters there."""
    rails = []
    for key, node in graph.nodes.items():
        if node.kind == "joint" and all(graph.nodes[s].kind in ENDS for s in graph.sources(key)):
            previous = [s for s in graph.sources(key) if graph.nodes[s].kind == "previous" and s not in taken]
            rails.append(Rail((key,), previous[0] if previous else ""))
            taken = taken | {*previous[:1]}
    return rails


def _lower(graph, on_rails, on_top):
    """node -> the nodes that stand below it, for those that stand between joints and memory."""
    between = [k for k, n in graph.nodes.items() if n.kind not in (*ENDS, "value") and k not in on_rails]
    after = _reached(graph, on_top, graph.targets)
    before = _reached(graph, on_top, graph.sources)
    of_source = {k for k in between if graph.nodes[k].kind == "box" and any(
        graph.nodes[s].kind in ("input", "previous", "joint") for s in graph.sources(k))}
    hanging = {k for k in between if k in after and k not in before and k not in of_source}
    lower = {k: set() for k in between}
    for e in graph.edges:
        if e.source in lower and e.target in lower:
            down = e.source in hanging
            lower[e.source if down else e.target].add(e.target if down else e.source)
    return lower


def _reached(graph, start, step):
    found, waiting = set(), [*start]
    while waiting:
        new = {k for k in step(waiting.pop())} - found
        found |= new
        waiting += new
    return found

