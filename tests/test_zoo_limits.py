"""What published cells become at special parameters: another cell of the catalogue, or something known without one. In plain NumPy."""

import numpy as np
import pytest
from support.agreement import numpy_module

from symcell import cells

T, B, N_X, N_H = 11, 3, 5, 6
RNG = np.random.default_rng(11)
X = RNG.normal(size=(T, B, N_X))
SHUT, OPEN = -800.0, 40.0  # sigmoid of these is 0 and 1 to the last digit
TOLERANCE = {"rtol": 1e-12, "atol": 1e-12}


def prepared(name, n_x=N_X, n_h=N_H, **sizes):
    """A cell's NumPy module and random parameters."""
    module = numpy_module(cells.get(name))
    return module, {q: 2 * a for q, a in module.init(seed=1, n_x=n_x, n_h=n_h, **sizes).items()}


def random_states(*names):
    return {s: RNG.normal(size=(B, N_H)) for s in names}


def assert_same_states(found, expected, names):
    """The states of two cells; names: those of one by those of the other."""
    for here, there in names.items():
        assert expected.states[there].any()
        np.testing.assert_allclose(found.states[here], expected.states[there], **TOLERANCE)


def sigma(z):
    return 1 / (1 + np.exp(-z))


def test_an_irnn_keeps_positive_states_at_its_initial_parameters():
    """And errors go back through all steps unchanged."""
    irnn, p = prepared("irnn")
    p |= {"U_h": np.eye(N_H), "b_h": np.zeros(N_H)}
    first = {"h": np.abs(RNG.normal(size=(B, N_H)))}
    run = irnn.forward(p, np.zeros_like(X), first)
    np.testing.assert_array_equal(run.states["h"], np.tile(first["h"], (T, 1, 1)))
    error = RNG.normal(size=(B, N_H))
    np.testing.assert_array_equal(irnn.backward(run, final={"h": error}).initial["h"], error)


def test_a_multiplicative_rnn_that_sees_the_same_input_is_an_rnn():
    (cell, p), (rnn, _) = prepared("multiplicative_rnn", n_f=4), prepared("rnn")
    x, first = np.tile(X[0, 0], (T, B, 1)), random_states("h")
    U = p["U_h"] @ np.diag(p["W_fx"] @ X[0, 0]) @ p["W_fh"]
    expected = rnn.forward({"W_a": p["W_h"], "U_a": U, "b_a": p["b_h"]}, x, {"a": first["h"]})
    assert_same_states(cell.forward(p, x, first), expected, {"h": "a"})


def test_a_lipschitz_rnn_without_its_linear_part_is_antisymmetric():
    (cell, p), (antisymmetric, _) = prepared("lipschitz_rnn"), prepared("antisymmetric_rnn")
    p |= {"M_A": np.zeros((N_H, N_H)), "gamma_A": 0.0, "beta_W": 1.0}
    q = {"M": p["M_W"], "V": p["U"], "b": p["b"], "gamma": p["gamma_W"], "epsilon": p["epsilon"]}
    first = random_states("h")
    assert_same_states(cell.forward(p, X, first), antisymmetric.forward(q, X, first), {"h": "h"})


def test_an_unicornn_is_a_cornn_without_coupling_or_damping():
    """For the largest sigmoid(c), 1, and with the sign of the force reversed."""
    (cell, p), (cornn, _) = prepared("unicornn"), prepared("cornn")
    p["c"] = np.full(N_H, OPEN)
    q = {"W_z": -p["V"], "U_z_y": -np.diag(p["w"]), "U_z_z": np.zeros((N_H, N_H)), "b_z": -p["b"]}
    q |= {"dt": p["dt"], "gamma": p["alpha"], "epsilon": 0.0}
    first = random_states("z", "y")
    assert_same_states(cell.forward(p, X, first), cornn.forward(q, X, first), {"z": "z", "y": "y"})


