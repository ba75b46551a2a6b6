"""Where the items stand from left to right: as close as they fit, with lines as straight as can be."""

from itertools import pairwise

import numpy as np

from symcell.documents.diagram.items import Items
from symcell.documents.diagram.ports import Ports


def placed(
    items: Items, rows: dict[int, list[str]], reach: dict[str, tuple[float, float]], ports: Ports | None = None
) -> dict[str, float] | None:
    """item -> x, by a linear program; None if it has no solution. `reach`: item -> how far it reaches to the left and to the right of x; with `ports`, lines
    are straight where they meet nodes there."""
    from scipy.optimize import linprog
    from scipy.sparse import coo_array

    keys = [k for row in rows.values() for k in row]
    index = {k: n for n, k in enumerate(keys)}
    lines = [(link.lower, link.upper, _shift(ports, link), _weight(items, ports, link)) for link in items.links]
    lines += [(link.lower, link.upper, 0.0, 0.5) for link in items.level]
    lines += [(a, b, 0.0, 0.2) for r in items.rows.rails for a, b in pairwise(rows[r])]
    cost = np.concatenate([np.full(len(keys), 1e-3), [weight for *_, weight in lines]])
    entries, limits = [], []
    for row in rows.values():  # x_b - x_a >= the room of both
        for a, b in pairwise(row):
            entries += [(len(limits), index[a], 1), (len(limits), index[b], -1)]
            limits.append(-(reach[a][1] + reach[b][0]))
    for node, corner, side, away in _corners(items, ports, reach):  # side (x_corner - x_node) >= away
        entries += [(len(limits), index[node], side), (len(limits), index[corner], -side)]
        limits.append(-away)
    for n, (a, b, shift, _) in enumerate(lines):  # |x_a - x_b + shift| <= the length of the line
        for sign in (1, -1):
            entries += [(len(limits), index[a], sign), (len(limits), index[b], -sign), (len(limits), len(keys) + n, -1)]
            limits.append(-sign * shift)
    i, j, value = zip(*entries, strict=True) if entries else ((), (), ())
    matrix = coo_array((value, (i, j)), shape=(len(limits), len(cost)))
    low = [reach[k][0] for k in keys] + [0.0] * len(lines)
    found = linprog(cost, A_ub=matrix.tocsr(), b_ub=limits, bounds=np.c_[low, np.full(len(cost), np.inf)], method="highs")
    return None if found.x is None else dict(zip(keys, np.round(found.x[: len(keys)], 2).tolist(), strict=True))


def _shift(ports, link):
    """How far the lower end is right of its item, less the same of the upper end."""
    if ports is None:
        return 0.0
    return ports.offsets.get((link.lower, True, link.net), 0.0) - ports.offsets.get((link.upper, False, link.net), 0.0)


def _corners(items, ports, reach):
    """(node, item under or above the corner, side, distance) for lines that enter a node at its side, and for the nodes that their
    corners must not reach."""
    for link in items.links if ports else ():
        for node, top, other in ((link.lower, True, link.upper), (link.upper, False, link.lower)):
            place = node, top, link.net
            side = ports.sides.get(place)
            if side and items.items[other].kind != "entry" and place not in ports.near:
                at = ports.offsets.get((other, not top, link.net), 0.0)
                yield node, other, side, ports.clear(node) - side * at
                if beside := ports.beside.get(place):
                    yield beside, other, -side, reach[beside][side < 0] - 5 + side * at


def _weight(items, ports, link):
    """How much it matters that a line is straight: those that pass rows and leave rails most, those with a corner least."""
    if ports and ports.sides.keys() & {(link.lower, True, link.net), (link.upper, False, link.net)}:
        return 0.2
    kinds = [items.items[k].kind for k in (link.lower, link.upper)]
    if "pass" in kinds and kinds[0] == kinds[1]:
        return 6.0
    shared = any(_degree(items, link.net, k) > 2 for k, kind in zip((link.lower, link.upper), kinds, strict=True) if kind == "pass")
    if {"pass", "tap"} & {*kinds}:
        return 0.3 if shared else 3.0
    return 2.0 if _degree(items, link.net, link.lower) == 1 == _degree(items, link.net, link.upper) else 0.5


def _degree(items, net, key):
    return sum(other.net == net and key in (other.lower, other.upper) for other in items.links)
