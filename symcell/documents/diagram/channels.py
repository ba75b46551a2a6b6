"""The lines between two rows: every net has a horizontal track, and vertical lines from it to what it connects."""

from dataclasses import dataclass, field
from itertools import combinations, permutations, product

_NEAR = 5.0  # vertical lines that are closer than this would look like one
_MOST_PERMUTED = 6


@dataclass(frozen=True)
class Pin:
    """Where a line meets the row above a channel, or the one below. `anchor`: the item with which it moves. A line that ends
    there leads to `sink`, with its mark; if `side` is not 0, x is the corner from which it enters from the left or right."""

    x: float
    above: bool
    anchor: str
    sink: str = ""
    mark: str = ""
    side: int = 0


@dataclass
class Wire:
    """A net between two rows, from one pin to others; without a `feed` it comes from the left border. `right`: the states whose
    line leaves at the right border."""

    net: str
    feed: Pin | None
    ends: list[Pin] = field(default_factory=list)
    right: list[str] = field(default_factory=list)
    level: int = -1  # of its track, the lowest is 0; -1 if it is straight

    @property
    def pins(self) -> list[Pin]:
        return [*([self.feed] if self.feed else []), *self.ends]

    def span(self, left: float, right: float) -> tuple[float, float]:
        """How far its track reaches, from border to border at most."""
        xs = [pin.x for pin in self.pins]
        return (left if self.feed is None else min(xs)), (right if self.right else max(xs))

    @property
    def straight(self) -> bool:
        xs = [pin.x for pin in self.pins]
        return bool(self.feed) and not self.right and max(xs) - min(xs) < 0.5 and len({pin.above for pin in self.pins}) == 2

    def reach(self, pin: Pin, levels: int) -> tuple[int, int]:
        """The levels between which the line of a pin runs."""
        if self.level < 0:
            return -1, levels
        return (self.level, levels) if pin.above else (-1, self.level)


def assign_tracks(wires: list[Wire], left: float, right: float) -> int:
    """Give each wire of a channel its track, so that few lines cross and none cover one another. Returns the number of levels."""
    bent = [w for w in wires if not w.straight]
    spans = {id(w): w.span(left, right) for w in bent}
    for wire in (order := _order(bent, spans)):
        below = [w for w in order[: order.index(wire)] if _overlap(spans[id(w)], spans[id(wire)])]
        wire.level = max((w.level + 1 for w in below), default=0)
    return max((w.level + 1 for w in bent), default=0)


def _order(wires, spans):
    """The wires from the lowest track to the highest."""
    if len(wires) <= _MOST_PERMUTED:
        costs = {(id(a), id(b)): _cost(a, b, spans) for a in wires for b in wires if a is not b}
        return list(min(permutations(wires), key=lambda p: sum(
            costs[id(a), id(b)] for k, a in enumerate(p) for b in p[k + 1 :]), default=()))
    order: list[Wire] = []
    for wire in wires:
        costs = [
            sum(_cost(w, wire, spans) for w in order[:k]) + sum(_cost(wire, w, spans) for w in order[k:])
            for k in range(len(order) + 1)
        ]
        order.insert(costs.index(min(costs)), wire)
    return order


def _cost(lower, upper, spans):
    """The crossings of two wires if one has a lower track than the other."""
    a, b = spans[id(lower)], spans[id(upper)]
    crossings = sum(pin.above and b[0] < pin.x < b[1] for pin in lower.pins)
    crossings += sum(not pin.above and a[0] < pin.x < a[1] for pin in upper.pins)
    covered = [1 for p in lower.pins if p.above for q in upper.pins if not q.above and abs(p.x - q.x) < _NEAR]
    return crossings + 100 * len(covered)


def covering(wires: list[Wire]) -> list[tuple[Pin, Pin]]:
    """The pins of different nets whose lines look like one."""
    levels = max((w.level + 1 for w in wires), default=0)
    found = []
    for a, b in combinations(wires, 2):
        for p, q in product(a.pins, b.pins):
            (low, high), (least, most) = a.reach(p, levels), b.reach(q, levels)
            if a.net != b.net and abs(p.x - q.x) < _NEAR and low < most and least < high:
                found.append((p, q))
    return found


def _overlap(a, b, margin=10):
    return a[0] < b[1] + margin and b[0] < a[1] + margin


def junctions(wire: Wire, left: float, right: float) -> list[float]:
    """Where on its track a wire branches."""
    low, high = wire.span(left, right)
    places: dict[float, int] = {}
    for x, _ in dict.fromkeys((pin.x, pin.above) for pin in wire.pins):
        places[x] = places.get(x, 0) + 1
    return [x for x, pins in places.items() if pins + (x > low + 0.5) + (x < high - 0.5) > 2]

