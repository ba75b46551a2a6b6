"""Bad declarations: one CellError each, which names the cell, the equation and what is wrong."""

import re
from fractions import Fraction

import numpy as np
import pytest
import sympy
from sympy import (
    Contains,
    Derivative,
    Dummy,
    Eq,
    Float,
    Function,
    I,
    Integral,
    Interval,
    Limit,
    Matrix,
    Piecewise,
    Product,
    Rational,
    Sum,
    Symbol,
    Tuple,
    oo,
    sin,
    symbols,
    tanh,
)

from symcell import (
    Cell,
    CellError,
    Constant,
    Input,
    Param,
    State,
    affine,
    cells,
    chunk,
    column,
    concat,
    dot,
    generate,
    matmul,
    mean,
    outer,
    part,
    repeat,
    row,
    sigmoid,
    softmax,
    softplus,
    total,
)
from symcell.compiler import source_of
from symcell.language.primitives import Affine

x, y, h, c = Input("x"), Input("y"), State("h"), State("c")
a, f, z = symbols("a f z")
W, p, M = Param("W"), Param("p"), State("M", (2, 3))
step = Eq(h, tanh(affine(x, h.prev)))
n_x, n_q = symbols("n_x n_q", integer=True, positive=True)
NAMED, START = affine(x, name="q"), State("s", initial=Param("b_h"))


def refused(equations, *words, name="toy", **options):
    """The message of the CellError that a declaration raises, which holds all the words."""
    with pytest.raises(CellError) as raised:
        Cell(name, equations, **options)
    message = str(raised.value)
    missing = [word for word in words if word not in message]
    assert not missing, message
    return message


def at(number, target):
    """How a message names an equation."""
    return f"cell toy, equation {number} ({target} = ...): "


ORDER = {
    "never defined": ([Eq(h, tanh(affine(x)) + z)], at(1, "h"), "z is never defined"),
    "a transpose as a power": ([Eq(h, W ** Symbol("T") @ x)], at(1, "h"), "T is never defined", "a transpose is written W.T"),
    "never defined in an affine": ([Eq(h, tanh(affine(x, z)))], at(1, "h"), "z is never defined"),
    "never defined in a condition": ([Eq(h, Piecewise((x, z > 0), (-x, True)))], at(1, "h"), "z is never defined"),
    "never defined in a product": ([Eq(h, W @ sin(z) + x)], at(1, "h"), "z is never defined"),
    "a size that no shape has": ([Eq(h, tanh(affine(x)) / n_q)], at(1, "h"), "n_q is never defined"),
    "defined twice": ([Eq(z, affine(x)), Eq(z, sin(x)), Eq(h, z)], at(2, "z"), "z is defined twice", "equation 1"),
    "a state defined twice": ([step, Eq(c, h), Eq(h, x)], at(3, "h"), "h is defined twice", "equation 1"),
    "used before its definition": ([Eq(h, z + x), Eq(z, h.prev)], at(1, "h"), "z is used before its definition in equation 2"),
    "a state used before its definition": (
        [Eq(c, h), Eq(h, affine(x))],
        at(1, "c"),
        "h is used before its definition in equation 2",
    ),
    "a plain symbol in place of a state": (
        [Eq(Symbol("h"), h.prev + x), Eq(c, x)],
        at(1, "h"),
        "the h on the left of equation 1 is a plain symbol, and not the state h that this equation reads",
        "make State('h', ...) once",
    ),
    "a state of another shape": (
        [step, Eq(c, State("h", "n").prev)],
        at(2, "c"),
        "the h on the left of equation 1 is the state h, and not the state h of shape (n,) that this equation reads",
    ),
    "a state of another beginning": (
        [step, Eq(c, State("h", initial=1).prev)],
        at(2, "c"),
        "is the state h, and not the state h with initial=1 that this equation reads",
    ),
    "a state without an equation": ([Eq(h, affine(x) + c.prev)], at(1, "h"), "the state c has no equation"),
    "a new value without an equation": ([Eq(h, affine(x) + c)], at(1, "h"), "the state c has no equation"),
    "a cycle of one": ([Eq(z, 2 * z + x), Eq(h, z)], at(1, "z"), "a cycle within the step", "z needs itself"),
    "a cycle of a state": ([Eq(h, x + tanh(h))], at(1, "h"), "cycle", "h needs itself", "did you mean h.prev?"),
    "a cycle of two": ([Eq(z, 2 * a), Eq(a, z + x), Eq(h, a)], at(1, "z"), "cycle", "z and a each need the other"),
    "a cycle of three": ([Eq(z, f), Eq(f, a), Eq(a, z + x), Eq(h, a)], at(1, "z"), "cycle", "z and f each need the other"),
    "a cycle of states": ([Eq(c, 2 * h), Eq(h, c + x)], at(1, "c"), "cycle", "c and h", "did you mean h.prev?"),
}

