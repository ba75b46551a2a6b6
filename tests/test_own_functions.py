"""What users add: a function of one unit, and a primitive, are one class each, which works everywhere."""

import math

import numpy as np
import pytest
import sympy
from sympy import Abs, Eq, Function, Symbol, sqrt, tanh

import symcell
from symcell import Cell, CellError, Input, Param, State, affine
from symcell.check import check
from symcell.derivation.ranges import is_gate
from symcell.interpret import evaluate
from symcell.language.functions import elementary
from symcell.language.primitives import Primitive
from symcell.language.unit import Unit

x, h, z = Input("x"), State("h"), Symbol("z")


class softsign(Unit):
    """All that a new function has to say."""

    def elementary(self):
        return self.args[0] / (1 + Abs(self.args[0]))


class bump(Function):
    """A function of SymPy's alone, with an implementation by NumPy, as SymPy's lambdify reads it."""

    nargs = 1
    _imp_ = staticmethod(lambda z: np.where(np.abs(z) < 6, np.exp(-0.5 * np.square(z)), 0))

    def fdiff(self, argindex=1):
        return -self.args[0] * self


class steep(Function):
    """A function of two arguments, with a definition and no derivative."""

    nargs = 2

    def elementary(self):
        z, k = self.args
        return tanh(k * z)


class reverse(Primitive):
    """The units of a vector in the opposite order."""

    rule = "reversal"
    view = True
    preserves_bounds = True

    def shape(self, shapes, sizes):
        self.demand(len(shapes[0]) == 1, "a vector", shapes)
        return shapes[0]

    def adjoint(self, bar, shape_of):
        return [(self.args[0], reverse(bar))]

    def index(self, idx, at, shape_of):
        return at(self.args[0], (shape_of(self.args[0])[0] - 1 - idx[0],))

    def evaluate(self, v):
        return v[::-1]

    def _latex(self, printer):
        return r"\operatorname{rev}" + printer.brackets(printer.doprint(self.args[0]))


def cell_of(e):
    return Cell("own", [Eq(h, e)])


@pytest.fixture(scope="module")
def cell():
    return cell_of(softsign(affine(x, reverse(h.prev))) + bump(Param("p") * x + h.prev) + steep(h.prev, 2))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_kernel_passes_every_check(cell, dtype):
    check(cell, dtype).raise_if_failed()


def test_the_documents_print_their_names(cell):
    latex = cell.derive().latex()
    for text in (r"\operatorname{softsign}", r"\operatorname{bump}", r"\operatorname{steep}", r"\operatorname{rev}", "reversal"):
        assert text in latex


def test_a_derivative_with_a_long_formula_is_printed_as_one():
    latex = cell_of(symcell.gelu(affine(x)) + symcell.mish(h.prev) + symcell.gelu(h.prev, "tanh")).derive().latex()
    for text in (r"\operatorname{gelu}'(z_{h,t})", r"\operatorname{mish}'(h_{t-1})", r"\operatorname{gelu}'_{\tanh}"):
        assert text in latex


def test_derivatives_are_found_by_the_classes():
    assert cell_of(bump(h.prev)).jacobian(h, h.prev) == -h.prev * h
    assert cell_of(steep(h.prev, 3)).jacobian(h, h.prev) == 3 * (1 - tanh(3 * h.prev) ** 2)
    assert cell_of(reverse(h.prev)).jacobian(h, h.prev).has(reverse)


def test_the_range_of_a_function_follows_from_its_definition():
    class half_open(Unit):
        def elementary(self):
            return (1 + symcell.sigmoid(self.args[0])) / 2

    class told(Unit):
        bounds = (sympy.S.Zero, sympy.S.One)

        def elementary(self):
            return (1 + self.args[0] / sqrt(1 + self.args[0] ** 2)) / 2

    for function, expected in ((told, True), (softsign, False), (half_open, True), (lambda e: reverse(told(e)), True)):
        cell = Cell("own", [Eq(z, function(affine(x))), Eq(h, z * h.prev)])
        assert is_gate(z, cell.derive()) == expected


def test_a_target_that_has_a_name_for_a_function_is_not_told_its_definition():
    assert elementary(symcell.gelu(z), (symcell.gelu,)) == symcell.gelu(z)
    assert elementary(symcell.mish(z)) == z * tanh(symcell.softplus(z))


