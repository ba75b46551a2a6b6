"""Parameters: packed anew at every call, or once by `freeze`. A run keeps what it needs, whatever becomes of what it was given."""

import copy
import pickle
import sys
import threading

import numpy as np
import pytest
from support.calls import problem
from support.representatives import compiled_names
from sympy import Eq

from symcell import Cell, CellError, Input, Param, State, cells

# Values that are computed from parameters alone, constants, heads, a first state that is a parameter.
KINDS = ("lstm", "antisymmetric_rnn", "mamba", "lmu", "slstm", "scalar_rnn")


@pytest.fixture(params=("float32", "float64"))
def call(request):
    kernel = cells.lstm.compile(request.param)
    params, inputs, initial = problem(cells.lstm.compile("float64"), 6, 3)
    return kernel, *({name: a.astype(request.param) for name, a in group.items()} for group in (params, inputs, initial))


def gradients(kernel, run):
    """All that a run and its gradients hold."""
    grads = kernel.backward(run, {name: np.ones_like(a) for name, a in run.states.items()})
    return [*run.states.values(), *grads.params.values(), *grads.inputs.values(), *grads.initial.values()]


def outcome(kernel, params, inputs, initial):
    return gradients(kernel, kernel.forward(params, inputs, initial, threads=1))


def anew(kernel, params, *rest):
    """The outcome with arrays that nobody has seen."""
    return outcome(kernel, copied(params), *rest)


def copied(group):
    return {name: a.copy() for name, a in group.items()}


def assert_equal(found, expected):
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.fixture
def packings(monkeypatch):
    """Returns a function that counts how often a kernel packs weights from then on."""

    def count(kernel):
        calls, pack = [], kernel.passes._pack
        monkeypatch.setattr(kernel.passes, "_pack", lambda *arguments: calls.append(1) or pack(*arguments))
        return calls

    return count


# A plain dict.


def test_forward_packs_what_it_is_given_at_every_call(call, packings):
    kernel, params, *rest = call
    packs = packings(kernel)
    first = outcome(kernel, params, *rest)
    assert len(packs) == 1  # backward reads what forward packed
    for again in (params, dict(params), copied(params)):
        assert_equal(outcome(kernel, again, *rest), first)
    assert len(packs) == 4


@pytest.mark.parametrize("name", ("W_i", "b_i", "U_g", "U_o", "b_o"))
@pytest.mark.parametrize("place", (0, -1))
def test_any_number_that_changes_in_place_is_seen(call, name, place):
    kernel, params, *rest = call
    outcome(kernel, params, *rest)
    for value in (0.0, -0.0, 3.0, np.nan):
        params[name].reshape(-1)[place] = value
        assert_equal(outcome(kernel, params, *rest), anew(kernel, params, *rest))


def test_other_arrays_under_the_same_names_are_seen(call):
    kernel, params, *rest = call
    outcome(kernel, params, *rest)
    for other in (params | {"U_i": params["U_f"], "U_f": params["U_i"]}, params | {"b_i": params["b_i"] + 1}):
        assert_equal(outcome(kernel, other, *rest), anew(kernel, other, *rest))
    assert_equal(outcome(kernel, dict(reversed(params.items())), *rest), anew(kernel, params, *rest))


def test_read_only_arrays_whose_numbers_change_all_the_same(call):
    kernel, params, *rest = call
    given = copied(params)
    views = {name: a.view() for name, a in given.items()}
    for a in views.values():
        a.flags.writeable = False
    assert_equal(outcome(kernel, views, *rest), anew(kernel, params, *rest))
    given["U_f"][-1, -1] += 1
    assert_equal(outcome(kernel, views, *rest), anew(kernel, given, *rest))


def test_layouts_make_no_difference(call):
    kernel, params, *rest = call
    expected = anew(kernel, params, *rest)
    turned = {name: np.asfortranarray(a) for name, a in params.items()}
    for given in (turned, {name: np.repeat(a, 2, axis=0)[::2] for name, a in params.items()}):
        assert_equal(outcome(kernel, given, *rest), expected)


def test_an_array_that_is_reshaped_in_place_is_checked_again(call):
    kernel, params, *rest = call
    params["W_i"] = params["W_i"].copy()  # an array with memory of its own can be given another shape where it is
    outcome(kernel, params, *rest)
    params["W_i"].resize(params["W_i"].shape[::-1], refcheck=False)
    with pytest.raises(CellError, match="W_i"):
        outcome(kernel, params, *rest)


def test_shapes_that_are_wrong_stay_wrong_and_any_number_of_sizes_may_be_used(call):
    """A kernel remembers which sizes some shapes tell, of right ones, and of so many."""
    kernel = call[0]
    for n in (*range(1, 80), 1, 79):
        params, x = kernel.init(n_x=2, n_h=n), np.ones((1, 1, 2), kernel.dtype)
        assert kernel.forward(params, x).final["h"].shape == (1, n)
        for _ in range(2):
            with pytest.raises(CellError, match=r"params\['U_o'\] has shape"):
                kernel.forward(params | {"U_o": params["U_o"][:, :0]}, x)
            with pytest.raises(CellError, match=r"inputs\['x'\] has shape"):
                kernel.forward(params, x[:, :, 1:])


