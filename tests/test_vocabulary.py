"""Words of Python's, NumPy's, SymPy's and torch's: each means what it says, or is refused with what to write instead."""

import math

import numpy as np
import pytest
import sympy
from sympy import Abs, Eq, MatMul, Matrix, MatrixSymbol, Piecewise, Rational, Transpose, Xor, exp, real_root, symbols, tanh
from sympy.utilities.iterables import iterable

from symcell import Cell, CellError, Input, Param, State, outer, sigmoid
from symcell.interpret import run as interpret
from symcell.language.conditions import real_conditions
from symcell.language.symbols import Quantity

x, h, W = Input("x"), State("h"), Param("W")
z, y = symbols("z y")
A, B = MatrixSymbol("A", 2, 2), MatrixSymbol("B", 2, 2)
VALUES = (x, h, h.prev, W, W @ x)
EXPRESSIONS = (*VALUES, sigmoid(x), 2 * h.prev, tanh(x), Abs(W), z + x, z, z * y, tanh(z))

WHOLE_ARRAYS = {
    "dot": (lambda v: np.dot(v, y), "W @ x is a matrix product"), "inner": (lambda v: np.inner(v, y), "dot(u, v) an inner product"),
    "vdot": (lambda v: np.vdot(v, y), "dot(u, v)"), "tensordot": (lambda v: np.tensordot(v, y, 0), "W @ x"), "einsum": (lambda v: np.einsum("i,i", v, y), "W @ x"),
    "kron": (lambda v: np.kron(v, y), "flat(outer(u, v))"), "outer": (lambda v: np.outer(v, y), "outer(u, v)"), "sum": (np.sum, "total(e)"),
    "prod": (np.prod, "exp(total(log(e)))"), "mean": (np.mean, "mean(e)"), "average": (np.average, "mean(e)"), "median": (np.median, "mean(e)"),
    "var": (np.var, "variance(e)"), "std": (np.std, "sqrt(variance(e))"), "max": (np.max, "Max(a, b)"), "amin": (np.amin, "Min(a, b)"),
    "ptp": (np.ptp, "Max(a, b)"), "argmax": (np.argmax, "Max(a, b)"), "cumsum": (np.cumsum, "use symcell's cumsum(e)"), "transpose": (np.transpose, "W.T"),
    "swapaxes": (lambda v: np.swapaxes(v, 0, 1), "W.T"), "ravel": (np.ravel, "flat(S)"), "real": (np.real, "every value is real"),
    "imag": (np.imag, "every value is real"), "norm": (np.linalg.norm, "sqrt(dot(v, v))"), "inv": (np.linalg.inv, "no matrix inverse"),
    "concatenate": (lambda v: np.concatenate([v, y]), "concat(u, v)"), "stack": (lambda v: np.stack((v, y)), "concat(u, v)"),
    "where": (lambda v: np.where(True, v, y), "Piecewise"), "clip": (lambda v: np.clip(v, 0, 1), "Min(Max(e, low), high)"),
    "repeat": (lambda v: np.repeat(v, 2), "repeat(v, k)"), "flip": (np.flip, "np.flip takes arrays"), "sort": (np.sort, "np.sort takes arrays"),
}  # fmt: skip


@pytest.mark.parametrize("call, words", WHOLE_ARRAYS.values(), ids=WHOLE_ARRAYS)
def test_functions_of_whole_arrays_do_not_take_a_vector_for_a_number(call, words):
    for e in EXPRESSIONS:
        with pytest.raises(CellError) as raised:
            call(e)
        assert words in str(raised.value) and "np." in str(raised.value)


def test_what_numpy_says_of_the_expressions_of_others_is_as_before():
    assert np.shape(z) == () and np.array([z, y]).sum() == z + y
    assert np.dot(np.array([z, 1]), np.array([2, y])) == 2 * z + y
    assert np.sum([z, y]) == z + y and np.mean(sympy.Integer(3)) == 3 and np.dot(A, B).shape == (2, 2)
    assert np.multiply(z, 2) == 2 * z and (np.ones(2) * z).tolist() == [1.0 * z, 1.0 * z]
    assert np.square(z) == z**2 and np.add(z, y) == z + y and np.add.outer(np.array([z, 1]), y).tolist() == [z + y, 1 + y]
    with pytest.raises(TypeError, match="no callable exp"):
        np.exp(sympy.Integer(3))


