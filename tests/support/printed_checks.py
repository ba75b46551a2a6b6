"""Compares what a document prints with the interpreter: its objects are evaluated, and not copies of its formulas."""

from dataclasses import replace
from functools import cache

import numpy as np

from support.jacobians import evaluate
from support.printed_jacobians import Maps, Trace
from support.printed_values import SAMPLES, STEPS, TINY, Case, Printed
from symcell.documents.contents import article
from symcell.documents.delays import delays
from symcell.documents.nodes import Applied, At, Blocks, Factors, TimedLetter, b, t
from symcell.language.symbols import Adjoint


@cache
def document_of(cell):
    return article(cell.derive(), steps=STEPS)


def assert_equations_and_adjoints(cell, document=None):
    """The printed forward pass computes the interpreter's states, and the printed backward pass the derivative of its loss."""
    case = Case(cell, seed=5)
    printed, states = Printed(document or document_of(cell), case).run(), case.states()
    for s in cell.states:
        if s in delays(printed.derivation):
            continue
        found = np.array([[printed.value(s, n, k) for k in range(SAMPLES)] for n in range(1, STEPS + 1)])
        np.testing.assert_allclose(found, states[s.name], rtol=1e-9, atol=1e-12)
    gradients = printed.gradients()
    directions = {key: case.random.normal(size=np.shape(g)) for key, g in gradients.items()}
    assert_slope(case, gradients, directions)


def assert_slope(case, gradients, directions):
    found = sum((gradients[key] * d).sum() for key, d in directions.items())
    scale = sum(np.abs(gradients[key] * d).sum() for key, d in directions.items())
    if abs(found - case.slope(directions)) > 1e-9 * scale + 1e-13:
        for key, d in directions.items():
            np.testing.assert_allclose((gradients[key] * d).sum(), case.slope({key: d}), rtol=1e-8, atol=1e-12, err_msg=str(key))
        raise AssertionError((found, case.slope(directions)))


def assert_jacobians(cell, document=None):
    """The printed derivatives, their products, what they make of errors, and their bounds are those of complex steps."""
    document = document or document_of(cell)
    trace = Trace(cell, document)
    maps, step = Maps(trace), trace.step_jacobian
    # Delays are states again here, whose derivatives complex steps find.
    states = {At(q, t - n): s.prev for s, (q, n) in delays(document.derivation).items()}
    for line in document.lines:
        check_line(maps, replace(line, left=line.left.xreplace(states), right=line.right.xreplace(states)), step)


def check_line(maps, line, step, last=STEPS - 1):
    """Compare a line on derivatives with complex steps at the last step of a trace."""
    trace, (kind, _, name) = maps.trace, line.key.partition("-")
    if kind in ("local", "block"):
        of, by = line.left.args
        expected = trace.slope(of, by, last, step.kept if kind == "local" else ())
        assert_close(maps.dense(line.right, trace.shape(by), last, trace.shape(of)), expected, line.key)
    elif line.key == "step-jacobian":
        assert_close(of_blocks(maps, line.right, step, last), trace.whole(last, 1), line.key)
    elif kind == "product":
        shape = trace.whole(last, STEPS).shape[1:]
        assert_close(maps.dense(line.right, shape, last), maps.dense(line.left, shape, last), line.key)
    elif line.key == "bound":
        check_norms(maps, line, last)
    elif kind in ("recursion", "unrolled"):
        check_errors(maps, line, last)
    elif kind in ("path", "direct", "bound") and name:
        check_path(maps, line, next(s for s in step.states if line.key.endswith(f"-{s.name}")), last)


def check_norms(maps, line, last):
    """The product of norms is what it says, bounds the norm of the product, and is equal to it where the state is one number."""
    norm, product = maps.bound(line.left, last), maps.bound(line.right, last)
    steps = [maps.trace.whole(n, 1) for n in range(STEPS)]
    np.testing.assert_allclose(product, np.prod([np.linalg.norm(a, 2) for a in steps]), rtol=1e-10)
    np.testing.assert_allclose(norm, np.linalg.norm(maps.trace.whole(last, STEPS), 2), rtol=1e-9, atol=1e-12)
    assert norm <= product * (1 + 1e-10)
    if steps[0].shape == (1, 1):
        np.testing.assert_allclose(norm, product, rtol=1e-10)


