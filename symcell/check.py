"""Kernel -> Report: a kernel against the interpreter, against differences, and against a hand-written reference.

Every case is random and asymmetric: unequal sizes, no zeros, cotangents for every state at every step and for the last one. A
derivative is found anew by the complex step through the interpreter, which knows nothing of derivations or generated code.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from symcell.cell import Cell
from symcell.kernel import Kernel
from symcell.report import Bound, CheckReport, Row
from symcell.trials import KINDS, interpreted, random_cases

_STEP = 1e-50  # of the complex step: its square is lost beside any real part
_REACH = 5e-4  # of central differences, whose error is of the sixth order
_COORDINATES = 3  # of each array, besides one random direction; at the edges none


_EXACT = Bound(0.0, 0.0)


def check(cell: Cell, dtype: DTypeLike = "float64", seed: int = 0, reference: Any = None, cases: int = 3) -> CheckReport:
    """Compile a cell and compare the kernel with all that is known about it; see check_kernel."""
    return check_kernel(cell.compile(dtype), seed, reference, cases)


def check_kernel(kernel: Kernel, seed: int = 0, reference: Any = None, cases: int = 3) -> CheckReport:
    """Compare a kernel's states with the interpreter's, its gradients with the complex step (each array along a random direction
    and, but for the edges, in single coordinates), its steps with its sequences; in random cases and at the edges T = 0, T = 1,
    B = 1, all sizes 1, and initial states left out.

    reference: an object with forward(params, inputs, initial) -> (states, tape) and backward(params, inputs, initial, states,
    tape, cotangents, final) -> (dparams, dinputs, dinitial), all of dicts. Returns a CheckReport, which raises when told to.
    Raises CellError where no random inputs give finite states."""
    random = np.random.default_rng(seed)
    worst: dict[str, Row] = {}
    with np.errstate(all="ignore"):  # what is not finite shows as an error that is not
        for case in random_cases(kernel, random, cases):
            for group, name, error, tolerance in _comparisons(kernel, reference, case, random):
                label, where = (f"{case.edge}: {group}", f"{case.text}; {name}") if case.edge else (name, case.text)
                row = Row(label, float(error), tolerance, where)
                if label not in worst or row.excess > worst[label].excess:
                    worst[label] = row
    return CheckReport(kernel.declaration.name, kernel.dtype, tuple(worst.values()))


# The comparisons; each yields (group, name, error, tolerance).


def _comparisons(kernel, reference, case, random):
    values, differences = _bounds(kernel.dtype, case)
    run = kernel.forward(case.params, case.inputs, case.initial)
    gradients = kernel.backward(run, case.cotangents, case.final)
    yield from _states(kernel, case, run, values)
    yield from _steps(kernel, case, run, values)
    largest = _largest(case.cotangents, case.final, *(getattr(gradients, kind) for kind in KINDS))
    if reference is not None and case.initial is not None:
        yield from _against_reference(reference, case, run, gradients, values, largest)
    yield from _in_two_parts(kernel, case, run, gradients, values, largest)
    misshapen = list(_misshapen(kernel.declaration, case, gradients))
    yield from misshapen
    if not misshapen:
        yield from _against_differences(kernel.declaration, case, gradients, differences, largest, random)
        yield from _adjoint_identity(kernel, case, run, differences, random)


def _bounds(dtype, case):
    """What is tolerated where the same is computed in another order, and where a derivative is found anew."""
    eps = float(np.finfo(dtype).eps)
    # What one unit is normalised by is itself: its gradient vanishes but for the rounding, which the division magnifies.
    rounding = (1024 if case.edge == "sizes 1" else 16) * eps
    if dtype == "float64":
        return Bound(1e-12, rounding), Bound(1e-9, rounding)
    # A sum over a row loses in proportion to its length, and every step adds a loss of its own.
    longest = max((n for a in case.arrays().values() for n in a.shape[-2:]), default=1)
    steps = len(next(iter(case.cotangents.values())))
    return (Bound(8 * eps * (1 + steps) * (4 + longest), rounding),) * 2


def _states(kernel, case, run, bound):
    expected = interpreted(kernel.declaration, case)
    yield from _named("states", "{} (interpreter)", run.states, expected, bound)
    last = {name: a[-1] if len(a) else case.initial[name] for name, a in run.states.items()}
    yield from _named("states", "final {} (last step)", run.final, last, _EXACT)
    kinds = {a.dtype for a in (*run.states.values(), *run.final.values(), *run.outputs.values())}
    fine = kinds == {np.dtype(kernel.dtype)} and set(run.outputs) == {s.name for s in kernel.declaration.outputs}
    yield "states", "dtype and outputs", 0.0 if fine else np.inf, 0.0


def _steps(kernel, case, run, bound):
    """Step by step must give what the whole sequence gives."""
    state, found = case.initial, {name: np.empty_like(a) for name, a in run.states.items()}
    for t in range(len(next(iter(found.values())))):
        state = kernel.step(case.params, {name: a[t] for name, a in case.inputs.items()}, state)
        for name, a in state.items():
            found[name][t] = a
    yield from _named("step", "step {} (forward)", found, run.states, bound)


def _against_reference(reference, case, run, gradients, bound, largest):
    wide = case.moved({})
    given = [{name: a.astype(float) for name, a in group.items()} for group in (case.cotangents, case.final)]
    states, tape = reference.forward(wide.params, wide.inputs, wide.initial)
    yield from _named("reference", "{} (reference)", run.states, states, bound)
    expected = reference.backward(wide.params, wide.inputs, wide.initial, states, tape, *given)
    for kind, group in zip(KINDS, expected, strict=True):
        yield from _named("reference", f"d {kind} {{}} (reference)", getattr(gradients, kind), group, bound, largest)


def _in_two_parts(kernel, case, run, gradients, bound, largest):
    """The backward pass leaves its run as it was, is linear in its cotangents, and takes what is left out for zero."""
    parts = kernel.backward(run, case.cotangents), kernel.backward(run, None, case.final)
    for kind in KINDS:
        first, second = (getattr(part, kind) for part in parts)
        whole = {name: first[name] + second[name] for name in first}
        yield from _named("backward", f"d {kind} {{}} (in two parts)", getattr(gradients, kind), whole, bound, largest)


def _misshapen(cell, case, gradients):
    """The gradients that are missing or have not the shape of their array."""
    for (kind, name), a in _differentiable(cell, case).items():
        if np.shape(getattr(gradients, kind).get(name, np.empty(0))) != a.shape:
            yield "gradients", f"d {kind} {name} (shape)", np.inf, 0.0


def _against_differences(cell, case, gradients, bound, largest, random):
    """Each array's gradient along a random direction and in single coordinates."""
    for (kind, name), a in _differentiable(cell, case).items():
        d = getattr(gradients, kind)[name]
        for label, direction in _directions(a, random, 0 if case.edge else _COORDINATES):
            slope, method = _slope(cell, case, {(kind, name): direction})
            terms = d.astype(float) * direction
            scale = np.abs(d).max() if "coordinates" in label else np.abs(terms).sum()
            error = bound.error(terms.sum(), slope, scale, largest)
            yield "gradients", f"d {kind} {name}{label} ({method})", error, bound.tolerance


