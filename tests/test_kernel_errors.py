"""What a kernel is given: refused before any compiled code runs, or computed; NaN and infinity go through."""

import numpy as np
import pytest
from sympy import Eq, Symbol, tanh

from symcell import Cell, CellError, Input, Param, State, affine, cells, dot
from symcell.interpret import run as interpret

T, B, N_X, N_H = 4, 3, 2, 5
x, h = Input("x"), State("h")


@pytest.fixture(scope="module")
def kernel():
    return cells.lstm.compile("float64")


@pytest.fixture(scope="module")
def readout():
    return cells.rnn_readout.compile("float64")


@pytest.fixture(scope="module")
def scalar():
    return cells.scalar_rnn.compile("float64")


@pytest.fixture(scope="module")
def single():
    return cells.rnn.compile("float32")


def normal(*shape):
    return np.random.default_rng(sum(shape)).normal(size=shape)


@pytest.fixture
def params(kernel):
    return kernel.init(n_x=N_X, n_h=N_H, seed=1)


@pytest.fixture
def run(kernel, params):
    return kernel.forward(params, normal(T, B, N_X), start())


def start():
    return {"h": normal(B, N_H), "c": normal(B, N_H) / 2}


def cotangents():
    return {"h": normal(T, B, N_H), "c": normal(T, B, N_H) / 2}


def final():
    return {"h": normal(B, N_H) * 2, "c": normal(B, N_H) * 3}


def assert_same_run(found, expected):
    for name, states in expected.states.items():
        np.testing.assert_array_equal(found.states[name], states)
        np.testing.assert_array_equal(found.final[name], expected.final[name])


def assert_same_gradients(found, expected):
    for group in ("params", "inputs", "initial"):
        wanted = getattr(expected, group)
        assert getattr(found, group).keys() == wanted.keys()
        for name, gradient in wanted.items():
            np.testing.assert_array_equal(getattr(found, group)[name], gradient)


# Refused. Each case: what is given instead of a good array, and words of the message.

BAD_ARRAYS = {
    "a rank too low": (lambda a: a[0], "shape"),
    "a rank too high": (lambda a: a[None], "shape"),
    "no rank": (lambda a: np.float64(1), "shape"),
    "a number": (lambda a: 1.0, "shape"),
    "a size too small": (lambda a: a[..., :-1], "shape"),
    "a size too large": (lambda a: np.concatenate([a, a], axis=-1), "shape"),
    "an empty list": (lambda a: [], "shape"),
    "float32": (lambda a: a.astype("float32"), "float32", "expected float64"),
    "float16": (lambda a: a.astype("float16"), "float16", "expected float64"),
    "longdouble": (lambda a: a.astype(np.longdouble), "float128", "expected float64"),
    "complex": (lambda a: a.astype(complex), "complex128", "expected float64"),
    "integers": (lambda a: a.astype(int), "int64", "expected float64"),
    "booleans": (lambda a: a > 0, "bool", "expected float64"),
    "objects": (lambda a: a.astype(object), "object"),
    "text": (lambda a: a.astype(str), "expected float64"),
    "dates": (lambda a: a.astype("M8[s]"), "datetime64"),
    "records": (lambda a: np.zeros(a.shape, [("a", "f8")]), "expected float64"),
    "a masked array": (lambda a: np.ma.masked_array(a, mask=a > 0), "masked"),
    "a ragged list": (lambda a: [[1], [1, 2]], ""),
    "nothing": (lambda a: None, ""),
    "a string": (lambda a: "abc", ""),
    "a set": (lambda a: {1.0}, ""),
    "a generator": (lambda a: (row for row in a), ""),
}  # fmt: skip


@pytest.fixture(params=BAD_ARRAYS.values(), ids=BAD_ARRAYS)
def bad(request):
    return request.param


def refused(call, *words):
    with pytest.raises(CellError) as raised:
        call()
    missing = [word for word in words if word not in str(raised.value)]
    assert not missing, str(raised.value)


