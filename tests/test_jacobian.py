"""Step Jacobians as numbers: the printed products of diag(...) and parameters against complex steps through the interpreter."""

import numpy as np
import pytest
from support.jacobians import apply, evaluate, shape_of, slope, step_values
from sympy import Eq, symbols, tanh

from symcell import Cell, Input, Param, State, affine, cells, column, cumsum, mean, outer, sigmoid, softmax, variance
from symcell.derivation.carousel import carousels
from symcell.derivation.maps import diag, transposed, transposed_map
from symcell.derivation.ranges import Ranges

x, h, c = Input("x"), State("h"), State("c")
f, g, k = symbols("f g k")


def odd_cells():
    n = (f - mean(f)) / (variance(f) + 1) ** 0.5
    yield Cell("normed", [Eq(f, affine(x, h.prev)), Eq(h, tanh(Param("gain") * n) + cumsum(softmax(f)))])
    memory = State("S", ("n_h", "n_k"))
    yield Cell(
        "memory",
        [
            Eq(k, Param("K", ("n_k", "n_h")) @ h.prev),
            Eq(memory, column(sigmoid(affine(x, h.prev))) * memory.prev + outer(tanh(affine(x, name="v")), k)),
            Eq(h, tanh(memory @ k + affine(x))),
        ],
    )
    s = State("s", ())
    yield Cell("pooled", [Eq(s, s.prev / 2 + mean(tanh(h.prev))), Eq(h, tanh(affine(x, h.prev)) * s)])


ALL = [*(cells.get(name) for name in cells.names()), *odd_cells()]


@pytest.mark.parametrize("cell", ALL, ids=lambda cell: cell.name)
def test_every_step_jacobian_is_the_derivative(cell):
    random = np.random.default_rng(3)
    values = step_values(cell, random)
    for new in cell.states:
        for previous in cell.states:
            direction = random.normal(size=shape_of(cell, previous))
            found = apply(cell.jacobian(new, previous.prev), direction, values)
            expected = slope(cell, new, previous.prev, values, direction)
            rounding = 1e-14 + 1e-12 * np.abs(expected).max()
            np.testing.assert_allclose(np.broadcast_to(found, expected.shape), expected, rtol=0, atol=rounding)


@pytest.mark.parametrize("cell", ALL, ids=lambda cell: cell.name)
def test_values_and_factors_stay_in_their_ranges(cell):
    bounds = Ranges(cell.derive()).of
    factors = [f for f in (cell.carousel(s).factor for s in cell.states) if f.is_commutative]
    for seed in range(3):
        values = step_values(cell, np.random.default_rng(seed))
        for e in (*(row.target for row in cell.derive().forward), *factors):
            lowest, highest = map(float, bounds(e))
            found = np.asarray(evaluate(e, values), float)
            assert found.min() >= lowest - 1e-12 and found.max() <= highest + 1e-12, e


@pytest.mark.parametrize("name", ["rnn", "gru", "lstm"])
def test_the_transpose_is_the_adjoint_map(name):
    cell = cells.get(name)
    random = np.random.default_rng(4)
    values = step_values(cell, random)
    state = cell.outputs[0]
    forward = cell.jacobian(state, state.prev)
    u, v = random.normal(size=(2, *shape_of(cell, state)))
    back = transposed(forward)
    assert not back.atoms(transposed_map)
    assert u @ apply(forward, v, values) == pytest.approx(v @ apply(back, u, values), rel=1e-12)


def test_the_freest_carousel_comes_first():
    assert [(c.state.name, c.kind) for c in carousels(cells.lstm_1997.derive())] == [("c", "constant"), ("h", "matrix")]


# cell and state: the states through which the total derivative of one step passes, and those of several steps
WAYS = {
    ("lstm", "c"): ("h", "h"),
    ("lstm", "h"): ("", "c"),
    ("peephole_lstm", "c"): ("h", "h"),
    ("peephole_lstm", "h"): ("", "c"),
    ("lru", "h_re"): ("", "h_im"),
    ("zoneout_lstm", "c"): ("", "h"),
    ("slstm", "c"): ("h", "m h"),
    ("lstm_1997_truncated", "c"): ("", ""),
    ("gru", "c"): ("", ""),
    ("rnn_readout", "a"): ("", ""),
}


