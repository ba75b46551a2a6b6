"""What is known of published cells without differentiating anything: special cases, invariances, other ways to compute them."""

import numpy as np
import pytest

from symcell import cells

T, B, N_X, N_H = 11, 3, 5, 7
RNG = np.random.default_rng(7)
X = RNG.normal(size=(T, B, N_X))
TOLERANCE = {"rtol": 1e-12, "atol": 1e-12}


def prepared(name, n_x=N_X, n_h=N_H, **sizes):
    """A cell's kernel in double precision, and random parameters."""
    kernel = cells.get(name).compile("float64")
    return kernel, kernel.init(seed=1, n_x=n_x, n_h=n_h, **sizes)


def random_states(*names, width=N_H):
    return {s: RNG.normal(size=(B, width)) for s in names}


def assert_same(actual, expected):
    np.testing.assert_allclose(actual, expected, **TOLERANCE)


def sigma(z):
    return 1 / (1 + np.exp(-z))


def test_a_delta_network_that_sends_everything_is_a_gru():
    delta, p = prepared("delta_gru")
    gru, _ = prepared("gru_reset_after")
    q = {f"{kind}_{gate}": p[f"{kind}_{gate}"] for kind in "WUb" for gate in "rz"}
    q |= {"W_n": p["W_g"], "U_n": p["U_g"], "b_n": p["b_x"], "d_n": p["b_h"]}
    first = random_states("h_sent", "h") | random_states("x_sent", width=N_X)  # the accumulators hold what was sent
    for m, W, U in (("m_r", "W_r", "U_r"), ("m_z", "W_z", "U_z"), ("m_x", "W_g", None), ("m_h", None, "U_g")):
        first[m] = np.tile(p[m.replace("m", "b")], (B, 1))
        first[m] += first["x_sent"] @ p[W].T if W else 0
        first[m] += first["h_sent"] @ p[U].T if U else 0
    expected = gru.forward(q, X, {"h": first["h"]}).states["h"]
    assert_same(delta.forward(p | {"theta": 0.0}, X, first).states["h"], expected)
    assert np.abs(delta.forward(p | {"theta": 0.5}, X, first).states["h"] - expected).max() > 1e-3


def test_the_slstm_does_not_see_its_stabiliser():
    """c and n are multiples of exp(-m), so a shift of m that scales them leaves h alone."""
    kernel, p = prepared("slstm", n_h=8, n_heads=2)
    first = random_states("m", "c", "n", "h", width=8)
    first["n"] = np.abs(first["n"]) + 0.1
    shift = 3 * RNG.normal(size=(B, 8))
    shifted = {"m": first["m"] + shift, "c": first["c"] * np.exp(-shift), "n": first["n"] * np.exp(-shift), "h": first["h"]}
    here, there = (kernel.forward(p, X, initial).states for initial in (first, shifted))
    assert_same(there["h"], here["h"])
    assert_same(there["c"] * np.exp(there["m"]), here["c"] * np.exp(here["m"]))


@pytest.mark.parametrize(
    ("name", "step", "states"), [("cornn", "dt", "zy"), ("antisymmetric_rnn", "epsilon", "h"), ("ctrnn", "dt", "h")]
)
def test_without_a_step_in_time_nothing_moves(name, step, states):
    kernel, p = prepared(name)
    first = random_states(*states)
    run = kernel.forward(p | {step: 0.0}, X, first)
    for s in states:
        np.testing.assert_array_equal(run.states[s], np.tile(first[s], (T, 1, 1)))


def test_the_six_sub_steps_of_the_ctrnn():
    kernel, p = prepared("ctrnn")
    p |= {"tau": 0.7, "dt": 0.1}
    h = random_states("h")["h"]
    states = kernel.forward(p, X, {"h": h}).states["h"]
    for x, state in zip(X, states, strict=True):
        for _ in range(6):
            h = h + 0.1 * (np.tanh(x @ p["W_h"].T + h @ p["U_h"].T + p["b_h"]) - h / 0.7)
        assert_same(state, h)


def test_the_lru_in_complex_numbers():
    """Unrolled: h_t is the sum of lambda^(t-s) gamma B x_s."""
    kernel = cells.get("lru").compile("float64")
    p = kernel.init(seed=1, n_h=N_H, n_y=N_X)
    eigenvalues = np.exp(-np.exp(p["nu"]) + 1j * np.exp(p["theta"]))
    driven = X @ (np.exp(p["log_gamma"])[:, None] * (p["B_re"] + 1j * p["B_im"])).T
    first = random_states("h_re", "h_im")
    run = kernel.forward(p, X, first)
    for t in range(T):
        h = eigenvalues ** (t + 1) * (first["h_re"] + 1j * first["h_im"])
        h = h + sum(eigenvalues ** (t - s) * driven[s] for s in range(t + 1))
        assert_same(run.states["h_re"][t] + 1j * run.states["h_im"][t], h)
        assert_same(run.states["y"][t], (h @ (p["C_re"] + 1j * p["C_im"]).T).real + p["D"] * X[t])


