"""The lines between two rows: every net has a horizontal track, and vertical lines from it to what it connects."""

from dataclasses import dataclass, field
from itertools import permutations

_NEAR = 5.0  # vertical lines that are closer than this would look like one
_MOST_PERMUTED = 6


@dataclass
class Wire:
    """A net between two rows: from one place to others. `above`: whether a place is on the upper row. At the borders of the
    picture x is None and `left` or `right` says so."""

    net: str
    feed: tuple[float, bool] | None  # None: it comes from the left border
    ends: list[tuple[float, bool, str, str, int]] = field(default_factory=list)  # x, above, mark, item, side of the item
    right: list[str] = field(default_factory=list)  # states whose line leaves at the right border
    level: int = -1  # of its track, the lowest is 0; -1 if it is straight

    @property
    def pins(self):
        return [*([self.feed] if self.feed else []), *((x, above) for x, above, *_ in self.ends)]

    def span(self, left, right):
        xs = [x for x, _ in self.pins]
        return (left if self.feed is None else min(xs)), (right if self.right else max(xs))

    @property
    def straight(self):
        xs = [x for x, _ in self.pins]
        return bool(self.feed) and not self.right and max(xs) - min(xs) < 0.5 and len({above for _, above in self.pins}) == 2


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
    crossings = sum(above and b[0] < x < b[1] for x, above in lower.pins)
    crossings += sum(not above and a[0] < x < a[1] for x, above in upper.pins)
    covered = [1 for x, up in lower.pins if up for z, also in upper.pins if not also and abs(x - z) < _NEAR]
    return crossings + 100 * len(covered)


def _overlap(a, b, margin=10):
    return a[0] < b[1] + margin and b[0] < a[1] + margin


def junctions(wire: Wire, left: float, right: float) -> list[float]:
    """Where on its track a wire branches."""
    low, high = wire.span(left, right)
    places: dict[float, int] = {}
    for x, _ in dict.fromkeys(wire.pins):
        places[x] = places.get(x, 0) + 1
    return [x for x, pins in places.items() if pins + (x > low + 0.5) + (x < high - 0.5) > 2]

