"""The runtime's scalar functions: error in ulp over the whole range, special values, vectorised code."""

import numpy as np
import pytest
from numba import njit

from symcell.runtime import activations
from symcell.runtime.jit import _OPTIONS


def jit(function):
    """Compiled as kernels are, but never cached: a cache would not see that what is tested has changed."""
    return njit(**_OPTIONS)(function)


DTYPES = (np.float32, np.float64)
BITS = {np.float32: np.uint32, np.float64: np.uint64}
PRECISE = {np.float32: np.float64, np.float64: np.longdouble}
# The figures of the docstrings, in ulp: float32, float64.
ERRORS = {"exp": (1.1, 1.1), "tanh": (2.5, 2.6), "sigmoid": (2.5, 2.4), "softplus": (2.8, 2.8)}
REFERENCES = {
    "exp": np.exp,
    "tanh": np.tanh,
    "sigmoid": lambda x: np.where(x < 0, np.exp(-np.abs(x)), 1) / (1 + np.exp(-np.abs(x))),
    "softplus": lambda x: np.where(x < 0, 0, x) + np.log1p(np.exp(-np.abs(x))),
}


def compiled(name):
    """A loop over a 1-D array that calls the function of this name."""
    function = getattr(activations, name)

    def loop(values, out):
        for j in range(values.size):
            out[j] = function(values[j])

    return jit(loop)


LOOPS = {name: compiled(name) for name in (*REFERENCES, "sign")}


@jit
def loop_of_pairs(x, y, larger, smaller, step):
    for j in range(x.size):
        larger[j] = activations.maximum(x[j], y[j])
        smaller[j] = activations.minimum(x[j], y[j])
        step[j] = activations.heaviside(x[j], 0.25)


def apply(name, values):
    out = np.empty_like(values)
    LOOPS[name](values, out)
    return out


def samples(dtype):
    """Bit patterns of every exponent (subnormal, infinite and NaN ones too), and the range that matters."""
    bits = BITS[dtype]
    stride = 2048 + 1 if dtype is np.float32 else 2**43 + 2**21 + 1
    patterns = np.arange(0, np.iinfo(bits).max, stride, dtype=bits).view(dtype)
    limit = 110 if dtype is np.float32 else 760
    near = np.random.default_rng(0).uniform(-3, 3, 1_000_000)
    return np.concatenate([patterns, near.astype(dtype), np.linspace(-limit, limit, 1_000_001).astype(dtype)])


def ulps(got, want):
    """The error in units in the last place of the result's dtype; special values have to agree."""
    dtype = got.dtype
    with np.errstate(over="ignore"):
        rounded = want.astype(dtype)
    special = ~np.isfinite(rounded)
    np.testing.assert_array_equal(got[special], rounded[special])
    scale = np.spacing(np.maximum(np.abs(rounded[~special]), np.finfo(dtype).tiny))
    return np.abs(got[~special] - want[~special]) / scale


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", REFERENCES)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_error_over_the_whole_range(name, dtype):
    if np.finfo(PRECISE[dtype]).nmant <= np.finfo(dtype).nmant:
        pytest.skip("long double is no wider than double on this platform")
    values = samples(dtype)
    error = ulps(apply(name, values), REFERENCES[name](values.astype(PRECISE[dtype])))
    assert error.max() <= ERRORS[name][DTYPES.index(dtype)]


@pytest.mark.parametrize("dtype", DTYPES)
def test_against_multiprecision(dtype):
    mpmath = pytest.importorskip("mpmath")
    values = np.linspace(-20, 20, 401).astype(dtype)
    exact = {
        "exp": mpmath.exp,
        "tanh": mpmath.tanh,
        "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
        "softplus": lambda x: mpmath.log1p(mpmath.exp(x)),
    }
    with mpmath.workdps(40):
        for name, function in exact.items():
            wants = [function(mpmath.mpf(float(x))) for x in values]
            for got, want in zip(apply(name, values), wants, strict=True):
                error = abs(mpmath.mpf(float(got)) - want) / float(np.spacing(dtype(float(want))))
                assert error <= (ERRORS[name][DTYPES.index(dtype)]), name


@pytest.mark.parametrize("dtype", DTYPES)
def test_special_values(dtype):
    values = np.array([-np.inf, -np.finfo(dtype).max, -0.0, 0.0, np.finfo(dtype).max, np.inf, np.nan], dtype)
    np.testing.assert_array_equal(apply("exp", values), [0, 0, 1, 1, np.inf, np.inf, np.nan])
    np.testing.assert_array_equal(apply("tanh", values), [-1, -1, 0, 0, 1, 1, np.nan])
    np.testing.assert_array_equal(np.signbit(apply("tanh", values[2:4])), [True, False])
    np.testing.assert_array_equal(apply("sigmoid", values), [0, 0, 0.5, 0.5, 1, 1, np.nan])
    want = np.array([0, 0, np.log(2), np.log(2), values[4], np.inf, np.nan], dtype)
    np.testing.assert_allclose(apply("softplus", values), want, rtol=1e-6)
    np.testing.assert_array_equal(apply("sign", values), [-1, -1, 0, 0, 1, 1, np.nan])


@pytest.mark.parametrize("dtype", DTYPES)
def test_tanh_is_odd_and_keeps_tiny_arguments(dtype):
    tiny = np.finfo(dtype).smallest_subnormal * np.array([1, 3, 1000], dtype)
    np.testing.assert_array_equal(apply("tanh", tiny), tiny)
    values = samples(dtype)
    values = values[np.isfinite(values)]
    np.testing.assert_array_equal(apply("tanh", -values), -apply("tanh", values))
    assert np.abs(apply("tanh", values)).max() == 1


@pytest.mark.parametrize("dtype", DTYPES)
def test_pairs_and_steps(dtype):
    interesting = np.array([-np.inf, -2, -0.0, 0.0, 1, np.inf, np.nan], dtype)
    x, y = (grid.ravel() for grid in np.meshgrid(interesting, interesting))
    larger, smaller, step = (np.empty_like(x) for _ in range(3))
    loop_of_pairs(x, y, larger, smaller, step)
    np.testing.assert_array_equal(larger, np.maximum(x, y))
    np.testing.assert_array_equal(smaller, np.minimum(x, y))
    np.testing.assert_array_equal(step, np.heaviside(x, dtype(0.25)))


@pytest.mark.parametrize("name", REFERENCES)
def test_the_result_has_the_dtype_of_the_argument(name):
    function = getattr(activations, name)
    call = jit(lambda values: (function(values[0]), values))
    for dtype in DTYPES:
        call(np.zeros(1, dtype))
    results = [call.overloads[signature].signature.return_type for signature in call.signatures]
    assert [result[0] for result in results] == [result[1].dtype for result in results]


@pytest.mark.parametrize("name", REFERENCES)
def test_the_loop_is_vectorised(name):
    apply(name, np.zeros(8, np.float32))
    code = next(text for kind, text in LOOPS[name].inspect_llvm().items() if kind[0].dtype.name == "float32")
    assert " x float>" in code
    assert "@expf" not in code and "@tanhf" not in code


@pytest.mark.parametrize("name", (*REFERENCES, "sign"))
def test_uncompiled_functions_agree(name):
    values = np.linspace(-5, 5, 101)
    np.testing.assert_allclose(getattr(activations, name)(values), apply(name, values), rtol=1e-14)