def test_bad_inputs(kernel, params, bad):
    spoil, *words = bad
    value = spoil(normal(T, B, N_X))
    refused(lambda: kernel.forward(params, value), "lstm", "inputs['x']", *words)
    refused(lambda: kernel.forward(params, {"x": value}), "lstm", "inputs['x']", *words)


@pytest.mark.parametrize("name", ["U_f", "b_o"])
def test_bad_parameters(kernel, params, bad, name):
    spoil, *words = bad
    spoilt = params | {name: spoil(params[name])}
    refused(lambda: kernel.forward(spoilt, normal(T, B, N_X)), "lstm", f"params['{name}']", *words)


def test_bad_initial_states(kernel, params, bad):
    spoil, *words = bad
    spoilt = start() | {"c": spoil(start()["c"])}
    refused(lambda: kernel.forward(params, normal(T, B, N_X), spoilt), "lstm", "initial['c']", *words)


def test_bad_cotangents(kernel, run, bad):
    spoil, *words = bad
    refused(lambda: kernel.backward(run, cotangents() | {"h": spoil(cotangents()["h"])}), "lstm", "cotangents['h']", *words)


def test_bad_final_cotangents(kernel, run, bad):
    spoil, *words = bad
    refused(lambda: kernel.backward(run, None, final() | {"h": spoil(final()["h"])}), "lstm", "final['h']", *words)


def test_bad_input_of_one_step(kernel, params, bad):
    spoil, *words = bad
    refused(lambda: kernel.step(params, spoil(normal(B, N_X))), "lstm", "inputs['x']", *words)


@pytest.mark.parametrize("cut", [np.s_[1:], np.s_[:, 1:], np.s_[..., 1:]], ids=["steps", "samples", "units"])
def test_cotangents_of_the_wrong_size(kernel, run, cut):
    refused(lambda: kernel.backward(run, {"h": cotangents()["h"][cut]}), "cotangents['h']", f"(T, B, n_h) = ({T}, {B}, {N_H})")


def test_errors_of_one_step_speak_of_one_step(kernel, params):
    refused(lambda: kernel.step(params, normal(T, B, N_X)), f"({T}, {B}, {N_X})", "(B, n_x)")
    refused(lambda: kernel.step(params, normal(N_X)), f"({N_X},)", "(B, n_x)")
    refused(lambda: kernel.step(params, normal(B, N_X + 1)), f"shape ({B}, {N_X + 1}), expected (B, n_x) = ({B}, {N_X})")
    refused(lambda: kernel.step(params, normal(B, N_X), {"h": normal(B, 1)}), "state['h']", f"(B, n_h) = ({B}, {N_H})")
    refused(lambda: kernel.step(params, normal(B, N_X), {"q": normal(B, 1)}), "state has unknown names q")
    refused(lambda: kernel.step(params, normal(B, N_X), 3), "state must be a dict")


def test_inputs_of_one_step_that_differ():
    kernel = Cell("toy", [Eq(h, tanh(affine(x, Input("y"))))]).compile("float64")
    inputs = {"x": normal(2, 3), "y": normal(4, 3)}
    refused(lambda: kernel.step(kernel.init(n_x=3, n_y=3, n_h=2), inputs), "samples (B,)", "x: (2,), y: (4,)")


def test_a_size_is_said_to_be_read_off_an_axis_of_the_whole_array():
    kernel = Cell("toy", [Eq(h, x * h.prev), Eq(State("g"), x + Input("y"))]).compile("float64")
    refused(lambda: kernel.forward({}, {"x": normal(T, B, 2), "y": normal(T, B, 3)}), "n_h was read off axis 2 of inputs['x']")
    refused(lambda: kernel.step({}, {"x": normal(B, 2), "y": normal(B, 3)}), "n_h was read off axis 1 of inputs['x']")


def test_a_size_that_disagrees_says_where_it_was_read(kernel, params):
    refused(lambda: kernel.forward(params | {"W_i": params["W_i"].T}, normal(T, B, N_X)), "params['W_i']")


