"""`step`, called again and again with the same parameters: the fast way is the same as the careful one, and never stale."""

import threading

import numpy as np
import pytest
from support.calls import problem

from symcell import CellError, cells


@pytest.mark.parametrize("name", cells.names())
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


@pytest.mark.parametrize(("samples", "n_h"), [(1, 157), (1, 158), (40, 33), (3, 700)])
def test_steps_too_large_for_the_stack(samples, n_h):
    kernel = cells.lstm.compile("float32")
    params = kernel.init(n_x=3, n_h=n_h, seed=1)
    random = np.random.default_rng(2)
    x, c, h = (random.normal(size=(samples, n)).astype("float32") for n in (3, n_h, n_h))
    for _ in range(3):
        assert_step(kernel, params, x, {"c": c, "h": h})


def test_a_fault_of_the_compiled_step_is_raised_and_the_step_is_not_run_again(lstm, monkeypatch):
    kernel, params, x, state = lstm
    kernel.step(params, x, state)
    module, calls = kernel.module, []

    def faulty(*arrays):
        calls.append(arrays)
        raise RuntimeError("on purpose")

    known, dtype, _, places, made = module._latest_step
    monkeypatch.setattr(module, "_steps", {})
    monkeypatch.setattr(module, "_latest_step", (known, dtype, faulty, places, made))
    with pytest.raises(RuntimeError, match="on purpose"):
        kernel.step(params, x, state)
    assert len(calls) == 1


def test_parameters_that_change_in_place_are_followed(lstm):
    kernel, params, x, state = lstm
    for _ in range(3):
        assert_step(kernel, params, x, state)
        params["U_f"] *= 1.5


def test_other_arrays_under_known_names_are_seen(lstm):
    kernel, params, x, state = lstm
    for _ in range(2):
        assert_step(kernel, params, x, state)
    params["W_i"] = params["W_i"] + 1
    assert_step(kernel, params, x, state)
    params["W_i"], params["W_f"] = params["W_f"], params["W_i"]
    assert_step(kernel, params, x, state)


def test_what_the_fast_way_cannot_take_is_taken_or_refused_as_ever(lstm):
    kernel, params, x, state = lstm
    assert_step(kernel, params, x, state)
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


def test_a_kernel_of_another_precision_refuses_known_arrays(lstm):
    kernel, params, x, state = lstm
    kernel.step(params, x, state)
    with pytest.raises(CellError, match="float32"):
        cells.lstm.compile("float64").step(params, x, state)


def test_states_are_new_arrays(lstm):
    kernel, params, x, state = lstm
    first, second = kernel.step(params, x, state), kernel.step(params, x, state)
    assert first["h"] is not second["h"]
    second["h"][:] = 0
    assert (first["h"] != 0).any()


@pytest.mark.parametrize("part", (lambda a: a, lambda a: a[1:, ::2], lambda a: memoryview(a)[1:]), ids=("whole", "view", "buffer"))
def test_states_are_written_to_again_only_when_nobody_has_a_part_of_them(lstm, part):
    kernel, params, x, state = lstm
    have, were = [], []
    for t in range(12):
        state = kernel.step(params, x + np.float32(t), state)
        if t % 3:  # some are kept, some are not
            have.append(part(state["h"]))
            were.append(np.array(have[-1]))
    for kept, was in zip(have, were, strict=True):
        np.testing.assert_array_equal(kept, was)


def test_memory_of_states_serves_again(lstm):
    kernel, params, x, state = lstm
    kernel.step(params, x, state)
    places = set()
    for _ in range(10):
        state = kernel.step(params, x, state)
        places.add(state["h"].ctypes.data)
    assert len(places) == 2


def test_samples_may_differ_from_step_to_step(lstm):
    kernel, params, x, state = lstm
    for samples in (2, 1, 2, 2, 1, 1, 2):
        assert_step(kernel, params, x[:samples].copy(), {name: a[:samples].copy() for name, a in state.items()})


def test_threads_may_step_at_once(lstm):
    kernel, params, x, start = lstm
    found = {}

    def stream(k):
        state = start
        for t in range(400):
            state = kernel.step(params, x + np.float32(k + t % 5), state)
        found[k] = state["h"].copy()

    threads = [threading.Thread(target=stream, args=(k,)) for k in (0, 1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    together = dict(found)
    for k in together:
        stream(k)
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


def test_every_layer_of_a_network_is_known(lstm, monkeypatch):
    kernel, params, x, state = lstm
    layers = [{name: a + k for name, a in params.items()} for k in range(3)]
    monkeypatch.setattr(kernel.module, "_steps", {})  # not too many are known at a time, and other tests have left some
    first = [kernel.step(layer, x, state) for layer in layers]
    monkeypatch.setattr(kernel.module, "_checked_step", None)
    for layer, expected in zip(layers, first, strict=True):
        for name, a in kernel.step(layer, x, state).items():
            np.testing.assert_array_equal(a, expected[name])
    for name, a in kernel.step(dict(layers[-1]), x, state).items():  # the same arrays in another dict: the latest
        np.testing.assert_array_equal(a, first[-1][name])


def test_many_sets_of_parameters_do_not_pile_up(lstm):
    kernel, params, x, state = lstm
    for _ in range(50):
        assert_step(kernel, dict(params) | {"b_i": params["b_i"].copy()}, x, state)
    assert len(kernel.module._steps) < 50
