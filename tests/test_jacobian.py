"""Step Jacobians as numbers: the printed products of diag(...) and parameters against complex steps through the interpreter."""

import numpy as np
import pytest
from sympy import Eq, symbols, tanh

from symcell import Cell, CellError, Input, Param, State, affine, cells, column, cumsum, mean, outer, sigmoid, softmax, variance
from symcell.derivation.carousel import carousels
from symcell.derivation.maps import columns, covector, diag, linear, matrix, transposed, transposed_map, vector
from symcell.derivation.ranges import Ranges
from symcell.interpret import evaluate, run
from symcell.language.sizes import size
from symcell.language.symbols import Hole
from symcell.trials import random_sizes

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


def numbers_of(cell):
    return {size(n): length for n, length in random_sizes(cell, np.random.default_rng(7)).items()}


def shape_of(cell, q):
    return tuple(int(n.subs(numbers_of(cell))) for n in cell.shape(q))


def step_values(cell, random):
    """Random values of everything on the right, positive where a logarithm or a period wants them so, and what the forward rows
    make of them."""
    values = numbers_of(cell)
    for q in (*cell.inputs, *cell.params, *cell.constants, *(s.prev for s in cell.states)):
        values[q] = random.normal(size=shape_of(cell, q))
        if cell.name in ("t_lstm", "phased_lstm", "slstm"):
            values[q] = np.abs(values[q]) + 0.1
    for row in cell.derive().forward:
        values[row.target] = evaluate(row.rhs, values)
    return values


def apply(e, v, values):
    """The value of a printed Jacobian, as a linear map, at v."""
    if e == 0:
        return np.float64(0)
    if e.is_commutative:
        return evaluate(e, values) * v
    if e.is_Add:
        return sum(apply(a, v, values) for a in e.args)
    if e.is_Mul:
        for factor in reversed(e.args):
            v = apply(factor, v, values)
        return v
    if e.is_Pow:
        return apply(e.base, apply(e.base ** (e.exp - 1), v, values), values)
    if isinstance(e, (diag, vector)):
        return evaluate(e.args[0], values) * v
    if isinstance(e, matrix):
        return evaluate(e.args[0], values) @ v
    if isinstance(e, columns):
        a, start, length = (evaluate(arg, values) for arg in e.args)
        return a[:, int(start) : int(start) + int(length)] @ v
    if isinstance(e, covector):
        return (evaluate(e.args[0], values) * v).sum()
    assert isinstance(e, linear)
    (hole,) = e.atoms(Hole)
    return evaluate(e.args[0], values | {hole: v})


def slope(cell, new, prev, values, direction):
    """d new / d prev along a direction, by a complex step of the interpreter."""
    initial = {s.name: values[s.prev][None].astype(complex) for s in cell.states}
    initial[prev.state.name] = initial[prev.state.name] + 1e-40j * direction
    inputs = {q.name: values[q][None, None] for q in cell.inputs}
    return run(cell, {p.name: values[p] for p in (*cell.params, *cell.constants)}, inputs, initial)[new.name][0, 0].imag / 1e-40


@pytest.mark.parametrize("cell", ALL, ids=lambda cell: cell.name)
def test_every_step_jacobian_is_the_derivative(cell):
    random = np.random.default_rng(3)
    values = step_values(cell, random)
    for new in cell.states:
        for previous in cell.states:
            direction = random.normal(size=shape_of(cell, previous))
            found = apply(cell.jacobian(new, previous.prev), direction, values)
            expected = slope(cell, new, previous.prev, values, direction)
            np.testing.assert_allclose(np.broadcast_to(found, expected.shape), expected, rtol=1e-12, atol=1e-14)


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


def test_products_over_any_number_of_steps():
    a = cells.rnn.states[0]
    factors = cells.rnn.carousel(a).product(4)
    assert str(factors).count("U_a") == 4
    assert {str(s) for s in cells.lstm.carousel(cells.lstm.states[0]).product(3).args} == {"f[t - 2]", "f[t - 1]", "f[t]"}
    assert cells.lstm_1997.carousel(cells.lstm_1997.states[0]).product(100) == 1
    assert cells.scalar_rnn.carousel(cells.scalar_rnn.states[0]).product(7) == Param("w", ()) ** 7
    assert cells.lstm.carousel(cells.lstm.states[0]).product(0) == 1
    with pytest.raises(CellError, match="number of steps"):
        cells.lstm.carousel(cells.lstm.states[0]).product(-1)


def test_kinds():
    kinds = {name: cells.get(name).carousel(cells.get(name).states[0]).kind for name in cells.names()}
    assert kinds["lstm"] == kinds["lstm_concat"] == "gate"
    assert kinds["lstm_1997"] == kinds["scalar_rnn"] == "constant"
    assert kinds["peephole_lstm"] == kinds["cifg_lstm"] == "elementwise"
    assert kinds["rnn"] == kinds["gru"] == "matrix"


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


def test_what_is_no_state_has_no_jacobian():
    for new, prev in ((f, c.prev), (c, c), (c, State("other").prev)):
        with pytest.raises(CellError, match="lstm"):
            cells.lstm.jacobian(new, prev)
