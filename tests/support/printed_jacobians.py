"""The derivatives that a document prints as matrices, and the same by complex steps.

Cells with heads have one head here, and its arrays have no axis for it: a printed Jacobian is that of one head."""

from functools import cache

import numpy as np
from sympy import Dummy, Integer

from support.jacobians import evaluate
from symcell.derivation.blocks import StepJacobian
from symcell.derivation.maps import columns, covector, diag, linear, matrix, rate, transposed_map, vector
from symcell.documents.nodes import (
    Applied,
    At,
    Factors,
    J,
    LargestEntry,
    Norm,
    Run,
    SumFrom,
    T,
    Terms,
    Transposed,
    at,
    k,
    t,
    total_rate,
)
from symcell.language.sizes import size
from symcell.language.symbols import Hole
from symcell.trials import fits

STEPS, TINY = 3, 1e-40


@cache
def small_sizes(cell):
    """Unequal small sizes; heads are one."""
    heads = {n.name for q in cell.shapes for n in cell.shapes[q].over}
    for scale, random in [(1, np.random.default_rng(seed)) for seed in range(20)] + [
        (6, np.random.default_rng(seed)) for seed in range(40)
    ]:
        drawn = dict(zip(cell.sizes, map(int, scale * random.permutation(np.arange(3, 3 + len(cell.sizes)))), strict=True))
        divisors = {n: 2 for n in cell.sizes if scale > 1 and random.random() < 0.5}
        sizes = drawn | divisors | dict.fromkeys(heads, 1)
        if fits(cell.declaration, sizes):
            return {size(n): length for n, length in sizes.items()}
    raise AssertionError(f"no small sizes for {cell.name}")


class Trace:
    """The values of all quantities of a printed derivation at some steps that follow one another."""

    def __init__(self, cell, article, seed=5):
        self.cell, self.derivation, self.sizes = cell, article.derivation, small_sizes(cell)
        self.step_jacobian = StepJacobian(self.derivation)
        self.slopes, self.wholes = {}, {}
        random = np.random.default_rng(seed)
        for fitted in (lambda a: a, np.abs, lambda a: np.abs(a) / 4 + 0.1):
            given = dict(self.sizes)
            for q in (*cell.inputs, *cell.params, *cell.constants, *(s.prev for s in cell.states)):
                given[q] = np.asarray(fitted(random.normal(size=self.shape(q))))
            self.steps = [self.following(given)]
            while len(self.steps) < STEPS:
                self.steps.append(self.following(self.steps[-1], self.steps[-1]))
            if all(np.isfinite(self.steps[-1][s]).all() and np.abs(self.steps[-1][s]).max() < 30 for s in cell.states):
                break

    def following(self, given, before=None, held=()):
        """One step; quantities in `held` are computed, and stay at their given values for those that read them."""
        values = dict(given) if before is None else given | {s.prev: before[s] for s in self.cell.states}
        found = {}
        for row in self.derivation.forward:
            found[row.target] = evaluate(row.rhs, values)
            if row.target not in held:
                values[row.target] = found[row.target]
        return values | found

    def shape(self, q):
        return tuple(int(n.xreplace(self.sizes)) for n in self.derivation.shapes[getattr(q, "state", q)])

    def slope(self, of, by, step, held=()):
        """d of / d by in one step as a matrix, with some quantities held fixed."""
        held = tuple(q for q in held if q != by)
        if (by, step, held) not in self.slopes:
            values = self.steps[step]
            self.slopes[by, step, held] = [self._moved(values, by, direction, held) for direction in basis(self.shape(by))]
        columns = [np.broadcast_to(np.imag(moved[of]) / TINY, self.shape(of)).ravel() for moved in self.slopes[by, step, held]]
        return np.array(columns).T

    def _moved(self, values, by, direction, held):
        start = values | {by: values[by] + TINY * 1j * direction}
        if by not in self.derivation.links:  # a previous state
            return self.following(start, None, held)
        # A quantity of the step itself: it keeps what is added to it.
        return self.following(start, None, (*held, by))

    def whole(self, step, count):
        """d s_t / d s_{t - count} of the whole state, where t is `step`."""
        if (step, count) not in self.wholes:
            self.wholes[step, count] = self._whole(step, count)
        return self.wholes[step, count]

    def _whole(self, step, count):
        return np.array([self.moved(values) for *_, values in self.moved_states(step - count, step)]).T

    def moved_states(self, start, end):
        """For each entry of the whole state at one step, moved by a complex number: the values at the steps after it."""
        first = self.steps[start + 1]
        for s in self.step_jacobian.states:
            for direction in basis(self.shape(s)):
                values = [self.following(first | {s.prev: first[s.prev] + TINY * 1j * direction})]
                for n in range(start + 2, end + 1):
                    values.append(self.following(self.steps[n], values[-1]))
                yield values

    def moved(self, values):
        """By how much the whole state has moved, as one vector."""
        states = self.step_jacobian.states
        return np.concatenate([np.broadcast_to(np.imag(values[q]) / TINY, self.shape(q)).ravel() for q in states])

    def carried(self, step, direct):
        """What comes back to the whole state of a step: the derivative of a loss, the inner products of `direct` with the states
        of all later steps."""
        if step == STEPS - 1:
            return np.zeros_like(direct[step])
        later = direct[step + 1 :]
        moved = self.moved_states(step, STEPS - 1)
        return np.array([sum(g @ self.moved(v) for g, v in zip(later, values, strict=True)) for values in moved])


