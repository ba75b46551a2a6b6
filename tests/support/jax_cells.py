"""A cell's equations evaluated by JAX as they stand, and differentiated by it: the oracle of the random cells.

Nothing is shared with symcell but the equations themselves, and the shapes that were found for their symbols. The sample is
the last axis of every array, so that a scalar goes with a vector by plain broadcasting.
"""

import operator
from functools import reduce

import jax
import jax.numpy as jnp
import numpy as np
import sympy
from jax.scipy.special import erf, erfc
from sympy.codegen.cfunctions import expm1

import symcell
from symcell.language.primitives import broadcast, concat, contract, fill, transpose
from symcell.language.primitives.blocks import block_diagonal

jax.config.update("jax_enable_x64", True)


def differentiated(cell, call):
    """The states, name -> (T, B, *shape), and a function from their cotangents to the gradients of every array of the call:
    {"params": ..., "inputs": ..., "initial": ...}, name -> array."""

    def states_of(arrays):
        return _states(cell, arrays, call.sizes, call.T, call.B)

    arrays = {"params": call.params, "inputs": call.inputs, "initial": call.initial}
    arrays = jax.tree.map(lambda a: jnp.asarray(a, float), arrays)
    states, pull_back = jax.vjp(states_of, arrays)

    def gradients(cotangents):
        (found,) = pull_back({name: jnp.asarray(a, float) for name, a in cotangents.items()})
        return {kind: {name: np.asarray(a) for name, a in group.items()} for kind, group in found.items()}

    return {name: np.asarray(a) for name, a in states.items()}, gradients


def _states(cell, arrays, sizes, T, B):
    """All states at all steps: a plain loop."""
    # given to every sample, so that values come in few shapes: JAX compiles each operation once for each
    known = sizes | {q: _for_each_sample(arrays["params"][q.name], B) for q in (*cell.params, *cell.constants)}
    shapes = {q: tuple(int(n.subs(sizes)) for n in cell.shape(q)) for q in (*cell.states, *cell.intermediates)}
    sequences = {q: jnp.moveaxis(arrays["inputs"][q.name], 1, -1) for q in cell.inputs}
    previous = {s: _first(s, arrays, known, (*shapes[s], B)) for s in cell.states}
    steps = []
    for t in range(T):
        values = known | {q: a[t] for q, a in sequences.items()} | {s.prev: a for s, a in previous.items()}
        for equation in cell.equations:
            value = value_of(equation.rhs, values)
            values[equation.target] = jnp.broadcast_to(value, (*shapes[equation.target], B))
        previous = {s: values[s] for s in cell.states}
        steps.append(previous)
    return {s.name: jnp.stack([jnp.moveaxis(step[s], -1, 0) for step in steps]) for s in cell.states}


def _first(state, arrays, known, shape):
    """A state before the first step: what was given, else what it declares."""
    if state.name in arrays["initial"]:
        return jnp.moveaxis(arrays["initial"][state.name], 0, -1)
    declared = known[state.initial] if state.initial in known else float(state.initial)
    return jnp.broadcast_to(declared, shape)


def _for_each_sample(a, B):
    return jnp.broadcast_to(a[..., None], (*a.shape, B))


def value_of(e, values):
    """The value of an expression; `values` holds those of its symbols, and learns those of all its parts."""
    if e not in values:
        if isinstance(e, sympy.Piecewise):
            values[e] = _piecewise([(value_of(a, values), value_of(c, values)) for a, c in e.args])
        elif e in (sympy.true, sympy.false):
            values[e] = bool(e)
        elif not e.args:
            values[e] = float(e)
        elif hasattr(e, "elementary") and not _RULES.keys() & type(e).__mro__:
            values[e] = value_of(e.elementary(), values)
        else:
            values[e] = _rule(type(e))(*(value_of(a, values) for a in e.args))
    return values[e]


def _rule(kind):
    for known in kind.__mro__:
        if known in _RULES:
            return _RULES[known]
    raise NotImplementedError(f"the oracle does not know {kind.__name__}")


def _piecewise(cases):
    value = jnp.nan
    for case, condition in reversed(cases):
        value = jnp.where(condition, case, value)
    return value


def _rank(a):
    return jnp.ndim(a) - 1


def _power(base, exponent):
    if isinstance(exponent, float) and exponent == int(exponent):
        return base ** int(exponent)
    return jnp.sqrt(base) if isinstance(exponent, float) and exponent == 0.5 else base**exponent


def _extremum(largest):
    choose = jnp.max if largest else jnp.min  # both share a tie evenly
    return lambda *arguments: choose(jnp.stack(jnp.broadcast_arrays(*arguments)), axis=0)