def test_no_parameters_are_remembered(call):
    kernel, params, *rest = call
    arrays = [params["U_i"], *rest[0].values(), *rest[1].values()]
    expected = list(map(sys.getrefcount, arrays))
    outcome(kernel, params, *rest)
    assert list(map(sys.getrefcount, arrays)) == expected


def test_threads_may_call_while_parameters_change_between_calls(call):
    kernel, params, *rest = call
    for _ in range(10):
        for a in params.values():
            a *= 0.97
        expected, found, start = anew(kernel, params, *rest), [], threading.Barrier(4)

        def work(found=found, start=start):
            start.wait()
            found.append(outcome(kernel, params, *rest))

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(found) == 4
        for results in found:
            assert_equal(results, expected)


# A run.


@pytest.mark.parametrize("name", KINDS)
def test_a_run_goes_backward_any_number_of_times_whatever_becomes_of_its_arguments(name):
    kernel = cells.get(name).compile("float64")
    given = problem(kernel, 5, 2)
    expected = outcome(kernel, *map(copied, given))
    run = kernel.forward(*given, threads=1)
    for group in given:
        for a in group.values():
            a[...] = np.nan
    other = kernel.forward(*problem(kernel, 5, 2))  # its memory is not that of the first
    for _ in range(2):
        assert_equal(gradients(kernel, run), expected)
    assert_equal(gradients(kernel, other), expected)


def test_states_and_tape_are_read_only_and_named(call):
    kernel, *given = call
    run = kernel.forward(*given)
    assert run.states.keys() == {"c", "h"} and run.tape.keys() == {"i_seq", "f_seq", "g_seq", "o_seq"}
    for a in (*run.states.values(), *run.outputs.values(), *run.tape.values()):
        with pytest.raises(ValueError, match="read-only"):
            a[...] = 0
    expected = gradients(kernel, run)
    run.final["h"][...] = np.nan  # a copy: the caller's own
    for name in list(run.states):
        run.states[name] = np.zeros_like(run.states[name])  # another dict entry is no number of the run
    grads = kernel.backward(run, {name: np.ones_like(a) for name, a in run.states.items()})
    assert_equal([*grads.params.values(), *grads.inputs.values(), *grads.initial.values()], expected[2:])


@pytest.mark.parametrize("options", ({"checkpoint": 2}, {"lengths": [6, 2, 0]}), ids=str)
def test_states_of_ragged_runs_and_of_those_with_checkpoints_are_read_only(call, options):
    kernel, *given = call
    run = kernel.forward(*given, **options)
    assert bool(run.tape) == ("lengths" in options)
    for a in (*run.states.values(), *run.tape.values()):
        with pytest.raises(ValueError, match="read-only"):
            a[...] = 0


def test_gradients_are_the_callers(call):
    kernel, *given = call
    run = kernel.forward(*given)
    first = kernel.backward(run, {"h": np.ones_like(run.states["h"])})
    kept = [copied(group) for group in (first.params, first.inputs, first.initial)]
    for group in (first.params, first.inputs, first.initial):
        for a in group.values():
            a *= 2  # and may be written to
    second = kernel.backward(run, {"h": np.ones_like(run.states["h"])})
    for group, expected in zip((second.params, second.inputs, second.initial), kept, strict=True):
        assert_equal(group.values(), expected.values())


# Frozen ones.


@pytest.mark.parametrize("name", compiled_names())
def test_every_cells_parameters_can_be_frozen(name):
    kernel = cells.get(name).compile("float64")
    params, inputs, initial = problem(kernel, 3, 2)
    frozen, expected = kernel.freeze(params), outcome(kernel, params, inputs, initial)
    for _ in range(2):
        assert_equal(outcome(kernel, frozen, inputs, initial), expected)


def test_frozen_parameters_are_packed_once_and_do_not_change(call, packings):
    kernel, params, *rest = call
    packs = packings(kernel)
    frozen, expected = kernel.freeze(params), anew(kernel, params, *rest)
    packs.clear()
    before = copied(params)
    params["U_f"] *= 2
    for _ in range(3):
        assert_equal(outcome(kernel, frozen, *rest), expected)
    assert not packs
    assert frozen.keys() == params.keys() and len(frozen) == len(params) and "lstm" in repr(frozen)
    for name, a in frozen.items():
        np.testing.assert_array_equal(a, before[name])
        with pytest.raises(ValueError, match="read-only"):
            a[0] = 0


@pytest.mark.parametrize("name", KINDS)
def test_an_update_packs_other_numbers_in_place(name):
    kernel = cells.get(name).compile("float64")
    params, inputs, initial = problem(kernel, 4, 2)
    frozen = kernel.freeze(params)
    outcome(kernel, frozen, inputs, initial)
    arrays = dict(frozen)
    for factor in (0.5, 3.0):
        other = {p: a * factor for p, a in params.items()}
        frozen.update(other)
        assert_equal(outcome(kernel, frozen, inputs, initial), anew(kernel, other, inputs, initial))
        assert all(frozen[p] is a for p, a in arrays.items())
        assert_equal(frozen.values(), other.values())
    frozen.update(frozen)
    assert_equal(outcome(kernel, frozen, inputs, initial), anew(kernel, dict(frozen), inputs, initial))


