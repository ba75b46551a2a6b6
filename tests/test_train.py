"""The training loop, and the gradient norms against distance, on problems small enough to know the answer."""

import numpy as np
import pytest
from sympy import Eq, symbols

from symcell import Cell, Input, State, affine, cells, hard_sigmoid
from symcell.documents.gradient_norms import adjoints_by_distance, measure, measure_at_random
from symcell.train import Adam, Classifier, Task, clip_by_norm, cross_entropy, digits, forget_bias, sizes_of, train


@pytest.fixture(scope="module")
def rnn():
    return cells.rnn.compile("float32")


@pytest.fixture(scope="module")
def lstm():
    return cells.lstm.compile("float64")


def signs(count=64, steps=5, seed=0):
    """A task: was the first of a sequence of random numbers positive?"""
    inputs = np.random.default_rng(seed).normal(size=(steps, count, 1)).astype("float32")
    labels = (inputs[0, :, 0] > 0).astype(int)
    return Task("signs", inputs, labels, inputs, labels)


# Clipping.


def test_a_long_gradient_is_scaled_to_the_limit():
    grads = {"W": np.array([[3.0, 0.0]], "float32"), "b": np.array([-4.0], "float32")}
    clipped, norm = clip_by_norm(grads, 1.0)
    assert norm == pytest.approx(5)
    np.testing.assert_allclose(clipped["W"], [[0.6, 0]], rtol=1e-6)
    np.testing.assert_allclose(clipped["b"], [-0.8], rtol=1e-6)
    assert clipped["W"].dtype == np.float32


def test_a_short_gradient_stays():
    grads = {"W": np.array([0.3, 0.4])}
    clipped, norm = clip_by_norm(grads, 1.0)
    assert clipped is grads and norm == pytest.approx(0.5)


def test_the_norm_of_an_exploded_gradient_does_not_overflow():
    clipped, norm = clip_by_norm({"W": np.array([3e30, 4e30], "float32")}, 1.0)
    assert norm == pytest.approx(5e30, rel=1e-6)
    np.testing.assert_allclose(clipped["W"], [0.6, 0.8], rtol=1e-6)


# The loop.


def test_cross_entropy_and_its_derivative():
    random = np.random.default_rng(0)
    logits, labels = random.normal(size=(4, 3)), np.array([0, 2, 1, 1])
    loss, dlogits = cross_entropy(logits, labels)
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert loss == pytest.approx(-np.log(p[range(4), labels]).mean())
    moved = logits.copy()
    moved[1, 2] += 1e-6
    assert (cross_entropy(moved, labels)[0] - loss) / 1e-6 == pytest.approx(dlogits[1, 2], rel=1e-4)
    assert np.isfinite(cross_entropy(1e5 * logits, labels)[0])


def test_the_gradient_of_all_parameters_is_the_slope_of_the_loss(rnn):
    task = signs(8)
    model = Classifier(rnn, task, hidden=4)
    _, grads = model.loss_and_grads(task.train_inputs, task.train_labels)
    start, random = model.params, np.random.default_rng(1)
    assert grads.keys() == start.keys()
    for name, grad in grads.items():
        direction = random.normal(size=grad.shape).astype("float32")
        losses = []
        for step in (-1e-2, 1e-2):
            model.params = start | {name: start[name] + np.float32(step) * direction}
            losses.append(model.loss_and_grads(task.train_inputs, task.train_labels)[0])
        assert (losses[1] - losses[0]) / 2e-2 == pytest.approx(np.vdot(grad, direction), rel=2e-2, abs=1e-4)


def test_adam_first_moves_by_its_rate():
    params = {"w": np.array([1.0, 1.0], "float32"), "given": np.ones(1)}
    moved = Adam(rate=0.1).update(params, {"w": np.array([5.0, -0.01], "float32")})
    np.testing.assert_allclose(moved["w"], [0.9, 1.1], rtol=1e-4)
    assert moved["given"] is params["given"] and moved["w"].dtype == np.float32


def test_the_loss_falls_and_the_task_is_learned(rnn):
    task, seen = signs(), []
    model = Classifier(rnn, task, hidden=8)
    history = train(model, task, epochs=40, rate=0.02, report=lambda epoch, loss: seen.append(epoch))
    assert history.losses[-1] < 0.2 * history.losses[0]
    assert model.accuracy(task.test_inputs, task.test_labels) > 0.95
    assert seen == list(range(1, 41)) and len(history.norms) == 80
    assert history.clipped(0) == 1 and history.clipped(np.inf) == 0


