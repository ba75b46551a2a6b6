"""What a cell's equations make of arrays, step by step, by the interpreter: the values that a kernel does not show."""

import numpy as np
from sympy import Symbol

from symcell.interpret import Scope


def steps_of(inputs):
    """The number of steps of inputs by name."""
    return len(next(iter(inputs.values())))


def before_each_step(kernel, params, inputs):
    """The states that each step reads: name -> (T, B, *shape)."""
    start = kernel.forward(params, {x: a[:0] for x, a in inputs.items()}).final
    after = kernel.forward(params, inputs).states
    return {s: np.concatenate([start[s][None], a])[:len(a)] for s, a in after.items()}


def step_values(derivation, expressions, params, inputs, before):
    """The values of expressions at every step, each (T, B, *shape). Each comes with a quantity of its shape, (expression, like).

    params and inputs as for kernel.forward, inputs by name; `before`: see before_each_step."""
    cell = derivation.declaration
    shared = {q: np.asarray(params[q.name], float) for q in (*cell.params, *cell.constants)}
    sizes = _sizes(cell, shared, inputs, before)
    shapes = {q: tuple(int(n.subs(sizes)) for n in own.whole) for q, own in derivation.shapes.items()}
    wanted = {Symbol(f"expression {k}"): pair for k, pair in enumerate(expressions)}
    axes = {q: own.over for q, own in derivation.shapes.items()}
    axes |= {name: axes[like] for name, (_, like) in wanted.items()}

    def at(t, b):
        values = shared | sizes | {x: np.asarray(inputs[x.name][t, b], float) for x in cell.inputs}
        scope = Scope(values | {s.prev: np.asarray(before[s.name][t, b], float) for s in cell.states}, axes)
        for row in derivation.forward:
            scope.assign(row.target, row.rhs, shapes[row.target])
        for name, (e, like) in wanted.items():
            scope.assign(name, e, shapes[like])
        return [scope.values[name] for name in wanted]

    samples = range(next(iter(before.values())).shape[1])
    found = [[at(t, b) for b in samples] for t in range(steps_of(inputs))]
    return [np.array([[values[k] for values in step] for step in found]) for k in range(len(wanted))]


def _sizes(cell, shared, inputs, before):
    """Size symbol -> number, read off the arrays."""
    actual = {q: a.shape for q, a in shared.items()}
    actual |= {x: inputs[x.name].shape[2:] for x in cell.inputs} | {s: before[s.name].shape[2:] for s in cell.states}
    pairs = [pair for q, lengths in actual.items() for pair in zip(cell.shape(q), lengths, strict=True)]
    return {n: length for n, length in pairs if n.is_Symbol}
