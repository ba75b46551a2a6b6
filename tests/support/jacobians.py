"""One step in numbers: the values of all quantities, a printed Jacobian as a linear map, and a derivative by complex step.

Cells with heads have one head here, and its arrays have no axis for it: a printed Jacobian is that of one head.
"""

from functools import cache

import numpy as np

from symcell import interpret
from symcell.derivation.maps import columns, covector, diag, linear, matrix, vector
from symcell.language.sizes import size
from symcell.language.symbols import Hole
from symcell.trials import random_sizes


@cache
def numbers_of(cell):
    """Random sizes that suit the cell, always the same ones."""
    heads = {n for q in cell.shapes for n in cell.shapes[q].over}
    sizes = {size(n): length for n, length in random_sizes(cell, np.random.default_rng(7)).items()}
    return {n: 1 if n in heads else length for n, length in sizes.items()}


@cache
def shape_of(cell, q):
    return tuple(int(n.subs(numbers_of(cell))) for n in cell.declaration.dims(q))


def evaluate(e, values):
    return interpret.evaluate(e, values, {n: 0 for n in values if n.is_integer})


def step_values(cell, random):
    """Random values of everything on the right, positive where a logarithm or a period wants them so, and what the forward rows
    make of them."""
    values = dict(numbers_of(cell))
    for q in (*cell.inputs, *cell.params, *cell.constants, *(s.prev for s in cell.states)):
        values[q] = random.normal(size=shape_of(cell, q))
        if cell.name in ("t_lstm", "phased_lstm", "slstm"):
            values[q] = np.abs(values[q]) + 0.1
    for row in cell.derive().forward:
        values[row.target] = evaluate(row.rhs, values)
    return values


def apply(e, v, values):
    """The value of a printed Jacobian, as a linear map, at v."""
    if e == 0:
        return np.float64(0)
    if e.is_commutative:
        return evaluate(e, values) * v
    if e.is_Add:
        return sum(apply(a, v, values) for a in e.args)
    if e.is_Mul:
        for factor in reversed(e.args):
            v = apply(factor, v, values)
        return v
    if e.is_Pow:
        return apply(e.base, apply(e.base ** (e.exp - 1), v, values), values)
    if isinstance(e, (diag, vector)):
        return evaluate(e.args[0], values) * v
    if isinstance(e, matrix):
        return evaluate(e.args[0], values) @ v
    if isinstance(e, columns):
        a, start, length = (evaluate(arg, values) for arg in e.args)
        return a[:, int(start) : int(start) + int(length)] @ v
    if isinstance(e, covector):
        return (evaluate(e.args[0], values) * v).sum()
    assert isinstance(e, linear)
    (hole,) = e.atoms(Hole)
    return evaluate(e.args[0], values | {hole: v})


def slope(cell, new, prev, values, direction):
    """d new / d prev along a direction, by a complex step of the interpreter."""

    def whole(q, a, *lead):
        """An array with axes for steps and samples, and of length one for heads."""
        return np.reshape(a, (*lead, *[1] * len(cell.shapes[q].over), *np.shape(a)))

    moved = values | {prev: values[prev] + 1e-40j * direction}
    initial = {s.name: whole(s, moved[s.prev].astype(complex), 1) for s in cell.states}
    inputs = {q.name: whole(q, values[q], 1, 1) for q in cell.inputs}
    params = {p.name: whole(p, values[p]) for p in (*cell.params, *cell.constants)}
    states = interpret.run(cell.declaration, params, inputs, initial, {str(n): length for n, length in numbers_of(cell).items()})
    return states[new.name].reshape(shape_of(cell, new)).imag / 1e-40
