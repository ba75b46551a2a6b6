"""Streams: steps in buffers of their own are those of `step`, and what they return holds as long as it is said to."""

import copy
import pickle

import numpy as np
import pytest
from support.calls import problem
from sympy import Eq, tanh

from symcell import Cell, CellError, Input, Param, State, affine, cells, outer
from symcell.runtime.stream import _STEPS

LONG = 3 * _STEPS + 8  # steps after which the buffers have begun again three times


def toys():
    """Several inputs, scalar ones and scalar states, matrix states, a first state that is a parameter, sizes that only inputs tell."""
    x, y, u, h, s, m = Input("x"), Input("y"), Input("u", ()), State("h"), State("s", (), initial=2), State("M", ("n_h", "n_x"))
    first = State("first", "n_h", initial=Param("begin"))
    yield Cell("many", [
        Eq(h, tanh(affine(x, y, h.prev) * u + m.prev @ x + first.prev / 9)),
        Eq(s, s.prev / 2 + u),
        Eq(m, m.prev / 2 + outer(h, x)),
        Eq(first, first.prev / 2 + h),
    ])  # fmt: skip
    k = State("k", "n_k")
    yield Cell("told_by_inputs", [Eq(k, k.prev / 2 + Param("a", ()) * Input("v", "n_k"))])


CELLS = {cell.name: cell for cell in toys()} | {name: cells.get(name) for name in (
    "lstm", "scalar_rnn", "gla", "mamba", "antisymmetric_rnn", "rnn_readout", "ctrnn", "slstm", "lmu", "t_lstm")}  # fmt: skip


def at(inputs, t):
    return {name: a[t] for name, a in inputs.items()}


@pytest.mark.parametrize("frozen", (False, True), ids=("plain", "frozen"))
@pytest.mark.parametrize("name", CELLS)
def test_a_stream_goes_on_as_steps_do(name, frozen):
    kernel = CELLS[name].compile("float64")
    params, inputs, state = problem(kernel, LONG, 2)
    params = kernel.freeze(params) if frozen else params
    stream = kernel.stream(params, batch=2)
    stream.reset(state)
    for t in range(LONG):
        state, found = kernel.step(params, at(inputs, t), state), stream.step(at(inputs, t))
        assert found.keys() == state.keys() == stream.state.keys()
        for s, a in state.items():
            np.testing.assert_allclose(found[s], a, rtol=1e-10, atol=1e-12, err_msg=f"{s} at step {t}")
            np.testing.assert_array_equal(stream.state[s], found[s])


@pytest.mark.parametrize("batch", (1, 3))
def test_a_single_input_may_be_given_as_an_array(batch):
    """Of any layout; the stream has its own copy."""
    kernel = cells.lstm.compile("float32")
    params = kernel.init(n_x=5, n_h=17, seed=3)
    x = np.random.default_rng(4).normal(size=(LONG, batch, 5)).astype("float32")
    expected, stream = kernel.forward(params, x).states, kernel.stream(params, batch)
    for t in range(LONG):
        given = (x[t].copy(), np.asfortranarray(x[t]), {"x": x[t]}, np.repeat(x[t], 2, axis=-1)[:, ::2], x[t].tolist())[t % 5]
        found = stream.step(given)
        if isinstance(given, np.ndarray):
            given[...] = np.nan
        for s, a in found.items():
            np.testing.assert_allclose(a, expected[s][t], rtol=2e-5, atol=1e-6)


def test_scalar_inputs_may_be_given_as_an_array():
    kernel = cells.scalar_rnn.compile("float64")
    params, x = kernel.init(seed=1), np.random.default_rng(1).normal(size=(9, 4))
    stream = kernel.stream(params, 4)
    for t, expected in enumerate(kernel.forward(params, x).states["a"]):
        np.testing.assert_allclose(stream.step(x[t])["a"], expected, rtol=1e-12)


@pytest.fixture
def lstm():
    kernel = cells.lstm.compile("float32")
    random = np.random.default_rng(5)
    x = random.normal(size=(LONG, 2, 5)).astype("float32")
    return kernel, kernel.init(n_x=5, n_h=9, seed=3), x, {s: random.normal(size=(2, 9)).astype("float32") for s in ("c", "h")}


# How long what is returned holds.


