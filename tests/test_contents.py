"""What a document says: all that it needs, nothing else, and nothing twice."""

import re
from functools import cache

import numpy as np
import pytest
from support.jacobians import evaluate
from sympy import Eq, preorder_traversal, symbols, tanh

from symcell import Cell, CellError, Input, Param, State, affine, cells
from symcell.derivation.maps import diag, rate
from symcell.derivation.reverse import SEEDS, ZEROS
from symcell.documents.article import Reference
from symcell.documents.contents import article
from symcell.documents.nodes import At, DifferentialOf, Underbrace
from symcell.documents.printer import Notation
from symcell.documents.sections.rules import EXAMPLES, adjoints, arguments, differentials, result, rules_section
from symcell.language.symbols import Adjoint
from symcell.language.symbols import Param as Parameter

ALL = [cells.get(name) for name in cells.names()]


@cache
def document_of(cell):
    return article(cell.derive())


x, h, c = Input("x"), State("h"), State("c")
# LaTeX that stands for an operator -> what the explanation of it says.
OPERATORS = {
    r"\odot": "elementwise product", r"\operatorname{diag}": "multiplies entry by entry", r"\operatorname{total}": "sum of the entries",
    r"\operatorname{mean}": "mean", r"\operatorname{softmax}": "exponentials", r"\langle": "inner product", r"\sigma": "1 + e",
    r"\operatorname{merge}": "values of all heads", r"\operatorname{split}": "for each head", r"\left\|": "largest", r"\sum\nolimits": "all steps",
    r"\operatorname{silu}": "silu", r"\operatorname{cumsum}": "running sums", r"\operatorname{blockdiag}": "block-diagonal", r"\cdot": "what stands at the dot",
    r"\operatorname{softplus}": "softplus", r"\bmod": "remainder",
}  # fmt: skip


def printed(document, keys):
    """The LaTeX of all mathematics in some sections, and their text."""
    notation = Notation(document.derivation)
    sections = [s for s in document.sections if s.key in keys or (keys == () and s.key != "notation")]
    text = "".join(p for s in sections for parts in s.sentences for p in parts if isinstance(p, str))
    return " ".join(notation.doprint(e) for s in sections for e in s.expressions), text


@pytest.mark.parametrize("cell", ALL, ids=lambda cell: cell.name)
def test_operators_that_are_used_are_explained_and_no_others(cell):
    document = document_of(cell)
    used, _ = printed(document, ())
    formulas, words = printed(document, ("notation",))
    formulas = re.sub(r"\\mathtt\{[^}]*\}", "", formulas)  # names in code, which contain words
    spelled = {r"\sigma": re.search(r"\\sigma\W", used), r"\cdot": r"\,\cdot\," in used}  # no parameter called sigma, no dots of a product
    for operator, meaning in OPERATORS.items():
        is_used = bool(spelled.get(operator, operator in used))
        assert (meaning in words or meaning in formulas) == is_used, (operator, meaning)


@pytest.mark.parametrize("cell", ALL, ids=lambda cell: cell.name)
def test_what_the_cell_has_stands_in_a_printed_equation(cell):
    document = document_of(cell)
    lines = list(document.section("forward").lines)
    symbols_of = {q for line in lines for e in (line.left, line.right) for q in e.free_symbols}
    assert {*cell.params, *cell.constants, *cell.inputs} <= symbols_of
    assert {Adjoint(p) for p in cell.params} <= {line.left for line in document.lines}
    keys = [line.key for line in document.lines]
    assert len(keys) == len(set(keys))
    referred = {key for line in document.lines for part in line.rule if isinstance(part, Reference) for key in part.keys}
    assert referred <= document.numbers.keys()


@pytest.mark.parametrize("cell", ALL, ids=lambda cell: cell.name)
def test_no_line_repeats_what_could_have_a_name(cell):
    for line in document_of(cell).lines:
        if line.key.startswith(("forward", "adjoint")):
            seen = set()
            for e in preorder_traversal(line.right):
                long = not e.is_Symbol and len(e.free_symbols) > 2 and not isinstance(e, (At, Underbrace))
                assert not (long and e in seen), (line.key, e)
                seen.add(e)


@pytest.mark.parametrize("cell", ALL, ids=lambda cell: cell.name)
def test_a_derivative_between_arrays_is_a_map(cell):
    document = document_of(cell)
    for line in document.lines:
        if isinstance(line.left, rate) and document.derivation.shapes.get(getattr(line.left.args[0], "state", line.left.args[0])):
            assert not line.right.is_commutative or line.right == 0, line.key


def test_several_steps_are_a_whole_number_from_one_on():
    for steps in (0, -1, 2.5, True, "3"):
        with pytest.raises(CellError, match="number of steps from 1 on"):
            cells.lstm.derive().latex(steps=steps)
    one = cells.lstm.derive().latex(steps=1)
    assert "1 steps" not in one and "over 1 step," in one
    assert r"J_t \, J_{t-1} \, J_{t-2} \, J_{t-3} \, J_{t-4}" in cells.lstm.derive().latex(steps=5)


def test_the_direct_path_of_the_gru():
    (line,) = [line for line in article(cells.gru.derive()).lines if line.key == "direct-c"]
    i, g = cells.gru.intermediates[1:]
    assert line.right == diag(1 - i) and set(line.left.args[1:]) == {i, g}


