"""Parameters that are given again: used as they are, never stale."""

import threading

import numpy as np
import pytest
from support.calls import problem

from symcell import CellError, cells


@pytest.fixture(params=("float32", "float64", "float32 with fingerprints", "float64 with fingerprints"))
def call(request, monkeypatch):
    dtype, *noted = request.param.split(" ", 1)
    kernel = cells.lstm.compile(dtype)
    if noted:
        monkeypatch.setattr(kernel.module, "_WORTH_NOTING", 0)
    params, inputs, initial = problem(cells.lstm.compile("float64"), 6, 3)
    return kernel, *({name: a.astype(dtype) for name, a in group.items()} for group in (params, inputs, initial))


def outcome(kernel, params, inputs, initial):
    run = kernel.forward(params, inputs, initial, threads=1)
    grads = kernel.backward(run, {"h": np.ones_like(run.states["h"])})
    return [run.states["h"], *grads.params.values(), *grads.inputs.values(), *grads.initial.values()]


def anew(kernel, params, *rest):
    """The outcome with arrays that nobody has seen."""
    return outcome(kernel, {name: a.copy() for name, a in params.items()}, *rest)


def assert_equal(found, expected):
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.fixture
def counted(monkeypatch):
    """Returns a function that counts how often a kernel packs weights."""

    def count(kernel):
        calls, pack = [], kernel.module.turn_over
        monkeypatch.setattr(kernel.module, "turn_over", lambda *arguments: (calls.append(1), pack(*arguments)))
        return calls

    return count


def test_what_is_the_same_is_packed_once(call, counted):
    kernel, params, *rest = call
    packs = counted(kernel)
    first = outcome(kernel, params, *rest)
    once = len(packs)
    for again in (params, dict(params)):
        assert_equal(outcome(kernel, again, *rest), first)
    assert len(packs) == once > 0
    params["b_o"][-1] += 1
    outcome(kernel, params, *rest)
    assert len(packs) == 2 * once


@pytest.mark.parametrize("name", ("W_i", "b_i", "U_g", "U_o", "b_o"))
@pytest.mark.parametrize("place", (0, -1))
def test_any_number_that_changes_is_seen(call, name, place):
    kernel, params, *rest = call
    outcome(kernel, params, *rest)
    for value in (0.0, -0.0, 3.0, np.nan):
        params[name].reshape(-1)[place] = value
        assert_equal(outcome(kernel, params, *rest), anew(kernel, params, *rest))
        outcome(kernel, params, *rest)


def test_what_stays_unchanged_is_compared_once_and_then_known_by_its_fingerprints(call, monkeypatch):
    kernel, params, *rest = call
    compared, same = [], kernel.module._same
    monkeypatch.setattr(kernel.module, "_same", lambda *arguments: compared.append(1) or same(*arguments))
    for _ in range(4):
        outcome(kernel, params, *rest)
    assert len(compared) == (1 if kernel.module._WORTH_NOTING == 0 else 3)
    params["U_o"][0, -1] *= -1
    for _ in range(4):
        assert_equal(outcome(kernel, params, *rest), anew(kernel, params, *rest))
    assert len(compared) == (2 if kernel.module._WORTH_NOTING == 0 else 7)


def test_other_arrays_under_the_same_names_are_seen(call):
    kernel, params, *rest = call
    outcome(kernel, params, *rest)
    for other in (params | {"U_i": params["U_f"], "U_f": params["U_i"]}, params | {"b_i": params["b_i"] + 1}):
        assert_equal(outcome(kernel, other, *rest), anew(kernel, other, *rest))
    backwards = dict(reversed(params.items()))
    for _ in range(2):
        assert_equal(outcome(kernel, backwards, *rest), anew(kernel, params, *rest))


def test_a_run_keeps_the_parameters_that_it_began_with(call):
    kernel, params, *rest = call
    expected = anew(kernel, params, *rest)
    run = kernel.forward(params, *rest, threads=1)
    for a in params.values():
        a *= 2
    later = kernel.forward(params, *rest, threads=1)
    kernel.backward(later, {"h": np.ones_like(later.states["h"])})
    grads = kernel.backward(run, {"h": np.ones_like(run.states["h"])})
    assert_equal([run.states["h"], *grads.params.values(), *grads.inputs.values(), *grads.initial.values()], expected)


