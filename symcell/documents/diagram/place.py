"""Where the items stand from left to right: as close as they fit, with lines as straight as can be."""

from itertools import pairwise

import numpy as np

from symcell.documents.diagram.items import Items
from symcell.documents.diagram.ports import Ports

_APART = 6.0  # between lines that would cover one another
_NARROW = 1e-3  # the cost of an item's distance from the left, beside that of lines which are not straight
Reach = dict[str, tuple[float, float]]


def placed(
    items: Items, rows: dict[int, list[str]], reach: Reach, ports: Ports | None = None, apart=()
) -> dict[str, float] | None:
    """item -> x, by a linear program; None if it has no solution.

    `reach`: item -> how far it reaches to the left and to the right of x. With `ports`, lines are straight where they meet nodes
    there. `apart`: (item, offset, item, offset) for lines of which the first must stand to the right of the second."""
    program = _Program([k for row in rows.values() for k in row], reach)
    for row in rows.values():
        for a, b in pairwise(row):
            program.keep(b, a, _room(ports, reach, a, 1) + _room(ports, reach, b, -1))
    for node, corner, side, away in _corners(items, ports, reach):
        program.keep(*((corner, node) if side > 0 else (node, corner)), away)
    for a, of_a, b, of_b in (*apart, *_facing(items, rows, ports)):
        program.keep(a, b, of_b - of_a + _APART)
    for link in items.links:
        program.straighten(link.lower, link.upper, _shift(ports, link), _weight(items, rows, ports, link))
    for link in items.level:
        program.straighten(link.lower, link.upper, 0.0, 0.5)
    for r in items.rows.rails:
        for a, b in pairwise(rows[r]):
            program.straighten(a, b, 0.0, 0.2)
    return program.solved()


class _Program:
    """A linear program for the x of items, which are at least their reach, and for the lengths of lines, which it makes short."""

    def __init__(self, keys, reach):
        self.index = {k: n for n, k in enumerate(keys)}
        self.costs, self.least = [_NARROW] * len(keys), [reach[k][0] for k in keys]
        self.entries, self.limits = [], []

    def keep(self, right, left, distance):
        """x_right - x_left >= distance"""
        self._row({self.index[left]: 1.0, self.index[right]: -1.0}, -distance)

    def straighten(self, a, b, shift, weight):
        """Make |x_a - x_b + shift| short."""
        line = len(self.costs)
        self.costs.append(weight)
        self.least.append(0.0)
        for sign in (1.0, -1.0):
            self._row({self.index[a]: sign, self.index[b]: -sign, line: -1.0}, -sign * shift)

    def _row(self, coefficients, limit):
        self.entries += [(len(self.limits), column, value) for column, value in coefficients.items()]
        self.limits.append(limit)

    def solved(self):
        from scipy.optimize import linprog
        from scipy.sparse import coo_array

        bounds = np.c_[self.least, np.full(len(self.costs), np.inf)]
        if not self.entries:
            return dict(zip(self.index, self.least, strict=True))
        i, j, value = zip(*self.entries, strict=True)
        matrix = coo_array((value, (i, j)), shape=(len(self.limits), len(self.costs))).tocsr()
        found = linprog(self.costs, A_ub=matrix, b_ub=self.limits, bounds=bounds, method="highs")
        return None if found.x is None else dict(zip(self.index, np.round(found.x, 2).tolist(), strict=False))


def _room(ports, reach, key, side):
    """How far an item reaches to one side, with the corner of a line that enters there."""
    corner = ports is not None and any(k == key and ports.sides[k, top, net] == side for k, top, net in ports.near)
    return max(reach[key][side > 0], ports.clear(key) + _APART / 2 if corner else 0.0)


def _shift(ports, link):
    """How far the lower end is right of its item, less the same of the upper end."""
    if ports is None:
        return 0.0
    return ports.offsets.get((link.lower, True, link.net), 0.0) - ports.offsets.get((link.upper, False, link.net), 0.0)


def _corners(items, ports, reach):
    """(node, item under or above the corner, side, distance): for lines that enter a node at its side, and for the nodes that
    their corners must not reach."""
    for place, side, other, at in _entering(items, ports):
        node = place[0]
        if place not in ports.near:
            yield node, other, side, ports.clear(node) - side * at
            if beside := ports.beside.get(place):
                yield beside, other, -side, reach[beside][side < 0] - 5 + side * at


def _facing(items, rows, ports):
    """(item, offset, item, offset) for the corners between two neighbouring nodes of a row, the right one's first."""
    corners = {}  # (node, side) -> the item with which the corner moves, and how far it is from that
    for place, side, other, at in _entering(items, ports):
        node = place[0]
        corners[node, side] = (node, side * ports.clear(node)) if place in ports.near else (other, at)
    for row in rows.values():
        for a, b in pairwise(k for k in row if items.items[k].kind == "node"):
            if (a, 1) in corners and (b, -1) in corners:
                yield (*corners[b, -1], *corners[a, 1])


def _entering(items, ports):
    """(place, side, item that the line comes from, offset there) for the lines that enter a node at its side."""
    for link in items.links if ports else ():
        for node, top, other in ((link.lower, True, link.upper), (link.upper, False, link.lower)):
            place = node, top, link.net
            if place in ports.sides and items.items[other].kind != "entry":
                yield place, ports.sides[place], other, ports.offsets.get((other, not top, link.net), 0.0)


def _weight(items, rows, ports, link):
    """How much it matters that a line is straight: those that pass rows and leave rails most, those with a corner least, and of
    these the first in a row more than others."""
    for key, top in ((link.lower, True), (link.upper, False)):
        if ports and (key, top, link.net) in ports.sides:
            row = rows[items.items[key].row]
            of_net = {k for other in items.links if other.net == link.net for k in (other.lower, other.upper)}
            return 0.4 / (1 + len(of_net & {*row[: row.index(key)]}))
    kinds = [items.items[k].kind for k in (link.lower, link.upper)]
    if "pass" in kinds and kinds[0] == kinds[1]:
        return 6.0
    degrees = [_degree(items, link.net, k) for k in (link.lower, link.upper)]
    if {"pass", "tap"} & {*kinds}:
        shared = any(degree > 2 for degree, kind in zip(degrees, kinds, strict=True) if kind == "pass")
        return 0.3 if shared else 3.0
    return 2.0 if degrees == [1, 1] else 0.5


def _degree(items, net, key):
    return sum(other.net == net and key in (other.lower, other.upper) for other in items.links)
