"""Whether two cells compute the same, and what distinguishes them."""

import random
import re
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.random_calls import random_call
from support.random_cells import declarations
from support.renamed_cells import renamed
from sympy import Abs, Eq, Float, Max, Piecewise, Rational, cos, exp, symbols, tanh

from symcell import (
    Cell,
    CellError,
    Constant,
    Input,
    Param,
    State,
    cells,
    concat,
    difference,
    dot,
    equivalent,
    mean,
    relu,
    sigmoid,
    size,
    total,
)
from symcell.derivation.counterparts import counterparts
from symcell.derivation.memory import memories, purposes
from symcell.differences import Difference, Row
from symcell.equivalence import correspondence
from symcell.interpret import run
from symcell.language.normal_form import Atoms, NormalForm
from symcell.language.primitives import Primitive
from symcell.language.symbols import Quantity

x, y, h, c = Input("x"), Input("y", "n_h"), State("h"), State("c")
i, f, g, o, u, v, z = symbols("i f g o u v z")
A, B, b, d = Param("A"), Param("B"), Param("b"), Param("d")
s = Param("s", ())


def cell(*equations, outputs=None):
    return Cell("toy", equations, outputs=outputs)


@pytest.mark.parametrize("name", cells.names())
def test_names_and_order_do_not_matter(name):
    """And every symbol finds the one that it has become, or one that does the same."""
    other, names = renamed(cells.get(name), name)
    assert equivalent(cells.get(name), other) and equivalent(other, cells.get(name))
    found = correspondence(cells.get(name), other)
    assert found.keys() == names.keys() - {*cells.get(name).intermediates}
    assert all(getattr(q, "role", "") == getattr(r, "role", "") for q, r in found.items())


@pytest.mark.parametrize("name", ["lstm", "gru", "peephole_lstm", "lmu", "cornn", "sru", "gla", "slstm", "delta_gru"])
def test_every_equation_matters(name):
    """A cell is not the one in which a quantity is twice as large."""
    original = cells.get(name)
    for e in original.equations:
        assert not equivalent(original, original.variant("other", {e.target: 2 * e.rhs})), e


def test_cells_of_the_catalogue_that_are_equal_say_so():
    equal = [(a, b) for a, b in combinations(cells.names(), 2) if equivalent(cells.get(a), cells.get(b))]
    assert ("lstm", "no_peepholes_lstm") in equal
    for a, b in equal:
        assert re.search(rf"\b{a}\b", cells.get(b).reference) or re.search(rf"\b{b}\b", cells.get(a).reference), (a, b)


@pytest.mark.parametrize("e", [tanh(b - d) * y, tanh(b - d) + b * tanh(d - y), Abs(b - d) * y, b * cos(b - d) + y, 1 / (1 + exp(b - d)) + y], ids=str)
def test_the_sign_that_sympy_gives_an_argument_does_not_matter(e):
    """SymPy writes tanh(b - d) or -tanh(d - b), whichever name comes first."""
    original = cell(Eq(u, tanh(b * y)), Eq(v, sigmoid(d * y)), Eq(h, e * tanh(u - v)))
    assert all(equivalent(original, renamed(original, seed)[0]) for seed in range(6))
    assert not equivalent(original, original.variant("other", {h: -e * tanh(u - v)}))
    assert not equivalent(original, original.variant("other", {h: e * tanh(v - u)}))


