"""What a document prints is true: its lines are evaluated from the objects that renderers print, and compared with the interpreter."""

from dataclasses import replace

import numpy as np
import pytest
from support.jacobians import evaluate
from support.printed_jacobians import Maps, Trace
from support.printed_values import SAMPLES, STEPS, Case, Printed

from symcell import cells
from symcell.documents.contents import article
from symcell.documents.delays import delays
from symcell.documents.nodes import Applied, At, Blocks, Factors, t
from symcell.language.symbols import Adjoint

ALL = [cells.get(name) for name in cells.names()]


@pytest.mark.parametrize("cell", ALL, ids=lambda cell: cell.name)
def test_the_printed_equations_and_adjoints_are_true(cell):
    case = Case(cell, seed=5)
    printed = Printed(article(cell.derive()), case).run()
    states = case.states()
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


@pytest.mark.parametrize("cell", ALL, ids=lambda cell: cell.name)
def test_the_printed_jacobians_products_and_bounds_are_true(cell):
    document = article(cell.derive(), steps=STEPS)
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
        assert_close(maps.dense(line.right, trace.shape(by), last), expected, line.key)
    elif line.key == "step-jacobian":
        assert_close(of_blocks(maps, line.right, step, last), trace.whole(last, 1), line.key)
    elif kind == "product":
        whole = trace.whole(last, STEPS)
        assert_close(maps.dense(line.right, whole.shape[:1], last), whole, line.key)
    elif kind in ("path", "direct", "bound") and name:
        check_path(maps, line, next(s for s in step.states if line.key.endswith(f"-{s.name}")), last)


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
        [np.broadcast_to(0 if a == 0 else maps.dense(a, shape, last), (height, width)) for a, shape, width in zip(row, shapes, sizes, strict=True)]
        for row, height in zip(e.args, sizes, strict=True)
    ])  # fmt: skip


def assert_close(found, expected, key):
    scale = np.abs(expected).max(initial=0)
    np.testing.assert_allclose(np.broadcast_to(found, np.shape(expected)), expected, rtol=0, atol=1e-10 * scale + 1e-13, err_msg=key)