def test_where_a_size_was_read_is_said_once(kernel, params):
    with pytest.raises(CellError) as raised:
        kernel.forward(params | {"U_f": normal(N_H + 1, N_H)}, normal(T, B, N_X))
    assert str(raised.value).count("n_h was read off") == 1


def test_what_refuses_to_be_an_array(kernel, params):
    class Tensor:
        def __array__(self, *arguments, **keywords):
            raise RuntimeError("call detach() first")

    refused(lambda: kernel.forward(params, Tensor()), "inputs['x'] is no array", "call detach() first")


@pytest.mark.parametrize("n", [10**10, 10**30, 10**400])
def test_parameters_that_no_memory_holds(kernel, n):
    refused(lambda: kernel.init(n_x=1, n_h=n), "lstm: there is no memory for ", f"of shape ({n}, ")


@pytest.mark.parametrize("other", [None, [1], "abc", 3, normal(2, 2), False])
def test_groups_are_dicts(kernel, params, run, other):
    inputs = normal(T, B, N_X)
    refused(lambda: kernel.forward(other, inputs), "lstm", "params must be a dict")
    if other is not None:
        refused(lambda: kernel.forward(params, inputs, other), "lstm", "initial must be a dict")
        refused(lambda: kernel.backward(run, other), "lstm", "cotangents must be a dict")
        refused(lambda: kernel.backward(run, None, other), "lstm", "final must be a dict")
        refused(lambda: kernel.step(params, inputs[0], other), "lstm")


def test_frozen_parameters_of_another_cell(kernel, single):
    frozen = single.freeze(single.init(n_x=N_X, n_h=N_H))
    for call in (lambda: kernel.forward(frozen, normal(T, B, N_X)), lambda: kernel.step(frozen, normal(B, N_X))):
        refused(call, "lstm: a kernel of rnn has frozen these parameters; freeze a dict of them with this one")


class Tensor:
    """An array of a library whose comparisons are arrays of its own, and which refuses to become NumPy's if it has a gradient."""

    def __init__(self, array, has_gradient=False):
        self.array, self.has_gradient = array, has_gradient

    def __eq__(self, other):
        return self

    __hash__ = object.__hash__

    def __bool__(self):
        raise RuntimeError("Boolean value of Tensor with more than one value is ambiguous")

    def __array__(self, dtype=None, copy=None):
        if self.has_gradient:
            raise RuntimeError("call detach() first")
        return self.array


def test_one_step_with_arrays_of_another_library_after_steps_with_numpys(kernel, params):
    state, inputs = start(), normal(B, N_X)
    for _ in range(2):
        expected = kernel.step(params, inputs, state)
    found = kernel.step({name: Tensor(a) for name, a in params.items()}, Tensor(inputs), {name: Tensor(a) for name, a in state.items()})
    for name, a in expected.items():
        np.testing.assert_array_equal(found[name], a)
    kernel.step(params, inputs, state)
    refused(lambda: kernel.step({name: Tensor(a, True) for name, a in params.items()}, inputs, state), "lstm", "params['", "call detach() first")
    refused(lambda: kernel.step(params, Tensor(inputs, True), state), "lstm", "inputs['x']", "call detach() first")
    refused(lambda: kernel.step(params, inputs, state | {"h": Tensor(state["h"], True)}), "lstm", "state['h']", "call detach() first")


