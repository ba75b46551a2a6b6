"""The parts of emission, each by itself: expressions, broken lines, names, the seal, loops and buffers. Small input, exact output."""

from types import SimpleNamespace

import pytest
from sympy import (
    Abs,
    Eq,
    Heaviside,
    Integer,
    Max,
    Min,
    Mod,
    Mul,
    Piecewise,
    Rational,
    exp,
    floor,
    nan,
    oo,
    pi,
    sqrt,
    symbols,
    tanh,
)

from symcell import Cell, Input, Param, State, affine, relu, sigmoid, softmax
from symcell.compiler import program_of
from symcell.language.primitives import Entry, Masked
from symcell.targets import layout
from symcell.targets.identifiers import identifier_of
from symcell.targets.indices import index_text
from symcell.targets.numba.indexed import AXES, Indexed
from symcell.targets.numba.loops import nests
from symcell.targets.numba.schedule import schedule
from symcell.targets.numba.vocabulary import NUMBA
from symcell.targets.printer import ATOM, ElementwisePrinter
from symcell.targets.seal import hash_of, is_sealed

a, b, c = symbols("a b c")
n, k, m = symbols("n k m", integer=True, positive=True)

# Expressions. Names stand for themselves, numbers in angle brackets.

ALPHABETICAL = SimpleNamespace(terms=lambda e: sorted(e.args, key=str), factors=lambda e: sorted(Mul.make_args(e), key=str))
printed = ElementwisePrinter(
    NUMBA, ALPHABETICAL, lambda e: (str(e), ATOM), lambda number: f"<{NUMBA.number(number)}>", "real({})".format
)

EXPRESSIONS = {
    "a - 2*b": (a - 2 * b, "-<2> * b + a"),
    "a*(-b - c)": (a * (-b - c), "(-b - c) * a"),
    "-a*b": (-a * b, "-a * b"),
    "a*b/(2*c)": (a * b / (2 * c), "<0.5> * a * b / c"),
    "1/a": (1 / a, "<1> / a"),
    "a divisor that might overflow": (a / (b + c) ** 2, "a / (b + c) / (b + c)"),
    "a power that is multiplied out": (a ** Rational(5, 2), "a * a * np.sqrt(a)"),
    "its reciprocal": (a ** Rational(-3, 2), "<1> / a / np.sqrt(a)"),
    "a root": (1 / sqrt(a + b), "<1> / np.sqrt(a + b)"),
    "a high power": ((a + b) ** 5, "(a + b) ** <5>"),
    "a power of two values": (a**b, "a ** b"),
    "a function of the runtime": (tanh(a + b), "tanh(a + b)"),
    "a function of NumPy": (Abs(a), "np.abs(a)"),
    "functions with two arguments": (Heaviside(a, Rational(1, 2)) + Mod(a, b), "heaviside(a, <0.5>) + remainder(a, b)"),
    "a function that is written out": (relu(a), "maximum(<0>, a)"),
    "Max of three": (Max(a, b, c), "maximum(maximum(a, b), c)"),
    "Min": (Min(a, 0), "minimum(<0>, a)"),
    "cases": (Piecewise((a, (b > 0) & (c <= 1)), (b, True)), "(a if (b > <0> and c <= <1>) else b)"),
    "a case that is left open": (Piecewise((a, b > 0)), "(a if b > <0> else <np.nan>)"),
    "an entry that is masked": (Masked(a, b), "(b if a != <0> else <0>)"),
    "a size": (a / n, "a / real(n)"),
    "an irrational number": (pi * a, "a * <3.141592653589793>"),
}  # fmt: skip


@pytest.mark.parametrize("e, text", EXPRESSIONS.values(), ids=EXPRESSIONS)
def test_an_expression(e, text):
    assert printed(e) == text


INDICES = [
    (n + 1, "n + 1"), (k - n, "k - n"), (2 * n + 1, "2 * n + 1"), ((n + 1) * k, "k * (n + 1)"), (n**2, "n * n"), (n / 2, "n // 2"),
    (floor((n + 1) / k) + m, "(n + 1) // k + m"), (Mod(n, k), "n % k"),
]  # fmt: skip


