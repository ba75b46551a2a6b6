"""`kernel.passes`: functions of arrays alone, which remember nothing, give what forward and backward give."""

import numpy as np
import pytest
from support.calls import problem
from sympy import Eq, tanh

from symcell import Cell, CellError, Input, Param, State, affine, cells

# Values of parameters alone, constants, heads, matrix states, scalars, states that no step reads.
KINDS = ("lstm", "antisymmetric_rnn", "mamba", "gla", "lmu", "rnn_readout", "scalar_rnn", "slstm")
T, B = 6, 3


def assert_equal(found, expected):
    assert found.keys() == expected.keys()
    for name, a in expected.items():
        np.testing.assert_array_equal(found[name], a, err_msg=name)


def copied(group):
    return {name: a.copy() for name, a in group.items()}


def sizes_of(kernel, params, inputs, initial):
    """Every size, as a library that knows its shapes has them."""
    run = kernel.forward(params, inputs, initial)
    return run._call.sizes


@pytest.fixture(params=KINDS)
def call(request):
    """A kernel, its packed weights, and a call."""
    kernel = cells.get(request.param).compile("float64")
    params, inputs, initial = problem(kernel, T, B)
    weights = kernel.passes.pack(sizes_of(kernel, params, inputs, initial), params, np.dtype("float64"))
    random = np.random.default_rng(3)
    run = kernel.forward(params, inputs, initial)
    cotangents = {name: random.normal(size=a.shape) for name, a in run.states.items()}
    final = {name: random.normal(size=a.shape) for name, a in run.final.items()}
    return kernel, weights, params, inputs, initial, cotangents, final


@pytest.mark.parametrize("lengths", (None, [4, 6, 0]), ids=str)
def test_they_give_what_forward_and_backward_give(call, lengths):
    kernel, weights, params, inputs, initial, cotangents, final = call
    lengths = None if lengths is None else np.array(lengths)
    run = kernel.forward(params, inputs, initial, lengths)
    expected = kernel.backward(run, cotangents, final)
    states, tape = kernel.passes.forward(weights, inputs, initial, lengths)
    assert states.keys() == run.states.keys() and tape.keys() == run.tape.keys()
    within = np.ones((T, B), bool) if lengths is None else np.arange(T)[:, None] < lengths
    for name, a in states.items():
        np.testing.assert_array_equal(a[0], initial[name])
        np.testing.assert_array_equal(a[1:][within], run.states[name][within])
    for _ in range(2):  # states and tape stay as they are
        of_params, of_inputs, of_initial = kernel.passes.backward(weights, inputs, states, tape, cotangents, final, lengths)
        assert_equal(of_initial, expected.initial)
        assert_equal(of_params, expected.params)
        for name, a in expected.inputs.items():
            np.testing.assert_array_equal(of_inputs[name][within], a[within])


def test_nothing_that_is_given_is_written_to_or_kept(call):
    kernel, weights, _, *given = call
    inputs, initial, cotangents, final = given
    before = [copied(group) for group in given]
    states, tape = kernel.passes.forward(weights, inputs, initial)
    kept = copied(states), copied(tape)
    first = kernel.passes.backward(weights, inputs, states, tape, cotangents, final)
    for group, was in zip((*given, states, tape), (*before, *kept), strict=True):
        assert_equal(group, was)
    results = [copied(group) for group in first]
    kernel.passes.backward(weights, inputs, states, tape, {name: 2 * a for name, a in cotangents.items()}, {})
    for group, was in zip(first, results, strict=True):
        assert_equal(group, was)


def test_read_only_arrays_are_taken(call):
    """As other libraries give theirs."""
    kernel, weights, _, inputs, initial, cotangents, final = call
    expected = kernel.passes.backward(weights, inputs, *kernel.passes.forward(weights, inputs, initial), cotangents, final)
    for group in (inputs, initial, cotangents, final):
        for a in group.values():
            a.flags.writeable = False
    states, tape = kernel.passes.forward(weights, inputs, initial)
    for a in (*states.values(), *tape.values()):
        a.flags.writeable = False
    found = kernel.passes.backward(weights, inputs, states, tape, cotangents, final)
    for group, wanted in zip(found, expected, strict=True):
        assert_equal(group, wanted)


def test_cotangents_that_are_left_out_are_zero_and_gradients_of_inputs_may_be_left_out(call):
    kernel, weights, _, inputs, initial, cotangents, final = call
    passed = weights, inputs, *kernel.passes.forward(weights, inputs, initial)
    some, other = dict(list(cotangents.items())[:1]), dict(list(final.items())[-1:])
    whole = {name: some.get(name, np.zeros_like(a)) for name, a in cotangents.items()}
    rest = {name: other.get(name, np.zeros_like(a)) for name, a in final.items()}
    less = kernel.passes.backward(*passed, some, other, input_gradients=False)
    expected = kernel.passes.backward(*passed, whole, rest)
    assert less[1] == {}
    assert_equal(less[0], expected[0])
    assert_equal(less[2], expected[2])


def test_weights_are_packed_into_earlier_ones(call):
    kernel, weights, params, inputs, initial, *_ = call
    other = {name: 0.5 * a for name, a in params.items()}
    again = kernel.passes.pack(weights.sizes, other, np.dtype("float64"), into=weights)
    fresh = kernel.passes.pack(weights.sizes, other, np.dtype("float64"), threads=2)
    assert again is weights
    for found, expected in zip(kernel.passes.forward(again, inputs, initial), kernel.passes.forward(fresh, inputs, initial), strict=True):
        assert_equal(found, expected)


