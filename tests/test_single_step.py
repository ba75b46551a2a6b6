"""`step`: one step of a sequence, in arrays of its own, with the parameters that it is given."""

import threading

import numpy as np
import pytest
from support.calls import problem
from support.representatives import compiled_names

from symcell import CellError, cells


@pytest.mark.parametrize("name", compiled_names())
def test_steps_are_those_of_a_sequence(name):
    kernel = cells.get(name).compile("float64")
    params, inputs, state = problem(kernel, 4, 2)
    states = kernel.forward(params, inputs, state).states
    for t in range(4):
        state = kernel.step(params, {name: a[t] for name, a in inputs.items()}, state)
        for s, a in state.items():
            np.testing.assert_allclose(a, states[s][t], rtol=1e-10, atol=1e-12, err_msg=f"{s}[{t}]")


@pytest.fixture
def lstm():
    kernel = cells.lstm.compile("float32")
    params = kernel.init(n_x=5, n_h=9, seed=3)
    random = np.random.default_rng(4)
    x, c, h = (random.normal(size=(2, n)).astype("float32") for n in (5, 9, 9))
    return kernel, params, x, {"c": c, "h": h}


def expected(kernel, params, x, state):
    return kernel.forward(params, x[None], state).final


def assert_step(kernel, params, x, state):
    want, got = expected(kernel, params, x, state), kernel.step(params, x, state)
    for name, a in want.items():
        np.testing.assert_allclose(got[name], a, rtol=2e-6, atol=1e-6)


@pytest.mark.parametrize(("samples", "n_h"), [(1, 157), (40, 33), (3, 700)])
def test_steps_of_many_units(samples, n_h):
    kernel = cells.lstm.compile("float32")
    params = kernel.init(n_x=3, n_h=n_h, seed=1)
    random = np.random.default_rng(2)
    x, c, h = (random.normal(size=(samples, n)).astype("float32") for n in (3, n_h, n_h))
    for _ in range(3):
        assert_step(kernel, params, x, {"c": c, "h": h})


def test_parameters_that_change_in_place_are_followed(lstm):
    kernel, params, x, state = lstm
    for _ in range(3):
        assert_step(kernel, params, x, state)
        params["U_f"] *= 1.5


def test_frozen_parameters_are_followed_when_they_are_updated(lstm):
    kernel, params, x, state = lstm
    frozen = kernel.freeze(params)
    assert_step(kernel, frozen, x, state)
    params["U_f"] *= 1.5
    assert_step(kernel, frozen, x, state)
    frozen.update(params)
    for name, a in kernel.step(params, x, state).items():
        np.testing.assert_array_equal(kernel.step(frozen, x, state)[name], a)


def test_other_arrays_under_known_names_are_seen(lstm):
    kernel, params, x, state = lstm
    assert_step(kernel, params, x, state)
    params["W_i"] = params["W_i"] + 1
    assert_step(kernel, params, x, state)
    params["W_i"], params["W_f"] = params["W_f"], params["W_i"]
    assert_step(kernel, params, x, state)


def test_what_is_given_is_taken_or_refused_as_by_forward(lstm):
    kernel, params, x, state = lstm
    assert_step(kernel, params, np.asfortranarray(x), state)
    frozen = x.copy()
    frozen.flags.writeable = False
    assert_step(kernel, params, frozen, state)
    assert_step(kernel, params, x[:, ::-1], state)
    for name, a in kernel.step(params, {"x": x}, state).items():
        np.testing.assert_array_equal(a, kernel.step(params, x, state)[name])
    assert kernel.step(params, x)["h"].shape == (2, 9)
    assert kernel.step(params, x, {"c": state["c"]})["h"].shape == (2, 9)
    for bad, message in ((x[:, :4], "inputs"), (x.astype("float64"), "float64"), (x[0], "shape"), (None, "None"), ("x", "inputs")):
        with pytest.raises(CellError, match=message):
            kernel.step(params, bad, state)
    for bad in ({"c": state["c"][:1], "h": state["h"]}, {"c": state["c"], "h": state["h"][:, :3]}, {"k": x}, [state], state | {"k": x}):
        with pytest.raises(CellError, match="state"):
            kernel.step(params, x, bad)
    with pytest.raises(CellError, match="params lacks"):
        kernel.step({"W_i": params["W_i"]}, x, state)


def test_a_kernel_of_another_precision_refuses_the_same_arrays(lstm):
    kernel, params, x, state = lstm
    kernel.step(params, x, state)
    with pytest.raises(CellError, match="float32"):
        cells.lstm.compile("float64").step(params, x, state)


@pytest.mark.parametrize("frozen", (False, True), ids=("plain", "frozen"))
def test_states_are_fresh_arrays_always(lstm, frozen):
    """No later step writes to them, and they share memory with nothing that was given or returned."""
    kernel, params, x, state = lstm
    params = kernel.freeze(params) if frozen else params
    have, were = [], []
    for t in range(12):
        state = kernel.step(params, x + np.float32(t), state)
        assert not any(np.shares_memory(a, b) for a in state.values() for other in have for b in other.values())
        have.append(state)
        were.append({name: a.copy() for name, a in state.items()})
    for kept, was in zip(have, were, strict=True):
        for name, a in was.items():
            np.testing.assert_array_equal(kept[name], a)
            assert kept[name].flags.writeable


def test_what_a_step_is_given_stays_as_it_is(lstm):
    kernel, params, x, state = lstm
    before = [a.copy() for a in (x, *state.values())]
    new = kernel.step(params, x, state)
    for a in new.values():
        a[...] = np.nan
    for a, was in zip((x, *state.values()), before, strict=True):
        np.testing.assert_array_equal(a, was)


def test_samples_may_differ_from_step_to_step(lstm):
    kernel, params, x, state = lstm
    for samples in (2, 1, 2, 2, 1, 1, 2):
        assert_step(kernel, params, x[:samples].copy(), {name: a[:samples].copy() for name, a in state.items()})


def test_threads_may_step_at_once(lstm):
    kernel, params, x, start = lstm
    found = {}

    def steps(k):
        state = start
        for t in range(100):
            state = kernel.step(params, x + np.float32(k + t % 5), state)
        found[k] = state["h"].copy()

    threads = [threading.Thread(target=steps, args=(k,)) for k in (0, 1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    together = dict(found)
    for k in together:
        steps(k)
        np.testing.assert_array_equal(together[k], found[k])


def test_parameters_of_one_number_are_followed():
    kernel = cells.scalar_rnn.compile("float64")
    params, inputs, state = problem(kernel, 1, 3)
    for _ in range(3):
        want = kernel.forward(params, inputs, state).final
        got = kernel.step(params, {name: a[0] for name, a in inputs.items()}, state)
        for name, a in want.items():
            np.testing.assert_allclose(got[name], a, rtol=1e-12)
        params = {name: a + 0.25 for name, a in params.items()}