NO_EQUATIONS = {
    "empty": ([], "cell toy has no equations"),
    "nothing": (None, "cell toy", "None"),
    "a number": (3, "cell toy", "3"),
    "one equation, not in a list": (step, "cell toy", "expected a list"),
    "no state": ([Eq(z, affine(x))], "cell toy has no state"),
    "folded to true": ([Eq(h, h)], "cell toy, equation 1", "folded this Eq to True"),
    "folded to true by SymPy's rules": ([step, Eq(z + z, 2 * z)], "cell toy, equation 2", "folded this Eq to True"),
    "folded to false": ([step, Eq(1, 2)], "cell toy, equation 2", "folded this Eq to False"),
    "not a number": ([step, Eq(c, x + sympy.nan)], "cell toy, equation 2", "folded this Eq to False", "NaN"),
    "an infinite number": ([step, Eq(c, x + oo)], "cell toy, equation 2", "infinite", "such as 1e30, stands for infinity"),
    "Python's infinity": ([step, Eq(c, x - float("inf"))], "cell toy, equation 2", "such as 1e30, stands for infinity"),
    "Python's True": ([step, x == x], "cell toy, equation 2", "found True; h == x is Python's comparison, write Eq(h, x)"),
    "Python's False": ([h == x], "cell toy, equation 1", "found False; h == x is Python's comparison, write Eq(h, x)"),
    "an expression": ([step, tanh(x)], "cell toy, equation 2", "expected Eq(symbol, expression)", "tanh(x)"),
    "None": ([None], "cell toy, equation 1", "None"),
    "a string": (["h = x"], "cell toy, equation 1", "'h = x'"),
    "a tuple": ([(h, x)], "cell toy, equation 1", "(h, x)"),
    "an inequality": ([step, sympy.Ne(z, x)], "cell toy, equation 2", "Ne(z, x)"),
    "a sum on the left": ([Eq(2 * z, x), step], "cell toy, equation 1", "left side", "2*z"),
    "a number on the left": ([step, Eq(2, z)], "cell toy, equation 2", "left side", "2"),
    "an input on the left": ([Eq(x, h.prev), step], "cell toy, equation 1", "left side", "the input x"),
    "a parameter on the left": ([Eq(p, x), step], "cell toy, equation 1", "left side", "the parameter p"),
    "a constant on the left": ([Eq(Constant("k"), x), step], "cell toy, equation 1", "left side", "the constant k"),
    "a previous state on the left": ([Eq(h.prev, x), step], "cell toy, equation 1", "left side", "the previous state h.prev"),
    "a condition on the right": ([Eq(h, x > 0)], at(1, "h"), "must be an expression", "x > 0", "Piecewise((1, condition), (0, True))"),
    "a truth value on the right": ([Eq(h, sympy.true)], at(1, "h"), "must be an expression", "True", "Eq(a, b) their values"),
    "a comparison of expressions": ([Eq(h, x == h.prev)], at(1, "h"), "found False; a == b compares the expressions themselves"),
    "a tuple on the right": ([Eq(h, Tuple(x, x))], at(1, "h"), "must be an expression"),
    "a SymPy matrix on the right": ([step, Eq(z, Matrix([[1, 2]]))], "cell toy, equation 2", "False"),
}