def text_of(cell, key):
    return printed(document_of(cell), (key,))[1]


def test_the_constant_error_carousel_has_its_name():
    assert "factor is exactly 1. This is the constant error carousel:" in text_of(cells.lstm_1997, "path-c")
    assert "constant error carousel with a gate" in text_of(cells.lstm, "path-c")
    assert "carousel" not in text_of(cells.gru, "path-c")
    assert "vanishes where" in text_of(cells.scalar_rnn, "path-a")


def test_the_influence_in_the_toy_network_goes_as_a_power_of_its_weight():
    lines = {line.key: line for line in article(cells.scalar_rnn.derive(), steps=4).lines}
    w = next(p for p in cells.scalar_rnn.params if p.name == "w")
    assert lines["path-product-a"].right == w**4 and str(lines["path-product-k-a"].right) == "w**k"


def test_the_bound_of_the_rnn_is_the_norm_of_its_matrix():
    (line,) = [line for line in article(cells.rnn.derive()).lines if line.key == "bound-a"]
    assert Notation(cells.rnn.derive()).doprint(line.right) == r"\left\| U_a \right\|"


def test_delays_print_as_what_they_hold():
    document = article(cells.mamba.derive())
    notation = Notation(document.derivation)
    lines = {line.key: f"{notation.doprint(line.left)} = {notation.doprint(line.right)}" for line in document.lines}
    assert r"v_{t-3}" in lines["forward-u"] and "v_{1" not in "".join(lines.values())
    assert lines["initial-v_2"] == "v_{-1} = 0" and "forward-v_1" not in lines
    assert lines["end-v_2"] == r"\bar{v}_{T-1}^{+2} = 0" and lines["start-v_3"] == r"\bar{v}_{-2} = \bar{v}_{-2}^{+3}"


def test_a_delay_that_the_cell_shows_or_reads_at_once_is_a_state():
    shown = Cell("shown", [Eq(c, x), Eq(h, tanh(affine(x) + Param("v") * c.prev))], outputs=[c, h])
    read = Cell("read", [Eq(c, x), Eq(h, tanh(affine(c) + Param("v") * c.prev))])
    for cell in (shown, read):
        assert "forward-c" in {line.key for line in document_of(cell).lines}


def test_a_readout_by_softmax_gets_the_rule_for_the_cross_entropy():
    (line,) = [line for line in article(cells.rnn_readout.derive()).lines if line.key == "readout-y"]
    assert Notation(cells.rnn_readout.derive()).doprint(line.right) == "y_t - p_t"
    assert all("readout" not in s.key for s in article(cells.lstm.derive()).sections)


def test_options_leave_sections_out():
    keys = [s.key for s in article(cells.lstm.derive(), gradients=False, shapes=False).sections]
    assert "shapes" not in keys and "rules" not in keys
    assert all(not isinstance(line.left, Adjoint) or not isinstance(line.left.of, Parameter)
               for line in article(cells.lstm.derive(), gradients=False).lines)  # fmt: skip
    with pytest.raises(CellError, match="proofs is True, False or 'all'"):
        article(cells.lstm.derive(), proofs="some")


# The rules.

CASES = [(name, e) for name, examples in EXAMPLES.items() for e in examples]


@pytest.mark.parametrize(("name", "e"), CASES, ids=lambda q: q if isinstance(q, str) else type(q).__name__)
def test_what_rules_say_is_true(name, e):
    """The differential is that of complex steps, and every term of it is what the adjoint says, for random numbers."""
    random, sizes = np.random.default_rng(4), {"n": 6, "m": 4, "k": 3, "H": 1}

    def drawn(q):
        return random.normal(size=tuple(int(n.subs({s: sizes[s.name] for s in n.free_symbols})) for n in q.shape))

    values = {s: length for q in arguments(e) for n in q.shape for s in n.free_symbols for length in [sizes[s.name]]}
    values |= {s: sizes[s.name] for s in e.free_symbols if s.is_integer}
    values |= {q: drawn(q) for q in arguments(e)}
    directions = {q: drawn(q) for q in arguments(e)}
    y = result(e)
    bar = drawn(y)
    values |= {y: evaluate(e, values), Adjoint(y): bar}
    placed = {DifferentialOf(q): symbols(f"d_{k}") for k, q in enumerate(directions)}
    moving = {placed[DifferentialOf(q)]: d for q, d in directions.items()}
    moved = evaluate(e, values | {q: values[q] + 1e-40j * d for q, d in directions.items()}).imag / 1e-40
    parts, bars = differentials(e), adjoints(e)
    np.testing.assert_allclose(sum(evaluate(part.xreplace(placed), values | moving) for part in parts.values()), moved, rtol=1e-12, atol=1e-13)
    for q, part in parts.items():
        left = (bar * evaluate(part.xreplace(placed), values | moving)).sum()
        right = (evaluate(bars[q], values) * directions[q]).sum()
        np.testing.assert_allclose(np.broadcast_to(right, ()), left, rtol=1e-12)


def test_every_rule_of_the_catalogue_has_a_proof():
    named = {term.rule for cell in ALL for row in cell.derive().adjoint for term in row.terms}
    assert named - {*SEEDS, *ZEROS} <= EXAMPLES.keys()
    used = rules_section({"matrix product"})
    assert [line.left for line in used.lines][1:3] and len([*used.lines]) == 6