def check_errors(maps, line, last):
    """What comes back to the whole state, against the derivative of a loss that contains it at every step."""
    trace, random = maps.trace, np.random.default_rng(2)
    held = delays(trace.derivation)  # which the loss does not contain
    sizes = [(s, int(np.prod(trace.shape(s)))) for s in trace.step_jacobian.states]
    direct = [np.concatenate([(s not in held) * random.normal(size=n) for s, n in sizes]) for _ in range(STEPS)]
    adjoints = {"cotangent": direct, "carried": [trace.carried(n, direct) for n in range(STEPS)]}
    for n in range(line.key == "recursion", last + 1):
        found, expected = (maps.error(side, n, adjoints) for side in (line.right, line.left))
        assert_close(found, expected, line.key)


def check_path(maps, line, state, last):
    shape = maps.trace.shape(state)
    if line.key.startswith("path-back"):
        error = np.random.default_rng(1).normal(size=shape)
        found, expected = (comes_back(maps, side, Adjoint(state), error, last) for side in (line.right, line.left))
        assert_close(np.ravel(found), np.ravel(expected), line.key)
    elif line.key.startswith("path"):
        assert_close(maps.dense(line.right, shape, last), maps.dense(line.left, shape, last), line.key)
    elif line.key.startswith("direct"):
        name, *held = line.left.args
        assert_close(maps.dense(line.right, shape, last), maps.trace.slope(*name.args, last, tuple(held)), line.key)
    else:
        assert maps.bound(line.left, last) <= maps.bound(line.right, last) * (1 + 1e-12) + 1e-14, line.key


def comes_back(maps, e, bar, error, last):
    """The value of what a path makes of an error."""
    if isinstance(e, Applied):
        return maps.times(Factors(*e.args[:-1]), error[..., None], last)
    e, values = maps.at_steps(e, last)
    return evaluate(e, values | {bar: error})


def of_blocks(maps, e, step, last):
    shapes = [maps.trace.shape(s) for s in step.states]
    if not isinstance(e, Blocks):
        return maps.dense(e, shapes[0], last)
    sizes = [int(np.prod(shape)) for shape in shapes]
    return np.block([
        [np.broadcast_to(0 if a == 0 else maps.dense(a, shape, last, into), (height, width)) for a, shape, width in zip(row, shapes, sizes, strict=True)]
        for row, into, height in zip(e.args, shapes, sizes, strict=True)
    ])  # fmt: skip


def assert_close(found, expected, key):
    scale = np.abs(expected).max(initial=0)
    np.testing.assert_allclose(np.broadcast_to(found, np.shape(expected)), expected, rtol=0, atol=1e-10 * scale + 1e-13, err_msg=key)


def assert_readouts(cell, document=None):
    """Where the loss is the printed one, the printed adjoint of the argument of each softmax is the printed difference."""
    document = document or document_of(cell)
    lines = {line.key: line for line in document.lines}
    for section in document.sections:
        if section.key.startswith("readout-"):
            check_readout(cell, document, lines[section.key.replace("readout", "readout-loss")], lines[section.key])


def check_readout(cell, document, loss, bar):
    case, random = Case(cell, seed=5), np.random.default_rng(4)
    (target,) = (q for q in bar.right.free_symbols if isinstance(q, TimedLetter))
    (y,) = bar.right.free_symbols - {target}
    (of_one_step, *over), places = loss.right.args, [(n, k) for n in range(1, STEPS + 1) for k in range(SAMPLES)]
    assert set(over) == {t, b}
    shown = Printed(document, case).run()
    values = {p: {y: shown.value(y, *p), target: random.dirichlet(np.ones(len(shown.value(y, *p))))} for p in places}
    case.cotangents = {name: np.zeros_like(a) for name, a in case.cotangents.items()}
    for (n, k), at in values.items():
        steps = [evaluate(of_one_step, at | {y: at[y] + TINY * 1j * e}) for e in np.eye(len(at[y]))]
        case.cotangents[y.name][n - 1, k] = np.imag(steps) / TINY
    shown = Printed(document, case).run()
    for place, at in values.items():
        np.testing.assert_allclose(shown.value(bar.left, *place), evaluate(bar.right, at), rtol=1e-9, atol=1e-12)
