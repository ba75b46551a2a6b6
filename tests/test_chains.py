"""Deep chains within a step: their derivations are right, and grow no faster than the square of the depth."""

import itertools

import numpy as np
import pytest
import sympy
from support.deep_cells import (
    DEEP,
    SHALLOWER,
    mixing_gates,
    nested_cases,
    nested_exponentials,
    nested_functions,
    nested_maxima,
    nested_products,
    nested_with_parameters,
    recurrent_highway,
)
from support.jacobians import apply, shape_of, slope, step_values
from sympy import Eq, Max, Piecewise, Symbol, cosh, sinh, sqrt, tanh

from symcell import Cell, Input, Param, State, affine
from symcell.check import check
from symcell.compiler import source_of
from symcell.derivation.chain import path_counts
from symcell.derivation.ranges import Ranges
from symcell.documents.comparison import comparison_latex
from symcell.language.equations import written_length

x, h, c = Input("x"), State("h"), State("c")
chains = pytest.mark.parametrize("deep", DEEP, ids=lambda f: f.__name__)


@chains
def test_the_jacobians_of_deep_cells_are_the_derivatives(deep):
    cell, random = deep(12), np.random.default_rng(3)
    values = step_values(cell, random)
    for new, previous in itertools.product(cell.states[-2:], cell.states[:2]):
        direction = random.normal(size=shape_of(cell, previous))
        found = apply(cell.jacobian(new, previous.prev), direction, values)
        expected = slope(cell, new, previous.prev, values, direction)
        np.testing.assert_allclose(np.broadcast_to(found, expected.shape), expected, rtol=1e-9, atol=1e-13 * np.abs(direction).max())


def lengths(cell):
    """What is written about a cell, by the number of symbols and operations, or of characters."""
    derivation, carousel = cell.derive(), cell.carousel(cell.states[-1])
    return {
        "forward": sum(written_length(r.rhs) for r in derivation.forward),
        "adjoints": sum(written_length(r.rhs) for r in derivation.adjoint),
        "jacobians": sum(written_length(cell.jacobian(cell.states[-1], s.prev)) for s in (cell.states[0], cell.states[-1])),
        "carousel": len(carousel.latex() + str(carousel.direct) + carousel._repr_latex_()),
        "document": len(derivation.latex(document=True)),
        "beside": len(comparison_latex(cell.derive(), cell.derive())),
    }


@chains
def test_what_is_written_grows_no_faster_than_the_square_of_the_depth(deep):
    """Or hardly: sub-steps of which one state reads what the other has just become reach 4.6 in place of 4."""
    shallow, twice_as_deep = lengths(deep(7)), lengths(deep(14))
    assert {what: n for what, n in twice_as_deep.items() if n > 5 * shallow[what]} == {}


@chains
def test_everything_about_deep_cells_is_found(deep):
    """Where it grows with the number of paths, none of it ends."""
    cell = deep(10 if deep in SHALLOWER else 16)
    derivation = cell.derive()
    for new, previous in itertools.product(cell.states, cell.states):
        cell.jacobian(new, previous.prev)
    assert all(cell.carousel(s).latex() for s in cell.states)
    assert str(cell.structure) and derivation.latex(document=True) and source_of(cell)


@pytest.mark.parametrize("deep", [recurrent_highway, nested_with_parameters], ids=lambda f: f.__name__)
def test_modules_and_structures_grow_with_the_depth(deep):
    shallow, twice_as_deep = ((len(source_of(cell)), len(str(cell.structure))) for cell in (deep(5), deep(10)))
    assert all(b < 2.5 * a for a, b in zip(shallow, twice_as_deep, strict=True))


def test_an_exponent_is_printed_once():
    """Each was printed twice, and those inside it four times: 2**40 in all."""
    assert comparison_latex(*[nested_exponentials(40).derive()] * 2, width=1e6).count("e^{") == 80


def test_the_depth_that_the_literature_uses_and_twice_that():
    for depth, limit in ((10, 500), (20, 1000)):
        cell = recurrent_highway(depth)
        assert path_counts(cell.derive(), h.prev)[h] == 3**depth
        assert written_length(cell.jacobian(h, h.prev)) < limit
        assert len(cell.carousel(h).latex()) < 20 * limit