@pytest.mark.parametrize("e, text", INDICES, ids=[text for _, text in INDICES])
def test_an_index(e, text):
    assert index_text(e) == text


@pytest.mark.parametrize("number, text", [
    (Integer(3), "3"), (Rational(1, 3), "0.3333333333333333"), (Integer(2) ** 60, "1.152921504606847e+18"),
    (oo, "np.inf"), (-oo, "-np.inf"), (nan, "np.nan"), (Integer(10) ** 400, "np.inf"),
])  # fmt: skip
def test_a_number(number, text):
    assert NUMBA.number(number) == text


# Lines.

ARGUMENTS = "first, second_one[j, k], third, fourth"

LINES = {
    "a short line": ("z = a + b", "z = a + b"),
    "a comment": ("    # of equation one and of two others", "    # of equation one and of\n    #     two others"),
    "a call": (f"call({ARGUMENTS})", "call(first, second_one[j, k],\n    third, fourth)"),
    "the head of a function": (f"def row({ARGUMENTS}):", "def row(first,\n        second_one[j, k],\n        third, fourth):"),
    "a sum": ("z_i = from_x[j] + from_h_prev[j] - b_i[j]", "z_i = (\n    from_x[j] + from_h_prev[j]\n    - b_i[j]\n)"),
    "a sum that is added": ("db[j] += dz_i[j] * r[j] * c_prev[j]", "db[j] += (\n    dz_i[j] * r[j] * c_prev[j]\n)"),
    "a text": ('NAME = ["a, b, c, d", "e, f, g, h"]', 'NAME = ["a, b, c, d",\n    "e, f, g, h"]'),
}


@pytest.mark.parametrize("line, broken", LINES.values(), ids=LINES)
def test_a_long_line_is_broken(line, broken):
    assert layout.wrapped(line, width=30) == broken


def test_lists_of_names():
    assert [layout.tuple_text(names) for names in ("", "a", "ab")] == ["()", "(a,)", "(a, b)"]
    assert layout.listed("a") == "(a,)" and layout.listed("ab") == "a, b"
    assert layout.listed(["a" * 60, "b" * 60]) == f"({'a' * 60}, {'b' * 60})"


def test_a_function():
    assert layout.function_text("def f(a):", "Sum.", ["b = a", "", "return b"]) == (
        'def f(a):\n    """Sum."""\n    b = a\n\n    return b'
    )


# Names and the seal.


@pytest.mark.parametrize("name, used", [
    ("i", "i"), ("dh_prev", "dh_prev"), ("tanh", "tanh_"), ("tanh_", "tanh__"), ("for", "for_"), ("_", "__"), ("np", "np_"),
    ("forward_pass", "forward_pass_"), ("forward_step_row_2", "forward_step_row_2_"), ("backward_row", "backward_row"),
])  # fmt: skip
def test_a_name_makes_way_for_the_modules_own(name, used):
    assert identifier_of(name) == used


def test_a_seal_is_the_hash_of_the_text_around_it():
    text = 'a = 1\nCONTENT_HASH = "{hash}"\nb = 2\n'
    assert hash_of(text) == "90ce1935b65097e2"
    assert is_sealed(text.replace("{hash}", hash_of(text)))
    assert not is_sealed(text.replace("{hash}", hash_of(text)).replace("b = 2", "b = 3"))


# Loops, from statements that are made by hand.

j = AXES[0]
e, f, g, q, r, s, t = symbols("e f g q r s t")


def entries(*values):
    return sum(Entry(v, j) for v in values)


def made(target, expr, **options):
    return Indexed(target, expr, indices=(j,), extents=(n,), position=(j,), **options)


def loops_of(statements, overwritten=None):
    """The targets in each loop."""
    found = nests(SimpleNamespace(overwritten=overwritten or {}), statements)
    return [" ".join(str(s.target) for s in nest.statements) for nest in found]


