"""Cells made from others: which equations a variant has, in which order, and what is refused."""

import pytest
from sympy import Eq, Max, Piecewise, Symbol, nan, oo, symbols, tanh
from sympy.core.cache import clear_cache

from symcell import (
    Cell,
    CellError,
    Constant,
    Input,
    Param,
    State,
    affine,
    cells,
    concat,
    equivalent,
    matmul,
    outer,
    sigmoid,
    total,
)
from symcell.cells import lstm, peephole_lstm
from symcell.notation.plain import equation_lines

x, h, c = Input("x"), State("h"), State("c")
i, f, g, o, m = symbols("i f g o m")


def text(cell):
    return list(equation_lines(cell.derive()).values())


def targets(cell):
    return " ".join(e.target.name for e in cell.equations)


def names(quantities):
    return [q.name for q in quantities]


def test_a_coupled_gate():
    coupled = lstm.variant("coupled", {f: 1 - i})
    assert text(coupled) == [line if not line.startswith("f") else "f = 1 - i" for line in text(lstm)]
    assert names(coupled.params) == [q for q in names(lstm.params) if not q.endswith("_f")]
    assert coupled.name == "coupled" and coupled.outputs == lstm.outputs
    assert text(lstm)[1].startswith("f = sigmoid(")  # which is as it was


def test_symbols_and_names_are_one():
    expected = lstm.variant("v", {f: 1 - i, g: tanh(h.prev) * x}).equations
    for keys in (("f", "g"), (f, "g"), (Symbol("f", real=True), Symbol("g", positive=True))):
        assert lstm.variant("v", dict(zip(keys, (1 - Symbol("i", real=True), tanh(symbols("h_prev")) * symbols("x")), strict=True))).equations == expected


def test_a_cell_whose_symbols_have_assumptions():
    a = Symbol("a", real=True)
    original = Cell("toy", [Eq(a, tanh(affine(x, h.prev))), Eq(h, a * h.prev)])
    assert original.variant("v", {"h": 2 * symbols("a")}).equations[1].rhs == 2 * a


# The order.


def test_an_equation_that_is_read_earlier_moves_before_its_reader():
    assert targets(lstm.variant("v", {i: 1 - f})) == "f i g o c h"
    assert targets(lstm.variant("v", {f: o, g: tanh(f)})) == "i o f g c h"
    assert targets(lstm.variant("v", {h: g * tanh(c.prev), f: sigmoid(h)})) == "i g h f c"  # nothing reads o


def test_what_is_added_stands_where_it_is_read():
    added = [Eq(m, tanh(affine(x, o))), Eq(symbols("k"), m * m)]
    assert targets(lstm.variant("v", {g: symbols("k")}, add=added)) == "i f o m k g c h"


def test_an_order_that_needs_no_change_stays():
    for name in cells.names():
        original = cells.get(name)
        copy = original.variant("copy")
        assert copy.equations == original.equations and copy.shapes == original.shapes and copy.sizes == original.sizes
        assert list(copy.shapes) == list(original.shapes) and copy.outputs == original.outputs


# Parameters.


def test_affine_names_parameters_after_the_equation():
    other = lstm.variant("v", {i: sigmoid(affine(x)), g: tanh(affine(x, c.prev) + affine(o, name="q"))})
    assert {q for q in names(other.params) if q[-1] in "igq"} == {"W_i", "b_i", "W_g", "U_g", "b_g", "U_q", "b_q"}


def test_what_stays_is_shared_as_before():
    W = Param("W")
    original = Cell("toy", [Eq(i, sigmoid(W @ x)), Eq(g, tanh(W @ x + Param("b"))), Eq(h, h.prev * i + g)])
    assert names(original.variant("v", {i: sigmoid(W @ x + h.prev)}).params) == ["W", "b"]
    with pytest.raises(CellError, match=r"cell v, equation 3 .*the parameter W_i was made by affine in the equation for i, and W_i stands here too"):
        lstm.variant("v", {i: affine(x), g: Param("W_i") @ x})


def test_shapes_of_parameters_stay():
    original = Cell("toy", [Eq(m, matmul(Param("M") - Param("M").T, h.prev)), Eq(g, total(Param("M") * outer(h.prev, h.prev), 1)), Eq(h, m + g + x)])
    assert len(original.shape("M")) == 2
    with pytest.raises(CellError, match=r"cell v: the parameter M has shape .* in toy, and the others make it"):
        original.variant("v", {m: h.prev, g: Param("M") * h.prev})


# What is left.


def test_what_nothing_reads_any_more_goes():
    only_c = lstm.variant("v", {h: tanh(c)})
    assert targets(only_c) == "i f g c h" and "W_o" not in names(only_c.params)
    memoryless = lstm.variant("v", {h: tanh(affine(x, h.prev))})
    assert targets(memoryless) == "h" and memoryless.states == (h,)