SHAPES = {
    "named sizes": (
        [Eq(z, Param("A", ("n", "m")) @ x), Eq(h, Param("A", ("n", "m")) @ z)],
        at(2, "h"),
        "columns of A",
        "z",
        "m and n",
    ),
    "numbers": (
        [Eq(z, Param("A", (4, 3)) @ x), Eq(h, Param("B", (2, 5)) @ z)],
        at(2, "h"),
        "columns of B",
        "length of z",
        "5 and 4",
    ),
    "a product unit by unit": (
        [Eq(State("s", "n_s"), affine(x)), Eq(h, W * State("s", "n_s"))],
        at(2, "h"),
        "n_h and n_s; for a matrix product, write W @ s for W * s",
    ),
    "a state and its right side": (
        [Eq(z, Param("A", (4, "n_x")) @ x), Eq(State("h", 5), z)],
        at(2, "h"),
        "the state h",
        "5 and 4",
    ),
    "two states": (
        [Eq(State("s", "n_s"), affine(x)), Eq(h, h.prev + State("s", "n_s"))],
        at(2, "h"),
        "h.prev and s",
        "n_h and n_s",
    ),
    "a dot product": (
        [Eq(z, Param("A", (4, "n_x")) @ x), Eq(h, h.prev * dot(z, Param("v", 3)))],
        at(2, "h"),
        "z",
        "v",
        "4 and 3",
    ),
    "a vector and a matrix": (
        [Eq(h, h.prev + outer(h.prev, h.prev))],
        at(1, "h"),
        "ranks do not agree",
        "(n_h,)",
        "(n_h, n_h)",
        "column(u)",
    ),
    "a state and a matrix": ([Eq(h, outer(x, x))], at(1, "h"), "ranks do not agree", "the state h"),
    "a scalar state and a vector": ([Eq(State("s", ()), tanh(affine(x)))], at(1, "s"), "ranks do not agree", "()"),
    "one parameter, two shapes": (
        [Eq(h, Param("W", ("n", "m")) @ x + W @ h.prev)],
        at(1, "h"),
        "'W' stands for two things",
        "(n, m)",
    ),
    "one parameter, bare and before @": ([Eq(z, p * x), Eq(h, p @ z)], at(1, "z"), "ranks do not agree", "p", "x"),
    "a concatenation of the wrong length": (
        [Eq(h, Param("A", ("n_h", 5)) @ concat(h.prev, Constant("k", 9)) + x)],
        at(1, "h"),
        "5",
    ),
    "a matrix in affine": ([Eq(M, M.prev / 2 + Input("u", ())), Eq(h, affine(M))], at(2, "h"), "affine takes", "the matrix M"),
    "a concatenation of a matrix": ([Eq(h, mean(concat(outer(x, x), x)) + h.prev)], at(1, "h"), "concat takes vectors"),
    "a mean of a scalar": ([Eq(h, h.prev * mean(Input("u", ())))], at(1, "h"), "mean", "axis"),
    "an axis too far": ([Eq(h, h.prev * softmax(x, axis=1))], at(1, "h"), "softmax takes an axis", "which has rank 1, found 1"),
    "a column without a partner": ([Eq(z, column(x)), Eq(h, h.prev)], at(1, "z"), "size"),
    "a gate times a matrix": ([Eq(f, affine(x)), Eq(h, f * W @ x)], at(2, "h"), "f*W @ v as (f*W) @ v; write f*(W @ v)"),
    "a gate's rest times a matrix": ([Eq(f, affine(x)), Eq(h, (1 - f) * W @ x)], at(2, "h"), "(1 - f)*W @ v as ((1 - f)*W) @ v; write (1 - f)*(W @ v)"),
    "a sigmoid times a matrix": ([Eq(f, affine(x)), Eq(h, sigmoid(f) * W @ x)], at(2, "h"), "write sigmoid(f)*(W @ v)"),
    "a vector beside a matrix": ([Eq(h, (W + x) @ x)], at(1, "h"), "raise the rank of a vector"),
    "an outer product of an outer product": ([Eq(f, outer(x, x)), Eq(h, outer(f, x) @ x)], at(2, "h"), "outer takes two vectors"),
    "an outer product of a matrix": ([Eq(h, total(total(outer(outer(x, x), x), 0), 0))], at(1, "h"), "outer takes two vectors", "n_x"),
    "a product with a scalar": ([Eq(h, W @ Input("u", ()))], at(1, "h"), "matmul takes"),
    "the transpose of a vector": ([Eq(h, x.T)], at(1, "h"), "transpose takes a matrix, found (n_x,) in x.T"),
}

STRANGERS = {
    "gamma": ([Eq(h, sympy.gamma(affine(x)))], at(1, "h"), "kernels do not support gamma; they support elementary functions"),
    "a Bessel function": ([step, Eq(c, sympy.besselj(1, x))], at(2, "c"), "kernels do not support besselj"),
    "a function without a derivative": ([Eq(h, Function("F")(affine(x)))], at(1, "h"), "F"),
    "a delta": ([Eq(h, sympy.DiracDelta(affine(x)))], at(1, "h"), "DiracDelta"),
    "the real part": ([Eq(h, sympy.re(W @ x))], at(1, "h"), "re"),
    "the conjugate": ([Eq(h, sympy.conjugate(W @ x))], at(1, "h"), "conjugate"),
    "the imaginary unit": ([Eq(h, I * affine(x))], at(1, "h"), "its right side is complex"),
    "complex infinity": ([Eq(h, sympy.zoo * affine(x))], at(1, "h"), "zoo"),
    "a derivative": ([Eq(h, Derivative(x * h.prev, x, evaluate=False))], at(1, "h"), "Derivative"),
    "an integral": ([Eq(h, Integral(sin(x**2), x))], at(1, "h"), "Integral"),
    "a sum": ([Eq(h, Sum(h.prev * x, (Symbol("k", integer=True), 0, 3)))], at(1, "h"), "Sum"),
    "a product": ([Eq(h, Product(h.prev, (Symbol("k", integer=True), 0, 3)))], at(1, "h"), "Product"),
    "a limit": ([Eq(h, Limit(h.prev, Symbol("k"), 0))], at(1, "h"), "Limit"),
    "membership": ([Eq(h, Piecewise((x, Contains(x, Interval(0, 1))), (0, True)))], at(1, "h"), "Contains"),
    "an entry of a SymPy matrix": ([Eq(h, x + sympy.MatrixSymbol("M", 2, 2)[0, 1])], at(1, "h"), "M"),
    "inside a product": ([Eq(h, W @ sympy.zeta(x))], at(1, "h"), "zeta"),
    "inside a condition": ([Eq(h, Piecewise((x, sympy.zeta(x) > 0), (0, True)))], at(1, "h"), "zeta"),
}