UNITS = {
    "tanh": (np.tanh, "SymPy's tanh"), "exp": (np.exp, "SymPy's exp"), "arctan": (np.arctan, "SymPy's atan"), "absolute": (np.abs, "SymPy's Abs"),
    "ceil": (np.ceil, "SymPy's ceiling"), "square": (np.square, "v**2"), "maximum": (lambda v: np.maximum(v, 0), "Max(a, b)"),
    "rint": (np.rint, "floor(e + Rational(1, 2))"), "matmul": (lambda v: np.matmul(v, x), "W @ x is a matrix product"),
    "an array": (lambda v: np.eye(3) * v, "an array cannot be combined with"), "of an array": (lambda v: np.ones((2, 2)) @ v, "a Constant"),
    "conjugate": (np.conjugate, "every value is real"), "heaviside": (lambda v: np.heaviside(v, 0), "SymPy's Heaviside"), "sum": (np.add.reduce, "np.add"),
    "isnan": (np.isnan, "no such function"),
}  # fmt: skip


@pytest.mark.parametrize("call, words", UNITS.values(), ids=UNITS)
def test_functions_of_one_unit_are_sympys(call, words):
    for e in (e for e in EXPRESSIONS if e.atoms(Quantity)):
        with pytest.raises(CellError) as raised:
            call(e)
        assert words in str(raised.value)
        with pytest.raises(TypeError):
            call(e)


@pytest.mark.parametrize("name", ["tanh", "exp", "arctan", "maximum", "of an array", "heaviside", "isnan", "sum"])
def test_functions_of_one_unit_are_sympys_for_plain_symbols_too(name):
    call, words = UNITS[name]
    for e in (-z, z * y, tanh(z)):
        with pytest.raises(CellError) as raised:
            call(e)
        assert words in str(raised.value)


def test_numpys_numbers_are_numbers():
    number = np.float64(0.5)
    for e in EXPRESSIONS:
        assert number * e == 0.5 * e == e * number and number + e == 0.5 + e and number - e == 0.5 - e
        assert number / e == 0.5 / e and (number < e) == (sympy.Float(0.5) < e) and number**e == 0.5**e


PYTHON = {
    "sum": (sum, "total(e)"), "max": (max, "total(e)"), "list": (list, "part(v, start, length)"), "an entry": (lambda v: v[0], "[0] is not defined: "),
    "a slice": (lambda v: v[1:3], "[1:3] is not defined: "), "math": (math.tanh, "sympy.tanh"), "a power": (lambda v: v ^ 2, "**2"),
    "dot": (lambda v: v.dot(x), "W @ x"), "mean": (lambda v: v.mean(), "mean(e)"), "norm": (lambda v: v.norm(), "sqrt(dot(v, v))"),
    "inv": (lambda v: v.inv(), "no matrix inverse"), "reshape": (lambda v: v.reshape(2, 3), "flat(S)"), "torch": (lambda v: _torch(v), "SymPy's tanh"),
    "a method": (lambda v: v.tanh(), "write tanh(e)"), "a loop": (lambda v: {**dict.fromkeys(v)}, "total(e)"), "unpacking": (lambda v: (lambda a: a)(*v), "[0] is not"),
    "membership": (lambda v: 1 in v, "[0] is not defined"), "a number": (lambda v: v @ 3, "two vectors or matrices"), "a list": (lambda v: [1] @ v, "found [1]"),
    "text": (lambda v: v @ "W", "found 'W'"), "nothing": (lambda v: None @ v, "found None"), "the length": (lambda v: len(v), "cell.shape(e)"),
    "a change": (lambda v: v.__setitem__(0, 1), "[0] is not defined"),
}  # fmt: skip
OF_SYMBOLS_OF_A_CELL = {"math", "a power", "torch", "the length", "a change"}  # what SymPy's own expressions leave to Python


@pytest.mark.parametrize("e", [x + h.prev, 2 * z, tanh(W @ x)])
def test_pythons_words_for_numbers_say_what_to_write(e):
    cases = {
        "sympy.tanh for math.tanh": (lambda: math.tanh(e), lambda: float(e)),
        "Max(a, b)": (lambda: max(e, 0), lambda: min(e, y)),
        "Piecewise((a, condition), (b, True))": (lambda: e if e > 0 else 0, lambda: not e <= 0),
    }
    for words, calls in cases.items():
        for call in calls:
            with pytest.raises(CellError) as raised:
                call()
            assert words in str(raised.value)
    assert float(sympy.Integer(2) / 4) == 0.5 and max(sympy.Integer(2), 3) == 3


def _torch(e):
    """What torch does with an argument that has the method, for torch.tanh."""
    return type(e).__torch_function__(tanh, (type(e),), (e,), {})


@pytest.mark.parametrize("call, words", PYTHON.values(), ids=PYTHON)
def test_pythons_words_for_arrays_say_what_to_write(call, words):
    of_a_cell = call in [PYTHON[name][0] for name in OF_SYMBOLS_OF_A_CELL]
    for e in VALUES if of_a_cell else EXPRESSIONS:
        with pytest.raises(CellError) as raised:
            call(e)
        assert words in str(raised.value)


