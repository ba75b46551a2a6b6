"""Elementwise expressions as text: a target needs no more than a table of its words."""

import numpy as np
import pytest
from sympy import Heaviside, Max, Min, Not, Or, Piecewise, Rational, Symbol, exp, floor, log, nan, oo, sin, sqrt, symbols, tanh

from symcell import cells, leaky_relu, sigmoid, silu
from symcell.language.primitives import Masked
from symcell.notation.order import PaperOrder
from symcell.targets.numpy.vocabulary import WORDS as NUMPY
from symcell.targets.printer import ATOM, ElementwisePrinter
from symcell.targets.vocabulary import Vocabulary

x, y, z = symbols("x y z", real=True)
n = Symbol("n", integer=True, positive=True)

C = Vocabulary(
    functions={exp: "exp", tanh: "tanh", sin: "sin", log: "log", Max: "fmax", Min: "fmin"},
    square_root="sqrt", choice="({} ? {} : {})", joined=(" && ", " || "), negation="!{}", compared="({})", power="pow({}, {})", infinity="INFINITY", nan="NAN",
)  # fmt: skip


def text(e, words):
    order = PaperOrder(cells.rnn.derive())
    return ElementwisePrinter(words, order, lambda a: (str(a), ATOM), words.number, "(double){}".format)(e)


@pytest.mark.parametrize(
    ("e", "in_c", "in_numpy"),
    [
        (x**3 / sqrt(y), "x * x * x / sqrt(y)", "x * x * x / np.sqrt(y)"),
        (x**y, "pow(x, y)", "x ** y"),
        (x ** Rational(5, 2), "x * x * sqrt(x)", "x * x * np.sqrt(x)"),
        (-x * z / y, "-x * z / y", "-x * z / y"),
        (Max(x, y, z), "fmax(fmax(x, y), z)", "np.maximum(np.maximum(x, y), z)"),
        (Piecewise((x, x > 1), (y, True)), "(x > 1 ? x : y)", "np.where(x > 1, x, y)"),
        (Piecewise((x, x > 1)), "(x > 1 ? x : NAN)", "np.where(x > 1, x, np.nan)"),
        (Piecewise((x, Or(x > 1, y < 0)), (y, True)), "(((x > 1) || (y < 0)) ? x : y)", "np.where(((x > 1) | (y < 0)), x, y)"),
        (Piecewise((x, Not(Or(x > 1, y < 0))), (y, True)), "(!((x > 1) || (y < 0)) ? x : y)", "np.where(~((x > 1) | (y < 0)), x, y)"),
        (Masked(x, log(y)), "(x != 0 ? log(y) : 0)", "np.where(x != 0, np.log(y), 0)"),
        (x / n, "x / (double)n", "x / (double)n"),
    ],
)  # fmt: skip
def test_expressions(e, in_c, in_numpy):
    assert (text(e, C), text(e, NUMPY)) == (in_c, in_numpy)


def test_functions_without_a_name_are_written_out():
    assert text(silu(x), NUMPY) == "sigmoid(x) * x"
    assert "sigmoid" not in text(sigmoid(x), C) and "exp(" in text(sigmoid(x), C)
    assert text(leaky_relu(x), NUMPY).startswith("np.where(")


@pytest.mark.parametrize(
    ("number", "expected"),
    [(Rational(1, 3), "0.3333333333333333"), (3, "3"), (oo, "np.inf"), (-oo, "-np.inf"), (nan, "np.nan"), (2**60, "1.152921504606847e+18")],
)  # fmt: skip
def test_numbers(number, expected):
    assert NUMPY.number(Rational(number) if isinstance(number, int) else number) == expected


def test_numpy_computes_what_the_expression_says():
    e = Heaviside(x, Rational(1, 2)) + floor(y) * Min(x, y) - exp(-x) / y**3
    at = {x: 0.7, y: -1.3}
    found = eval(text(e, NUMPY), {"np": np, "x": 0.7, "y": -1.3})
    assert found == pytest.approx(float(e.subs(at)), rel=1e-14)