def test_the_steps_of_an_unicornn_can_be_undone():
    cell, p = prepared("unicornn")
    first, rate = random_states("z", "y"), p["dt"] * sigma(p["c"])
    final = cell.forward(p, X, first).final
    z, y = final["z"], final["y"]
    for x in X[::-1]:
        y = y - rate * z
        z = z + rate * (np.tanh(p["w"] * y + x @ p["V"].T + p["b"]) + p["alpha"] * y)
    for found, s in ((z, "z"), (y, "y")):
        assert np.abs(final[s] - first[s]).max() > 0.1
        np.testing.assert_allclose(found, first[s], **TOLERANCE)


def test_the_states_of_a_lem_stay_between_one_and_minus_one():
    """They are averages of tanh while dt is at most 1; with no step in time they do not move."""
    cell, p = prepared("lem")
    first = {s: np.tanh(a) for s, a in random_states("z", "y").items()}
    run = cell.forward({q: 9 * a for q, a in p.items()} | {"dt": 1.0}, X, first)
    assert all(0.9 < np.abs(a).max() <= 1 for a in run.states.values())
    run = cell.forward(p | {"dt": 0.0}, X, first)
    for s, a in run.states.items():
        np.testing.assert_array_equal(a, np.tile(first[s], (T, 1, 1)))


def test_a_fastrnn_without_its_residual_is_an_rnn():
    (cell, p), (rnn, _) = prepared("fastrnn"), prepared("rnn")
    first, q = random_states("h"), {f"{kind}_a": p[f"{kind}_g"] for kind in "WUb"}
    expected = rnn.forward(q, X, {"a": first["h"]})
    assert_same_states(cell.forward(p | {"alpha": OPEN, "beta": SHUT}, X, first), expected, {"h": "a"})


def test_a_cfn_forgets_without_chaos():
    """Without an input all units decay towards zero, each by itself, whatever the weights are."""
    cell, p = prepared("cfn")
    first = random_states("h")
    states = cell.forward({q: 9 * a for q, a in p.items()}, np.zeros_like(X), first).states["h"]
    both = np.concatenate([first["h"][None], states])
    assert (np.abs(both[1:]) < np.abs(both[:-1])).all() and (np.sign(both[1:]) * np.sign(both[:-1]) >= 0).all()


def test_janet_without_its_offset_is_an_ugrnn():
    (cell, p), (ugrnn, _) = prepared("janet"), prepared("ugrnn")
    q = {f"{kind}_{there}": p[f"{kind}_{here}"] for kind in "WUb" for here, there in (("f", "g"), ("g", "c"))}
    first = random_states("h")
    assert_same_states(cell.forward(p | {"beta": 0.0}, X, first), ugrnn.forward(q, X, first), {"h": "h"})


def test_clockwork_modules_move_at_their_periods_and_do_not_depend_on_faster_ones():
    cell, p = prepared("clockwork_rnn")
    periods, mask = cells.clockwork_modules([1, 2, 4], units=2)
    p |= {"T": periods, "mask": mask}
    t, first = np.tile(np.arange(1.0, T + 1)[:, None], B), random_states("h")
    states = cell.forward(p, {"t": t, "x": X}, first).states["h"]
    moved = np.diff(states, axis=0, prepend=first["h"][None]) != 0
    for step, units in enumerate(moved, start=1):
        assert (units == (step % periods == 0)).all()
    faster = {"h": first["h"] + [9, 9, 9, 9, 0, 0]}
    np.testing.assert_array_equal(cell.forward(p, {"t": t, "x": X}, faster).states["h"][..., 4:], states[..., 4:])


def test_a_clockwork_rnn_of_one_period_is_an_rnn():
    (cell, p), (rnn, _) = prepared("clockwork_rnn"), prepared("rnn")
    p |= {"T": np.ones(N_H), "mask": np.ones((N_H, N_H))}
    t, first = np.tile(np.arange(1.0, T + 1)[:, None], B), random_states("h")
    expected = rnn.forward({"W_a": p["W"], "U_a": p["U"], "b_a": p["b"]}, X, {"a": first["h"]})
    assert_same_states(cell.forward(p, {"t": t, "x": X}, first), expected, {"h": "a"})


