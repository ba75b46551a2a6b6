"""Where lines meet nodes: at the middle of a side, beside one another, or for a circle from the left and the right."""

from dataclasses import dataclass, field

from symcell.documents.diagram.items import Items

_GAP, _CLEAR = 10.0, 9.0  # between two lines at one side; from a node to the corner of a line that enters from the left or right


@dataclass
class Ports:
    """All by (node, whether at its upper side, net). `offsets`: from the node's middle. `sides`: -1 where the line comes from the
    left, 1 from the right, after a corner that is at least `clear(node)` away, and in `near` no farther."""

    widths: dict[str, float]
    offsets: dict[tuple[str, bool, str], float] = field(default_factory=dict)
    sides: dict[tuple[str, bool, str], int] = field(default_factory=dict)
    near: set[tuple[str, bool, str]] = field(default_factory=set)

    def clear(self, key: str) -> float:
        return self.widths[key] / 2 + _CLEAR


def chosen_ports(items: Items, rows, x, widths, exits) -> Ports:
    """The ports, for items that stand at x. `exits`: nodes from which a line leaves straight to the right."""
    ports = Ports(widths)
    wanted = _wanted(items, x)
    for (key, top), nets in wanted.items():
        if items.items[key].group is None:
            free = {-1, 1} - {s for (k, _, _), s in ports.sides.items() if k == key} - ({1} if key in exits else set())
            _from_the_sides(ports, items, rows, x, (key, top), nets, free)
        rest = [net for net in sorted(nets, key=lambda n: sum(nets[n]) / len(nets[n])) if (key, top, net) not in ports.sides]
        gap = min(_GAP, (widths[key] - 8) / max(len(rest) - 1, 1))
        for k, net in enumerate(rest):
            ports.offsets[key, top, net] = (k - (len(rest) - 1) / 2) * gap
    return ports


def _wanted(items, x):
    """(node, whether above it) -> net -> the x of what it is connected with there."""
    wanted: dict = {}
    for link in items.links:
        for key, top, other in ((link.lower, True, link.upper), (link.upper, False, link.lower)):
            if items.items[key].kind == "node":
                wanted.setdefault((key, top), {}).setdefault(link.net, []).append(x[other])
    for link in items.level:
        wanted.setdefault((link.upper, False), {}).setdefault(link.net, []).append(x[link.lower])
    return wanted


def _from_the_sides(ports, items, rows, x, place, nets, free):
    """Let the line that is nearest enter in the middle, and one from each side at the sides, if no node stands there."""
    key, top = place
    enter = [net for net in nets if net != key and len(nets[net]) == 1]
    enter = [net for net in enter if not _is_entry(items, net) or _enters_level(items, rows, key, net)]
    level = [net for net in enter if _enters_level(items, rows, key, net)]
    if -1 in free and level:
        ports.sides[key, top, level[0]], free = -1, free - {-1}
        enter.remove(level[0])
    if len(nets) - len(level[:1]) < 2:
        return
    middle = key if key in nets else min(nets, key=lambda n: abs(nets[n][0] - x[key]))
    for net in sorted(enter, key=lambda n: -abs(nets[n][0] - x[key])):
        side = 1 if nets[net][0] > x[key] + 0.5 else -1
        if net == middle or side not in free:
            continue
        away = abs(nets[net][0] - x[key]) >= ports.clear(key)
        if (away or _is_free(items, key, net)) and _open(items, rows, x, key, nets[net][0]):
            ports.sides[key, top, net], free = side, free - {side}
        elif away:
            ports.sides[key, top, net], free = side, free - {side}
            ports.near.add((key, top, net))


def _enters_level(items, rows, key, net):
    """Whether a value from the left border has a straight way to the node that alone reads it."""
    row = rows[items.items[key].row]
    alone = sum(link.net == net for link in items.links) == 1 and net not in items.exits
    return _is_entry(items, net) and alone and all(items.items[k].kind != "node" for k in row[: row.index(key)])


def _is_entry(items, net):
    return net in items.items and items.items[net].kind == "entry"


def _is_free(items, key, net):
    """Whether a line comes from a place that may move: where it passes a row or leaves a rail, and leads to this node alone."""
    for link in items.links:
        if link.net == net and key in (link.lower, link.upper):
            other = link.lower if link.upper == key else link.upper
            return items.items[other].kind in ("pass", "tap")
    return False


def _open(items, rows, x, key, corner):
    """Whether no node stands in the row between a node and a corner."""
    low, high = sorted((x[key], corner))
    row = rows[items.items[key].row]
    return not any(k != key and items.items[k].kind == "node" and low - 24 < x[k] < high + 24 for k in row)