def test_a_state_that_is_shown_or_read_by_another_stays():
    assert targets(lstm.variant("v", {h: tanh(affine(x, h.prev))}, outputs=[h, c])) == "i f g c h"
    assert targets(lstm.variant("v", outputs=c)) == "i f g o c h"
    assert targets(lstm.variant("v", {i: sigmoid(affine(x)), f: 1, g: tanh(affine(x))}, outputs="c")) == "i g c"


def test_what_was_never_read_stays():
    watched = Cell("watched", [Eq(m, affine(x)), Eq(c, c.prev + x), Eq(h, tanh(affine(x, h.prev)))])
    assert targets(watched.variant("v", {h: tanh(affine(h.prev)) + x})) == "m c h"
    assert targets(watched.variant("v", drop=["m", c])) == "h"


def test_a_state_that_is_added_stays():
    s = State("s", "n_s")
    assert targets(lstm.variant("v", add=[Eq(s, tanh(affine(h, s.prev)))])) == "i f g o c h s"


def test_numbers_are_written_into_their_readers():
    assert text(lstm.variant("v", {i: 1, "o": 1}))[-2:] == ["c = f * c_prev + g", "h = tanh(c)"]
    assert targets(lstm.variant("v", {i: 0})) == "f o c h"  # nothing reads g
    assert text(lstm.variant("v", {c: 0}))[-2:] == ["c = 0", "h = o * tanh(c)"]  # a state, which begins somewhere
    assert lstm.variant("v", {f: 0.5}).jacobian("c", "c_prev") == 0.5


def test_an_intermediate_becomes_a_state():
    F = State("f")
    leaky = lstm.variant("leaky", {F: sigmoid(affine(x, F.prev))})
    assert names(leaky.states) == ["f", "c", "h"] and targets(leaky) == targets(lstm)
    assert leaky.equations[4].rhs == F * c.prev + i * g and names(leaky.params)[3:6] == ["W_f", "U_f", "b_f"]


def test_a_state_takes_another_initial_value_everywhere():
    start = State("c", initial=Param("c_0"))
    learned = lstm.variant("learned", {start: f * c.prev + i * g}, outputs=["c", h])
    assert learned.outputs == (start, h) and learned.states == (start, h) and "c_0" in names(learned.params)
    assert learned.equations[4].rhs == f * start.prev + i * g and learned.equations[5].rhs == o * tanh(start)


def test_a_state_takes_another_shape_everywhere():
    projected = lstm.variant("projected", {State("h", "n_p"): Param("P") @ (o * tanh(c))})
    assert [str(n) for n in projected.shape("U_i")] == ["n_h", "n_p"] and equivalent(projected, cells.lstmp)


def test_a_variant_of_a_variant():
    once = lstm.variant("once", {f: 1 - i}, reference="somebody")
    twice = once.variant("twice", {o: 1})
    assert equivalent(twice, lstm.variant("both", {o: 1, f: 1 - i}))
    assert twice.reference == "variant of once: o = 1 (somebody (variant of lstm: f = 1 - i))"


def test_the_reference_says_what_it_was_made_from():
    made = lstm.variant("v", {g: tanh(affine(x, h.prev)) * m, o: 1}, add=[Eq(m, sigmoid(Param("W") @ x))])
    assert made.reference == f"variant of lstm: g = tanh(affine(x, h.prev))*m, o = 1, m = sigmoid(W @ x) added ({lstm.reference})".replace(
        "tanh(affine(x, h.prev))*m", "m*tanh(affine(x, h.prev))")
    assert lstm.variant("v", {h: tanh(c)}, drop=[o], reference="X, 2026").reference == "X, 2026 (variant of lstm: h = tanh(c), o dropped)"
    long = sum(Param(f"long_name_{k}") * x for k in range(9))
    assert "variant of lstm: another i (" in lstm.variant("v", {i: affine(h.prev) + Param("R") @ long}).reference


def test_ablations_are_the_papers():
    expected = {
        "no_input_gate_lstm": "f g c o h", "no_forget_gate_lstm": "i g c o h", "no_output_gate_lstm": "i f g c h",
        "no_input_activation_lstm": "i f g c o h", "no_output_activation_lstm": "i f g c o h", "cifg_lstm": "i f g c o h",
        "no_peepholes_lstm": "i f g c o h", "full_gate_recurrence_lstm": "i f g c o h",
    }  # fmt: skip
    assert {name: targets(cells.get(name)) for name in expected} == expected
    assert all("Greff" in cells.get(name).reference and "variant of peephole_lstm" in cells.get(name).reference for name in expected)
    assert len(cells.full_gate_recurrence_lstm.states) == 5


# What is refused.