def _matmul(a, v):
    """The last axis of a against the first of v."""
    stretched = jnp.expand_dims(a, tuple(range(_rank(a), _rank(a) + _rank(v) - 1)))
    return (stretched * v).sum(axis=_rank(a) - 1)


def _block_diagonal(r):
    return jax.scipy.linalg.block_diag(*r[..., 0])[..., None]


def _along(function):
    return lambda e, axis: function(e, axis=int(axis) % _rank(e))


def _joined(combine):
    return lambda *arguments: reduce(combine, arguments)


def _hard_sigmoid(z):
    return jnp.where(jnp.abs(z) < 3, z / 6 + 0.5, jnp.heaviside(z, 0.0))


_RULES = {
    sympy.Add: _joined(operator.add), sympy.Mul: _joined(operator.mul), sympy.Pow: _power,
    sympy.exp: jnp.exp, expm1: jnp.expm1, sympy.log: jnp.log, sympy.sin: jnp.sin, sympy.cos: jnp.cos, sympy.tan: jnp.tan, sympy.tanh: jnp.tanh,
    sympy.sinh: jnp.sinh, sympy.cosh: jnp.cosh, sympy.asinh: jnp.arcsinh, sympy.atan: jnp.arctan, sympy.atan2: jnp.arctan2,
    sympy.asin: jnp.arcsin, sympy.acos: jnp.arccos, sympy.acosh: jnp.arccosh, sympy.atanh: jnp.arctanh,
    sympy.sech: lambda z: 1 / jnp.cosh(z), sympy.coth: lambda z: 1 / jnp.tanh(z), sympy.csch: lambda z: 1 / jnp.sinh(z),
    sympy.sec: lambda z: 1 / jnp.cos(z), sympy.csc: lambda z: 1 / jnp.sin(z), sympy.cot: lambda z: 1 / jnp.tan(z),
    sympy.sinc: lambda z: jnp.sinc(z / jnp.pi),
    sympy.erf: erf, sympy.erfc: erfc, sympy.Abs: jnp.abs, sympy.sign: jnp.sign, sympy.floor: jnp.floor, sympy.ceiling: jnp.ceil,
    sympy.frac: lambda z: z - jnp.floor(z), sympy.Mod: lambda x, y: x - jnp.floor(x / y) * y,
    sympy.Heaviside: lambda z, half: jnp.where(z > 0, 1.0, jnp.where(z < 0, 0.0, half)),
    sympy.Max: _extremum(largest=True), sympy.Min: _extremum(largest=False),
    sympy.Gt: operator.gt, sympy.Ge: operator.ge, sympy.Lt: operator.lt, sympy.Le: operator.le,
    sympy.Eq: operator.eq, sympy.Ne: operator.ne,
    sympy.ITE: jnp.where, sympy.And: _joined(jnp.logical_and), sympy.Or: _joined(jnp.logical_or), sympy.Not: jnp.logical_not,
    symcell.sigmoid: lambda z: jax.nn.sigmoid(1.0 * z), symcell.softplus: lambda z: jnp.logaddexp(z, 0.0),
    symcell.silu: lambda z: z * jax.nn.sigmoid(1.0 * z), symcell.log_sigmoid: lambda z: -jnp.logaddexp(-z, 0.0),
    symcell.relu: lambda z: jnp.where(z > 0, z, 0.0), symcell.leaky_relu: lambda z, slope: jnp.where(z > 0, z, slope * z),
    symcell.hard_sigmoid: _hard_sigmoid, symcell.stop_gradient: jax.lax.stop_gradient,
    symcell.matmul: _matmul, block_diagonal: _block_diagonal, transpose: lambda a: jnp.swapaxes(a, 0, 1), symcell.dot: lambda u, v: (u * v).sum(axis=0),
    symcell.outer: lambda u, v: jnp.expand_dims(u, tuple(range(_rank(u), _rank(u) + _rank(v)))) * v,
    contract: lambda a, y: (a * y[..., None, :]).sum(axis=tuple(range(_rank(y)))),
    symcell.total: _along(jnp.sum), symcell.mean: _along(jnp.mean), symcell.variance: _along(jnp.var),
    symcell.softmax: _along(jax.nn.softmax), symcell.cumsum: _along(jnp.cumsum),
    broadcast: lambda e, axis: jnp.expand_dims(e, int(axis)), fill: lambda e, *shape: jnp.broadcast_to(e, (*map(int, shape), e.shape[-1])),
    symcell.repeat: lambda v, k: jnp.repeat(v, int(k), axis=0), concat: lambda *vectors: jnp.concatenate(vectors), symcell.identity: lambda n: jnp.eye(int(n))[..., None],
}  # fmt: skip
