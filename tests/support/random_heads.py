"""Random cells with mapped axes, and what the interpreter says of them: it goes through the heads in a Python loop."""

import numpy as np
from sympy import Eq, Rational, exp, symbols, tanh

from symcell import (
    Cell,
    Input,
    Param,
    State,
    column,
    cumsum,
    dot,
    mean,
    merge,
    outer,
    reshape,
    row,
    sigmoid,
    softmax,
    split,
    swap,
    total,
)
from symcell.interpret import run as interpret

AXES = ("n_b", "n_a")  # not in alphabetical order
SIZES = {"n_x": 3, "n_b": 2, "n_a": 3, "n_k": 2}
SHAPES = ((), ("n_k",), ("n_k", "n_k"))
_TINY = 1e-30


class RandomHeads:
    """Draws expressions of a shape and mapped axes; `random` is a NumPy generator."""

    def __init__(self, seed):
        self.random, self.params = np.random.default_rng(seed), 0
        self.known = []  # (symbol, rank, axes)

    def pick(self, items):
        return items[self.random.integers(len(items))]

    def some_axes(self):
        return tuple(axis for axis in AXES if self.random.random() < 0.5)

    def param(self, rank, over):
        self.params += 1
        return Param(f"p{self.params}", SHAPES[rank], over=over)

    def leaf(self, rank, over):
        """A symbol of this rank, mapped at most over these axes."""
        fitting = [q for q, r, axes in self.known if r == rank and set(axes) <= set(over)]
        if fitting and self.random.random() < 0.6:
            return self.pick(fitting)
        return self.param(rank, tuple(axis for axis in over if self.random.random() < 0.7))

    def expression(self, rank, over, depth=3):
        """An expression of this rank, mapped at most over these axes."""
        if depth == 0:
            return self.leaf(rank, over)
        return self.pick([*_OF_ANY_RANK, *_BY_RANK[rank]])(self, rank, over, depth - 1)

    def cell(self):
        """A cell that puts all its states together in its output."""
        x, states = Input("x"), []
        first = Eq(symbols("u"), split(Param("U") @ x + Param("b_u"), "n_b"))
        equations = [first, Eq(symbols("w"), tanh(reshape(first.lhs, "n_k")))]
        self.known = [(symbols("w"), 1, ("n_b",))]
        for k in range(self.random.integers(1, 4)):
            rank, over = int(self.random.integers(3)), self.some_axes()
            states.append((State(f"s{k}", SHAPES[rank], over=over), rank, over))
        self.known += [(s.prev, rank, over) for s, rank, over in states]
        for s, rank, over in states:
            equations.append(Eq(s, tanh(self.expression(rank, over)) + s.prev / 2))
            self.known.append((s, rank, over))
        out = State("out", ())
        return Cell("heads", [*equations, Eq(out, sum(summed(s, rank, over) for s, rank, over in states))], outputs=out)


def summed(e, rank, over):
    """The sum of all entries."""
    for _ in range(rank):
        e = total(e)
    for axis in over:
        e = total(e, over=axis)
    return e


def _across(r, rank, over, depth):
    missing = [axis for axis in AXES if axis not in over]
    if not missing:
        return r.leaf(rank, over)
    axis = r.pick(missing)
    e = r.expression(rank, (*over, axis), depth) * r.param(0, (axis,))
    return r.pick([total, mean])(e, over=axis)


def _through_one_vector(r, rank, over, depth):
    """Heads side by side, and apart again."""
    if not over:
        return r.leaf(rank, over)
    axis = r.pick(over)
    e = r.expression(rank, over, depth) * r.param(0, (axis,))
    return split(r.pick([1, Rational(1, 2)]) * merge(e, axis), axis, None if rank else ())


_OF_ANY_RANK = [
    lambda r, rank, over, depth: r.expression(rank, over, depth) + r.expression(rank, over, depth),
    lambda r, rank, over, depth: r.expression(0, over, depth) * r.expression(rank, over, depth),
    lambda r, rank, over, depth: sigmoid(r.expression(rank, over, depth)) * r.leaf(rank, over),
    lambda r, rank, over, depth: exp(-(r.expression(rank, over, depth) ** 2)),
    _across,
    _through_one_vector,
]
_BY_RANK = (
    [
        lambda r, rank, over, depth: total(r.expression(1, over, depth)),
        lambda r, rank, over, depth: dot(r.leaf(1, over), r.expression(1, over, depth)),
    ],
    [
        lambda r, rank, over, depth: r.expression(2, over, depth) @ r.expression(1, over, depth),
        lambda r, rank, over, depth: r.leaf(2, over).T @ r.expression(1, over, depth),
        lambda r, rank, over, depth: softmax(r.expression(1, over, depth)),
        lambda r, rank, over, depth: total(r.expression(2, over, depth), 0),
        lambda r, rank, over, depth: cumsum(r.expression(1, over, depth)),
    ],
    [
        lambda r, rank, over, depth: outer(r.expression(1, over, depth), r.expression(1, over, depth)),
        lambda r, rank, over, depth: column(r.expression(1, over, depth)) * r.leaf(2, over),
        lambda r, rank, over, depth: row(r.leaf(1, over)) * r.expression(2, over, depth),
        lambda r, rank, over, depth: r.expression(2, over, depth) @ r.leaf(2, over),
        lambda r, rank, over, depth: swap(r.expression(2, over, depth), 0, 1),
    ],
)


def random_call(cell, module, seed, T=2, B=2):
    """Random arrays by group: params, inputs, initial, cotangents."""
    random, shapes = np.random.default_rng(seed), module.shapes(**{n: SIZES[n] for n in cell.sizes})

    def arrays(quantities, *lead):
        return {q.name: random.normal(size=(*lead, *shapes[q.name])) for q in quantities}

    return arrays((*cell.params, *cell.constants)), arrays(cell.inputs, T, B), arrays(cell.states, B), arrays(cell.states, T, B)


def slopes(cell, params, inputs, initial, cotangents, seed):
    """(group, name) -> a random direction, and the derivative of the loss along it, by the complex step."""
    random, found = np.random.default_rng(seed), {}
    groups = {"params": params, "inputs": inputs, "initial": initial}
    for group, arrays in groups.items():
        for name, a in arrays.items():
            direction = random.normal(size=a.shape)
            moved = groups | {group: arrays | {name: a + 1j * _TINY * direction}}
            states = interpret(cell.declaration, *moved.values(), {n: SIZES[n] for n in cell.sizes})
            found[group, name] = direction, sum((states[s] * c).sum() for s, c in cotangents.items()).imag / _TINY
    return found