def test_python_and_sympy_may_ask_what_a_symbol_is():
    for e in EXPRESSIONS:
        assert not iterable(e) and not hasattr(e, "mean") and not hasattr(e, "__iter__") and bool(e)
    assert not hasattr(sympy.Symbol, "mean") and not hasattr(sympy.Integer(2), "mean") and not hasattr(z, "prev")


def test_what_sympy_has_of_its_own_is_as_before():
    series = sympy.fps(exp(z), z)
    assert series[1] == z and iterable(series) and sympy.IndexedBase("a")[1].indices == (1,) and A[0, 1].is_commutative and (z**2).exp == 2
    with pytest.raises(TypeError, match="not subscriptable"):
        sympy.Integer(2)[0]


@pytest.mark.parametrize("turned", [
    lambda e: e.T, lambda e: e.transpose(), sympy.transpose,
])  # fmt: skip
def test_transposes_are_transposes(turned):
    M = Param("M", ("n_h", "n_x"))
    for e in (M, 2 * M, M + outer(h.prev, x), tanh(M), Abs(M), M**2, M * outer(h.prev, x), y, 2 * y, y + M, tanh(y), y**2, exp(y), y * M):
        equations = [Eq(h, h.prev), Eq(y, outer(h.prev, x)), Eq(z, turned(e) @ h.prev), Eq(State("s", "n_x"), z)]
        assert Cell("toy", equations).shape(z) == M.declared[1:]


def test_products_and_transposes_of_plain_symbols():
    v = symbols("v")
    cell = Cell("toy", [Eq(z, tanh(W @ x)), Eq(y, outer(z, x)), Eq(v, tanh(y).T @ z), Eq(h, z * (v @ x) + (2 * y) @ x)])
    params, given = {"W": np.array([[1.0, 2.0], [3.0, -1.0], [0.5, 1.0]])}, np.array([[[0.3, -0.2]]])
    a = np.tanh(params["W"] @ given[0, 0])
    b = np.outer(a, given[0, 0])
    expected = a * (np.tanh(b).T @ a @ given[0, 0]) + 2 * b @ given[0, 0]
    np.testing.assert_allclose(interpret(cell, params, {"x": given})["h"][0, 0], expected, rtol=1e-12)
    run = cell.compile("float64").forward(params, given)
    np.testing.assert_allclose(run.final["h"][0], expected, rtol=1e-12)


def test_sympys_matrices_are_as_before():
    assert z * A == MatMul(z, A) and A @ B == A * B and (A * B).T == B.T * A.T and z * A.T == (z * A).T
    assert Matrix([[z, y]]) @ Matrix([[1], [2]]) == Matrix([[z + 2 * y]]) and Matrix([[z], [y]]) == Matrix([[z, y]]).T
    assert Transpose(A * B).doit() == B.T * A.T and sympy.transpose(z * A) == z * A.T and MatMul(z, A) == z * A and MatMul(z, 2) == 2 * z
    assert sympy.Integer(2).transpose() == 2 == sympy.transpose(2) and sympy.Trace(A).transpose() == sympy.Trace(A)
    assert z @ A == A @ z == z * A and not hasattr(sympy.Integer(2), "T")
    for product in (lambda: z @ Matrix([[1]]), lambda: Matrix([[1]]) @ z):
        with pytest.raises(TypeError):
            product()


def test_adjoints_of_sympys_expressions_are_as_before():
    r, p = symbols("r", real=True), symbols("p", hermitian=True)
    cases = {z: sympy.conjugate(z), tanh(z): tanh(sympy.conjugate(z)), r: r, p: p, z * A: sympy.conjugate(z) * A.adjoint()}
    assert all(sympy.adjoint(e) == expected for e, expected in cases.items())
    q = symbols("q", commutative=False)
    assert sympy.adjoint(q).func == sympy.adjoint and sympy.transpose(q).func == q.transpose().func == sympy.transpose


MATRICES = {
    "a transpose": (lambda: Transpose(W) @ x, "W.T is the transpose"), "a product": (lambda: MatMul(W, x), "W @ x is a matrix product"),
    "a product of plain symbols": (lambda: MatMul(z, z), "W @ x is a matrix product"),
    "a matrix symbol": (lambda: A @ x, "a matrix is a Param"), "the other way round": (lambda: W @ A, "a matrix is a Param"),
    "numbers": (lambda: Matrix([[1, 2]]) @ x, "fixed numbers are a Constant"), "elementwise": (lambda: Matrix([[1, 2]]) * x, "a Constant"),
}  # fmt: skip