def basis(shape):
    return np.eye(int(np.prod(shape))).reshape(-1, *shape)


class Maps:
    """The value of printed linear maps, times matrices. The symbols of derivatives stand for complex steps."""

    def __init__(self, trace):
        self.trace = trace

    def dense(self, e, shape, step, into=()):
        """A linear map from arrays of a shape, as a matrix; one row where its value is one number for all. What is the same along
        an axis is spread out to the shape `into`."""
        n = int(np.prod(shape))
        found = self.times(e, np.eye(n).reshape(*shape, n), step)
        return np.broadcast_to(found, (*into, n) if found.ndim == len(into) + 1 else found.shape).reshape(-1, n)

    def times(self, e, m, step):
        """A linear map applied to arrays, which stand side by side along the last axis."""
        if isinstance(e, Terms) or e.is_Add:
            return sum(self.times(a, m, step) for a in e.args)
        if isinstance(e, (Factors, Run)) or (e.is_Mul and not e.is_commutative):
            for factor in reversed(self.run(e, step) if isinstance(e, Run) else e.args):
                m = self.times(factor, m, step)
            return m
        if e.is_Pow and not e.is_commutative:
            return self.times(e.base, self.times(e.base ** (e.exp - 1), m, step), step)
        if e == J or (isinstance(e, At) and e.args[0] == J):
            return self.trace.whole(self.time(e.args[1], step) if e.args else step, 1) @ m
        if isinstance(e, rate):
            return self.of_rate(e, m, step)
        if isinstance(e, (Transposed, transposed_map)):
            return self.transposed(e.args[0], m, step)
        return self.leaf(e, m, step)

    def leaf(self, e, m, step):
        if isinstance(e, linear):
            e, values = self.at_steps(e, step)
            (hole,) = e.atoms(Hole)
            shape = tuple(int(n.xreplace(self.trace.sizes)) for n in hole.shape)
            m = np.broadcast_to(m, (*shape, m.shape[-1]))
            return np.stack([evaluate(e.args[0], values | {hole: m[..., k]}) for k in range(m.shape[-1])], axis=-1)
        value = np.asarray(self.value(e.args[0] if isinstance(e, (diag, matrix, vector, covector, columns)) else e, step))
        if isinstance(e, (diag, vector)) or e.is_commutative:
            return value[..., None] * m
        if isinstance(e, columns):
            start, length = (int(n.xreplace(self.trace.sizes)) for n in e.args[1:])
            value = value[:, start : start + length]
        if isinstance(e, covector) and np.ndim(value) == 0:
            return value * m.sum(axis=0)
        return np.tensordot(value, np.broadcast_to(m, (value.shape[-1], *m.shape[1:])), axes=1)

    def transposed(self, of, m, step):
        shape = next(iter(of.atoms(Hole))).shape if of.atoms(Hole) else m.shape[:-1]
        shape = (of.args[2],) if isinstance(of, columns) else shape
        shape = tuple(int(Integer(n) if isinstance(n, int) else n.xreplace(self.trace.sizes)) for n in shape)
        whole = self.dense(of, shape, step)
        flat = m.reshape(-1, m.shape[-1])
        return (np.broadcast_to(whole, (len(flat), whole.shape[1])).T @ flat).reshape(*shape, m.shape[-1])

    def run(self, e, step):
        """The factors of a product over steps."""
        body, first, _, last = e.args
        return [at(body, t + time - step) for time in range(self.time(first, step), self.time(last, step) - 1, -1)]

    def time(self, e, step):
        return int(e.subs({t: step, k: STEPS, T: STEPS - 1}))

    def of_rate(self, e, m, step):
        of, by = e.args
        if isinstance(by, At) and by.args[0] == of:  # of the whole state
            return self.trace.whole(step, step - self.time(by.args[1], step)) @ m
        if isinstance(of, At):
            return self.of_rate(e.func(of.args[0], by.args[0]), m, self.time(of.args[1], step))
        step_jacobian = self.trace.step_jacobian
        local = type(e) is rate and not step_jacobian.is_local(of, by)
        slope = self.trace.slope(of, by, step, step_jacobian.kept if local else ())
        return (slope @ m.reshape(-1, m.shape[-1])).reshape(*self.trace.shape(of), m.shape[-1])

    def error(self, e, step, adjoints):
        """The value of a printed sum of errors of the whole state; `adjoints`: the kind of an adjoint -> its values at all steps."""
        if isinstance(e, Terms):
            return sum(self.error(a, step, adjoints) for a in e.args)
        if isinstance(e, Applied):
            *factors, v = e.args
            return self.times(Factors(*factors), self.error(v, step, adjoints)[:, None], step)[:, 0]
        if isinstance(e, SumFrom):
            body, index, *ends = e.args
            first, last = (self.time(n, step) for n in ends)
            zero = np.zeros_like(adjoints["carried"][0])
            return sum((self.error(body.xreplace({index: Integer(n)}), step, adjoints) for n in range(first, last + 1)), zero)
        if isinstance(e, At):
            return self.error(e.args[0], self.time(e.args[1], step), adjoints)
        return np.zeros_like(adjoints["carried"][0]) if e == 0 else adjoints[e.kind][step]

    def at_steps(self, e, step):
        """An expression with symbols in place of quantities at other steps, and their values."""
        values = dict(self.trace.steps[step])
        for product in [*e.atoms(Run)]:
            e = e.xreplace({product: Factors(*self.run(product, step))})
        for atom in e.atoms(At):
            place = Dummy()
            values[place] = self.trace.steps[self.time(atom.args[1], step)][atom.args[0]]
            e = e.xreplace({atom: place})
        return e.xreplace({k: Integer(STEPS)}), values

    def value(self, e, step):
        return evaluate(*self.at_steps(e, step))

    def bound(self, e, step):
        """A number that bounds say: products and sums of norms."""
        if isinstance(e, Norm):
            (of,) = e.args
            if of.has(J) or (isinstance(of, total_rate) and of.args[1].func == At and of.args[1].args[0] == of.args[0]):
                return np.linalg.norm(self.dense(of, self.trace.whole(step, 1).shape[:1], step), 2)
            shape = self.value(of.args[0], step).shape[-1:] if isinstance(of, matrix) else self.trace.shape(of.args[1])
            return np.linalg.norm(self.dense(of, shape, step), 2)
        if isinstance(e, LargestEntry):
            return np.abs(self.value(e.args[0], step)).max()
        if isinstance(e, Run):
            return np.prod([self.bound(a, step) for a in self.run(e, step)])
        if e.is_Add or e.is_Mul:
            return (sum if e.is_Add else np.prod)([self.bound(a, step) for a in e.args])
        if e.is_Pow:
            return self.bound(e.base, step) ** self.bound(e.exp, step)
        return float(self.value(e, step))