def test_names(kernel, params, run):
    inputs = normal(T, B, N_X)
    less = {name: a for name, a in params.items() if name not in ("U_f", "b_i")}
    refused(lambda: kernel.forward(less, inputs), "lstm: params lacks b_i, U_f")
    refused(lambda: kernel.forward({}, inputs), "lstm: params lacks W_i")
    refused(lambda: kernel.forward(params | {"Q": inputs, 1: inputs}, inputs), "lstm: params has unknown names Q, 1")
    refused(lambda: kernel.forward(params, {}), "lstm: inputs lacks x")
    refused(lambda: kernel.forward(params, {"x": inputs, "y": inputs}), "lstm: inputs has unknown names y; expected x")
    refused(lambda: kernel.forward(params, inputs, {"i": inputs}), "lstm: initial has unknown names i; expected c, h")
    refused(lambda: kernel.backward(run, {"x": inputs}), "lstm: cotangents has unknown names x; expected c, h")
    refused(lambda: kernel.backward(run, None, {"f": inputs}), "lstm: final has unknown names f; expected c, h")


def test_backward_takes_a_run_of_its_own_cell(kernel, scalar, run):
    for other in (None, 3, {}, run.states, kernel):
        refused(lambda other=other: kernel.backward(other, cotangents()), "lstm", "Run")
    refused(lambda: scalar.backward(run, {}), "scalar_rnn", "lstm")


def test_two_precisions_do_not_mix(kernel, params, single):
    mixed = params | {"U_i": params["U_i"].astype("float32")}
    refused(lambda: kernel.forward(mixed, normal(T, B, N_X)), "params['U_i']", "float32", "expected float64")
    narrow = single.init(n_x=N_X, n_h=N_H)
    refused(lambda: single.forward(narrow, normal(T, B, N_X)), "inputs['x']", "float64", "expected float32")
    found = single.forward(narrow, normal(T, B, N_X).astype("float32"))
    assert found.states["a"].dtype == np.float32
    refused(lambda: single.backward(found, {"a": normal(T, B, N_H)}), "cotangents['a']", "expected float32")


@pytest.mark.parametrize("sizes", [
    {}, {"n_x": 2}, {"n_x": 0, "n_h": 1}, {"n_x": -1, "n_h": 1}, {"n_x": 2.0, "n_h": 1}, {"n_x": True, "n_h": 1},
    {"n_x": "2", "n_h": 1}, {"n_x": None, "n_h": 1}, {"n_x": 2, "n_h": 1, "n_q": 1},
])  # fmt: skip
def test_sizes_of_init(kernel, sizes):
    refused(lambda: kernel.init(**sizes), "lstm", "n_")


@pytest.mark.parametrize("seed", [-1, "a", 1.5])
def test_seeds_of_init(kernel, seed):
    refused(lambda: kernel.init(n_x=2, n_h=3, seed=seed), "lstm", "seed")


# Taken.

GOOD_ARRAYS = {
    "Fortran order": np.asfortranarray,
    "negative strides": lambda a: np.ascontiguousarray(a[::-1])[::-1],
    "strides": lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
    "byte-swapped": lambda a: a.astype(a.dtype.newbyteorder()),
    "a list": lambda a: a.tolist(),
    "a subclass": lambda a: a.view(type("Sub", (np.ndarray,), {})),
    "unaligned": lambda a: np.frombuffer(b"\0" + a.tobytes(), np.uint8)[1:].view(a.dtype).reshape(a.shape),
}


def read_only(a):
    a = a.copy()
    a.flags.writeable = False
    return a


@pytest.mark.parametrize("form", [*GOOD_ARRAYS.values(), read_only], ids=[*GOOD_ARRAYS, "read-only"])
def test_layouts_do_not_matter(kernel, params, form):
    expected = kernel.forward(params, normal(T, B, N_X), start())
    formed = [{name: form(a) for name, a in group.items()} for group in (params, start(), cotangents(), final())]
    found = kernel.forward(formed[0], form(normal(T, B, N_X)), formed[1])
    assert_same_run(found, expected)
    assert_same_gradients(kernel.backward(found, *formed[2:]), kernel.backward(expected, cotangents(), final()))


def test_broadcast_views(kernel, params):
    inputs, bars = np.broadcast_to(normal(N_X), (T, B, N_X)), np.broadcast_to(1.0, (T, B, N_H))
    found, expected = (kernel.forward(params, a) for a in (inputs, inputs.copy()))
    assert_same_run(found, expected)
    assert_same_gradients(kernel.backward(found, {"h": bars}), kernel.backward(expected, {"h": bars.copy()}))