GATE = Eq(z, sigmoid(A @ x + B @ h.prev))
SAME = {
    "an intermediate and what it stands for": ([GATE, Eq(h, z * tanh(z))], [Eq(h, sigmoid(A @ x + B @ h.prev) * tanh(sigmoid(A @ x + B @ h.prev)))]),
    "a convex sum and a step towards x": ([GATE, Eq(h, (1 - z) * h.prev + z * y)], [GATE, Eq(h, h.prev + z * (y - h.prev))]),
    "1 - (1 - z) and z": ([GATE, Eq(u, 1 - z), Eq(h, (1 - u) * y)], [GATE, Eq(h, z * y)]),
    "a square": ([GATE, Eq(h, (z + y) ** 2)], [GATE, Eq(h, z**2 + 2 * z * y + y**2)]),
    "a quotient of a quotient": ([GATE, Eq(u, 1 / (1 + exp(z))), Eq(h, u**2)], [GATE, Eq(h, (1 + exp(z)) ** -2)]),
    "half as 0.5 and as 1/2": ([Eq(h, Float(0.5) * h.prev + y)], [Eq(h, Rational(1, 2) * h.prev + y)]),
    "an inner product and a sum": ([Eq(h, dot(b, y) * h.prev)], [Eq(u, y * b), Eq(h, total(u) * h.prev)]),
    "a mean and a sum": ([Eq(h, mean(y) + h.prev)], [Eq(h, h.prev + total(y) / size("n_h"))]),
    "an odd function": ([Eq(u, -y), Eq(h, tanh(u) + h.prev)], [Eq(h, h.prev - tanh(y))]),
    "the order of a maximum": ([Eq(u, y), Eq(h, Max(h.prev, u, 0))], [Eq(h, Max(0, y, h.prev))]),
    "a state and what it was made of": ([Eq(c, c.prev + y), Eq(h, tanh(c))], [Eq(c, c.prev + y), Eq(h, tanh(c.prev + y))]),
    "two parameters that have changed places": ([Eq(h, b * h.prev + d * y)], [Eq(h, d * h.prev + b * y)]),
    "symmetric parameters": ([Eq(h, tanh(b * y) * tanh(d * y) + h.prev)], [Eq(h, h.prev + tanh(d * y) * tanh(b * y))]),
    "two rings of symmetric states": (
        [Eq(h, tanh(c.prev)), Eq(c, tanh(h.prev)), Eq(State("p"), State("q").prev + y), Eq(State("q"), State("p").prev + y)],
        [Eq(c, h.prev + y), Eq(h, c.prev + y), Eq(State("p"), tanh(State("q").prev)), Eq(State("q"), tanh(State("p").prev))],
    ),
    "names of sizes": ([Eq(State("h", "n_p"), A @ Input("v", "n_q"))], [Eq(State("h", "n_q"), A @ Input("v", "n_p"))]),
}  # fmt: skip


@pytest.mark.parametrize("name", SAME)
def test_the_same(name):
    a, b = (Cell("toy", equations) for equations in SAME[name])
    if "rings" in name:
        a, b = (Cell("toy", equations, outputs=[q]) for equations, q in zip(SAME[name], (State("p"), h), strict=True))
    assert equivalent(a, b) and equivalent(b, a)