@pytest.mark.parametrize("case", [*ORDER.values(), *NO_EQUATIONS.values(), *SHAPES.values(), *STRANGERS.values()],
                         ids=[*ORDER, *NO_EQUATIONS, *SHAPES, *STRANGERS])  # fmt: skip
def test_a_bad_cell_is_named_with_its_equation(case):
    equations, *words = case
    message = refused(equations, "toy", *words)
    assert not any(private in message for private in ("_u0", "_n_", "Dummy"))


@pytest.mark.parametrize("name", ["", "1a", "a b", "lambda", "None", "a-b", "toy\n", 3, None, "x" * 300])
def test_a_cell_has_a_name(name):
    with pytest.raises(CellError, match="name"):
        Cell(name, [step])


@pytest.mark.parametrize("name", ["", "1", "a b", "lambda", "class", "True", "None"])
def test_a_symbol_has_a_name_that_python_takes(name):
    refused([Eq(Symbol(name), affine(x)), step], f"equation 1 ({name} = ...)", repr(name), "identifier")


@pytest.mark.parametrize("kind", [Input, State, Param, Constant])
@pytest.mark.parametrize("name", ["", "1", "a b", "lambda", None, 3])
def test_a_quantity_has_a_name_that_python_takes(kind, name):
    with pytest.raises(CellError, match="identifier"):
        kind(name)


COLLISIONS = {
    "an intermediate and an input": ([Eq(Symbol("x"), affine(x)), step], at(1, "x"), "'x'", "intermediate", "input"),
    "an intermediate and a state": ([Eq(Symbol("h"), affine(x)), step], at(2, "h"), "'h'", "intermediate", "state"),
    "an intermediate and a previous state": ([Eq(Symbol("h_prev"), affine(x, h.prev)), step], "'h_prev'", "previous state"),
    "two inputs": ([Eq(h, Input("x") + Input("x", "n_x"))], at(1, "h"), "'x' stands for two things", "(n_x,)"),
    "two states": ([step, Eq(State("h", "n_q"), h.prev)], at(2, "h"), "'h' stands for two things", "(n_q,)"),
    "an input and a state": ([Eq(State("x"), affine(Input("x")))], at(1, "x"), "'x'", "state", "input"),
    "a parameter and a constant": ([Eq(h, W @ x + Constant("W") @ h.prev)], at(1, "h"), "'W'", "parameter", "constant"),
    "a parameter and a state": ([Eq(h, Param("c") * x), Eq(c, h)], "'c'", "parameter", "state"),
    "two matrices": ([Eq(h, W @ x + Param("W", blocks=2) @ h.prev)], at(1, "h"), "the parameter W and the parameter W of 2 blocks"),
    "two beginnings": ([step, Eq(State("h", initial=1), x)], at(2, "h"), "the state h and the state h with initial=1"),
    "a plain symbol and a real one": ([Eq(z, affine(x)), Eq(h, Symbol("z", positive=True))], "z"),
    "two dummies": ([Eq(Dummy("q"), affine(x)), Eq(Dummy("q"), sin(x)), step], "equation 2", "'q' stands for two things"),
    "a symbol and affine's weight": ([Eq(Symbol("W_h"), affine(x)), step], at(2, "h"), "'W_h'", "made by affine"),
    "a parameter and affine's weight": ([Eq(h, affine(x) + Constant("W_h") * h.prev)], at(1, "h"), "'W_h'", "made by affine"),
    "an intermediate and a size": ([Eq(Symbol("n_h"), affine(x)), Eq(h, Symbol("n_h") * h.prev)], "'n_h'", "size"),
    "an input and a size": ([Eq(h, affine(Input("n_h")))], "'n_h'", "size"),
    "two names that Python reads as one": ([Eq(Symbol("\ufb01"), affine(x)), Eq(Symbol("fi"), sin(x)), step], "fi"),
}  # fmt: skip


