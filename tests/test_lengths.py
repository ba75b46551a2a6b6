"""Sequences of several lengths side by side are as each by itself, whatever lies behind their ends."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from support.calls import assert_same, outcome, problem
from support.plain import empty_is_nan, plain_kernel
from support.random_calls import random_call
from support.random_cells import declarations
from support.representatives import compiled_names
from support.threads import threads_for_everything
from sympy import Eq, log, sqrt, tanh

from symcell import Cell, CellError, Input, Param, State, affine, cells, dot, outer

T, LENGTHS = 7, np.array([4, 7, 0])


def given_derivatives(run, T, B):
    random = np.random.default_rng(3)
    shapes = {name: a.shape[1:] for name, a in run.final.items()}
    return tuple({k: random.normal(size=(*lead, *n)).astype(run.final[k].dtype) for k, n in shapes.items()} for lead in ((T, B), (B,)))


def poisoned(arrays, lengths):
    """The arrays with what does most harm behind the ends."""
    found = {}
    for k, (name, a) in enumerate(arrays.items()):
        found[name], behind = a.copy(), np.arange(len(a))[:, None] >= lengths
        found[name][behind] = np.array([np.nan, np.inf, -1e38, 0], a.dtype)[k % 4] if k else np.nan
        found[name][behind & (np.arange(len(a))[:, None] % 2 == 1)] = 1e38
    return found


def everything(run, grads, sample, length):
    """What a call says of a sample."""
    found = {("states", k): a[:length, sample] for k, a in run.states.items()} | {("final", k): a[sample] for k, a in run.final.items()}
    found |= {("inputs", k): a[:length, sample] for k, a in grads.inputs.items()}
    return found | {("initial", k): a[sample] for k, a in grads.initial.items()}


def assert_as_if_alone(kernel, call, lengths, same=assert_same, **options):
    """A call with poison behind the ends says of each sample what a call with that sample alone says, and adds up their gradients."""
    params, inputs, initial = call
    steps = len(next(iter(inputs.values())))
    run = kernel.forward(params, poisoned(inputs, lengths), initial, lengths=lengths, **options)
    cotangents, final = given_derivatives(run, steps, len(lengths))
    grads, total = kernel.backward(run, poisoned(cotangents, lengths), final), {}
    less = kernel.backward(run, poisoned(cotangents, lengths), final, input_gradients=False)
    for b, length in enumerate(lengths):
        one = np.s_[b : b + 1]
        alone = kernel.forward(params, {k: a[:length, one] for k, a in inputs.items()}, {k: a[one] for k, a in initial.items()})
        derivatives = {k: a[:length, one] for k, a in cotangents.items()}, {k: a[one] for k, a in final.items()}
        grads_alone = kernel.backward(alone, *derivatives)
        same(everything(run, grads, b, length), everything(alone, grads_alone, 0, length))
        total = {k: total.get(k, 0) + a for k, a in grads_alone.params.items()}
    same(grads.params, total)
    same(less.params, total)
    behind = np.arange(steps)[:, None] >= lengths
    assert not any(a[behind].any() for a in (*run.states.values(), *grads.inputs.values()))


@pytest.mark.parametrize("name", compiled_names())
def test_each_sample_as_if_it_were_alone(name):
    kernel = cells.get(name).compile("float64")
    call = problem(kernel, T, len(LENGTHS))
    for checkpoint in (None, 2):
        assert_as_if_alone(kernel, call, LENGTHS, checkpoint=checkpoint)


@settings(max_examples=10, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(declarations())
def test_random_cells(declaration):
    """As plain Python, whose memory holds NaN before something is written there."""
    cell = declaration.cell()
    call = random_call(cell, declaration.seed, declaration.left_out)
    random = np.random.default_rng(declaration.seed)
    with empty_is_nan(), np.errstate(all="ignore"):
        lengths, checkpoint = random.integers(0, call.T + 1, call.B), random.choice([None, 2])
        arrays = call.params, call.inputs, call.initial
        assert_as_if_alone(plain_kernel(cell), arrays, lengths, nearly_same, checkpoint=checkpoint)


def nearly_same(found, expected, tolerance=1e-9):
    for key, a in expected.items():
        bound = tolerance * (1 + np.abs(np.nan_to_num(a)).max(initial=0))
        np.testing.assert_allclose(found[key], a, rtol=0, atol=bound, err_msg=str(key))


def singular_at_zero():
    """Functions whose value or derivative is infinite or none at 0, of inputs, parameters and states."""
    x, d, h, g, S, r, q = Input("x"), Input("d"), State("h"), State("g"), State("S", ("n_h", "n_h")), State("r"), State("q")
    k = sqrt(x) + d
    return Cell("singular_at_zero", [
        Eq(h, h.prev + Param("w") * sqrt(x)),
        Eq(g, tanh(Param("p") * log(x) + affine(g.prev))),
        Eq(S, S.prev / 2 + outer(k / sqrt(dot(k, k)), affine(d, name="v"))),
        Eq(r, 1 / x + r.prev / 2 + x ** Param("a") + log(1 + Param("n") ** 2) * Param("U") @ h),
        Eq(q, Param("V") @ r),
    ])  # fmt: skip


@pytest.fixture(scope="module")
def singular():
    return singular_at_zero().compile("float32")


@pytest.mark.parametrize("threads", (1, 2))
@pytest.mark.parametrize("checkpoint", (None, 3))
def test_functions_that_are_singular_at_zero(singular, checkpoint, threads):
    params, inputs, initial = problem(singular, T, 4)
    inputs["x"] = abs(inputs["x"]) + 0.1
    call = [{name: a.astype("float32") for name, a in some.items()} for some in (params, inputs, initial)]
    with threads_for_everything(threads):
        for lengths in (np.array([5, 7, 0, 3]), np.array([0, 0, 0, 0]), np.array([0, 0, 1, 1])):
            assert_as_if_alone(singular, call, lengths, lambda *a: nearly_same(*a, 1e-5), checkpoint=checkpoint, threads=threads)


def test_a_state_that_overflows_at_its_last_step_stays_there():
    """The product of the next step with it, and the outer product, are not computed, and cotangents of zero stay zeros."""
    h = State("h")
    kernel = Cell("overflows", [Eq(h, 1 / Input("x", "n_h") + Param("U") @ h.prev)]).compile("float64")
    params, x = kernel.init(n_h=2), np.ones((3, 2, 2))
    x[1, 0], cotangents = 0, np.ones((3, 2, 2))
    cotangents[1, 0] = 0
    run = kernel.forward(params, x, lengths=[2, 3])
    assert np.isinf(run.final["h"][0]).all()
    assert np.isfinite(kernel.backward(run, {"h": cotangents}).params["U"]).all()


def test_no_samples():
    kernel = cells.lstm.compile("float64")
    params = kernel.init(n_x=2, n_h=3)
    for lengths in ([], (), np.zeros(0, int)):
        run = kernel.forward(params, np.zeros((4, 0, 2)), lengths=lengths)
        assert run.final["h"].shape == (0, 3)
        assert not any(a.any() for a in kernel.backward(run, {"h": np.zeros((4, 0, 3))}).params.values())


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
    cotangents, final = given_derivatives(run, 5, 2)
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
