"""Checkpoints: states of every so many steps are kept, what is between is computed again, and nothing else is different."""

import re

import numpy as np
import pytest
from support.calls import VARIED, assert_same, outcome, problem
from support.representatives import compiled_names

from symcell import CellError, cells


@pytest.mark.parametrize("checkpoint", (1, 4, 7, 22, 23, 100, True))
@pytest.mark.parametrize("name", VARIED)
def test_the_same_gradients(name, checkpoint):
    kernel = cells.get(name).compile("float64")
    call = problem(kernel, 23, 3)
    assert_same(outcome(kernel, *call, checkpoint=checkpoint), outcome(kernel, *call))


def test_no_steps():
    kernel = cells.lstm.compile("float64")
    call = problem(kernel, 0, 2)
    assert_same(outcome(kernel, *call, checkpoint=3), outcome(kernel, *call))


def test_states_are_computed_when_they_are_asked_for(monkeypatch):
    kernel = cells.lstm.compile("float64")
    params, inputs, initial = problem(kernel, 20, 2)
    run = kernel.forward(params, inputs, initial, checkpoint=5)
    calls = []
    original = kernel.passes._forward
    monkeypatch.setattr(kernel.passes, "_forward", lambda *a: calls.append(1) or original(*a))
    assert "h" in repr(run) and not calls
    assert run.states["h"].shape == run.outputs["h"].shape == (20, 2, run.final["h"].shape[-1])
    assert len(calls) == 4
    np.testing.assert_array_equal(run.states["h"][-1], run.final["h"])


def test_arrays_may_be_of_any_layout():
    """Inputs and cotangents are taken as they are, and made contiguous a segment at a time."""
    kernel = cells.lstm.compile("float64")
    params, inputs, initial = problem(kernel, 12, 3)
    turned = {"x": np.asfortranarray(inputs["x"])}
    run, plain = kernel.forward(params, turned, initial, checkpoint=5), kernel.forward(params, inputs, initial)
    same = np.broadcast_to(np.float64(1), plain.states["h"].shape)
    found, expected = (kernel.backward(r, {"h": a}) for r, a in ((run, same), (plain, np.ones(same.shape))))
    for name, a in expected.params.items():
        np.testing.assert_allclose(found.params[name], a, rtol=1e-12)
    np.testing.assert_allclose(found.inputs["x"], expected.inputs["x"], rtol=1e-12)


def test_a_run_with_checkpoints_has_no_tape_and_does_not_copy_its_inputs():
    """Long sequences would take too much memory; its docstring says so."""
    kernel = cells.lstm.compile("float64")
    params, inputs, initial = problem(kernel, 12, 3)
    run, other = (kernel.forward(params, inputs, initial, checkpoint=c) for c in (5, None))
    assert not run.tape and np.shares_memory(run._call.inputs["x"], inputs["x"])
    assert other.tape and not np.shares_memory(other._call.inputs["x"], inputs["x"])
    expected = kernel.backward(run, {"h": np.ones((12, *run.final["h"].shape))})
    for a in (*params.values(), *initial.values()):
        a[...] = np.nan  # these are copied all the same
    for name, a in kernel.backward(run, {"h": np.ones((12, *run.final["h"].shape))}).params.items():
        np.testing.assert_array_equal(a, expected.params[name])


@pytest.mark.parametrize("name", compiled_names())
def test_gradients_of_inputs_can_be_left_out(name):
    kernel = cells.get(name).compile("float64")
    run = kernel.forward(*problem(kernel, 6, 2))
    ones = {s: np.ones_like(run.states[s]) for s in kernel.interface.states}
    less, whole = kernel.backward(run, ones, input_gradients=False), kernel.backward(run, ones)
    assert not less.inputs and set(whole.inputs) == set(kernel.interface.inputs)
    for found, expected in ((less.params, whole.params), (less.initial, whole.initial)):
        assert found.keys() == expected.keys()
        for key, a in expected.items():
            np.testing.assert_array_equal(found[key], a, err_msg=key)


@pytest.mark.parametrize("name, products", (("lstm", 1), ("lstm_concat", 1), ("qrnn", 1), ("mamba", 1), ("indrnn", 1)))
def test_products_that_only_gradients_of_inputs_need_are_left_out(name, products):
    source = cells.get(name).compile("float64").source
    assert len(re.findall(r"\n( +)if input_gradients:\n\1    # .*\n(?:\1    # .*\n)*\1    multiply\(", source)) == products


@pytest.mark.parametrize("checkpoint", (0, -3, 2.5, "auto"))
def test_what_is_no_number_of_steps_is_refused(checkpoint):
    kernel = cells.rnn.compile("float64")
    with pytest.raises(CellError, match="checkpoint must be a positive integer"):
        kernel.forward(kernel.init(n_x=2, n_h=3), np.zeros((2, 1, 2)), checkpoint=checkpoint)
