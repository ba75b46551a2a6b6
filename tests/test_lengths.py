"""Sequences of several lengths side by side are as each by itself, whatever lies behind their ends."""

import numpy as np
import pytest
from sympy import Eq, tanh
from test_threads import assert_same, outcome, problem

from symcell import Cell, CellError, Input, Param, State, affine, cells

T, LENGTHS = 9, np.array([4, 9, 0, 1, 9, 7])
NAMES = ("lstm", "gru", "indrnn", "slstm", "gla", "qrnn", "sru", "mamba", "rnn_readout", "antisymmetric_rnn", "t_lstm")


def alone(kernel, params, inputs, initial, sample, length):
    """What a sample gives by itself."""
    one = slice(sample, sample + 1)
    run = kernel.forward(params, {k: a[:length, one] for k, a in inputs.items()}, {k: a[one] for k, a in initial.items()})
    cotangents, final = given(run, T, len(LENGTHS))
    grads = kernel.backward(run, {k: a[:length, one] for k, a in cotangents.items()}, {k: a[one] for k, a in final.items()})
    return run, grads


def given(run, T, B):
    random = np.random.default_rng(3)
    shapes = {name: a.shape[1:] for name, a in run.final.items()}
    return tuple({k: random.normal(size=(*lead, *n)) for k, n in shapes.items()} for lead in ((T, B), (B,)))


@pytest.mark.parametrize("checkpoint", (None, 2))
@pytest.mark.parametrize("name", NAMES)
def test_each_sample_as_if_it_were_alone(name, checkpoint):
    kernel = cells.get(name).compile("float64")
    params, inputs, initial = problem(kernel, T, len(LENGTHS))
    behind = np.arange(T)[:, None] >= LENGTHS
    padded = {k: a.copy() for k, a in inputs.items()}
    for a in padded.values():
        a[behind] = np.nan
    run = kernel.forward(params, padded, initial, lengths=LENGTHS, checkpoint=checkpoint)
    cotangents, final = given(run, T, len(LENGTHS))
    for a in cotangents.values():
        a[behind] = np.nan
    grads = kernel.backward(run, cotangents, final)
    total = dict.fromkeys(grads.params, 0.0)
    for sample, length in enumerate(LENGTHS):
        run_alone, grads_alone = alone(kernel, params, inputs, initial, sample, length)
        found = {k: a[:length, sample] for k, a in run.states.items()} | {f"final {k}": a[sample] for k, a in run.final.items()}
        found |= {f"dx {k}": a[:length, sample] for k, a in grads.inputs.items()} | {f"d0 {k}": a[sample] for k, a in grads.initial.items()}
        expected = {k: a[:, 0] for k, a in run_alone.states.items()} | {f"final {k}": a[0] for k, a in run_alone.final.items()}
        expected |= {f"dx {k}": a[:, 0] for k, a in grads_alone.inputs.items()} | {f"d0 {k}": a[0] for k, a in grads_alone.initial.items()}
        assert_same(found, expected)
        total = {k: total[k] + a for k, a in grads_alone.params.items()}
    assert_same(grads.params, total)
    for a in (*run.states.values(), *grads.inputs.values()):
        assert not a[behind].any()


def test_all_steps_are_the_same_as_no_lengths():
    kernel = cells.lstm.compile("float64")
    call = problem(kernel, 5, 3)
    for lengths in ([5, 5, 5], (5, 5, 5), np.full(3, 5, np.uint8)):
        assert_same(outcome(kernel, *call, lengths=lengths), outcome(kernel, *call))


def test_a_learned_first_state_takes_the_gradients_of_samples_without_steps():
    h = State("h", initial=Param("h_0"))
    kernel = Cell("learned", [Eq(h, tanh(affine(Input("x"), h.prev)))]).compile("float64")
    params, inputs, _ = problem(kernel, 4, 3)
    run = kernel.forward(params, inputs, lengths=[0, 0, 0])
    np.testing.assert_array_equal(run.final["h"], [params["h_0"]] * 3)
    final = np.random.default_rng(4).normal(size=run.final["h"].shape)
    grads = kernel.backward(run, final={"h": final})
    np.testing.assert_array_equal(grads.initial["h"], final)
    np.testing.assert_allclose(grads.params.pop("h_0"), final.sum(0))
    assert not any(a.any() for a in grads.params.values())


def test_what_is_given_stays_as_it_is():
    kernel = cells.lstm.compile("float64")
    params, inputs, initial = problem(kernel, 5, 2)
    before = {k: a.copy() for k, a in inputs.items()}
    run = kernel.forward(params, inputs, initial, lengths=[2, 3])
    cotangents, final = given(run, 5, 2)
    kept = [{k: a.copy() for k, a in some.items()} for some in (cotangents, final)]
    kernel.backward(run, cotangents, final)
    assert_same(inputs, before)
    assert_same(cotangents, kept[0])
    assert_same(final, kept[1])


@pytest.mark.parametrize("lengths, words", (
    ([1, 2, 3], "each of the 2 samples, found list of shape (3,)"),
    (3, "found int of shape ()"),
    ([1.0, 2.0], "dtype float64"),
    ([True, False], "dtype bool"),
    (["1", "2"], "lengths must be an integer"),
    ([[1], [2, 3]], "lengths must be an integer"),
    ([1, 6], "lengths[1] is 6, expected 0 to T = 5"),
    ([-1, 5], "lengths[0] is -1"),
    ("ab", "found str"),
))  # fmt: skip
def test_what_are_no_lengths_is_refused(lengths, words):
    kernel = cells.lstm.compile("float64")
    with pytest.raises(CellError) as error:
        kernel.forward(*problem(kernel, 5, 2), lengths=lengths)
    assert "lstm: " in str(error.value) and words in str(error.value)
