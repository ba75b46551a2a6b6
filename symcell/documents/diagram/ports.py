"""Where lines meet nodes: at the middle of a side, beside one another, or for a circle from the left and the right."""

from dataclasses import dataclass, field

from symcell.documents.diagram.items import Items

Place = tuple[str, bool, str]  # a node, whether at its upper side, and a net
_GAP, _CLEAR = 10.0, 9.0  # between two lines at one side; from a node to the corner of a line that enters from the left or right


@dataclass
class Ports:
    """All by (node, whether at its upper side, net). `offsets`: from the node's middle. `sides`: -1 where the line comes from the
    left, 1 from the right, after a corner that is at least `clear(node)` away, and in `near` no farther. `beside`: the node that
    the corner must not reach, if there is one."""

    widths: dict[str, float]
    offsets: dict[Place, float] = field(default_factory=dict)
    sides: dict[Place, int] = field(default_factory=dict)
    near: set[Place] = field(default_factory=set)
    beside: dict[Place, str] = field(default_factory=dict)

    def clear(self, key: str) -> float:
        return self.widths[key] / 2 + _CLEAR


def chosen_ports(items: Items, rows, x, reach, widths, exits, bold: bool) -> Ports:
    """The ports, for items that stand at x. `reach`: item -> how far it reaches to its left and right; `exits`: nodes from which a
    line leaves straight to the right. If `bold`, corners are chosen for which items must move, perhaps farther than they can."""
    chooser = _Chooser(items, rows, x, reach, exits, Ports(widths), bold)
    for (key, top), nets in _wanted(items, x).items():
        chooser.choose(key, top, nets)
    return chooser.ports


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


class _Chooser:
    def __init__(self, items, rows, x, reach, exits, ports, bold):
        self.items, self.rows, self.x, self.reach, self.ports, self.bold = items, rows, x, reach, ports, bold
        self.level = [(items.items[k].row, x[k], float("inf")) for k in exits]  # what lines take of the rows themselves
        self.exits = exits

    def choose(self, key, top, nets):
        """The ports of the lines at one side of a node."""
        if self.items.items[key].group is None:
            self._from_the_sides(key, top, nets)
        rest = [net for net in sorted(nets, key=lambda n: sum(nets[n]) / len(nets[n])) if (key, top, net) not in self.ports.sides]
        gap = min(_GAP, (self.ports.widths[key] - 8) / max(len(rest) - 1, 1))
        for k, net in enumerate(rest):
            self.ports.offsets[key, top, net] = (k - (len(rest) - 1) / 2) * gap

    def _from_the_sides(self, key, top, nets):
        """Let the line that is nearest enter in the middle, and one from each side at the sides."""
        enter = [net for net in nets if net != key and len(nets[net]) == 1]
        for net in [net for net in enter if self._enters_level(key, net)][:1]:
            self._take((key, top, net), -1, float("-inf"))
            nets = {n: xs for n, xs in nets.items() if n != net}
        if len(nets) < 2:
            return
        middle = key if key in nets else min(nets, key=lambda n: abs(nets[n][0] - self.x[key]))
        for net in sorted(enter, key=lambda n: -abs(nets.get(n, [0])[0] - self.x[key])):
            if net in nets and net != middle and not self._is_entry(net):
                self._side((key, top, net), nets[net][0])

    def _side(self, place, x):
        """Enter at the side from which a line comes, with the corner at x where it has room, or else beside the node."""
        key, _, net = place
        side = 1 if x > self.x[key] + 0.5 else -1
        away = abs(x - self.x[key]) >= self.ports.clear(key)
        moves = self.bold and self._may_move(key, net)
        near = self.x[key] + side * self.ports.clear(key)
        if (away or moves) and self._take(place, side, x if away else near, moves):
            return
        if self._take(place, side, near):
            self.ports.near.add(place)
            self.ports.offsets[place] = near - self.x[key]

    def _take(self, place, side, corner, moves=False):
        """Whether a line may enter from that corner; if so, it does."""
        key, row = place[0], self.items.items[place[0]].row
        neighbour = self._neighbour(key, side)
        low, high = sorted((self.x[key], corner))
        free = all(r != row or b <= low or a >= high for r, a, b in self.level)
        if any(k == key and s == side for (k, _, _), s in self.ports.sides.items()) or not free:
            return False
        if neighbour and not moves and (corner - self.x[neighbour]) * -side < self.reach[neighbour][side < 0] - 5:
            return False
        self.ports.sides[place] = side
        self.level.append((row, low, high))
        if neighbour:
            self.ports.beside[place] = neighbour
        return True

    def _neighbour(self, key, side):
        """The next node to the left or right in the row."""
        row = self.rows[self.items.items[key].row]
        at = row.index(key)
        beyond = row[at + 1 :] if side > 0 else row[:at][::-1]
        return next((k for k in beyond if self.items.items[k].kind == "node"), None)

    def _enters_level(self, key, net):
        """Whether a value from the left border has a straight way to the node that alone reads it."""
        alone = sum(link.net == net for link in self.items.links) == 1 and net not in self.items.exits
        return self._is_entry(net) and alone and self._neighbour(key, -1) is None

    def _is_entry(self, net):
        return net in self.items.items and self.items.items[net].kind == "entry"

    def _may_move(self, key, net):
        """Whether a line comes from a place where it passes a row or leaves a rail, and that leads to this node alone."""
        for link in self.items.links:
            if link.net == net and key in (link.lower, link.upper):
                other = link.lower if link.upper == key else link.upper
                ends = sum(other in (k.lower, k.upper) for k in self.items.links)
                return self.items.items[other].kind in ("pass", "tap") and ends <= 2
        return False
