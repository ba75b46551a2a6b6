"""The value of what a document prints: its equations as they stand, evaluated over a sequence, and derivatives by complex steps.

The forward and the backward pass come from the printed lines alone: initial values, equations, end conditions, adjoints, sums."""

import numpy as np
from sympy import Dummy

from symcell import interpret
from symcell.documents.delays import delays
from symcell.documents.nodes import At, Letter, SumOver, T, Underbrace, b, t
from symcell.language.sizes import size
from symcell.language.symbols import Adjoint, Constant, Param, Previous
from symcell.trials import random_sizes

STEPS, SAMPLES, TINY = 3, 2, 1e-40


def whole_shape(cell, q, sizes):
    return tuple(int(n.subs(sizes)) for n in cell.declaration.shape(q))


class Case:
    """Random parameters, inputs, initial values and cotangents of a cell; those that lead to no finite states are drawn anew."""

    def __init__(self, cell, seed):
        self.cell, random = cell, np.random.default_rng(seed)
        self.sizes = {size(n): length for n, length in random_sizes(cell.declaration, random).items()}
        for fitted in (lambda a: a, lambda a: a / 8, np.abs, lambda a: np.abs(a) / 8 + 0.05):
            def drawn(symbols, *lead, fitted=fitted):
                return {q.name: np.asarray(fitted(0.7 * random.normal(size=(*lead, *whole_shape(cell, q, self.sizes))))) for q in symbols}
            self.params, self.inputs = drawn((*cell.params, *cell.constants)), drawn(cell.inputs, STEPS, SAMPLES)
            self.initial = drawn([s for s in cell.states if not isinstance(s.initial, Param)], SAMPLES)
            states = self.states()
            if max(np.abs(a).max() for a in states.values()) < 30:
                break
        # The loss does not contain a state that holds what another quantity was.
        shown = [s for s in cell.states if s not in delays(cell.derive())]
        self.cotangents = {s.name: (s in shown) * random.normal(size=(STEPS, SAMPLES, *whole_shape(cell, s, self.sizes))) for s in cell.states}
        self.random = random

    def states(self, moved=None):
        """The states by the interpreter; `moved` is added to arrays of the three groups."""
        groups = ({name: a + (moved or {}).get((kind, name), 0) for name, a in group.items()} for kind, group in self.groups())
        return interpret.run(self.cell.declaration, *groups, {str(n): length for n, length in self.sizes.items()})

    def groups(self):
        return (("params", self.params), ("inputs", self.inputs), ("initial", self.initial))

    def slope(self, directions):
        """The derivative of the loss along some directions, by a complex step."""
        states = self.states({key: TINY * 1j * d for key, d in directions.items()})
        return sum((self.cotangents[name] * a.imag / TINY).sum() for name, a in states.items())