def test_views_hold_until_63_more_steps_are_done(lstm):
    kernel, params, x, _ = lstm
    stream, found, were = kernel.stream(params, 2), [], []
    for t in range(LONG):
        found.append(stream.step(x[t]))
        were.append({s: a.copy() for s, a in found[-1].items()})
        for k in range(max(0, t - _STEPS + 1), t + 1):
            for s, a in were[k].items():
                np.testing.assert_array_equal(found[k][s], a, err_msg=f"step {k} after {t - k} more")
    assert any((found[0][s] != a).any() for s, a in were[0].items())  # written to by now


def test_the_state_is_a_view_that_may_be_read_at_any_time(lstm):
    kernel, params, x, start = lstm
    stream = kernel.stream(params, 2)
    np.testing.assert_array_equal(stream.state["h"], np.zeros((2, 9)))
    assert np.shares_memory(stream.step(x[0])["h"], stream.state["h"])
    stream.reset(start)
    for s, a in start.items():
        np.testing.assert_array_equal(stream.state[s], a)
        assert not np.shares_memory(stream.state[s], a)


def test_what_a_state_is_reset_to_is_copied(lstm):
    kernel, params, x, start = lstm
    stream, expected = kernel.stream(params, 2), kernel.step(params, x[0], start)
    stream.reset(start)
    for a in start.values():
        a[...] = np.nan
    np.testing.assert_allclose(stream.step(x[0])["h"], expected["h"], rtol=1e-5, atol=1e-6)


# Beginning again.


@pytest.mark.parametrize("steps", (0, 1, 5, _STEPS - 1, _STEPS, _STEPS + 1))
def test_reset_begins_again(lstm, steps):
    kernel, params, x, start = lstm
    stream = kernel.stream(params, 2)
    for state in (None, start, {"c": start["c"]}, {}):
        for t in range(steps):
            stream.step(x[t])
        stream.reset(state)
        for t in range(3):
            state = kernel.step(params, x[t], state)
            for s, a in stream.step(x[t]).items():
                np.testing.assert_allclose(a, state[s], rtol=1e-5, atol=1e-6)


def test_what_is_left_out_begins_as_the_cell_declares():
    kernel = CELLS["many"].compile("float64")
    params, inputs, state = problem(kernel, 4, 2)
    stream = kernel.stream(params, 2)
    for given in ({}, {"h": state["h"]}):
        stream.reset(given)
        np.testing.assert_array_equal(stream.state["s"], [2, 2])
        np.testing.assert_array_equal(stream.state["first"], [params["begin"]] * 2)
        expected = kernel.step(params, at(inputs, 0), given)
        for s, a in stream.step(at(inputs, 0)).items():
            np.testing.assert_allclose(a, expected[s], rtol=1e-12)


# Parameters.


def test_plain_parameters_are_copied(lstm):
    kernel, params, x, _ = lstm
    stream, state = kernel.stream(params, 2), None
    before = {name: a.copy() for name, a in params.items()}
    for t in range(5):
        state = kernel.step(before, x[t], state)
        np.testing.assert_allclose(stream.step(x[t])["h"], state["h"], rtol=1e-5, atol=1e-6)
        for a in params.values():
            a += 1


@pytest.mark.parametrize("name", ("lstm", "mamba", "antisymmetric_rnn", "scalar_rnn"))
def test_updated_parameters_are_used_by_the_next_step(name):
    kernel = cells.get(name).compile("float64")
    params, inputs, state = problem(kernel, 9, 2)
    frozen = kernel.freeze(params)
    streams = [kernel.stream(frozen, 2) for _ in range(2)]
    for stream in streams:
        stream.reset(state)
    for t in range(9):
        if t in (0, 3, 4):
            params = {p: 0.8 * a for p, a in params.items()}
            frozen.update(params)
        state = kernel.step(params, at(inputs, t), state)
        for stream in streams:
            for s, a in stream.step(at(inputs, t)).items():
                np.testing.assert_allclose(a, state[s], rtol=1e-10, atol=1e-12)


def test_updates_reach_a_stream_whose_parameters_were_used_with_other_sizes_meanwhile():
    kernel = CELLS["told_by_inputs"].compile("float64")
    frozen = kernel.freeze({"a": np.array(2.0)})
    streams = {n: kernel.stream(frozen, 1) for n in (3, 5)}
    for a in (2, 7):
        frozen.update({"a": np.array(float(a))})
        for n, stream in streams.items():
            before = stream.state["k"].copy() if a == 7 else np.zeros((1, n))
            found = stream.step(np.ones((1, n)))
            np.testing.assert_array_equal(found["k"], before / 2 + a)
            kernel.forward(frozen, np.ones((2, 1, 9)))  # no stream holds the weights of this size


