"""One step in numbers: the values of all quantities, a printed Jacobian as a linear map, and a derivative by complex step."""

from functools import cache

import numpy as np

from symcell.derivation.maps import columns, covector, diag, linear, matrix, vector
from symcell.interpret import evaluate, run
from symcell.language.sizes import size
from symcell.language.symbols import Hole
from symcell.trials import random_sizes


@cache
def numbers_of(cell):
    """Random sizes that suit the cell, always the same ones."""
    return {size(n): length for n, length in random_sizes(cell, np.random.default_rng(7)).items()}


@cache
def shape_of(cell, q):
    return tuple(int(n.subs(numbers_of(cell))) for n in cell.shape(q))


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
    initial = {s.name: values[s.prev][None].astype(complex) for s in cell.states}
    initial[prev.state.name] = initial[prev.state.name] + 1e-40j * direction
    inputs = {q.name: values[q][None, None] for q in cell.inputs}
    return run(cell, {p.name: values[p] for p in (*cell.params, *cell.constants)}, inputs, initial)[new.name][0, 0].imag / 1e-40