def test_one_seed_one_result(rnn):
    first, second = (Classifier(rnn, signs(), 4, seed=3) for _ in range(2))
    assert train(first, signs(), 2, seed=1) == train(second, signs(), 2, seed=1)
    assert all(np.array_equal(first.params[name], second.params[name]) for name in first.params)


def test_the_forget_bias_is_for_cells_that_have_one():
    params = {"b_f": np.zeros(3, "float32"), "b_i": np.zeros(3)}
    assert np.array_equal(forget_bias(cells.lstm)(params)["b_f"], np.ones(3)) and not params["b_f"].any()
    assert forget_bias(cells.peephole_lstm, 2)(params)["b_f"].tolist() == [2, 2, 2]
    for cell in (cells.mgu, cells.gru, cells.rnn):  # MGU's f says how much is new
        assert forget_bias(cell)(params) == params
    x, c, f = Input("x"), State("c"), symbols("f")
    named = Cell("toy", [Eq(f, hard_sigmoid(affine(x, name="keep"))), Eq(c, c.prev * f + (1 - f) * x)])
    assert forget_bias(named)({"b_keep": np.zeros(3)})["b_keep"].tolist() == [1, 1, 1]


def test_the_gates_that_keep_a_state():
    def kept(name, state):
        return {str(gate) for gate in cells.get(name).carousel(state).keepers}

    assert kept("lstm", "c") == {"f"} and kept("on_lstm", "c") == {"f"} and kept("gru_cho", "h") == {"z"}
    assert kept("gru", "c") == kept("mgu", "h") == kept("rnn", "a") == set()


def test_sizes():
    assert sizes_of(cells.rnn_readout, 3, 7) == {"n_h": 7, "n_x": 3, "n_y": 7}


def test_digits():
    rows, pixels = digits("rows"), digits("pixels")
    assert rows.train_inputs.shape == (8, 1347, 8) and pixels.test_inputs.shape == (64, 450, 1)
    assert rows.classes == 10 and np.array_equal(rows.test_labels, pixels.test_labels)
    assert np.array_equal(rows.test_inputs[1, 0, 2], pixels.test_inputs[10, 0, 0])
    assert not np.array_equal(rows.test_labels, digits("rows", seed=1).test_labels)


def test_an_lstm_reads_digits():
    task = digits("rows")
    model = Classifier(cells.lstm.compile("float32"), task, hidden=64, init=forget_bias(cells.lstm))
    train(model, task, epochs=15, rate=0.005)
    assert model.accuracy(task.test_inputs, task.test_labels) >= 0.95


# Gradient norms against distance.


def test_adjoints_are_those_of_the_sequence_that_remains(lstm):
    params, random = lstm.init(n_x=2, n_h=3, seed=1), np.random.default_rng(2)
    x, final = random.normal(size=(6, 4, 2)), {"h": random.normal(size=(4, 3))}
    run = lstm.forward(params, x)
    adjoints = adjoints_by_distance(lstm, params, {"x": x}, final)
    for k in (1, 2, 5):
        start = {s: a[5 - k] for s, a in run.states.items()}
        expected = lstm.backward(lstm.forward(params, x[-k:], start), final=final).initial
        for s in ("c", "h"):
            np.testing.assert_allclose(adjoints[s][k - 1], expected[s], rtol=1e-12)
    whole = lstm.backward(run, final=final).initial
    np.testing.assert_allclose(adjoints["c"][5], whole["c"], rtol=1e-12)


def test_without_detours_the_measured_norm_is_the_product_of_the_forget_gates(lstm):
    params = lstm.init(n_x=2, n_h=3, seed=1)
    params |= {name: np.zeros_like(params[name]) for name in params if name.startswith("U")}
    x = np.random.default_rng(2).normal(size=(9, 4, 2))
    curve, of_h = measure(lstm, params, {"x": x}, {"h": np.ones((4, 3))})
    assert (curve.state, curve.factor, of_h.state) == ("c", "f", "h")
    np.testing.assert_allclose(curve.carousel, curve.norms, rtol=1e-12)
    assert of_h.carousel is None and not of_h.norms.any()


def test_the_toy_rnn_fades_as_a_power_of_its_weight():
    (curve,) = measure_at_random(cells.scalar_rnn, steps=8, hidden=1, seed=0)
    w = abs(cells.scalar_rnn.compile("float64").init(seed=0)["w"])
    np.testing.assert_allclose(curve.norms / curve.norms[0], w ** np.arange(8.0), rtol=1e-12)
    np.testing.assert_allclose(curve.carousel, curve.norms, rtol=1e-12)
