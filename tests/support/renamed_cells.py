"""The same cell under other names, its equations in another order."""

import random

from sympy import Eq, Symbol

from symcell import Cell, Param, State
from symcell.language.sizes import size
from symcell.language.symbols import Previous, Quantity


def renamed(cell, seed):
    """(the cell with other names for all quantities and sizes, in another order; symbol of the cell -> symbol there)."""
    chosen = random.Random(seed)
    names = [f"q{k}" for k in range(len(cell.shapes) + len(cell.sizes))]
    chosen.shuffle(names)
    found = {size(n): size(f"n_{names.pop()}") for n in cell.sizes}
    for q in sorted(cell.shapes, key=lambda q: isinstance(q, State)):  # states may begin with parameters
        found[q] = _named(q, names.pop(), cell.shapes[q].map(lambda n: n.xreplace(found)), found)
    found |= {s.prev: found[s].prev for s in cell.states}
    equations = [Eq(found[t], rhs.xreplace(found), evaluate=False) for t, rhs in _in_some_order(cell, chosen)]
    outputs = [found[s] for s in cell.outputs]
    chosen.shuffle(outputs)
    return Cell("renamed", equations, outputs), {q: r for q, r in found.items() if not isinstance(q, Previous)}


def _named(q, name, shape, found):
    if not isinstance(q, Quantity):
        return Symbol(name)
    if isinstance(q, State):
        return State(name, shape, q.initial.xreplace(found), shape.over)
    if isinstance(q, Param):
        return Param(name, shape, q.blocks and q.blocks.xreplace(found), shape.over)
    return type(q)(name, shape, shape.over)


def _in_some_order(cell, chosen):
    """The equations, each after those that it reads."""
    left = [(e.target, e.rhs) for e in cell.equations]
    while left:
        waiting = {t.name for t, _ in left}
        ready = [(t, rhs) for t, rhs in left if not waiting & {q.name for q in rhs.free_symbols if not isinstance(q, Previous)}]
        one = chosen.choice(ready)
        left.remove(one)
        yield one