@pytest.mark.parametrize("checkpoint", (None, 2))
def test_runs_of_before_an_update_refuse_to_go_backward(call, checkpoint):
    kernel, params, *rest = call
    frozen = kernel.freeze(params)
    run, other = (kernel.forward(p, *rest, checkpoint=checkpoint) for p in (frozen, params))
    expected = gradients(kernel, run)
    final = copied(run.final)
    frozen.update(params)  # the same numbers: no number is compared
    with pytest.raises(CellError, match=r"lstm: this run's frozen parameters were updated after forward; call backward before update"):
        kernel.backward(run)
    assert_equal(run.final.values(), final.values())
    assert_equal(gradients(kernel, other), expected)
    assert_equal(gradients(kernel, kernel.forward(frozen, *rest, checkpoint=checkpoint)), expected)


def test_states_of_a_run_with_checkpoints_are_not_computed_from_updated_parameters(call):
    kernel, params, *rest = call
    frozen = kernel.freeze(params)
    run, known = (kernel.forward(frozen, *rest, checkpoint=2) for _ in range(2))
    expected = copied(known.states)
    frozen.update({name: 2 * a for name, a in params.items()})
    with pytest.raises(CellError, match="updated after forward"):
        _ = run.states
    assert_equal(known.states.values(), expected.values())  # those that were asked for before are there


def test_an_update_that_is_refused_changes_nothing(call):
    kernel, params, *rest = call
    frozen = kernel.freeze(params)
    run, expected = kernel.forward(frozen, *rest), anew(kernel, params, *rest)
    other = {name: a + 1 for name, a in params.items()}
    wrong = "float64" if kernel.dtype == "float32" else "float32"
    for spoilt, message in (
        ({}, "params lacks"), (other | {"q": other["b_i"]}, "unknown names q"), (None, "params must be a dict"),
        (other | {"b_o": other["b_o"][1:]}, r"params\['b_o'\] has shape"), (other | {"b_o": other["b_o"].astype(wrong)}, wrong),
    ):  # fmt: skip
        with pytest.raises(CellError, match=message):
            frozen.update(spoilt)
    assert_equal(gradients(kernel, run), expected)
    assert_equal(outcome(kernel, frozen, *rest), expected)


def test_what_cannot_be_frozen_is_refused(call):
    kernel, params, inputs, _ = call
    for spoilt, message in (
        ({}, "params lacks"), (params | {"q": params["b_i"]}, "unknown names q"), (None, "params must be a dict"),
        (params | {"b_i": params["b_i"][1:]}, r"params\['b_i'\] has shape"), (params | {"b_i": "x"}, "no array|dtype"),
    ):  # fmt: skip
        with pytest.raises(CellError, match=message):
            kernel.freeze(spoilt)
    frozen, other = kernel.freeze(params), "float64" if kernel.dtype == "float32" else "float32"
    np.testing.assert_array_equal(kernel.freeze(frozen)["U_o"], params["U_o"])
    with pytest.raises(CellError, match=f"compiled for {kernel.dtype}, found dtype {other}"):
        kernel.freeze(params, dtype=other)
    with pytest.raises(CellError, match=other):
        cells.lstm.compile(other).forward(frozen, {name: a.astype(other) for name, a in inputs.items()})
    with pytest.raises(CellError, match="peephole_lstm: a kernel of lstm has frozen these parameters; freeze a dict of them with this one"):
        cells.peephole_lstm.compile(kernel.dtype).forward(frozen, inputs)


def test_sizes_that_parameters_do_not_tell_may_differ_from_call_to_call():
    """Of a cell whose only parameters are numbers."""
    h = State("h")
    kernel = Cell("told", [Eq(h, Param("a", ()) * h.prev + Input("x", "n_h"))]).compile("float64")
    params = {"a": np.array(0.5)}
    frozen = kernel.freeze(params)
    for n in (3, 5, 3):
        x = np.random.default_rng(n).normal(size=(4, 2, n))
        assert_equal(outcome(kernel, frozen, x, None), outcome(kernel, params, x, None))
    frozen.update({"a": np.array(2.0)})
    assert_equal(outcome(kernel, frozen, x, None), outcome(kernel, {"a": np.array(2.0)}, x, None))


@pytest.mark.parametrize("duplicate", (copy.copy, copy.deepcopy, lambda f: pickle.loads(pickle.dumps(f))), ids=("copy", "deepcopy", "pickle"))
def test_a_copy_of_frozen_parameters_is_one_of_its_own(call, duplicate):
    kernel, params, *rest = call
    frozen = kernel.freeze(params)
    other, expected = duplicate(frozen), anew(kernel, params, *rest)
    frozen.update({name: 2 * a for name, a in params.items()})
    assert_equal(other.values(), params.values())
    assert_equal(outcome(kernel, other, *rest), expected)
    other.update({name: 3 * a for name, a in params.items()})
    assert_equal(frozen["U_f"], 2 * params["U_f"])