def test_fast_weights_are_a_decaying_sum_of_what_was():
    cell, p = prepared("fast_weights_rnn")
    p |= {"lamda": 0.8, "eta": 0.4}
    first = random_states("h")
    run = cell.forward(p, X, first)
    seen = np.concatenate([first["h"][None], run.states["h"]])[:T]
    weights = 0.4 * 0.8 ** np.arange(T)[::-1]
    np.testing.assert_allclose(run.final["A"], np.einsum("t,tbi,tbj->bij", weights, seen, seen), **TOLERANCE)


def test_a_mogrifier_whose_gates_are_one_is_an_lstm():
    (cell, p), (lstm, q) = prepared("mogrifier_lstm"), prepared("lstm")
    still = {name: 0 * a for name, a in p.items() if name not in q}
    assert set(still) == {"Q_1", "R_2", "Q_3", "R_4", "Q_5"}
    first = random_states("c", "h")
    assert_same_states(cell.forward(p | still, X, first), lstm.forward({name: p[name] for name in q}, X, first), {"c": "c", "h": "h"})


@pytest.mark.parametrize(("name", "becomes"), [("time_lstm_1", "peephole_lstm"), ("time_lstm_3", "cifg_lstm")])
def test_a_time_lstm_whose_time_gates_are_open_is_an_lstm(name, becomes):
    (cell, p), (lstm, q) = prepared(name), prepared(becomes)
    p |= {gate: np.full(N_H, OPEN) for gate in ("b_T1", "b_T2") if gate in p} | {"w_o": np.zeros(N_H)}
    first, dt = random_states("c", "h"), RNG.uniform(size=(T, B))
    expected = lstm.forward({gate: p[gate] for gate in q}, X, first)
    assert_same_states(cell.forward(p, {"dt": dt, "x": X}, first), expected, {"c": "c", "h": "h"})


def test_an_mc_lstm_conserves_mass():
    """Its state is its initial mass and all input less all output; also from an initial state without mass."""
    cell, p = prepared("mc_lstm", n_a=4)
    x, a = RNG.uniform(size=(T, B, N_X)), RNG.normal(size=(T, B, 4))
    for first in ({}, {"c": RNG.uniform(size=(B, N_H))}):
        states = cell.forward(p, {"x": x, "a": a}, first).states
        assert (states["c"] > 0).all() and (states["h"] > 0).all()
        came = x.sum(axis=-1).cumsum(axis=0) + first.get("c", np.zeros((B, N_H))).sum(axis=-1)
        np.testing.assert_allclose(states["c"].sum(axis=-1), came - states["h"].sum(axis=-1).cumsum(axis=0), **TOLERANCE)


def test_a_skip_lstm_that_skips_nothing_is_an_lstm():
    """Its gate is open before the first step."""
    (cell, p), (lstm, q) = prepared("skip_lstm"), prepared("lstm")
    first = random_states("c", "h")
    expected = lstm.forward({name: p[name] for name in q}, X, first)
    assert_same_states(cell.forward(p | {"w_p": np.zeros(N_H), "b_p": OPEN}, X, first), expected, {"c": "c", "h": "h"})


def test_a_skip_lstm_adds_up_until_it_reaches_one_half():
    """With increments of 0.2 it sees the first, the fourth, the seventh step ..., as an LSTM that is given these alone does."""
    (cell, p), (lstm, q) = prepared("skip_lstm"), prepared("lstm")
    first = random_states("c", "h")
    run = cell.forward(p | {"w_p": np.zeros(N_H), "b_p": np.log(0.2 / 0.8)}, X, first)
    seen = lstm.forward({name: p[name] for name in q}, X[::3], first)
    for s in "ch":
        np.testing.assert_allclose(run.states[s], np.repeat(seen.states[s], 3, axis=0)[:T], **TOLERANCE)