def test_two_streams_do_not_touch_one_another(lstm):
    kernel, params, x, start = lstm
    frozen = kernel.freeze(params)
    streams, states = [kernel.stream(frozen, 2) for _ in range(2)], [None, start]
    streams[1].reset(start)
    for t in range(2 * _STEPS):
        states = [kernel.step(params, x[t - k], state) for k, state in enumerate(states)]
        for k, stream in enumerate(streams):
            np.testing.assert_allclose(stream.step(x[t - k])["h"], states[k]["h"], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("steps", (0, 5, _STEPS + 3))
@pytest.mark.parametrize("duplicate", (copy.deepcopy, lambda s: pickle.loads(pickle.dumps(s))), ids=("deepcopy", "pickle"))
def test_a_copy_goes_on_from_where_the_stream_is(lstm, duplicate, steps):
    kernel, params, x, _ = lstm
    stream = kernel.stream(params, 2)
    for t in range(steps):
        stream.step(x[t])
    other = duplicate(stream)
    for t in range(steps, steps + 3):
        expected = {s: a.copy() for s, a in stream.step(x[t]).items()}
        for s, a in other.step(x[t]).items():
            np.testing.assert_array_equal(a, expected[s])


# Refused.


def test_what_is_no_input_of_the_stream_is_refused_and_changes_nothing(lstm):
    kernel, params, x, _ = lstm
    for steps in (0, 3):  # before and after the first step, which prepares the others
        stream = kernel.stream(params, 2)
        for t in range(steps):
            stream.step(x[t])
        before = {s: a.copy() for s, a in stream.state.items()}
        for bad, message in (
            (x[0, :, :4], r"inputs\['x'\] has shape \(2, 4\), expected \(B, n_x\) = \(2, 5\)"),
            (x[0].astype("float64"), "float64, expected float32"), (x[0, 0], r"shape \(5,\)"), (None, "None"), ("x", r"inputs\['x'\]"),
            (x[0, :1], "this stream has 2 samples, found inputs of 1"), ({"y": x[0]}, "unknown names y"), ({}, "lacks x"),
        ):  # fmt: skip
            with pytest.raises(CellError, match=f"lstm: .*{message}"):
                stream.step(bad)
        for s, a in stream.state.items():
            np.testing.assert_array_equal(a, before[s])
        expected = kernel.step(params, x[3], before)
        np.testing.assert_allclose(stream.step(x[3])["h"], expected["h"], rtol=1e-5, atol=1e-6)


def test_what_is_no_state_of_the_stream_is_refused(lstm):
    kernel, params, x, start = lstm
    stream = kernel.stream(params, 2)
    for bad, message in (
        ({"h": start["h"][:1]}, r"state\['h'\] has shape \(1, 9\), expected \(B, n_h\) = \(2, 9\)"), ({"k": x[0]}, "state has unknown names k"),
        ({"h": start["h"].astype("float64")}, r"state\['h'\] has dtype float64"), ([1], "state must be a dict"),
    ):  # fmt: skip
        with pytest.raises(CellError, match=f"lstm: {message}"):
            stream.reset(bad)
        assert stream.step(x[0])["h"].shape == (2, 9)  # the stream is as it was


@pytest.mark.parametrize("batch", (0, -1, 1.5, True, "2", None))
def test_what_is_no_batch_is_refused(lstm, batch):
    kernel, params, *_ = lstm
    with pytest.raises(CellError, match="lstm: batch must be a positive integer"):
        kernel.stream(params, batch)


def test_what_are_no_parameters_is_refused(lstm):
    kernel, params, *_ = lstm
    with pytest.raises(CellError, match="params lacks"):
        kernel.stream({})
    with pytest.raises(CellError, match="a kernel of lstm has frozen these parameters"):
        cells.gru.compile("float32").stream(kernel.freeze(params))
    with pytest.raises(CellError, match="compiled for float64, found dtype float32"):
        cells.lstm.compile("float64").stream(kernel.freeze(params))