def test_few_ways_are_written_one_by_one_and_many_as_factors():
    few, many = (recurrent_highway(depth).jacobian(h, h.prev) for depth in (3, 4))
    assert few.is_Add and len(few.args) == 3**3
    assert many.is_Mul and all(factor.is_Add and len(factor.args) == 3 for factor in many.args)



def test_an_addend_of_every_layer_stays_an_addend():
    """v + s + f(s) with the first value v at each layer: A (A (A + B) + B) + B, and not all products of these."""
    equations, s = [], h.prev
    for k in range(1, 21):
        target = h if k == 20 else Symbol(f"s_{k}")
        equations.append(Eq(target, h.prev + s + tanh(Param("U") @ s)))
        s = target
    jacobian = Cell("toy", equations).jacobian(h, h.prev)
    assert written_length(jacobian) < 400 and str(jacobian).count("U") == 20


def test_a_long_product_of_gates_is_a_gate():
    assert mixing_gates(20).carousel(h).kind == "gate"


def test_what_is_spelled_out_to_find_a_range_stays_short():
    equations, s = [], h.prev
    for k in range(1, 31):
        target = h if k == 30 else Symbol(f"s_{k}")
        equations.append(Eq(target, s * (s + x)))
        s = target
    ranges = Ranges(Cell("toy", equations).derive())
    assert written_length(ranges.spelled_out(h)) < 200


def test_functions_inside_one_another_have_rows_of_their_own():
    rows = nested_functions(9).derive().forward
    assert [r.target.name for r in rows] == ["z_h", "tanh_h", "tanh_h_2", "h"]
    assert len(nested_functions(3).derive().forward) == 2
    assert r"\underbrace{\tanh" in nested_functions(9).derive().latex()


def test_what_chooses_between_values_is_cut_as_functions_are():
    assert [r.target.name for r in nested_maxima(5).derive().forward] == ["max_h", "max_h_2", "h"]
    assert len(nested_cases(5).derive().forward) == 3
    assert [r.target.name for r in nested_products(9).derive().forward] == ["product_h", "product_h_2", "h"]


def test_gradients_through_functions_inside_one_another():
    check(nested_with_parameters(9), cases=2).raise_if_failed()


def test_gradients_through_choices_and_products_inside_one_another():
    e, a = h.prev, Param("a")
    for _ in range(2):
        e = Max(Piecewise((x + a * e * h.prev, e > 0), (sqrt(2 + tanh(e)), True)), -1)
    assert len(Cell("toy", [Eq(h, e)]).derive().forward) > 1
    check(Cell("toy", [Eq(h, e)]), cases=1).raise_if_failed()


def test_a_condition_is_cut_inside():
    e = h.prev + x
    for _ in range(6):
        e = tanh(e)
    rows = Cell("toy", [Eq(h, Piecewise((x, e > 0), (-x, True)))]).derive().forward
    assert str(rows[-1].rhs) == "Piecewise((x, tanh(tanh(tanh_h)) > 0), (-x, True))"


@pytest.mark.parametrize("function", [tanh, sinh, cosh])
def test_sympy_builds_hyperbolic_functions_inside_one_another(function):
    e = Symbol("q")
    for _ in range(20):
        e = function(e + Symbol("z"))
    assert e.count(function) == 20 and function(2).is_real and function(sympy.I * 2).is_real is not None
    assert e.is_real is None and function(Symbol("r", real=True)).is_real


def test_a_product_over_several_steps_of_functions_inside_one_another():
    product = nested_functions(20).carousel(h).product(3)
    assert str(product).count("U_h") == 3 and "[t - 2]" in str(product)


def test_a_deep_name_is_no_other_cells():
    """A user's own tanh_h beside the row that is named so."""
    e = x + h.prev
    for _ in range(6):
        e = tanh(e)
    own = Symbol("tanh_h")
    rows = Cell("toy", [Eq(own, affine(x)), Eq(h, e + own)]).derive().forward
    assert [r.target.name for r in rows] == ["tanh_h", "tanh_h_2", "h"]