@pytest.mark.parametrize("case", COLLISIONS.values(), ids=COLLISIONS)
def test_one_name_is_one_thing(case):
    equations, *words = case
    refused(equations, "toy", *words)


@pytest.mark.parametrize("equations", [
    [Eq(h, tanh(affine(x)) * sigmoid(affine(h.prev)))],
    [Eq(h, tanh(affine(x) + sin(affine(h.prev))))],
    [Eq(h, tanh(affine(x, affine(h.prev))))],
    [Eq(h, tanh(affine(x, h.prev) + affine(x, h.prev)))],
])  # fmt: skip
def test_two_unnamed_affine_do_not_share_their_weights(equations):
    refused(equations, at(1, "h"), "2 unnamed affine", "name=")


@pytest.mark.parametrize("operands, found", [((x, x), "x"), ((h.prev, h.prev, x), "h.prev"), ((2 * x, x, 2 * x), "(2*x)")])
def test_an_operand_that_stands_twice_in_an_affine_is_refused(operands, found):
    refused([Eq(h, tanh(affine(*operands)))], at(1, "h"), f"the operand {found} more than once", f"Param('A') @ {found} + ")


SHARED = {
    "two affine of one name": ([Eq(z, affine(x, name="q")), Eq(h, tanh(z) * affine(x, name="q"))], at(2, "h"), "W_q was made by affine in the equation for z"),
    "an affine named like another equation": ([Eq(z, affine(x)), Eq(h, z * affine(h.prev, x, name="z"))], at(2, "h"), "W_z"),
    "one named affine in two equations": ([Eq(z, NAMED), Eq(h, z * NAMED)], at(2, "h"), "W_q"),
    "a parameter and a later affine": ([Eq(z, Param("W_h") @ x), Eq(h, z * affine(x))], at(2, "h"), "written as Param('W_h') already"),
    "a parameter and an earlier affine": ([Eq(z, affine(x)), Eq(h, z * (Param("W_z") @ x))], at(2, "h"), "W_z was made by affine in the equation for z"),
    "a parameter and affine in one equation": ([Eq(h, affine(x) + Param("b_h"))], at(1, "h"), "written as Param('b_h') already"),
    "an initial value and affine": ([Eq(START, W @ x), Eq(h, affine(x) + START)], at(1, "s"), "b_h was made", "initial value"),
}  # fmt: skip


@pytest.mark.parametrize("case", SHARED.values(), ids=SHARED)
def test_weights_are_shared_by_one_param_only(case):
    equations, *words = case
    refused(equations, *words, "write the same Param in both places")


def test_one_param_in_two_equations_is_shared_and_one_affine_in_two_has_weights_for_each():
    cell = Cell("toy", [Eq(z, W @ x + Param("b")), Eq(h, z * (Param("W") @ x + Param("b")))])
    assert [q.name for q in cell.params] == ["b", "W"]
    unnamed = affine(x)
    cell = Cell("toy", [Eq(z, tanh(unnamed)), Eq(h, sigmoid(unnamed) * z)])
    assert [q.name for q in cell.params] == ["W_z", "b_z", "W_h", "b_h"]
    twice = Cell("toy", [Eq(h, tanh(NAMED) * sigmoid(NAMED))])
    assert [q.name for q in twice.params] == ["W_q", "b_q"]


def test_a_state_and_its_previous_value_have_weights_of_their_own():
    cell = Cell("toy", [Eq(c, tanh(affine(x, c.prev))), Eq(h, affine(c, c.prev, x))])
    assert {"U_h_c", "U_h_c_prev", "W_h"} <= {q.name for q in cell.params}
    cell = Cell("toy", [Eq(c, tanh(affine(x, c.prev))), Eq(h, affine(c, h.prev))])
    assert {"U_h_c", "U_h_h"} <= {q.name for q in cell.params}


def test_two_different_affine_of_one_name():
    for other in (h.prev, x):
        refused([Eq(h, affine(x, name="q") + sin(affine(other, name="q")))], at(1, "h"), "two affine(...) have the name 'q'")


@pytest.mark.parametrize("call", [
    lambda: affine(),
    lambda: affine(x, name="a b"),
    lambda: affine(x, name=3),
    lambda: affine("x y"),
    lambda: affine([x]),
    lambda: affine(None),
    lambda: W @ 2,
    lambda: matmul(2, x),
    lambda: mean(x, axis="a"),
    lambda: mean(x, axis=Rational(1, 2)),
])  # fmt: skip
def test_a_primitive_refuses_what_it_cannot_take(call):
    with pytest.raises(CellError):
        call()