@pytest.mark.parametrize("kept", (0, 1, 2, 5))
def test_training_that_keeps_some_runs(call, kept):
    """Values before take no memory from a run that still needs them, whether or not it has been backward."""
    kernel, params, *rest = call
    runs = []
    for step in range(8):
        for a in params.values():
            a *= 0.9
        expected = anew(kernel, params, *rest)
        run = kernel.forward(params, *rest, threads=1)
        if step % 3 == 1:  # packed for backward already
            kernel.backward(run, {"h": np.ones_like(run.states["h"])})
        runs.append((run, expected))
        if len(runs) > kept:
            run, expected = runs.pop(0)
            grads = kernel.backward(run, {"h": np.ones_like(run.states["h"])})
            assert_equal([run.states["h"], *grads.params.values(), *grads.inputs.values(), *grads.initial.values()], expected)


def known_of(kernel, params):
    (known,) = (p for p in kernel.module._kept.values() if p.given.get("b_o") is params["b_o"])
    return known


def memory_of(kernel, params):
    """Where all copies begin."""
    known = known_of(kernel, params)
    return tuple(a.ctypes.data for a in (*known.copies.values(), *(panels for panels, _ in known.held)))


def test_values_that_no_run_needs_give_their_memory(call, monkeypatch):
    kernel, params, *rest = call
    outcome(kernel, params, *rest)
    memory = memory_of(kernel, params)
    monkeypatch.setattr(kernel.module, "_uncopied", None)
    for _ in range(3):
        params["b_o"][-1] += 1
        outcome(kernel, params, *rest)
    assert memory_of(kernel, params) == memory and not known_of(kernel, params).earlier


def test_two_pieces_of_memory_serve_who_keeps_the_last_run(call, monkeypatch):
    kernel, params, *rest = call
    found = set()
    for k in range(6):
        params["b_o"][-1] += 1
        run = kernel.forward(params, *rest, threads=1)  # while the run before is there
        kernel.backward(run, {"h": np.ones_like(run.states["h"])})
        found.add(memory_of(kernel, params))
        monkeypatch.setattr(kernel.module, "_uncopied", None) if k == 2 else None
    assert len(found) == 2 and len(known_of(kernel, params).earlier) == 1


def test_threads_that_find_the_same_change(call):
    kernel, params, *rest = call
    for _ in range(20):
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


def test_nothing_but_the_copy_reads_the_callers_arrays(call, monkeypatch):
    """What another thread writes while weights are packed, and takes back, leaves no trace."""
    kernel, params, *rest = call
    expected, make = anew(kernel, params, *rest), kernel.module._forward_weights

    def late(*arguments):
        before = {name: a.copy() for name, a in params.items()}
        for a in params.values():
            a += 1
        made = make(*arguments)
        for name, a in params.items():
            a[...] = before[name]
        return made

    monkeypatch.setattr(kernel.module, "_forward_weights", late)
    for _ in range(3):
        assert_equal(outcome(kernel, params, *rest), expected)


def test_read_only_arrays_are_found_again(call, counted):
    kernel, params, *rest = call
    given = {name: a.copy() for name, a in params.items()}
    views = {name: a.view() for name, a in given.items()}
    for a in views.values():
        a.flags.writeable = False
    packs = counted(kernel)
    expected = outcome(kernel, views, *rest)
    once = len(packs)
    assert_equal(outcome(kernel, views, *rest), expected)
    assert len(packs) == once > 0
    given["U_f"][-1, -1] += 1  # what they show can change all the same
    assert_equal(outcome(kernel, views, *rest), anew(kernel, given, *rest))


def test_what_cannot_be_found_again_is_copied_every_time(call):
    kernel, params, *rest = call
    expected = anew(kernel, params, *rest)
    turned = {name: np.asfortranarray(a) for name, a in params.items()}
    for given in (turned, {name: np.repeat(a, 2, axis=0)[::2] for name, a in params.items()}):
        for _ in range(2):
            assert_equal(outcome(kernel, given, *rest), expected)


def test_an_array_that_is_reshaped_in_place_is_checked_again(call):
    kernel, params, *rest = call
    outcome(kernel, params, *rest)
    params["W_i"] = params["W_i"].copy()  # an array with memory of its own can be given another shape where it is
    outcome(kernel, params, *rest)
    params["W_i"].resize(params["W_i"].shape[::-1], refcheck=False)
    with pytest.raises(CellError, match="W_i"):
        outcome(kernel, params, *rest)


def test_every_layer_of_a_network_is_known(call, counted):
    kernel, params, *rest = call
    layers = [{name: a + k for name, a in params.items()} for k in range(3)]
    first = [outcome(kernel, layer, *rest) for layer in layers]
    packs = counted(kernel)
    for layer, expected in zip(layers, first, strict=True):
        assert_equal(outcome(kernel, layer, *rest), expected)
    assert not packs


