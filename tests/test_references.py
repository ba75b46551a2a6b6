"""The hand-derived passes in references/ against jax.grad of an independent transcription of every cell."""

import functools
import inspect
import types
import zlib

import numpy as np
import pytest
from references import REFERENCES
from references.shared import sigmoid, softmax

jax = pytest.importorskip("jax")

from references.transcription import CELLS, N_H, N_X, N_Y, PARAMETERS  # noqa: E402 (imports jax itself)

BATCH = 2
LENGTHS = (0, 1, 6)
TOLERANCE = 1e-12


@pytest.fixture(scope="module", autouse=True)
def float64():
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


class Case:
    """A cell with random parameters, inputs, initial states and cotangents, none of them zero."""

    def __init__(self, name, length, dtype=np.float64):
        rng = np.random.default_rng(zlib.crc32(name.encode()))
        self.cell, self.reference = CELLS[name], REFERENCES[name]

        def random(named, *leading):
            return {k: np.asarray(0.7 * rng.normal(size=(*leading, *s)), dtype) for k, s in named.items()}

        self.states = [s.rstrip("_") for s in inspect.signature(self.cell).parameters if s.endswith("_")]
        widths = {s: () if name == "scalar_rnn" else (N_Y if s == "y" else N_H,) for s in self.states}
        self.params, self.initial = random(PARAMETERS[self.cell]), random(widths, BATCH)
        self.inputs = random({"x": () if name == "scalar_rnn" else (N_X,)}, length, BATCH)
        self.cotangents, self.final = random(widths, length, BATCH), random(widths, BATCH)

    @property
    def primals(self):
        return self.params, self.inputs, self.initial

    def backward(self):
        states, tape = self.reference.forward(*self.primals)
        return self.reference.backward(*self.primals, states, tape, self.cotangents, self.final)

    def loss(self, params, inputs, initial):
        """The scalar whose gradient the backward pass is; and the states."""
        step = jax.vmap(functools.partial(self.cell, types.SimpleNamespace(**params)))

        def scanned(state, x):
            new = step(x, *state)
            return new, new

        final, states = jax.lax.scan(scanned, tuple(initial[s] for s in self.states), inputs["x"])
        loss = sum((self.final[s] * last).sum() for s, last in zip(self.states, final, strict=True))
        loss += sum((self.cotangents[s] * h).sum() for s, h in zip(self.states, states, strict=True))
        return loss, dict(zip(self.states, states, strict=True))


def assert_close(actual, expected, tolerance=TOLERANCE):
    """The largest difference, relative to the largest expected entry, array by array."""
    assert actual.keys() == expected.keys()
    for name, value in expected.items():
        value = np.asarray(value)
        assert actual[name].shape == value.shape, name
        scale = np.abs(value).max(initial=0)
        assert np.abs(actual[name] - value).max(initial=0) <= tolerance * scale, name


def test_every_reference_is_tested():
    assert REFERENCES.keys() == CELLS.keys()


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("name", CELLS)
def test_agrees_with_jax(name, length):
    case = Case(name, length)
    gradients, states = jax.jit(jax.grad(case.loss, argnums=(0, 1, 2), has_aux=True))(*case.primals)
    assert_close(case.reference.forward(*case.primals)[0], states)
    for actual, expected in zip(case.backward(), gradients, strict=True):
        assert_close(actual, expected)


@pytest.mark.parametrize("name", CELLS)
def test_agrees_with_the_complex_step(name):
    """Along one random direction, through the NumPy forward pass itself: no other framework is involved."""
    case, step = Case(name, 6), 1e-100
    rng = np.random.default_rng(1)
    directions = [{k: rng.normal(size=v.shape) for k, v in group.items()} for group in case.primals]
    moved = [
        {k: v + 1j * step * direction[k] for k, v in group.items()}
        for group, direction in zip(case.primals, directions, strict=True)
    ]
    states, _ = case.reference.forward(*moved)
    slope = sum((case.cotangents[s] * h).sum() + (case.final[s] * h[-1]).sum() for s, h in states.items())
    pairs = zip(case.backward(), directions, strict=True)
    terms = [(d * direction[k]).sum() for group, direction in pairs for k, d in group.items()]
    assert abs(sum(terms) - slope.imag / step) <= TOLERANCE * sum(map(abs, terms))


@pytest.mark.parametrize("name", CELLS)
def test_every_path_is_exercised(name):
    """No gradient is zero, so no agreement above is empty; but no step reads the readout's initial value."""
    for group in Case(name, 6).backward():
        for variable, d in group.items():
            assert d.any() == (variable != "y"), variable


@pytest.mark.parametrize("name", CELLS)
def test_without_steps_the_final_state_is_the_initial_one(name):
    case = Case(name, 0)
    dparams, _, dinitial = case.backward()
    assert not any(d.any() for d in dparams.values())
    assert_close(dinitial, case.final, tolerance=0)


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("name", CELLS)
def test_dtype_is_preserved(name, length):
    single, double = Case(name, length, np.float32), Case(name, length)
    results = [*single.reference.forward(*single.primals), *single.backward()]
    assert {a.dtype for group in results for a in group.values()} == {np.dtype(np.float32)}
    for actual, expected in zip(single.backward(), double.backward(), strict=True):
        assert_close(actual, expected, tolerance=1e-5)


def test_influence_in_the_scalar_cell_is_a_power_of_the_weight():
    case = Case("scalar_rnn", 6)
    case.cotangents["a"][:] = 0
    _, dinputs, _ = case.backward()
    w, v = case.params["w"], case.params["v"]
    assert_close(dinputs, {"x": np.stack([case.final["a"] * v * w ** (6 - t) for t in range(1, 7)])})


def test_tails_neither_overflow_nor_round_to_zero():
    with np.errstate(all="raise", under="ignore"):
        np.testing.assert_array_equal(sigmoid(np.array([-1000.0, 0.0, 1000.0])), [0, 0.5, 1])
        np.testing.assert_allclose(sigmoid(np.array([-40.0])), np.exp([-40.0]), rtol=1e-15)
        np.testing.assert_array_equal(softmax(np.array([1000.0, -1000.0])), [1, 0])