@pytest.mark.parametrize(
    "shape", ["n m", "lambda", 0, -1, 2.5, Float(2.5), (None, 2), I, {2}, (2, "1"), float("nan"), oo, object(), sympy.true]
)
def test_a_size_is_a_name_or_a_positive_integer(shape):
    with pytest.raises(CellError, match=r"size|shape"):
        State("h", shape)


@pytest.mark.parametrize("initial", [2 * p, Symbol("q"), x, "h0", None, [1, 2], I, sympy.zoo])
def test_an_initial_value_is_a_number_or_a_parameter(initial):
    with pytest.raises(CellError, match="initial"):
        s = State("h", initial=initial)
        Cell("toy", [Eq(s, tanh(affine(x, s.prev)))])


@pytest.mark.parametrize("wrap", [str, lambda t: [t], lambda t: (t,), lambda t: {t}, lambda t: {1: t}])
@pytest.mark.parametrize("use", [
    lambda e: State("h", initial=e), lambda e: State("h", (e,)), lambda e: Param("p", blocks=e), lambda e: repeat(h, e),
])  # fmt: skip
def test_no_text_is_ever_executed(use, wrap, tmp_path):
    with pytest.raises(CellError):
        use(wrap(f"open({str(tmp_path / 'executed')!r}, 'w')"))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("initial", [0, -0.5, np.float32(0.5), np.int64(2), Fraction(1, 3), Rational(1, 3), sympy.pi, oo, p])
def test_numbers_and_parameters_are_initial_values(initial):
    s = State("h", initial=initial)
    assert Cell("toy", [Eq(s, tanh(affine(x, s.prev)))]).states[0].initial == sympy.sympify(initial)


@pytest.mark.parametrize("shape", [(), ("n_h", "n_h"), 3])
def test_an_initial_parameter_has_the_states_shape(shape):
    s = State("h", initial=Param("h0", shape))
    refused([Eq(s, tanh(affine(x, s.prev)))], "toy", "h", "h0" if shape == 3 else "ranks do not agree")


@pytest.mark.parametrize("outputs", [[c], "h", [None], [h.prev], [z], 3, x])
def test_outputs_are_states_of_the_cell(outputs):
    refused([Eq(z, affine(x)), Eq(h, tanh(z))], "cell toy", "output", outputs=outputs)


def test_a_block_diagonal_that_does_not_divide():
    with pytest.raises(CellError):
        Param("W", ("n_h", "n_h"), blocks=0)


def test_a_cell_without_an_input_cannot_be_compiled():
    with pytest.raises(CellError, match="toy has no input"):
        source_of(Cell("toy", [Eq(h, tanh(affine(h.prev)))]))


@pytest.mark.parametrize("dtype", ["float16", "complex64", "f4", int, None, 3, ">f8"])
def test_a_dtype_is_float32_or_float64(dtype):
    with pytest.raises(CellError, match=r"toy.*float32.*float64"):
        Cell("toy", [step]).compile(dtype)


def test_a_very_deep_expression_is_computed_or_refused():
    deep = h.prev
    for _ in range(40):
        deep = sigmoid(deep)
    try:
        source_of(Cell("toy", [Eq(h, deep + x)]))
    except CellError as error:
        assert "toy" in str(error)


# What must be taken.

TAKEN = [
    "j", "k", "t", "b", "T", "B", "real", "one", "zero", "half", "dh", "z_i", "W_i", "x_seq", "dz_h", "dh_carried",
    "dh_cotangent", "given", "carried", "start", "tape", "params", "sizes", "self", "j0", "states", "hole", "total", "weights",
    "h_out", "int", "sum", "max", "type", "match", "_", "é", "NAME", "shapes", "E", "S", "rows", "from_x", "h_from_x",
    "sum_h", "dx", "v_h",
]  # fmt: skip


def test_every_other_name_may_be_used():
    made = [Symbol(name) for name in TAKEN]
    equations = [Eq(s, tanh(x) * before) for before, s in zip([h.prev, *made], made, strict=False)]
    cell = Cell("toy", [*equations, Eq(h, made[-1])])
    compile(source_of(cell), "toy.py", "exec")


@pytest.mark.parametrize("name", ["np", "init", "forward", "h", "x", "match", "_", "tanh"])
def test_a_cells_name_may_be_any_identifier(name):
    compile(source_of(Cell(name, [step])), "toy.py", "exec")


def test_equations_may_come_from_any_iterable():
    assert Cell("toy", iter([step])).equations == Cell("toy", (step,)).equations