def test_no_more_sets_are_kept_than_allowed(call):
    kernel, params, *rest = call
    for _ in range(20):
        outcome(kernel, {name: a.copy() for name, a in params.items()}, *rest)
    assert len(kernel.module._kept) == kernel.module._MANY


def test_large_parameters_are_not_kept(call, monkeypatch):
    kernel, params, *rest = call
    monkeypatch.setattr(kernel.module, "_WORTH_KEEPING", 64)
    monkeypatch.setattr(kernel.module, "_kept", {})
    first = outcome(kernel, params, *rest)
    assert not kernel.module._kept
    assert_equal(outcome(kernel, params, *rest), first)


@pytest.mark.parametrize("name", cells.names())
def test_every_cell_is_the_same_the_second_time(name):
    kernel = cells.get(name).compile("float64")
    params, inputs, initial = problem(kernel, 5, 2)
    found = []
    for _ in range(2):
        run = kernel.forward(params, inputs, initial, threads=1)
        grads = kernel.backward(run, {name: np.ones_like(a) for name, a in run.states.items()})
        found.append([*run.states.values(), *grads.params.values(), *grads.inputs.values(), *grads.initial.values()])
    assert_equal(*found)


# Frozen ones


def test_frozen_parameters_compute_the_same(call, counted):
    kernel, params, *rest = call
    frozen, packs = kernel.freeze(params), counted(kernel)
    expected = anew(kernel, params, *rest)
    packs.clear()
    assert_equal(outcome(kernel, frozen, *rest), expected)
    once = len(packs)
    params["U_f"] *= 2
    assert_equal(outcome(kernel, frozen, *rest), expected)
    assert len(packs) == once
    assert frozen.keys() == params.keys()
    np.testing.assert_array_equal(frozen["W_i"], params["W_i"])
    with pytest.raises(ValueError, match="read-only"):
        frozen["W_i"][0] = 0
    assert "lstm" in repr(frozen)


def test_frozen_parameters_are_not_looked_at(call, monkeypatch):
    kernel, params, inputs, initial = call
    frozen = kernel.freeze(params)
    monkeypatch.setattr(kernel.module, "_unchanged", None)
    expected = kernel.forward(frozen, inputs, initial).states["h"]
    np.testing.assert_array_equal(kernel.forward(frozen, inputs, initial).states["h"], expected)
    state = initial
    for t in range(4):
        state = kernel.step(frozen, inputs["x"][t], state)
        np.testing.assert_allclose(state["h"], expected[t], rtol=1e-5, atol=1e-6)
        state = {name: a.copy() for name, a in state.items()}
    monkeypatch.setattr(kernel.module, "_checked_step", None)
    kernel.step(frozen, inputs["x"][0], initial)


@pytest.mark.parametrize("name", cells.names())
def test_every_cells_parameters_can_be_frozen(name):
    kernel = cells.get(name).compile("float64")
    params, inputs, initial = problem(kernel, 3, 2)
    frozen = kernel.freeze(params)
    for _ in range(2):
        found, expected = kernel.forward(frozen, inputs, initial), kernel.forward(params, inputs, initial)
        for s, a in expected.states.items():
            np.testing.assert_array_equal(found.states[s], a)
        cotangents = {name: np.ones_like(a) for name, a in expected.states.items()}
        gradients = kernel.backward(found, cotangents).params
        for p, a in kernel.backward(expected, cotangents).params.items():
            np.testing.assert_array_equal(gradients[p], a)


def test_what_cannot_be_frozen_is_refused(call):
    kernel, params, inputs, initial = call
    for spoilt, message in (
        ({}, "params lacks"), (params | {"q": params["b_i"]}, "unknown names q"), (None, "params must be a dict"),
        (params | {"b_i": params["b_i"][1:]}, r"params\['b_i'\] has shape"), (params | {"b_i": "x"}, "no array|dtype"),
    ):  # fmt: skip
        with pytest.raises(CellError, match=message):
            kernel.freeze(spoilt)
    frozen, other = kernel.freeze(params), "float64" if kernel.dtype == "float32" else "float32"
    again = kernel.freeze(frozen)
    np.testing.assert_array_equal(again["U_o"], params["U_o"])
    for use in (kernel.module.forward, kernel.module.step):
        with pytest.raises(CellError, match=kernel.dtype):
            use(frozen, {name: a[0].astype(other) if use is kernel.module.step else a.astype(other) for name, a in inputs.items()},
                {name: a.astype(other) for name, a in initial.items()}, dtype=other)  # fmt: skip
    with pytest.raises(CellError, match="peephole_lstm: params must be a dict"):
        cells.peephole_lstm.compile(kernel.dtype).forward(frozen, inputs)