@pytest.mark.parametrize(("order", "window"), [(1, 1.0), (4, 10.0), (7, 25.0)])
def test_the_legendre_memory_is_its_differential_equation_over_one_step(order, window):
    """Zero-order hold: m' = A m + B u with u constant, integrated by many Runge-Kutta steps from every unit vector."""
    A = np.empty((order, order))
    for i in range(order):
        for j in range(order):
            A[i, j] = (2 * i + 1) / window * (-1 if i < j else (-1) ** (i - j + 1))
    B_ = np.array([(2 * i + 1) * (-1) ** i / window for i in range(order)])

    steps = 1000
    m = np.hstack([np.eye(order), np.zeros((order, 1))])  # the last column begins at zero and is driven
    u = np.eye(order + 1)[order]

    def slope(m):
        return A @ m + np.outer(B_, u)

    for _ in range(steps):
        k1 = slope(m)
        k2 = slope(m + k1 / (2 * steps))
        k3 = slope(m + k2 / (2 * steps))
        k4 = slope(m + k3 / steps)
        m = m + (k1 + 2 * k2 + 2 * k3 + k4) / (6 * steps)
    held_A, held_B = cells.legendre_memory(order, window)
    np.testing.assert_allclose(held_A, m[:, :order], rtol=0, atol=1e-10)
    np.testing.assert_allclose(held_B, m[:, order], rtol=0, atol=1e-10)


def test_the_memory_of_the_lmu_holds_the_last_window():
    """Its entries are the coefficients of the input's last `window` steps in Legendre polynomials."""
    order, window, period, length = 10, 40.0, 60.0, 200
    kernel, p = prepared("lmu", n_x=1, n_h=2, n_m=order)
    A, B_ = cells.legendre_memory(order, window)
    p |= {"A": A, "B": B_, "e_x": np.ones(1), "e_h": np.zeros(2), "e_m": np.zeros(order)}

    def signal(t):
        return np.sin(2 * np.pi * t / period)

    memory = kernel.forward(p, signal(np.arange(length))[:, None, None]).states["m"][:, 0]
    delay = np.linspace(window / 8, window, 8)  # at delay 0 it sees the step's own stairs
    for t in range(100, length):
        recalled = np.polynomial.legendre.legval(2 * delay / window - 1, memory[t])
        held = signal(t + 0.5 - delay)  # a step holds its input, which makes it half a step late
        np.testing.assert_allclose(recalled, held, rtol=0, atol=5e-3)


def test_zoneout_between_its_extremes():
    kernel, p = prepared("zoneout_lstm")
    lstm, _ = prepared("lstm")
    first, ones = random_states("c", "h"), np.ones((T, B, N_H))
    run = kernel.forward(p, {"x": X, "m_c": 0 * ones, "m_h": 0 * ones}, first)
    expected = lstm.forward(p, X, first)
    for s in "ch":
        assert_same(run.states[s], expected.states[s])
    run = kernel.forward(p, {"x": X, "m_c": ones, "m_h": ones}, first)
    for s in "ch":  # to rounding: the compiler may write m * c + (1 - m) * n as n + m * (c - n)
        assert_same(run.states[s], np.tile(first[s], (T, 1, 1)))


def test_the_truncated_gradient_of_1997():
    """The same values. Over one step the parameters' gradients are the same too, as nothing before it could learn."""
    (full, p), (truncated, _) = prepared("lstm_1997"), prepared("lstm_1997_truncated")
    first, final = random_states("c", "h"), random_states("c", "h")

    def both(steps):
        runs = [kernel.forward(p, X[:steps], first) for kernel in (full, truncated)]
        for s in "ch":
            np.testing.assert_array_equal(runs[0].states[s], runs[1].states[s])
        return [kernel.backward(run, final=final) for kernel, run in zip((full, truncated), runs, strict=True)]

    whole, cut = both(T)
    assert all(np.abs(whole.params[q] - cut.params[q]).max() > 1e-3 * np.abs(whole.params[q]).max() for q in p)
    assert whole.initial["h"].any() and not cut.initial["h"].any()
    whole, cut = both(1)
    for q in p:
        assert_same(cut.params[q], whole.params[q])


def test_sru_v1_is_sru_without_peepholes():
    (v2, p), (v1, q) = (prepared_square(name) for name in ("sru", "sru_v1"))
    x, first = RNG.normal(size=(T, B, N_H)), random_states("c", "h")
    plain = p | {"v_f": np.zeros(N_H), "v_r": np.zeros(N_H), "alpha": 1.0}
    expected = v2.forward(plain, x, first).states
    for s, a in v1.forward({name: p[name] for name in q}, x, first).states.items():
        assert_same(a, expected[s])


def prepared_square(name):
    kernel = cells.get(name).compile("float64")
    return kernel, kernel.init(seed=1, n_h=N_H)


def test_a_closed_time_gate_keeps_the_state():
    """A Phased LSTM whose units are all past their open phase, without a leak."""
    kernel, p = prepared("phased_lstm")
    p |= {"tau": np.full(N_H, 2.0), "s": np.zeros(N_H), "r": np.full(N_H, 0.25), "alpha": 0.0}
    first = random_states("c", "h")
    phase = RNG.uniform(0.3, 0.95, size=(T, B))
    t = 2 * (np.arange(T)[:, None] + phase)
    run = kernel.forward(p, {"t": t, "x": X}, first)
    for s in "ch":
        np.testing.assert_array_equal(run.states[s], np.tile(first[s], (T, 1, 1)))


def test_a_t_lstm_for_which_no_time_passes_is_an_lstm():
    """The discount 1 / log(e + dt) is 1 at dt = 0."""
    (timed, p), (lstm, q) = prepared("t_lstm"), prepared("lstm")
    first = random_states("c", "h")
    run = timed.forward(p, {"dt": np.zeros((T, B)), "x": X}, first)
    expected = lstm.forward({name: p[name] for name in q}, X, first)
    for s in "ch":
        assert_same(run.states[s], expected.states[s])