MALFORMED = {
    "a text for an expression": lambda: sigmoid("x"),
    "a class for an expression": lambda: softplus(object),
    "a truth value": lambda: sigmoid(True),
    "a text to add up": lambda: total(""),
    "an argument too few": lambda: dot(x),
    "a root that is not real": lambda: (-8) ** Rational(1, 3) * x,
    "a vector repeated halfway": lambda: repeat(x, 2.5),
    "a part that may not be there": lambda: part(x, 2, "n_h"),
    "a piece after the last": lambda: chunk(x, 4, 4),
    "a broadcast without a size": lambda: total(row(x), 0) * x,
    "what is not a number": lambda: total(sympy.nan, 1) * x,
    "a size named like the module's own": lambda: Input("q", ("np", 2)) @ x,
}


@pytest.mark.parametrize("make", MALFORMED.values(), ids=MALFORMED)
def test_what_is_no_expression_is_refused(make):
    with pytest.raises(CellError):
        Cell("toy", [Eq(h, make() + h.prev)])


def test_an_expression_that_is_endless_when_written_out():
    e = x
    for _ in range(60):
        e = tanh(e) * sin(e) + e
    with pytest.raises(CellError, match=r"equation 1: .* give what it repeats a name"):
        Cell("toy", [Eq(h, e)])


@pytest.mark.parametrize("operands", [(), (h.prev,), (x, h.prev)])
def test_an_affine_that_affine_did_not_make(operands):
    with pytest.raises(CellError, match=r"equation 1 .*write affine\(x, h.prev\)"):
        Cell("toy", [Eq(h, tanh(Affine(*operands)), evaluate=False)])


@pytest.mark.parametrize("reference", ['a "title"', 'three """ quotes', "C:\\new", "\x00\ud800 odd\nlines", "\\"])
def test_any_reference_can_be_written_down(reference, tmp_path):
    path = generate(Cell("toy", [Eq(h, h.prev + x)], reference=reference), tmp_path)
    compile(path.read_text("utf-8"), "toy", "exec")


@pytest.mark.parametrize("folder", [None, 3, b"folder"])
def test_a_folder_is_a_text_or_a_path(folder):
    with pytest.raises(CellError, match="folder"):
        generate(Cell("toy", [step]), folder)


@pytest.mark.parametrize("quantity, words", [
    (x, "the input x has no .prev: only states have one; keep its value in one, Eq(s, x), and read s.prev"),
    (h.prev, "the previous state h_prev has no .prev: only states have one; keep its value in one, Eq(s, h.prev), and read s.prev"),
    (Param("W"), "the parameter W has no .prev: only states have one"),
])  # fmt: skip
def test_only_states_remember(quantity, words):
    with pytest.raises(CellError) as raised:
        _ = quantity.prev
    assert str(raised.value) == words


def test_how_a_greek_letter_is_spelled_that_is_a_keyword():
    with pytest.raises(CellError, match="SymPy spells the Greek letter 'lamda'"):
        Param("lambda")


def test_a_matrix_stands_before_its_vector():
    with pytest.raises(CellError, match=re.escape("x @ W would be the inner product of two vectors, a number; a matrix stands before")):
        Cell("toy", [Eq(h, tanh(x @ Param("W") + h.prev))])
    memory = State("S", ("n_h", "n_x"))
    cell = Cell("toy", [Eq(memory, memory.prev), Eq(h, tanh(memory @ Param("w") + dot(x, Param("v")) + h.prev))])
    assert cell.shape("w") == memory.declared[1:] and cell.shape("v") == cell.shape(x)


def test_an_array_is_no_expression():
    with pytest.raises(CellError, match="matmul takes expressions, found a ndarray; fixed numbers are a Constant, whose array a call gives"):
        h.prev @ np.eye(3)
    for beside in (lambda: np.eye(3) @ h.prev, lambda: np.ones(3) * h.prev, lambda: h.prev + np.ones(3), lambda: x > np.ones(3)):
        with pytest.raises(CellError, match="fixed numbers are a Constant, whose array a call gives"):
            beside()
    assert np.float64(0.5) * h == 0.5 * h and np.array(2.0) + h == 2.0 + h


NUMBERS = {
    "infinity": oo * x, "minus infinity": x - oo, "a comparison with infinity": Piecewise((x, x < oo), (0, True)), "Python's": x + float("inf"),
    "a power": x + 10**400, "a small one": x * Float("1e-400"), "an exponential": sympy.exp(1000) * x, "one that is nested": tanh(W @ (x + 10**400)),
}  # fmt: skip


@pytest.mark.parametrize("e", NUMBERS.values(), ids=NUMBERS)
def test_a_number_that_no_kernel_holds_is_refused(e):
    refused([Eq(h, h.prev + e, evaluate=False)], at(1, "h"), "the number ")
    assert Cell("toy", [Eq(h, x * Rational(10**400 + 1, 10**400))])