def test_files_in_memory(kernel, params, tmp_path):
    mapped = np.memmap(tmp_path / "inputs", "float64", "w+", shape=(T, B, N_X))
    mapped[:] = normal(T, B, N_X)
    assert_same_run(kernel.forward(params, mapped), kernel.forward(params, normal(T, B, N_X)))


def test_arrays_of_jax(single):
    jax = pytest.importorskip("jax")
    params = single.init(n_x=N_X, n_h=N_H)
    inputs = normal(T, B, N_X).astype("float32")
    found = single.forward({name: jax.numpy.asarray(a) for name, a in params.items()}, jax.numpy.asarray(inputs))
    assert_same_run(found, single.forward(params, inputs))


def test_what_is_given_stays_as_it_was(kernel, params):
    given = (params, {"x": normal(T, B, N_X)}, start(), cotangents(), final())
    before = [{name: a.copy() for name, a in group.items()} for group in given]
    kernel.backward(kernel.forward(*given[:3]), *given[3:])
    for group, copies in zip(given, before, strict=True):
        for name, a in group.items():
            np.testing.assert_array_equal(a, copies[name])


def test_backward_again_gives_the_same(kernel, run):
    first = kernel.backward(run, cotangents(), final())
    kernel.backward(run, {"c": cotangents()["c"]})
    assert_same_gradients(kernel.backward(run, cotangents(), final()), first)


def test_a_run_does_not_follow_its_arguments(kernel, params):
    """An optimiser that updates in place, a buffer that is filled anew: the gradients are those of the forward pass."""
    inputs, initial = normal(T, B, N_X), start()
    found = kernel.forward(params, inputs, initial)
    expected = kernel.backward(found, cotangents())
    for a in (*params.values(), inputs, *initial.values()):
        a += 1
    assert_same_gradients(kernel.backward(found, cotangents()), expected)


def test_two_runs_are_independent(kernel, params):
    inputs = normal(T, B, N_X)
    first = kernel.forward(params, inputs)
    kept = {name: a.copy() for name, a in first.states.items()}
    kernel.forward(params, inputs + 1)
    for name, a in kept.items():
        np.testing.assert_array_equal(first.states[name], a)


def test_absent_cotangents_are_zero(kernel, run):
    zeros = {"h": np.zeros((T, B, N_H)), "c": np.zeros((T, B, N_H))}
    none = kernel.backward(run)
    assert_same_gradients(none, kernel.backward(run, zeros, {}))
    assert not any(a.any() for a in (*none.params.values(), *none.inputs.values(), *none.initial.values()))
    only_h = kernel.backward(run, {"h": cotangents()["h"]})
    assert_same_gradients(only_h, kernel.backward(run, cotangents() | {"c": zeros["c"]}))


def test_the_last_step_may_be_said_in_two_ways(kernel, readout, run):
    last = {name: np.concatenate([np.zeros((T - 1, B, N_H)), a[None]]) for name, a in final().items()}
    assert_same_gradients(kernel.backward(run, None, final()), kernel.backward(run, last))
    read = readout.forward(readout.init(n_x=N_X, n_h=N_H, n_y=2), normal(T, B, N_X))
    bar = normal(B, 2)
    assert_same_gradients(
        readout.backward(read, None, {"y": bar}),
        readout.backward(read, {"y": np.concatenate([np.zeros((T - 1, B, 2)), bar[None]])}),
    )


@pytest.mark.parametrize("sizes", [{"n_x": 1, "n_h": 1}, {"n_x": 1, "n_h": 17}, {"n_x": 19, "n_h": 1}])
def test_sizes_of_one(kernel, sizes):
    params = kernel.init(**sizes)
    found = kernel.forward(params, np.ones((1, 1, sizes["n_x"])))
    gradients = kernel.backward(found, {"h": np.ones((1, 1, sizes["n_h"]))})
    assert all(np.isfinite(a).all() for a in gradients.params.values())


