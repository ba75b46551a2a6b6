"""What a document prints is true: its lines are evaluated from the objects that renderers print, and compared with the interpreter."""

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from support.jacobians import evaluate
from support.printed_checks import assert_equations_and_adjoints, assert_jacobians, assert_readouts, document_of
from support.printed_jacobians import STEPS, Trace
from support.random_cells import declarations
from sympy import Eq

from symcell import State, affine, cells, softmax
from symcell.documents.article import Equations, Math
from symcell.documents.nodes import Applied, At, Run, SumFrom, T, Terms, bound, j, k, t

ALL = [cells.get(name) for name in cells.names()]
y = State("y", "n_y")
READOUTS = [
    cells.rnn_readout,
    cells.lstm.variant("lstm_readout", add=[Eq(y, softmax(affine(State("h"), State("c"))))], outputs=[State("h"), y]),
    cells.gru.variant("gru_readout", add=[Eq(y, softmax(affine(State("c"))**3))], outputs=[y]),
]


@pytest.mark.parametrize("cell", ALL, ids=lambda cell: cell.name)
def test_the_printed_equations_and_adjoints_are_true(cell):
    assert_equations_and_adjoints(cell)


@pytest.mark.parametrize("cell", ALL, ids=lambda cell: cell.name)
def test_the_printed_jacobians_products_errors_and_bounds_are_true(cell):
    assert_jacobians(cell)


@pytest.mark.parametrize("cell", READOUTS, ids=lambda cell: cell.name)
def test_the_printed_readout_is_true(cell):
    assert any(line.key.startswith("readout") for line in document_of(cell).lines)
    assert_readouts(cell)


@seed(3)
@settings(max_examples=30, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(declarations())
def test_what_is_printed_of_random_cells_is_true(declaration):
    cell = declaration.cell()
    assert_equations_and_adjoints(cell)
    assert_jacobians(cell)


def formulas_in_words(cell):
    """The formulas in the sentences on several steps, and these sentences."""
    sentences = [*document_of(cell).section("steps").sentences]
    text = "".join(part for parts in sentences for part in parts if isinstance(part, str))
    return [part for parts in sentences for part in parts if isinstance(part, Math)], text


@pytest.mark.parametrize("name", ["lstm", "unicornn"])
def test_the_smallest_example_is_true(name):
    formulas, text = formulas_in_words(cells.get(name))
    (rule,) = (f for f in formulas if f.right is not None and f.right.has(At) and isinstance(f.right, Terms))
    jacobian, power = formulas[formulas.index(rule) + 1].expr, formulas[-1].expr
    (before,) = rule.right.atoms(At)
    (added,) = rule.right.free_symbols - jacobian.free_symbols - before.free_symbols
    assert before == At(rule.expr, t - 1) and power.has(k)
    found = re.search(r"over (\d+) steps it is (\S+) for a weight of (\S+), and (\S+) for one of (\S+)\.", text).groups()
    steps, *numbers = map(float, found)
    for said, weight in (numbers[:2], numbers[2:]):
        value = 0.3 + 1e-40j
        for n in range(int(steps)):
            value = evaluate(rule.right.xreplace({before: rule.expr}), {rule.expr: value, jacobian: weight, added: 0.1 * n})
            np.testing.assert_allclose(value.imag / 1e-40, evaluate(power, {jacobian: weight, k: n + 1}), rtol=1e-12)
        assert f"{value.imag / 1e-40:.{3 if said < 1 else 0}f}" == f"{said:.{3 if said < 1 else 0}f}"


@pytest.mark.parametrize("name", ["rnn", "lstm", "fast_weights_rnn"])
def test_errors_are_bounded_by_the_power_that_the_words_say(name):
    cell = cells.get(name)
    trace, (formulas, _) = Trace(cell, document_of(cell)), formulas_in_words(cell)
    (power,) = (f.expr for f in formulas if f.expr.has(bound) and f.expr.has(k))
    largest = max(np.linalg.norm(trace.whole(n, 1), 2) for n in range(STEPS))
    for count in (2, STEPS):
        assert np.linalg.norm(trace.whole(STEPS - 1, count), 2) <= evaluate(power, {bound: largest, k: count}) * (1 + 1e-12)


def mapped(change):
    return lambda line: replace(line, right=change(line.right))


FALSE = {
    "recursion": mapped(lambda e: Applied(e.args[0].args[0], e.args[1])),  # without the transposition
    "recursion ": mapped(lambda e: Applied(e.args[0], e.args[1].args[1])),  # without what the loss says
    "unrolled": mapped(lambda e: SumFrom(e.args[0], j, t + 2, T)),
    "unrolled ": mapped(lambda e: e.xreplace({t + 1: t})),
    "product-k": mapped(lambda e: Run(e.args[0], t, t - 1, t - k)),
    "product": mapped(lambda e: e.func(*reversed(e.args))),
    "bound": lambda line: replace(line, left=line.right, right=line.left),
    "bound ": mapped(lambda e: Run(e.args[0], t, t - 1, t - k)),
    "path-back-c": mapped(lambda e: e.func(*e.args[1:])),
    "path-product-k-c": mapped(lambda e: e.func(e.args[0].xreplace({t - k + 1: t - k}))),
    "bound-h": mapped(lambda e: e / 100),
    "end-h": mapped(lambda e: e + 1),
    "start-c": mapped(lambda e: At(e.args[0], 1)),
    "start-h": mapped(lambda e: 2 * e),
    "readout-loss-y": mapped(lambda e: 2 * e.func(*e.args) if e.is_Mul else e.func(2 * e.args[0], *e.args[1:])),
    "readout-y": mapped(lambda e: -e),
}


@pytest.mark.parametrize("key", FALSE)
def test_a_false_line_is_found(key):
    cell = READOUTS[1]
    for_key = {line.key for line in document_of(cell).lines}
    assert key.strip() in for_key
    document = with_changed_line(document_of(cell), key.strip(), FALSE[key])
    with pytest.raises(AssertionError):
        assert_equations_and_adjoints(cell, document)
        assert_jacobians(cell, document)
        assert_readouts(cell, document)


def with_changed_line(document, key, change):
    def changed(block):
        if not isinstance(block, Equations):
            return block
        return replace(block, lines=tuple(change(line) if line.key == key else line for line in block.lines))

    sections = (replace(s, blocks=tuple(map(changed, s.blocks))) for s in document.sections)
    return replace(document, sections=tuple(sections))