def test_packed_weights_do_not_follow_their_parameters(call):
    kernel, weights, params, inputs, initial, *_ = call
    expected = kernel.passes.forward(weights, inputs, initial)[0]
    for a in params.values():
        a[...] = np.nan
    assert_equal(kernel.passes.forward(weights, inputs, initial)[0], expected)


def test_a_run_of_forward_may_go_backward_by_the_arrays_that_it_names():
    """What an operator of another library keeps: states, from the initial one on, and the tape."""
    kernel = cells.lstm.compile("float64")
    params, inputs, initial = problem(kernel, T, B)
    run = kernel.forward(params, inputs, initial)
    weights = kernel.passes.pack(run._call.sizes, params, np.dtype("float64"))
    states = {name: np.concatenate([initial[name][None], a]) for name, a in run.states.items()}
    cotangents = {"h": np.ones_like(run.states["h"])}
    found, expected = kernel.passes.backward(weights, inputs, states, run.tape, cotangents, {}), kernel.backward(run, cotangents)
    for group, wanted in zip(found, (expected.params, expected.inputs, expected.initial), strict=True):
        assert_equal(group, wanted)


def test_the_gradient_of_a_first_state_that_is_a_parameter_is_left_to_the_caller():
    h = State("h", initial=Param("begin"))
    kernel = Cell("learned_start", [Eq(h, tanh(affine(Input("x"), h.prev)))]).compile("float64")
    params = kernel.init(n_x=2, n_h=3, seed=1)
    x = {"x": np.random.default_rng(0).normal(size=(T, B, 2))}
    expected = kernel.backward(kernel.forward(params, x), final={"h": np.ones((B, 3))}).params
    weights = kernel.passes.pack({"n_x": 2, "n_h": 3}, params, np.dtype("float64"))
    start = {"h": np.broadcast_to(params["begin"], (B, 3)).copy()}
    of_params, _, of_initial = kernel.passes.backward(weights, x, *kernel.passes.forward(weights, x, start), {}, {"h": np.ones((B, 3))})
    np.testing.assert_allclose(of_initial["h"].sum(0), expected.pop("begin"), rtol=1e-12)
    assert not of_params.pop("begin").any()
    assert_equal(of_params, expected)


@pytest.mark.parametrize("spoil, message", (
    (lambda c: c["inputs"].update(x=c["inputs"]["x"][:, :, 1:]), r"inputs\['x'\] has shape"),
    (lambda c: c["inputs"].update(x=c["inputs"]["x"][0]), r"inputs\['x'\] has shape"),
    (lambda c: c["inputs"].update(y=c["inputs"]["x"]), "unknown names y"),
    (lambda c: c["initial"].update(h=c["initial"]["h"][:1]), r"initial\['h'\] has shape"),
    (lambda c: c["states"].update(h=c["states"]["h"][1:]), r"states\['h'\] has shape"),
    (lambda c: c["cotangents"].update(h=c["cotangents"]["h"][1:]), r"cotangents\['h'\] has shape"),
    (lambda c: c["final"].update(h=c["final"]["h"][1:]), r"final\['h'\] has shape"),
    (lambda c: c.update(lengths=[1, 2]), "each of the 3 samples"),
    (lambda c: c["initial"].pop("c"), "initial lacks c"),
    (lambda c: c["states"].pop("c"), "states lacks c"),
    (lambda c: c["tape"].update(i_seq=c["tape"]["i_seq"].astype("float32")), r"tape\['i_seq'\] has dtype float32"),
    (lambda c: c["states"].update(h=c["states"]["h"].astype("float32")), r"states\['h'\] has dtype float32"),
    (lambda c: c["cotangents"].update(h=c["cotangents"]["h"].astype("float32")), r"cotangents\['h'\] has dtype float32"),
    (lambda c: c["tape"].update(f_seq=c["tape"]["f_seq"][:, :, :-1]), r"tape\['f_seq'\] has shape \(6, 3, \d+\), expected \(T, B, \.\.\.\) = \(6, 3"),
    (lambda c: c["tape"].update(o_seq=c["tape"]["o_seq"][1:]), r"tape\['o_seq'\] has shape \(5, 3"),
    (lambda c: c["tape"].update(o_seq=c["tape"]["o_seq"][0]), r"tape\['o_seq'\] has shape \(3"),
    (lambda c: c["tape"].pop("g_seq"), "tape lacks g_seq"),
    (lambda c: c["tape"].update(k=c["tape"]["g_seq"]), "tape has unknown names k"),
    (lambda c: c["inputs"].update(x=c["inputs"]["x"].astype("float32")), "weights were packed as float64, found inputs of dtype float32"),
    (lambda c: c["final"].update(k=c["final"]["h"]), "final has unknown names k"),
))  # fmt: skip
def test_what_does_not_fit_is_refused(spoil, message):
    kernel = cells.lstm.compile("float64")
    params, inputs, initial = problem(kernel, T, B)
    weights = kernel.passes.pack(sizes_of(kernel, params, inputs, initial), params, np.dtype("float64"))
    states, tape = kernel.passes.forward(weights, inputs, initial)
    ones = {name: np.ones_like(a[1:]) for name, a in states.items()}
    call = {"inputs": inputs, "initial": initial, "states": states, "tape": tape, "cotangents": ones, "final": copied(initial), "lengths": None}
    spoil(call)
    with pytest.raises(CellError, match=f"lstm: .*{message}"):
        kernel.passes.forward(weights, call["inputs"], call["initial"], call["lengths"])
        kernel.passes.backward(weights, *(call[name] for name in ("inputs", "states", "tape", "cotangents", "final", "lengths")))