@pytest.mark.parametrize(("name", "state"), WAYS)
def test_the_ways_through_other_states(name, state):
    cell = cells.get(name)
    carousel = cell.carousel(next(s for s in cell.states if s.name == state))
    found = tuple(" ".join(s.name for s in states) for states in (carousel.detours, carousel.longer_detours))
    assert found == WAYS[name, state]


def test_a_state_that_another_makes_whole_takes_no_longer_ways():
    cell = Cell("toy", [Eq(c, sigmoid(affine(x)) * c.prev + Param("U") @ h.prev), Eq(h, tanh(c))])
    assert cell.carousel(c).detours == (h,)
    assert cell.carousel(c).longer_detours == ()


def trajectory(cell, steps):
    """The values of everything at every one of some steps that follow one another."""
    values = [step_values(cell, np.random.default_rng(5))]
    while len(values) < steps:
        values.append(following(cell, values[-1], values[-1]))
    return values


def following(cell, before, given, moved=()):
    """The values of the step `given`, but after the step `before` where there is one, and with the states in `moved` set by hand."""
    values = dict(given) if before is None else given | {s.prev: before[s] for s in cell.states}
    for row in cell.derive().forward:
        values[row.target] = moved[row.target] if row.target in moved else evaluate(row.rhs, values)
    return values


def totals(cell, path, state, direction):
    """How the states of the first step and of all that follow move with one new state of the first, by a complex step."""
    found = [following(cell, None, path[0], {state: path[0][state] + 1e-40j * direction})]
    for given in path[1:]:
        found.append(following(cell, found[-1], given))
    return [{s: np.broadcast_to(values[s].imag / 1e-40, shape_of(cell, s)) for s in cell.states} for values in found]


@pytest.mark.parametrize("cell", ALL, ids=lambda cell: cell.name)
def test_the_factor_and_the_detours_are_the_total_derivative_of_one_step(cell):
    path = trajectory(cell, 2)
    for state in cell.states:
        direction, carousel = np.random.default_rng(6).normal(size=shape_of(cell, state)), cell.carousel(state)
        at_once, later = totals(cell, path, state, direction)
        found = apply(carousel.factor, direction, path[1])
        for s in carousel.detours:
            assert at_once[s].any()
            found = found + apply(cell.jacobian(state, s.prev), at_once[s], path[1])
        np.testing.assert_allclose(np.broadcast_to(found, later[state].shape), later[state], rtol=1e-10, atol=1e-13)


ONE_WAY_BACK = [(cell, state) for cell in ALL for state in cell.states if not cell.carousel(state).longer_detours]


@pytest.mark.parametrize(("cell", "state"), ONE_WAY_BACK, ids=lambda q: q.name)
def test_without_longer_detours_the_totals_of_the_steps_multiply(cell, state):
    path, direction = trajectory(cell, 4), np.random.default_rng(6).normal(size=shape_of(cell, state))
    whole, step_by_step = totals(cell, path, state, direction)[-1][state], direction
    for k in range(3):
        step_by_step = totals(cell, path[k:k + 2], state, step_by_step)[-1][state]
    np.testing.assert_allclose(whole, step_by_step, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize(("name", "state"), [key for key, (_, longer) in WAYS.items() if longer and key[0] != "slstm"])
def test_with_longer_detours_they_do_not(name, state):
    cell = cells.get(name)
    path, state = trajectory(cell, 3), next(s for s in cell.states if s.name == state)
    direction = np.random.default_rng(6).normal(size=shape_of(cell, state))
    once, twice = (totals(cell, path[:k], state, direction)[-1][state] for k in (2, 3))
    assert not np.allclose(totals(cell, path[1:], state, once)[-1][state], twice, rtol=1e-6)


def test_the_gru_is_its_gate_and_further_terms():
    (state,) = cells.gru.states
    carousel = cells.gru.carousel(state)
    assert str(carousel.direct) == "1 - i"
    assert carousel.factor.has(diag(carousel.direct))