class Printed:
    """The quantities of a printed article at every step of every sample."""

    def __init__(self, article, case):
        self.article, self.case, self.derivation = article, case, article.derivation
        self.names = {}  # (symbol, step) -> the symbol that stands for it; what has no step has None for it
        self.axes = {}
        self.samples = [dict(case.sizes) for _ in range(SAMPLES)]
        cell = case.cell
        for s, values in enumerate(self.samples):
            for q in (*cell.params, *cell.constants):
                values[self.of(q, None)] = case.params[q.name]
            for n in range(1, STEPS + 1):
                for q in cell.inputs:
                    values[self.of(q, n)] = case.inputs[q.name][n - 1, s]
                for q in cell.states:
                    values[self.of(Adjoint(q, "cotangent"), n)] = case.cotangents[q.name][n - 1, s]

    def of(self, q, step):
        """The symbol that stands for a quantity at a step."""
        of = getattr(q, "of", q)
        if isinstance(of, (Param, Constant)) or of in self.derivation.once:
            step = None
        if isinstance(q, Previous):
            q, step = q.state, step - 1
        if isinstance(q, Adjoint) and isinstance(q.of, Previous):
            q, step = Adjoint(q.of.state, "carried"), step - 1
        if (q, step) not in self.names:
            self.names[q, step] = Dummy(f"{q}@{step}")
            self.axes[self.names[q, step]] = self.shape(q).over
        return self.names[q, step]

    def shape(self, q):
        return self.derivation.shapes[getattr(q, "of", q)]

    def at_step(self, e, step):
        """An expression of one step in the symbols that stand for quantities at that step."""
        timed = {a: self.of(a.args[0], int(a.args[1].subs({t: step or 0, T: STEPS}))) for a in e.atoms(At)}
        e = e.xreplace(timed)
        plain = {q for q in e.free_symbols if q not in timed.values() and not isinstance(q, Letter) and not q.is_integer and q not in self.axes}
        return e.xreplace({q: self.of(q, step) for q in plain})

    def assign(self, target, e, step, sample):
        """Give a printed left side the value of its right side."""
        q, step_of_it = (target.args[0], int(target.args[1].subs({t: step or 0, T: STEPS}))) if isinstance(target, At) else (target, step)
        name, values = self.of(q, step_of_it), self.samples[sample]
        whole = tuple(int(n.subs(self.case.sizes)) for n in self.shape(q).whole)
        scope = interpret.Scope(values, self.axes)
        scope.assign(name, self.at_step(self.summed(e, q), step), whole)

    def summed(self, e, q):
        """Sums over steps and samples replaced by symbols that have their values."""
        for total in e.atoms(SumOver):
            body, *over = total.args
            place, whole = Dummy(str(q)), tuple(int(n.subs(self.case.sizes)) for n in self.shape(q).whole)
            self.axes[place] = self.shape(q).over
            value = 0
            for values in self.samples if b in over else ():
                for step in range(1, STEPS + 1) if t in over else (None,):
                    scope = interpret.Scope(values, self.axes)
                    scope.assign(place, self.at_step(body, step), whole)
                    value = value + values[place]
            for values in self.samples:
                values[place] = value
            e = e.xreplace({total: place})
        return e

    def run(self):
        """Evaluate every line of the forward and the backward pass, in the printed order."""
        section = {s.key: s for s in self.article.sections}
        for sample in range(SAMPLES):
            for line in section["forward"].lines:
                if line.key.startswith("initial"):
                    name = line.key.removeprefix("initial-")
                    self.assign(line.left, line.right, None, sample)
                    if name in self.case.initial:
                        self.samples[sample][self.of(line.left.args[0], int(line.left.args[1]))] = self.case.initial[name][sample]
            for step in range(1, STEPS + 1):
                self.lines(section["forward"], "forward", step, sample)
            self.lines(section["adjoints"], "end", None, sample)
            for step in range(STEPS, 0, -1):
                self.lines(section["adjoints"], "adjoint", step, sample)
        if "gradients" in section:
            for line in section["gradients"].lines:  # the initial states among them
                for sample in range(SAMPLES):
                    self.assign(line.left, line.right, None, sample)
        return self

    def lines(self, section, kind, step, sample):
        for line in section.lines:
            if line.key.startswith(kind):
                for brace in sorted(line.right.atoms(Underbrace), key=lambda e: -len(e.args)):
                    self.assign(brace.args[1], brace.args[0], step, sample)
                self.assign(line.left, line.right, step, sample)

    def value(self, q, step, sample):
        return self.samples[sample][self.of(q, step)]

    def gradients(self):
        """(kind, name) -> the gradient of the loss, as printed."""
        cell, found = self.case.cell, {}
        for p in cell.params:
            found["params", p.name] = self.value(Adjoint(p), None, 0)
        for x in cell.inputs:
            found["inputs", x.name] = np.array([[self.value(Adjoint(x), n, s) for s in range(SAMPLES)] for n in range(1, STEPS + 1)])
        starts = {line.key.removeprefix("start-"): line.left for line in self.article.lines if line.key.startswith("start-")}
        for name, a in self.case.initial.items():
            found["initial", name] = np.zeros_like(a)
            if name in starts:
                q, time = starts[name].args
                found["initial", name] = np.array([self.value(q, int(time), s) for s in range(SAMPLES)])
        return found
