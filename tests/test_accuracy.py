"""Values and derivatives over the whole range of both precisions are as exact as PyTorch's: the functions and compositions that
take seconds to compile. `make accuracy` compares all of them."""

import numpy as np
import pytest
from accuracy import compare, measure, reference
from accuracy.cases import CASES, EXACTLY

from symcell import elu, gelu, gelu_tanh, mish

# Every elementary function but those of test_rewrites, and a few compositions of every kind.
OFTEN = [
    "exp", "expm1", "exp2", "log", "log1p", "log2", "log10", "sqrt", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh",
    "tanh", "asinh", "acosh", "atanh", "erf", "erfc", "sigmoid", "softplus", "log_sigmoid", "silu", "leaky_relu", "hard_sigmoid",
    "x**-3", "x**(-1/2)", "2**x", "exp(x)/(1+exp(x))", "log(1+exp(x))", "log(sigmoid(x))", "sqrt(1-sigmoid(x)**2)", "elu",
    "(exp(x)-exp(-x))/(exp(x)+exp(-x))", "tanh(x)/x", "gelu by tanh", "x/sqrt(1+x**2)", "softsign", "log(1+x)",
    "x/y", "exp(x)/(exp(x)+exp(y))", "x/sqrt(x**2+y**2)", "sqrt(x**2-y**2)", "x**y", "relu(x)**y", "modulo", "atan2", "hypot",
    "exp(x)/total(exp(x))", "x/sqrt(dot(x,x))", "(x-mean(x))/sqrt(variance(x)+1e-5)", "cosine similarity",
]  # fmt: skip
# In float64: that a formula is sound shows in float32. In float64 sigmoid(36.5) is 1, and PyTorch's the number before.
SELDOM = [name for name in OFTEN if ("(" in name or "/" in name) and name != "sqrt(1-sigmoid(x)**2)"]
CHUNKS = [("float32", c) for c in measure.chunks(OFTEN)] + [("float64", c) for c in measure.chunks(SELDOM)]


@pytest.mark.parametrize("dtype, names", CHUNKS, ids=[f"{dtype}-{names[0]}" for dtype, names in CHUNKS])
def test_no_less_exact_than_pytorch(dtype, names):
    excesses = compare.compared(measure.computed(names, dtype), dtype)
    assert not excesses, "\n".join(map(str, excesses))


def test_an_error_is_found():
    """A value, a derivative, a lost digit and a NaN, each put into what would be right."""
    truth, _ = reference.read("float32")["tanh"]
    right = np.nan_to_num(truth).astype(np.float32)
    assert not compare.compared({"tanh": right}, "float32")
    line = measure.arguments_of("tanh", "float32")[0]
    one = int(np.argmax(line == 1))
    for part, factor, kind in ((0, 1 + 2**-18, "ulp"), (1, 1 + 2**-18, "ulp"), (0, 0, "no digit right"), (1, np.nan, "not finite")):
        wrong = right.copy()
        wrong[part, one] *= factor
        [excess] = compare.compared({"tanh": wrong}, "float32")
        assert (excess.kind, excess.label, excess.at) == (kind, ("value", "dx")[part], "1.0")


@pytest.mark.parametrize("dtype", measure.DIGITS)
def test_the_reference_is_of_these_cases(dtype):
    """Every case is in it; of some, a few values are computed again."""
    kept = reference.read(dtype)
    assert list(kept) == list(CASES)
    for name in ("asech", "log(1-sigmoid(x))", "x**y", "x/total(abs(x))", *list(EXACTLY)[:3]):
        points = slice(3, None, 61)
        again = measure.exact(name, dtype, points)
        np.testing.assert_allclose(kept[name][0][:, points], again, rtol=1e-9, atol=1e-300)


# The functions of one unit that symcell has a name for, and what they are compositions of.
NAMED = {"elu": elu, "gelu": gelu, "gelu by tanh": gelu_tanh, "x*tanh(softplus(x))": mish}


@pytest.mark.parametrize("dtype", measure.DIGITS)
def test_a_function_by_its_name_is_no_less_exact_than_as_a_composition(dtype, monkeypatch):
    for name, function in NAMED.items():
        monkeypatch.setitem(CASES, name, lambda w, x, function=function: function(x))
    excesses = compare.compared(measure.computed(tuple(NAMED), dtype), dtype)
    assert not excesses, "\n".join(map(str, excesses))
