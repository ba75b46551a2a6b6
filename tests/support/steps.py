"""Cells against transcriptions of one step in JAX: every state and every gradient, by the NumPy target, in float64.

A step takes the parameters, the inputs and the old states of one sample, each as a namespace, and returns the new states by name."""

import inspect
import zlib
from types import ModuleType, SimpleNamespace

import jax
import numpy as np
from references.transcription import CELLS
from references.zoo import ZOO

from symcell.compiler import source_of
from symcell.language.sizes import size
from symcell.trials import random_sizes

T, B = 4, 3
TOLERANCE = 1e-10


def step_of(name):
    """The transcription of a catalogue cell as a step."""
    transcription = (ZOO | CELLS)[name]
    arguments = list(inspect.signature(transcription).parameters)[1:]
    inputs, states = [a for a in arguments if not a.endswith("_")], [a.rstrip("_") for a in arguments if a.endswith("_")]

    def step(p, now, old):
        new = transcription(p, *(vars(now)[x] for x in inputs), *(vars(old)[s] for s in states))
        return dict(zip(states, new, strict=True))

    return step


def module_of(cell):
    """The cell's NumPy module."""
    module = ModuleType(cell.name)
    exec(compile(source_of(cell.declaration, "numpy"), f"<{cell.name}>", "exec"), module.__dict__)
    return module


class Call:
    """Random arrays of unequal sizes, cotangents among them. `masks`: inputs that are 0 or 1, and both."""

    def __init__(self, cell, masks=(), sizes=None):
        rng = np.random.default_rng(zlib.crc32(cell.name.encode()))
        self.cell, self.module = cell, module_of(cell)
        chosen = sizes or random_sizes(cell.declaration, rng)
        self.sizes = {size(n): k for n, k in chosen.items()}

        def random(quantities, *lead):
            shapes = {q.name: (*lead, *(int(n.subs(self.sizes)) for n in cell.shape(q))) for q in quantities}
            return {name: rng.normal(size=s) * 0.7 if name not in masks else rng.integers(0, 2, s) * 1.0 for name, s in shapes.items()}

        self.params, self.constants = random(cell.params), random(cell.constants)
        self.inputs, self.initial = random(cell.inputs, T, B), random(cell.states, B)
        self.cotangents, self.final = random(cell.states, T, B), random(cell.states, B)

    def found(self):
        """The states, and the gradients as (kind, name) -> array."""
        run = self.module.forward(self.params | self.constants, self.inputs, self.initial)
        gradients = self.module.backward(run, self.cotangents, self.final)
        kinds = ("params", "inputs", "initial")
        return run.states, {(kind, q): a for kind in kinds for q, a in getattr(gradients, kind).items()}

    def expected(self, step):
        """The same by jax.vjp of a transcription, step by step: one small function is compiled, and no loop."""

        def one(p, now, old):
            new = step(SimpleNamespace(**self.constants, **p), SimpleNamespace(**now), SimpleNamespace(**old))
            return {s: jax.numpy.broadcast_to(new[s], a.shape) for s, a in old.items()}

        def differentiated(now, old, bar):
            new, pull_back = jax.vjp(jax.vmap(one, in_axes=(None, 0, 0)), self.params, now, old)
            return new, pull_back(bar)

        both = jax.jit(differentiated, compiler_options={"xla_backend_optimization_level": 0})
        now = [{q: a[t] for q, a in self.inputs.items()} for t in range(T)]
        old, bar = [self.initial], self.final
        for t in range(T):
            old.append(both(now[t], old[t], bar)[0])
        gradients = []
        for t in reversed(range(T)):
            _, (dparams, dinputs, bar) = both(now[t], old[t], {s: bar[s] + a[t] for s, a in self.cotangents.items()})
            gradients.insert(0, (dparams, dinputs))
        states = {s: np.stack([step[s] for step in old[1:]]) for s in self.initial}
        found = {("initial", s): np.asarray(a) for s, a in bar.items()}
        found |= {("params", q): sum(np.asarray(dparams[q]) for dparams, _ in gradients) for q in self.params}
        found |= {("inputs", q): np.stack([dinputs[q] for _, dinputs in gradients]) for q in self.inputs}
        return states, found


def assert_computes(cell, step, masks=(), sizes=None):
    """Raise AssertionError unless a cell computes what a transcription does, values and gradients; returns the call."""
    call = Call(cell, masks, sizes)
    for actual, expected in zip(call.found(), call.expected(step), strict=True):
        assert actual.keys() - {("params", q) for q in call.constants} == expected.keys()
        for q, a in expected.items():
            scale = max(1, np.abs(a).max(initial=0))
            assert np.abs(actual[q] - a).max(initial=0) <= TOLERANCE * scale, (cell.name, q)
    return call