def test_statements_of_one_shape_share_a_loop():
    assert loops_of([made(e, entries(a)), made(f, entries(e, b)), made(g, entries(e, f))]) == ["e f g"]


def test_a_reduction_has_a_loop_of_its_own_between_those_that_make_and_read_it():
    total = Indexed(s, entries(e), indices=(), op="sum", over=((j, n),))
    assert loops_of([made(e, entries(a)), total, made(f, Entry(e, j) / Entry(s)), made(g, entries(b))]) == ["e g", "s", "f"]


def test_what_is_read_at_another_index_is_made_in_an_earlier_loop():
    assert loops_of([made(e, entries(a)), made(f, Entry(e, j + 1)), made(g, entries(e))]) == ["e g", "f"]


def test_a_loop_computes_two_functions_and_none_of_another_function():
    gates = [made(target, tanh(entries(source))) for target, source in zip((e, f, g), (a, b, c), strict=True)]
    assert loops_of([*gates, made(q, entries(e, f)), made(r, tanh(entries(q))), made(t, entries(r))]) == ["e f", "g", "q r t"]


def test_a_value_is_replaced_after_all_have_read_it():
    late, early = symbols("late early")
    reads_all = Indexed(s, entries(early), indices=(), op="sum", over=((j, n),))
    assert loops_of([reads_all, made(late, entries(a)), made(f, entries(b))], {early: late}) == ["s", "late f"]


# BufferAssignment: where each value of a cell lives, kind and array.

x, h = Input("x"), State("h")
w, z = symbols("w z")

GATED = [Eq(w, exp(Param("p"))), Eq(z, softmax(affine(x, h.prev))), Eq(f, sigmoid(affine(x))), Eq(h, tanh(z * w) + f * h.prev)]
HOMES = {
    "once": "p=p w=w dw=dw dp=dp W_z=W_z",  # parameters, what is computed from them, and their gradients
    "input": "x=x",
    "state": "h=h_seq",
    "previous": "h_prev=h_seq",
    "cotangent": "dh_cotangent=dh_cotangent",
    "carried": "dh_carried=dh_carried dh_prev=dh_carried",  # one array: what a step sends back replaces what it was given
    "sequence": "f=f_seq z=z_seq tanh_h=tanh_h_seq dx=dx_seq",  # the tape, and the gradients of inputs
    "block": "z_z_from_x=from_x z_f_from_x=from_x dz_z=dz_all dz_f=dz_all dh=dh_seq",  # of products before and after the loop
    "step": "z_z_from_h_prev=from_h_prev",  # of the product in the step
    "row": "z_z=z_z max_z=max_z dz=dz",  # between the loops of one sample
    "local": "z_f=z_f df=df",  # within one loop
}


@pytest.fixture(scope="module")
def arranged():
    return schedule(program_of(Cell("gated", GATED)))


@pytest.mark.parametrize("kind", HOMES)
def test_a_value_lives_in_the_smallest_memory_that_its_readers_see(kind, arranged):
    found = {str(q): (buffer.kind, buffer.array) for q, buffer in arranged.buffers.items()}
    for value, array in (pair.split("=") for pair in HOMES[kind].split()):
        assert found[value] == (kind, array)


def test_the_tape_is_what_the_backward_pass_reads_of_the_forward_pass(arranged):
    assert arranged.tape == ("f_seq", "tanh_h_seq", "z_seq")


def test_what_a_product_makes_or_takes_as_one_lies_side_by_side(arranged):
    packs = {array: [str(q) for q in values] for array, values in arranged.packs.items()}
    assert packs["from_x"] == ["z_z_from_x", "z_f_from_x"] and packs["dz_all"] == ["dz_z", "dz_f"]
    offsets = {str(q): str(buffer.offset) for q, buffer in arranged.buffers.items() if buffer.array in packs}
    assert offsets["z_z_from_x"] == offsets["dz_z"] == "0" and offsets["z_f_from_x"] == offsets["dz_f"] == "n_h"