@pytest.mark.parametrize("call, words", MATRICES.values(), ids=MATRICES)
def test_sympys_matrices_do_not_meet_a_cells_symbols(call, words):
    with pytest.raises(CellError) as raised:
        call()
    assert words in str(raised.value)


k = sympy.Symbol("k", integer=True)
SYMPY = {
    "Sum": (sympy.Sum(h.prev, (k, 0, 3)), "total(e)"), "Product": (sympy.Product(h.prev, (k, 0, 3)), "exp(total(log(e)))"),
    "Integral": (sympy.Integral(x, z), "write the result out"), "Derivative": (sympy.Derivative(tanh(x), x), "write the result out"),
    "re": (sympy.re(x), "every value is real"), "im": (sympy.im(x), "this would be 0"), "conjugate": (x.conjugate(), "every value is real"),
    "arg": (sympy.arg(x), "atan2(y, x)"), "Indexed": (sympy.IndexedBase("A")[0] * x, "a matrix is a Param"), "MatrixElement": (A[0, 1] * x, "a matrix is a Param"),
    "KroneckerDelta": (sympy.KroneckerDelta(x, 1), "Piecewise"), "DiracDelta": (sympy.DiracDelta(x), "Heaviside"), "F": (sympy.Function("F")(x), "a Python function"),
    "UnevaluatedExpr": (sympy.UnevaluatedExpr(x), "an equation of its own"), "adjoint": (sympy.adjoint(W) @ x, "every value is real"),
}  # fmt: skip


@pytest.mark.parametrize("e, words", SYMPY.values(), ids=SYMPY)
@pytest.mark.parametrize("around", [lambda e: e, lambda e: 2 * e + x, lambda e: tanh(W @ e), lambda e: Piecewise((x, e > 0), (-x, True))])
def test_sympys_words_that_mean_nothing_here(e, words, around):
    with pytest.raises(CellError) as raised:
        Cell("toy", [Eq(h, h.prev + around(e))])
    assert str(raised.value).startswith("cell toy, equation 1 (h = ...): a cell has no ") and words in str(raised.value)


def test_conditions_are_joined_in_every_way():
    choices = [Xor(x > 0, h.prev > 0), sympy.Implies(x > 0, h.prev > 0), sympy.Equivalent(x > 0, h.prev > 0), sympy.Nand(x > 0, h.prev > 0)]
    given, before = np.array([[[1.0, 1.0, -1.0, -1.0]]]), {"h": np.array([[1.0, -1.0, 1.0, -1.0]])}
    a, b = given[0] > 0, before["h"] > 0
    for choice, expected in zip(choices, [a ^ b, ~a | b, a == b, ~(a & b)], strict=True):
        cell = Cell("toy", [Eq(h, Piecewise((1, choice), (0, True)))])
        np.testing.assert_array_equal(interpret(cell, {}, {"x": given}, before)["h"][0], expected)
        np.testing.assert_array_equal(cell.compile("float64").forward({}, given, before).final["h"], expected)


@pytest.mark.parametrize("n", [3, 5, 8])
def test_an_exclusive_or_of_many_is_the_parity(n):
    given = np.random.default_rng(n).choice([-1.0, 1.0], (1, 1, 40))
    limits = np.linspace(-0.5, 0.5, n)
    conditions = [x * Rational(-1) ** k > Rational(str(round(b, 3))) + h.prev * k for k, b in enumerate(limits)]
    before = {"h": np.linspace(-1, 1, 40)[None]}
    true = [given[0] * (-1) ** k > round(b, 3) + before["h"] * k for k, b in enumerate(limits)]
    cell = Cell("toy", [Eq(h, Piecewise((1, Xor(*conditions)), (0, True)))])
    np.testing.assert_array_equal(interpret(cell, {}, {"x": given}, before)["h"][0], np.sum(true, axis=0) % 2)


def test_an_exclusive_or_of_many_is_written_out_shortly():
    written = real_conditions(Xor(*(x > k for k in range(32))))
    assert written.count(x) <= 32**2


def test_a_real_root_is_one_of_a_negative_number_too():
    cell = Cell("toy", [Eq(h, real_root(x, 3) + real_root(tanh(x), 5))])
    given = np.array([[[-8.0, 27.0, -0.001]]])
    kernel = cell.compile("float64")
    run = kernel.forward({}, given)
    t = np.tanh(given[0])
    np.testing.assert_allclose(run.final["h"], np.cbrt(given[0]) + np.sign(t) * np.abs(t) ** 0.2, rtol=1e-12)
    slope = np.cbrt(given) ** -2 / 3 + np.abs(t) ** -0.8 / 5 * (1 - t**2)
    np.testing.assert_allclose(kernel.backward(run, None, {"h": np.ones((1, 3))}).inputs["x"], slope, rtol=1e-12)