# No steps, no samples.


@pytest.mark.parametrize("steps, samples", [(0, B), (T, 0), (0, 0)])
def test_no_steps_and_no_samples(kernel, params, steps, samples):
    initial = {name: a[:samples] for name, a in start().items()}
    bars = {name: a[:samples] for name, a in final().items()}
    found = kernel.forward(params, np.zeros((steps, samples, N_X)), initial)
    gradients = kernel.backward(found, {"h": np.zeros((steps, samples, N_H))}, bars)
    assert {name: a.shape for name, a in gradients.params.items()} == {name: a.shape for name, a in params.items()}
    assert not any(a.any() for a in gradients.params.values())
    assert gradients.inputs["x"].shape == (steps, samples, N_X)
    for name in ("h", "c"):
        assert found.states[name].shape == found.outputs.get(name, found.states[name]).shape == (steps, samples, N_H)
        assert gradients.initial[name].shape == (samples, N_H)
        if not steps:
            np.testing.assert_array_equal(found.final[name], initial[name])
            np.testing.assert_array_equal(gradients.initial[name], bars[name])


def test_no_steps_of_a_state_that_is_never_read(readout):
    params = readout.init(n_x=N_X, n_h=N_H, n_y=2)
    found = readout.forward(params, np.zeros((0, B, N_X)), {"y": normal(B, 2)})
    np.testing.assert_array_equal(found.final["y"], normal(B, 2))
    np.testing.assert_array_equal(readout.backward(found, None, {"y": normal(B, 2)}).initial["y"], normal(B, 2))


def test_no_samples_in_one_step(kernel, params):
    assert kernel.step(params, np.zeros((0, N_X)))["h"].shape == (0, N_H)


def test_a_scalar_cell(scalar):
    params = scalar.init()
    assert all(a.shape == () for a in params.values())
    found = scalar.forward({name: float(a) for name, a in params.items()}, normal(T, B))
    gradients = scalar.backward(found, {"a": np.ones((T, B))})
    assert found.states["a"].shape == (T, B) and gradients.params["w"].shape == () and gradients.inputs["x"].shape == (T, B)
    assert scalar.step(params, normal(B))["a"].shape == (B,)
    refused(lambda: scalar.forward(params | {"w": np.ones(1)}, normal(T, B)), "params['w']", "(1,)")
    refused(lambda: scalar.step(params, 1.0), "scalar_rnn")
    assert scalar.forward(params, np.zeros((0, B))).states["a"].shape == (0, B)


# NaN and infinity.


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e308])
@pytest.mark.parametrize("where", ["inputs", "initial", "cotangents", "final", *(f"{k}_{g}" for k in "WUb" for g in "ifgo")])
def test_what_is_not_finite_never_crashes_and_is_never_masked(kernel, params, where, value):
    inputs, initial, bars, last = normal(T, B, N_X), start(), cotangents(), final()
    groups = {"inputs": inputs, "initial": initial["c"], "cotangents": bars["h"], "final": last["h"], **params}
    groups[where].flat[0] = value
    with np.errstate(all="raise"):  # not even a warning
        found = kernel.forward(params, inputs, initial)
        gradients = kernel.backward(found, bars, last)
    if np.isnan(value):
        arrays = (*found.states.values(), *gradients.params.values(), *gradients.inputs.values(), *gradients.initial.values())
        assert any(np.isnan(a).any() for a in arrays)


def test_nan_stays_in_its_sample_and_after_its_step(kernel, params):
    inputs = normal(T, B, N_X)
    clean = kernel.forward(params, inputs)
    inputs[1, 2, 0] = np.nan
    found = kernel.forward(params, inputs)
    for name in ("h", "c"):
        assert np.isnan(found.states[name][1:, 2]).all()
        np.testing.assert_array_equal(found.states[name][:, :2], clean.states[name][:, :2])
        np.testing.assert_array_equal(found.states[name][0], clean.states[name][0])
    gradients = kernel.backward(found, cotangents())
    assert np.isnan(gradients.params["W_i"]).all() and np.isnan(gradients.inputs["x"][:, 2]).all()
    assert np.isfinite(gradients.inputs["x"][:, :2]).all() and np.isfinite(gradients.initial["h"][:2]).all()