NARROW = {
    "too large": (Eq(h, x * 1e50), "1.00000000000000e+50 is beyond float32"),
    "too small": (Eq(h, x / 10**50), "1.0000E-50 is 0 in float32"),
    "in a derivative": (Eq(h, 1e30 * tanh(1e20 * x)), "1.00000000000000e+50 is beyond float32"),
    "before the first step": (Eq(State("h", initial=1e50), x), "1.00000000000000e+50 is beyond float32"),
}


@pytest.mark.parametrize("equation, words", NARROW.values(), ids=NARROW)
def test_a_number_that_float32_does_not_hold_needs_float64(equation, words):
    cell = Cell("toy", [equation])
    with pytest.raises(CellError, match=re.escape(f"{at(1, 'h')}the number {words}") + ".*; use float64"):
        cell.compile("float32")
    kernel = cell.compile("float64")
    with pytest.raises(CellError, match="use float64"):
        kernel.module.init(n_x=1, n_h=1, dtype="float32")


def test_a_derivative_that_float64_does_not_hold_has_no_kernel():
    with pytest.raises(CellError, match=r"equation 1 .*beyond float64.*derivative has no kernel"):
        source_of(Cell("toy", [Eq(h, 1e200 * tanh(1e200 * x))]))


def test_a_running_maximum_begins_at_minus_infinity():
    top = State("m", initial=-oo)
    assert "initial={\"m\": -float(\"inf\")}" in source_of(Cell("toy", [Eq(top, sympy.Max(top.prev, x))]).declaration)
    refused([Eq(State("h", initial=10**400), x)], at(1, "h"), "beyond float64")


@pytest.mark.parametrize("call, words", [
    (lambda: chunk(x, 2, 0), "chunk(v, k, n) takes the part with number k of n, two integers with 0 <= k < n, found k = 2 and n = 0"),
    (lambda: part(x, -1, 2), "the start of part(v, start, length), unless it is 0, is at least 1, found -1"),
    (lambda: part(x, 0, 0), "the length of part(v, start, length) is at least 1, found 0"),
    (lambda: repeat(x, 0), "the number k of repeat(v, k) is at least 1, found 0"),
    (lambda: Param("W", blocks=0), "the number of blocks of W is at least 1, found 0"),
    (lambda: State("h", 0), "a size of the state h is at least 1, found 0"),
    (lambda: affine(sympy.eye(2)), "affine takes expressions, found SymPy's MutableDenseMatrix; fixed numbers are a Constant"),
    (lambda: cells.get("lsmt"), "the catalogue has no cell 'lsmt'; did you mean lstm"),
    (lambda: cells.get(3), "the catalogue has no cell 3; `symcell list`"),
    (lambda: Cell("toy", [step], "Elman 1990"), "a citation is reference='Elman 1990'"),
    (lambda: Cell("toy", [step], "h"), "pass the State itself"),
])  # fmt: skip
def test_a_message_says_what_was_asked_and_what_to_write(call, words):
    with pytest.raises(CellError) as raised:
        call()
    assert words in str(raised.value)


def test_an_unknown_cell_of_the_catalogue_is_a_key_error_too():
    with pytest.raises(KeyError):
        cells.get("lsmt")


def test_messages_are_written_as_a_user_writes():
    call = affine(x, h.prev, bias=False, name="q")
    assert str(call) == "affine(x, h_prev, bias=False, name='q')"
    refused([Eq(h, affine(x) * (W @ x).T)], at(1, "h"), "transpose takes a matrix, found (n_W,) in (W @ x).T")
    refused([Eq(c, W @ h.prev), Eq(h, State("s", "n_s").prev * h.prev), Eq(State("s", "n_s"), x)], at(2, "h"), "h.prev and s.prev")


ONE_SIZE = {
    "a product with the input": (tanh(W * x + Param("U") @ h.prev), "W @ x for W * x"),
    "both products": (tanh(W * x + Param("U") * h.prev), "W @ x for W * x"),
    "an input beside a state": (tanh(x + h.prev), "x and h.prev unit by unit"),
}


@pytest.mark.parametrize("e, words", ONE_SIZE.values(), ids=ONE_SIZE)
def test_sizes_that_an_equation_made_one_say_which(e, words):
    kernel = Cell("toy", [Eq(h, e)]).compile()
    for sizes in ({"n_x": 8, "n_h": 16}, {"n_h": 16, "n_x": 8}):
        with pytest.raises(CellError) as raised:
            kernel.init(**sizes)
        assert "n_x" in str(raised.value).split(" are one size")[0] and "found " + " and ".join(map(str, sizes.values())) in str(raised.value)
        assert "equation 1 (h = ...) joins " in str(raised.value) and words in str(raised.value)
    assert kernel.init(n_x=8, n_h=8).keys() == kernel.init(n_h=8).keys()