def _directions(a, random, count):
    """A random direction, and the directions of a few coordinates."""
    yield "", random.normal(size=a.shape)
    for place in random.permutation(a.size)[:count]:
        one = np.zeros(a.shape)
        one.flat[place] = 1
        yield " at coordinates", one


def _adjoint_identity(kernel, case, run, bound, random):
    """<v, J u> = <J' v, u>, for a direction u of all arrays at once and new cotangents v."""
    v, last = ({name: random.normal(size=a.shape).astype(a.dtype) for name, a in group.items()}
               for group in (case.cotangents, case.final))
    gradients = kernel.backward(run, v, last)
    u = {key: random.normal(size=a.shape) for key, a in _differentiable(kernel.declaration, case).items()}
    forward, _ = _slope(kernel.declaration, replace(case, cotangents=v, final=last), u)
    terms = np.concatenate([np.ravel(getattr(gradients, kind)[name] * direction) for (kind, name), direction in u.items()])
    error = bound.error(terms.sum(), forward, np.abs(terms).sum(), _largest(v, last))
    yield "adjoint identity", "<v, J u> = <J' v, u>", error, bound.tolerance


def _named(group, label, found, expected, bound, largest=0.0):
    """One comparison for each name; an array that is missing or of another shape is infinitely wrong."""
    largest = max(largest, _largest(expected))
    for name in dict.fromkeys((*found, *expected)):
        a, b = found.get(name), expected.get(name)
        unlike = a is None or b is None or np.shape(a) != np.shape(b)
        error = np.inf if unlike else bound.error(a, b, np.abs(b).max(initial=0), largest)
        yield group, label.format(name), error, bound.tolerance


def _largest(*groups):
    return max((float(np.abs(a).max(initial=0)) for group in groups for a in group.values()), default=0.0)


# What the interpreter says.


def _differentiable(cell, case):
    """The arrays of the case that have a gradient: all but the constants."""
    constants = {q.name for q in cell.constants}
    return {(kind, name): a for (kind, name), a in case.arrays().items() if name not in constants}


def _loss(cell, case):
    """The number whose derivatives `backward` gives."""
    loss = 0.0
    for name, a in interpreted(cell, case).items():
        last = a[-1] if len(a) else (case.initial or {}).get(name, 0.0)
        loss = loss + (case.cotangents[name] * a).sum() + (case.final[name] * last).sum()
    return loss


def _slope(cell, case, direction):
    """The derivative of the loss along a direction, and how it was found: by central differences where a function of the cell
    takes no complex numbers."""
    def loss(step):
        return _loss(cell, case.moved({key: step * d for key, d in direction.items()}))

    try:
        return np.imag(loss(1j * _STEP)) / _STEP, "complex step"
    except TypeError:
        differences = (loss(k * _REACH) - loss(-k * _REACH) for k in (1, 2, 3))
        return sum(w * d for w, d in zip((45, -9, 1), differences, strict=True)) / (60 * _REACH), "central differences"