OTHER = {
    "a parameter that two gates share": ([Eq(z, tanh(b * y)), Eq(h, z * sigmoid(b * h.prev))], [Eq(z, tanh(b * y)), Eq(h, z * sigmoid(d * h.prev))]),
    "one matrix for two": ([Eq(h, tanh(A @ x + B @ h.prev))], [Eq(h, tanh(A @ concat(x, h.prev)))]),
    "a gate and one minus it": ([GATE, Eq(h, z * h.prev + (1 - z) * y)], [GATE, Eq(h, (1 - z) * h.prev + z * y)]),
    "a transposed matrix": ([Eq(h, tanh(B @ h.prev) + y)], [Eq(h, tanh(B.T @ h.prev) + y)]),
    "the value before and the value now": ([Eq(c, c.prev + y), Eq(h, tanh(c.prev))], [Eq(c, c.prev + y), Eq(h, tanh(c))]),
    "a parameter and a constant": ([Eq(h, b * h.prev + y)], [Eq(h, Constant("b") * h.prev + y)]),
    "a vector and a scalar": ([Eq(h, b * h.prev + y)], [Eq(h, s * h.prev + y)]),
    "an initial value": ([Eq(h, h.prev + y)], [Eq(State("h", initial=1), State("h", initial=1).prev + y)]),
    "an initial parameter": ([Eq(h, h.prev + b * y)], [Eq(State("h", initial=b), State("h", initial=b).prev + b * y)]),
    "a size that is shared": ([Eq(h, A @ h.prev + B @ x)], [Eq(h, A @ h.prev + B @ y)]),
    "a size and a number": ([Eq(State("h", "n"), A @ x)], [Eq(State("h", 3), A @ x)]),
    "a gradient at a kink": ([Eq(h, relu(y) + h.prev)], [Eq(h, Max(y, 0) + h.prev)]),
    "how many ones are added": (
        [Eq(u, 1 + y), Eq(v, u - y), Eq(h, (total(v) + total(x)) * y)],
        [Eq(u, 1 + x), Eq(v, u - x), Eq(h, (total(v) + total(x)) * y)],
    ),
    "the order of cases": ([Eq(h, Piecewise((y, y > 0), (h.prev, True)))], [Eq(h, Piecewise((h.prev, y > 0), (y, True)))]),
    "the order of a difference": ([Eq(h, tanh(b - y) + h.prev)], [Eq(h, tanh(y - b) + h.prev)]),
    "which of two parameters reads the state": ([Eq(h, b * tanh(d * y) + h.prev)], [Eq(h, b * tanh(b * y) + h.prev)]),
    "an input that is not read": ([Eq(h, y + h.prev)], [Eq(h, y + h.prev), Eq(c, x)]),
}  # fmt: skip


@pytest.mark.parametrize("name", OTHER)
def test_not_the_same(name):
    a, b = (Cell("toy", equations) for equations in OTHER[name])
    assert not equivalent(a, b) and not equivalent(b, a)


def test_outputs_belong_to_it():
    equations = [Eq(c, tanh(c.prev + y)), Eq(h, c * y)]
    assert not equivalent(cell(*equations, outputs=[h]), cell(*equations, outputs=[c]))
    assert equivalent(cell(*equations, outputs=[h, c]), cell(*equations, outputs=[c, h]))


@pytest.mark.parametrize("name", [*SAME, *OTHER])
def test_what_the_colours_say_is_verified(name, monkeypatch):
    """All colours of a kind equal: every assignment of symbols is tried, and only the right one accepted."""
    monkeypatch.setattr("symcell.equivalence._Look._seen_from", lambda self, q, colours: colours[q])
    a, b = (Cell("toy", equations) for equations in (SAME | OTHER)[name])
    assert equivalent(a, b) == (name in SAME and "rings" not in name)


def test_long_sums_are_not_multiplied_out():
    """And the normal form is quick, and still knows the cell under other names."""
    values = symbols("v1:30")
    chain = [Eq(values[0], h.prev + y), *(Eq(new, (old + b) * (old - y)) for old, new in pairwise(values)), Eq(h, tanh(values[-1]))]
    long = Cell("long", chain)
    form = NormalForm(long.declaration, Atoms())
    assert all(len(e.args) < 300 for e in form.known.values())
    assert equivalent(long, renamed(long, 1)[0])
    assert not equivalent(long, long.variant("other", {values[0]: h.prev - y}))