def test_infinity_saturates(kernel, params):
    params["b_o"][...] = np.inf
    params["b_f"][...] = -np.inf
    found = kernel.forward(params, normal(T, B, N_X))
    np.testing.assert_allclose(found.states["h"], np.tanh(found.states["c"]), rtol=1e-14)


def test_a_parameter_is_an_initial_value():
    s = State("h", initial=Param("h0"))
    kernel = Cell("toy", [Eq(s, tanh(affine(x, s.prev)))]).compile("float64")
    params = kernel.init(n_x=N_X, n_h=N_H)
    found = kernel.forward(params, np.zeros((0, B, N_X)))
    np.testing.assert_array_equal(found.final["h"], np.broadcast_to(params["h0"], (B, N_H)))
    gradients = kernel.backward(kernel.forward(params, normal(T, B, N_X)), {"h": normal(T, B, N_H)})
    np.testing.assert_allclose(gradients.params["h0"], gradients.initial["h"].sum(axis=0), rtol=1e-13)
    given = kernel.backward(kernel.forward(params, normal(T, B, N_X), {"h": normal(B, N_H)}), {"h": normal(T, B, N_H)})
    assert not given.params["h0"].any()


# Every value is written before it is read.


def tangled():
    """States that are products, read before and after the loop; factors of low rank; scalars that a later step reads."""
    s, y, w, z, q = State("s", ()), State("y", "n_y"), State("w", "n_w"), Symbol("z"), Symbol("q")
    return Cell("tangled", [
        Eq(y, Param("A") @ x),
        Eq(z, Param("C") @ y),
        Eq(w, (Param("D") @ z) * (Param("E") @ y.prev)),
        Eq(s, dot(Param("p"), x)),
        Eq(q, Param("F") @ (Param("G") @ h.prev) + Param("H") @ h.prev + Param("K") @ h.prev + Param("L") @ x),
        Eq(h, tanh(q) * s + s.prev + Param("M") @ (Param("N") @ x) + Param("O") @ w.prev),
    ])  # fmt: skip


def _rubbish(dtype):
    return np.nan if np.dtype(dtype).kind == "f" else 77


@pytest.mark.parametrize("cell", [cells.lstm, cells.rnn_readout, tangled()], ids=lambda cell: cell.name)
def test_nothing_is_read_before_it_is_written(cell, monkeypatch):
    kernel = cell.compile("float64")
    params = kernel.init(seed=3, **{size: k for k, size in enumerate(cell.sizes, 2)})
    inputs = {name: normal(T, B, 2) for name in kernel.interface.inputs}
    found = kernel.forward(params, inputs)
    bars = {name: normal(*a.shape) for name, a in found.states.items()}
    gradients = kernel.backward(found, bars)
    monkeypatch.setattr(np, "empty", lambda shape, dtype=float, **_: np.full(shape, _rubbish(dtype), dtype))
    again = kernel.forward(params, inputs)
    assert_same_run(again, found)
    assert_same_gradients(kernel.backward(again, bars), gradients)
    for name, expected in interpret(cell, params, inputs).items():
        np.testing.assert_allclose(found.states[name], expected, rtol=1e-12, atol=1e-14)
    for name, a in params.items():
        direction = normal(*a.shape)
        moved = interpret(cell, params | {name: a + 1e-50j * direction}, inputs)
        slope = sum((bars[n] * b.imag).sum() for n, b in moved.items()) / 1e-50
        assert (gradients.params[name] * direction).sum() == pytest.approx(slope, rel=1e-9, abs=1e-12), name
