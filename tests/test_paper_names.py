"""Names for print that a cell carries: valid, alike with nothing, printed, and kept by what is made from the cell."""

import copy
import pickle
import re

import pytest
from sympy import Eq, symbols, tanh

from symcell import Cell, CellError, Input, State, affine, cells, transforms
from symcell.documents.letters import given
from symcell.documents.names import names_of
from symcell.documents.naming import with_named_arguments
from symcell.documents.printer import Notation
from symcell.documents.style import PRESETS, STANDARD, Style

x, h = Input("x"), State("h")
u, v = symbols("u v")
EQUATIONS = [Eq(u, tanh(affine(x))), Eq(v, tanh(affine(x))), Eq(h, u + v * h.prev)]


@pytest.mark.parametrize("name", cells.names())
def test_names_of_the_catalogue_are_printed_as_given_and_look_like_nothing_else(name):
    cell = cells.get(name)
    if not cell.names:
        pytest.skip("prints the names of its declaration")
    found = names_of(with_named_arguments(cell.derive()), STANDARD)
    assert {q: found[q] for q in cell.names} == {q: given(text) for q, text in cell.names.items()}
    assert cell.names.items() - {(q, q) for q in cell.names}


@pytest.mark.parametrize(("name", "printed"), [
    ("lstm_1997", (r"s_{c,t} = s_{c,t-1} + y_t^{\mathrm{in}} \odot g_t", r"\mathrm{net}_{\mathrm{in},t}")),
    ("phased_lstm", (r"\tilde{c}_t", r"r_{\mathrm{on}}", r"w_{ci} \odot c_{t-1}")),
    ("gla", (r"\alpha_t", "W_O")),
    ("deltanet", (r"\beta_t", )),
    ("qrnn", (r"W_z^2 x_t + W_z^1 x_{t-1}", )),
    ("lru", (r"\nu^{\log}", r"x_{\mathrm{re},t}", "u_t")),
    ("cifg_lstm", (r"c_t = f_t \odot c_{t-1} + i_t \odot z_t", "R_i y_{t-1}")),
])  # fmt: skip
def test_documents_show_the_symbols_of_the_paper(name, printed):
    text = cells.get(name).derive().latex().replace(" &=", " =")
    assert [part for part in printed if part not in text] == []


def test_the_notation_says_what_code_calls_them():
    text = cells.mamba.derive().latex()
    assert r"Code has names of its own: $\mathtt{delta}$ for $\Delta_t$, $\mathtt{S}$ for $h_t$." in text
    assert "Code has" not in cells.lstm.derive().latex()


def test_a_notation_and_a_user_are_stronger():
    cell = Cell("toy", EQUATIONS, names={"u": r"\tilde h", "W_u": "A"})
    notation = Notation(cell.derive(), Style("superscript"))
    assert (notation.tex(u), notation.tex(symbols("v"))) == (r"\tilde{h}^t", "v^t")
    assert Notation(cell.derive(), Style(names={"u": "q"})).tex(u) == "q_t"
    assert Notation(cells.peephole_lstm.derive(), PRESETS["course"]).tex(symbols("g")) == r"\tilde{c}^{\langle t\rangle}"
    with pytest.raises(CellError, match=r"cell toy: in this notation, .*u.* would look alike"):
        cell.derive().latex(names={"v": r"\tilde h"})


def test_two_names_that_look_alike_are_refused_and_other_quantities_make_way():
    alike = Cell("toy", EQUATIONS, names={"u": r"\tilde h", "v": r"\tilde h"})
    with pytest.raises(CellError, match=r"cell toy: in this notation, (u and v|v and u) would look alike; rename one of them"):
        alike.derive().latex()
    swapped = Notation(Cell("toy", EQUATIONS, names={"u": "v"}).derive())
    assert swapped.tex(u) == "v_t" and swapped.tex(v) != "v_t"


def test_what_is_made_from_a_cell_keeps_its_names():
    coupled = cells.phased_lstm.variant("coupled", {"f": 1 - symbols("i")})
    assert coupled.names == {q: text for q, text in cells.phased_lstm.names.items() if q not in ("W_f", "U_f", "p_f")}
    masked = transforms.zoneout(cells.mgu)
    assert masked.names == cells.mgu.names and r"\tilde{h}_t" in masked.derive().latex()
    assert not transforms.stack([cells.mgu, cells.mgu]).names  # whose quantities have other names


@pytest.mark.parametrize(("names", "message"), [
    ({"u": r"\input{/etc/passwd}"}, r"cell toy, the name of u: the formula .*\\input is no mathematics"),
    ({"u": r"\input{}"}, r"cell toy, the name of u: the formula .*\\input is no mathematics"),
    ({"u": "</script>%"}, "cell toy, the name of u: the formula '</script>%'"),
    ({"u": "{a"}, "cell toy, the name of u: the formula '{a'"),
    ({"u": ""}, r"cell toy, the name of u is a formula in LaTeX, such as '\\\\tilde c'; found ''"),
    ({"u": 3}, "cell toy, the name of u is a formula in LaTeX, .* found 3"),
    ({"q": "q"}, "cell toy: names has 'q'; its quantities are x, W_u, b_u, u, .* each given by its name"),
    ({u: "q"}, "cell toy: names has u; .* each given by its name"),
    ("u", "cell toy: names is a dict like {'g': .*found str 'u'"),
])  # fmt: skip
def test_bad_names_are_refused(names, message):
    with pytest.raises(CellError, match=message):
        Cell("toy", EQUATIONS, names=names)


def test_cells_with_names_can_be_copied_and_pickled():
    for copied in (copy.deepcopy(cells.mgu), pickle.loads(pickle.dumps(cells.mgu))):
        assert copied.names == cells.mgu.names != {}


def test_a_page_writes_names_in_code_in_characters_of_their_own():
    pytest.importorskip("latex2mathml")
    from symcell.documents.html.mathml import mathml

    assert "".join(re.findall(r"<m[in]>(.)</m[in]>", mathml(r"\mathtt{W\_u1}"))) == "𝚆_𝚞𝟷"