def test_a_primitive_that_nothing_computes_is_refused():
    class twice(Primitive):
        def shape(self, shapes, sizes):
            return shapes[0]

        def evaluate(self, e):
            return 2 * e

    with pytest.raises(CellError, match=r"cell own, equation 1 .*: nothing tells how to compute twice: its class needs a method index"):
        cell_of(twice(x))


# NumPy's implementations, read as expressions.

IMPLEMENTATIONS = {
    "operators": lambda z: -(2 * z - 1) ** 2 / (3 + abs(z)) + z // 2 + z % 3, "sigmoid": lambda z: 1 / (1 + np.exp(-z)), "clip": lambda z: np.clip(z, -1, 0.5),
    "cases": lambda z: np.where((z > 0) & (z <= 1), z, np.where(~(z < -2), np.sqrt(3 + z), -1.5)), "log": lambda z: np.logaddexp(z, 0) + np.log1p(z * z),
    "extrema": lambda z: np.maximum(z, 0.1) + np.minimum(z, np.float64(0.2)), "inverse": lambda z: np.arctan2(z, 2) + np.arcsinh(z) + np.cbrt(z),
    "rounded": lambda z: np.floor(z) + np.ceil(z) + np.sign(z) + np.heaviside(z, 0.5), "a number": lambda z: 2.5,
}  # fmt: skip


def own(implementation):
    return type("own", (Function,), {"nargs": 1, "_imp_": staticmethod(implementation)})


@pytest.mark.parametrize("name", IMPLEMENTATIONS)
def test_an_implementation_is_read_to_the_last_bit(name):
    function = own(IMPLEMENTATIONS[name])
    written = elementary(function(z))
    assert not written.has(function)
    points = np.linspace(-2.7, 2.9, 40)
    np.testing.assert_allclose(evaluate(written, {z: points}), np.broadcast_to(IMPLEMENTATIONS[name](points), (40,)), rtol=1e-14)
    np.testing.assert_array_equal(evaluate(function(z), {z: points}), IMPLEMENTATIONS[name](points))


REFUSED = {
    "branches": (lambda z: z if z > 0 else 0, "chooses by the values; np.where"), "Python's numbers": (lambda z: math.exp(z), "takes its argument for one number"),
    "reductions": (lambda z: z / np.sum(z), "calls np.sum, which has no counterpart"), "scans": (lambda z: np.add.accumulate(z), "calls np.add"),
    "methods": (lambda z: z.clip(0, 1), "takes arrays alone"), "arrays": (lambda z: z * np.ones(3), "combines its argument with array"), "texts": (lambda z: "z", "returned str"),
    "ufuncs": (lambda z: np.spacing(z), "calls np.spacing"),
}  # fmt: skip


@pytest.mark.parametrize("implementation, words", REFUSED.values(), ids=REFUSED)
def test_an_implementation_that_is_no_expression_is_refused(implementation, words):
    with pytest.raises(CellError) as raised:
        cell_of(own(implementation)(x))
    assert str(raised.value).startswith("cell own, equation 1 (h = ...): the NumPy implementation of own ")
    assert words in str(raised.value) and "elementary(self)" in str(raised.value)


def test_a_function_of_itself_is_no_definition_by_itself():
    assert elementary(symcell.silu(symcell.silu(z))).has(symcell.sigmoid)


def test_a_definition_that_is_none_is_refused():
    for found, words in (("z", "returns an expression, found 'z'"), (None, "defines itself_ by itself")):
        kind = type("itself_", (Function,), {"nargs": 1, "elementary": lambda self, found=found: found or 2 * self})
        with pytest.raises(CellError, match="own, equation 1") as raised:
            cell_of(kind(x))
        assert words in str(raised.value)


def test_gelu_takes_the_arguments_of_pytorchs():
    assert symcell.gelu(z, approximate="tanh") == symcell.gelu(z, "tanh") == symcell.gelu_tanh(z) != symcell.gelu(z)
    with pytest.raises(CellError, match="gelu's approximate= is 'none' or 'tanh', found 'erf'"):
        symcell.gelu(z, "erf")
    with pytest.raises(CellError, match="gelu takes expressions, found 'z'"):
        symcell.gelu("z")