@settings(max_examples=25, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(declarations(), st.integers(0, 2**16))
def test_what_is_called_equal_has_equal_values(declaration, seed):
    """Random cells under other names, half of them with a symbol replaced by another of its shape; the oracle interprets both."""
    original, chosen = declaration.cell(), random.Random(seed)
    other, _ = renamed(original, seed)
    changed = chosen.random() < 0.5
    if changed:
        other = _with_another_symbol(other, chosen)
    found = correspondence(original, other)
    assert found or changed
    if found:
        assert_equal_values(original, other, found, declaration)


def _with_another_symbol(cell, chosen):
    e = chosen.choice(cell.equations)
    read = sorted((q for q in e.rhs.free_symbols if isinstance(q, Quantity)), key=str)
    if not read:
        return cell
    q = chosen.choice(read)
    alike = [r for r in (*cell.inputs, *cell.params, *cell.constants, *(s.prev for s in cell.states)) if cell.shape(r) == cell.shape(q) and r != q]
    if not alike:
        return cell
    try:
        return cell.variant("other", {e.target: e.rhs.xreplace({q: chosen.choice(alike)})})
    except CellError:  # such as a transposed pair of sizes
        return cell


def assert_equal_values(a, b, names, declaration):
    call = random_call(a, declaration.seed, declaration.left_out)
    arrays = {q.name: r.name for q, r in names.items()}
    groups = [{arrays[name]: value for name, value in group.items()} for group in (call.params, call.inputs, call.initial)]
    first, second = run(a.declaration, call.params, call.inputs, call.initial), run(b.declaration, *groups)
    for name, value in first.items():
        np.testing.assert_allclose(second[arrays[name]], value, rtol=1e-8, atol=1e-10)


# What distinguishes cells.


def rows(a, b):
    return {(row.role, row.subject): (row.a, row.b) for row in difference(a, b).rows}


def test_an_lstm_and_a_gru():
    found = rows(cells.lstm, cells.gru_cho)
    assert found["memory", "what c | h keeps"] == ("f", "z")
    assert found["memory", "what c | h writes"] == ("i * g", "(1 - z) * g")
    assert found["gate", "f | z (keeps)"] == ("f = sigmoid(W_f @ x + U_f @ h_prev + b_f)", "z = sigmoid(W_z @ x + U_z @ h_prev + b_z)")
    assert found["gate", "o (shows)"] == ("o = sigmoid(W_o @ x + U_o @ h_prev + b_o)", "")
    assert found["gate", "r (resets)"] == ("", "r = sigmoid(W_r @ x + U_r @ h_prev + b_r)")
    assert found["candidate", "g"] == ("g = tanh(W_g @ x + U_g @ h_prev + b_g)", "g = tanh(W_g @ x + U_g @ (r * h_prev) + b_g)")
    assert found["state", "c | h"] == ("c = f * c_prev + i * g", "h = z * h_prev + (1 - z) * g")
    assert found["state", "h"] == ("h = o * tanh(c)", "")
    assert found["products", "depth of a step"] == ("1", "2")
    assert found["parameters", "numbers"] == ("4*n_h**2 + 4*n_h*n_x + 4*n_h", "3*n_h**2 + 3*n_h*n_x + 3*n_h")
    assert found["error", "d c[t] / d c[t-1]"] == ("f (gate)", "")
    assert ("input", "x") not in found and ("state", "shape of h") not in found


PURPOSES = {
    "lstm": {"i": ("writes",), "f": ("keeps",), "o": ("shows",)},
    "gru": {"r": ("resets",), "i": ("writes",)},
    "gru_cho": {"r": ("resets",), "z": ("keeps",)},
    "mgu": {"f": ("writes", "resets")},
    "gla": {"a": ("keeps",)},
    "rnn": {},
    "brc": {"c": ()},
}


@pytest.mark.parametrize("name", PURPOSES)
def test_what_gates_do(name):
    assert {q.name: what for q, what in purposes(cells.get(name).derive()).items()} == PURPOSES[name]


@pytest.mark.parametrize("name", cells.names())
def test_a_memory_is_its_equation(name):
    """keep * s_prev + write is the right side of the state's equation, at random values of all that stands in it."""
    derivation, chosen = cells.get(name).derive(), random.Random(name)
    equations = {e.target: e.rhs for e in derivation.declaration.equations}
    for m in memories(derivation):
        difference_of_both = (equations[m.state] - m.keep * m.state.prev - m.write).doit()
        primitives = {p: symbols(f"p{k}") for k, p in enumerate(difference_of_both.atoms(Primitive))}
        of_symbols = difference_of_both.subs(primitives)
        assert abs(of_symbols.subs({q: chosen.uniform(0.2, 0.9) for q in of_symbols.free_symbols}).evalf()) < 1e-12


COUNTERPARTS = {
    ("lstm", "gru"): {("i", "i"), ("f", None), ("o", None), (None, "r"), ("g", "g"), ("c", "c"), ("h", None)},
    ("gru", "gru_cho"): {("r", "r"), ("i", "z"), ("g", "g"), ("c", "h")},
    ("gru_cho", "ugrnn"): {("z", "g"), ("r", None), ("g", "c"), ("h", "h")},
    ("lstm", "sru"): {("i", None), ("f", "f"), ("o", "r"), ("g", "u"), ("c", "c"), ("h", "h")},
    ("rwkv4", "mlstm"): {("A", "C"), ("B", "n"), ("p", "m"), ("y", "h"), ("r", "o")},
}


@pytest.mark.parametrize("pair", COUNTERPARTS, ids=str)
def test_quantities_are_paired_by_what_they_do(pair):
    for these, expected in ((pair, COUNTERPARTS[pair]), (pair[::-1], {(q, p) for p, q in COUNTERPARTS[pair]})):
        found = {tuple(q and q.name for q in both) for both in counterparts(*(cells.get(name).derive() for name in these))}
        assert found >= expected


@pytest.mark.parametrize("name", ["lstm", "gru", "slstm", "nested_lstm", "mogrifier_lstm"])
def test_a_cell_is_its_own_counterpart(name):
    d = cells.get(name).derive()
    assert all(p == q for p, q in counterparts(d, d))


def test_a_gate_that_has_become_a_state():
    found = rows(cells.peephole_lstm, cells.full_gate_recurrence_lstm)
    assert found["gate", "i (writes)"][0].startswith("i = sigmoid(W_i") and found["state", "i"][1].startswith("i = sigmoid(R_if")
    assert found["state", "shape of i"] == ("", "(n_h,)")


def test_states_and_inputs():
    a = cell(Eq(h, h.prev + y), Eq(c, h))
    b = cell(Eq(State("h", initial=1), State("h", initial=1).prev + A @ Input("y")), Eq(c, State("h", initial=1)), outputs=[c])
    found = rows(a, b)
    assert found["input", "y"] == ("(n_h,)", "(n_x,)")
    assert found["state", "shape of h"] == ("(n_h,), an output", "(n_h,), at first 1")
    assert found["state", "shape of c"] == ("(n_h,)", "(n_h,), an output")


def test_a_cell_and_itself():
    found = difference(cells.lstm, cells.lstm)
    assert found == Difference("lstm", "lstm", True, ()) and str(found) == "lstm and lstm compute the same"


def test_a_cell_under_other_names():
    found = difference(cells.lstm, renamed(cells.lstm, 5)[0])
    assert found.equivalent and found.summary == "lstm and renamed compute the same, and are written differently"


def test_a_difference_shows_itself():
    found = difference(cells.lstm, cells.peephole_lstm)
    assert str(found).splitlines()[:5] == [
        "lstm and peephole_lstm differ",
        "  gate",
        "    i (writes)",
        "      lstm:          i = sigmoid(W_i @ x + U_i @ h_prev + b_i)",
        "      peephole_lstm: i = sigmoid(W_i @ x + U_i @ h_prev + p_i * c_prev + b_i)",
    ]
    page = found._repr_html_()
    assert page.count("<tr>") == 1 + len(found.rows) and page.count("<th>gate</th>") == 1
    assert str(found.rows[0]).startswith("i (writes): i = sigmoid(")
    assert "<b>" not in Difference("a", "b", False, (Row("gate", "<b>", "", ""),))._repr_html_()


def test_what_is_no_cell_is_refused():
    for compared in (equivalent, difference):
        with pytest.raises(CellError, match=r"two cells are compared, such as symcell\.cells\.lstm; found 'gru'"):
            compared(cells.lstm, "gru")