REFUSED = {
    "a name that is nearly one": ({"ff": 1}, {}, "lstm has no equation for 'ff'; did you mean f?"),
    "a name that is none": ({"zeta": 1}, {}, "no equation for 'zeta'; there are i, f, g, o, c, h; add=[Eq(zeta, ...)] adds one"),
    "a symbol that is none": ({Symbol("zeta"): 1}, {}, "no equation for zeta"),
    "an input": ({x: 1}, {}, "x is the input x, which no equation defines"),
    "a parameter to drop": ({}, {"drop": ["W_i"]}, "W_i is the parameter W_i, which no equation defines"),
    "a previous state": ({h.prev: 1}, {}, "no equation for h_prev; the equation defines h; write h"),
    "a number as a key": ({5: 1}, {}, "no equation for 5; a quantity is given by its symbol or name: i, f, g, o, c, h"),
    "one quantity twice": ({f: 1, "f": 2}, {}, "replace has f twice, by its symbol and by its name"),
    "a list": ([Eq(f, 1)], {}, "replace is a dict like {f: 1 - i}, found list"),
    "a text": ({f: "1 - i"}, {}, "f is replaced by an expression or a number, found '1 - i'"),
    "a condition": ({f: x > 0}, {}, "equation 2 (f = ...): the right side must be an expression, found x > 0"),
    "an unknown symbol": ({f: 2 * m}, {}, "m is never defined; it needs an equation of its own"),
    "what is not a number": ({f: nan}, {}, "NaN"),
    "infinity": ({c: oo}, {}, "infinite"),
    "a cycle of two": ({i: 1 - f, f: 1 - i}, {}, "a cycle within the step: i needs f and f needs i"),
    "a cycle of three": ({i: affine(h)}, {}, "a cycle within the step: i needs h and h needs c and c needs i; did you mean h.prev?"),
    "a cycle of one": ({h: o * h}, {}, "a cycle within the step: h needs h; did you mean h.prev?"),
    "dropped and read": ({}, {"drop": [o]}, "o is dropped, and the equation of h reads it; replace h too"),
    "a state that is dropped and read": ({}, {"drop": "c"}, "c is dropped, and the equation of "),
    "an output that is dropped": ({}, {"drop": [h]}, "h is dropped, and is an output of lstm; choose others by outputs="),
    "replaced and dropped": ({o: 1}, {"drop": ["o"]}, "o is replaced and dropped; do one of the two"),
    "dropped by a number": ({}, {"drop": 5}, "drop is a list of symbols or names, like [o], found 5"),
    "an addition that replaces": ({}, {"add": [Eq(f, x)]}, "add defines f, and so does lstm; write replace={f: ...}"),
    "an addition twice": ({}, {"add": [Eq(m, x), Eq(m, 1)]}, "add defines m twice"),
    "an addition that nothing reads": ({}, {"add": [Eq(m, x)]}, "nothing reads m = x; leave it out, or replace what is to read it"),
    "a replacement that nothing reads": ({g: x, c: c.prev + x}, {}, "nothing reads g = x"),
    "a number that nothing reads": ({g: 2, c: c.prev + x}, {}, "nothing reads g = 2"),
    "an addition that is no equation": ({}, {"add": [m]}, "cell v, add, equation 1: expected Eq(symbol, expression)"),
    "one equation, not in a list": ({}, {"add": Eq(m, x)}, "cell v, add: expected a list of SymPy equations"),
    "an addition that SymPy has folded": ({}, {"add": [Eq(m, m)]}, "cell v, add, equation 1: SymPy has folded this Eq to True"),
    "an output that is no state": ({}, {"outputs": [f]}, "outputs are among its states c, h, found f"),
    "an output that is nothing": ({}, {"outputs": "zeta"}, "outputs are among its states c, h, found 'zeta'"),
    "no outputs": ({}, {"outputs": []}, "outputs is empty; at least one of the states c, h is shown outside"),
    "two affine without names": ({f: affine(x) + affine(h.prev)}, {}, "equation 2 (f = ...): 2 unnamed affine(...)"),
    "sizes": ({f: Param("k", "n_p")}, {}, "sizes do not agree"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    replace, others, why = REFUSED[name]
    with pytest.raises(CellError) as found:
        lstm.variant("v", replace, **others)
    assert str(found.value).startswith("cell v") and why in str(found.value)


def test_a_name_that_is_missing():
    with pytest.raises(CellError, match="a cell's name must be a Python identifier"):
        lstm.variant({f: 1})


def test_a_number_under_a_product():
    original = Cell("toy", [Eq(m, tanh(affine(x, h.prev))), Eq(h, tanh(Param("A") @ m))])
    with pytest.raises(CellError, match=r"cell v, the equation of h with m = 1: @ joins two vectors or matrices, .*; replace h too"):
        original.variant("v", {m: 1})


def test_what_sympy_folds_or_sorts_is_taken_as_it_is():
    """Equations whose sides are equal numbers, conditions and maxima pass through unharmed, in a fresh cache too."""
    clear_cache()
    k = Constant("k", ())
    original = Cell("toy", [Eq(m, Piecewise((x, x > k), (0, True))), Eq(g, Max(m, h.prev, 0)), Eq(h, g + concat(x, h.prev).args[0])])
    changed = original.variant("v", {m: Piecewise((1, x > k), (0, True))})
    assert changed.equations[1:] == original.equations[1:]
    assert text(peephole_lstm.variant("v", {c: c.prev}))[0] == "c = c_prev"
