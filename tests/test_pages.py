"""Web pages: the page of a cell, and two cells side by side, in a parser and in a browser. test_book.py is about the book."""

import re

import pytest
from support.browser import CHROMIUM, look
from support.web_pages import Reader
from sympy import Eq

from symcell import Cell, CellError, Input, State, affine, book, cells, sigmoid
from symcell.compiler import source_of
from symcell.derivation.counterparts import counterparts
from symcell.documents.html.code import code_lines, first_lines
from symcell.documents.html.mathml import mathml
from symcell.documents.html.page import Around, page
from symcell.documents.html.quantities import Quantities
from symcell.site.citation import bibtex, year_of
from symcell.site.comparison import _sides, comparison_page


def page_of(cell):
    return page(cell.derive().article(), Around(source=source_of(cell.declaration)))


@pytest.mark.parametrize("name", ["lstm", "gru", "slstm", "gla"])
def test_equations_and_the_code_that_computes_them_link_to_each_other(name):
    cell = cells.get(name)
    article, source = cell.derive().article(), source_of(cell.declaration)
    lines = code_lines(source, article, Quantities(article.derivation))
    assert len(lines) == source.count("\n")
    assert [re.sub(r"<.*?>", "", line.html).replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"').replace("&#x27;", "'").replace("&amp;", "&")
            for line in lines] == source.rstrip("\n").split("\n")  # fmt: skip
    found, texts = first_lines(lines), source.split("\n")
    for s in cell.states:
        assert re.match(rf"\s*{s} = ", texts[found[f"forward-{s}"] - 1])
    missing = {f"adjoint-{p}" for p in cell.params} - found.keys()
    assert not missing
    for key, number in found.items():
        assert key.partition("-")[2] in texts[number - 1] or " @ " in texts[number - 1]


@pytest.mark.parametrize("name", ["lstm", "rwkv7", "gla"])
def test_equations_of_one_step_link_to_their_code(name):
    """All but what the kernel computes inside of another equation's line: split and merge are no code of their own."""
    cell = cells.get(name)
    article = cell.derive().article()
    found = first_lines(code_lines(source_of(cell.declaration), article, Quantities(article.derivation)))
    missing = [line.key for line in article.section("forward").lines if line.key.startswith("forward") and line.key not in found]
    assert len(missing) <= (name != "lstm")


def test_a_quantity_is_marked_alike_in_formulas_and_code():
    quantities = Quantities(cells.lstm.derive())
    f = next(q for q in cells.lstm.intermediates if q.name == "f")
    mark = quantities.of_symbol(f)
    assert [quantities.of_identifier(n) for n in ("f", "f_out", "f_seq", "df", "dc_carried", "n_h", "t")] == [
        mark, mark, mark, f"a{mark[1:]}", "a" + quantities.of_identifier("c_prev")[1:], "", ""]  # fmt: skip
    text = page_of(cells.lstm)
    for where in (r"<math.*?</math>", r"<pre .*?</pre>"):
        assert any(re.search(rf'class="[^"]*\b{mark}\b', part) for part in re.findall(where, text, re.S))


@pytest.mark.parametrize(("text", "expected"), [
    (r"\mathrm{d}h", "<mtext>d</mtext>"),
    (r"u \mathbf{1}^{\top}", "<mn>\U0001d7cf</mn>"),
    (r"\overline{\mathrm{mean}}_t", '<mrow class="over"><mi>mean</mi></mrow>'),
    (r"\bigl\langle u, v\bigr\rangle", ">\u27e8</mo>"),
    (r"\lvert w\rvert < 1", 'form="postfix">|</mo>'),
    (r"{\underbrace{a + b}_{z}}^{\top}", '<mrow class="under">'),
    (r"\begin{pmatrix} a \\[4pt] b \end{pmatrix}", "</mtr><mtr><mtd><mi>b</mi>"),
])  # fmt: skip
def test_formulas_that_browsers_would_draw_wrongly(text, expected):
    assert expected in mathml(text) and "\\" not in mathml(text)


HOSTILE = '</script><script>alert(1)</script><b>&amp; \\input{x} \\write18{ls} $x$ {{ 1 + 1 }} %'


def hostile():
    x, h, z = Input("x"), State("h"), State("z")
    return Cell("hostile", [Eq(z, sigmoid(affine(x, h.prev))), Eq(h, z * h.prev)], outputs=[h], reference=HOSTILE)


def test_text_of_a_user_is_escaped(tmp_path):
    cell = hostile()
    text = page(cell.derive().article(), Around(source=source_of(cell.declaration), citation=bibtex(cell), facts=(("<i>", (HOSTILE,)),)))
    found = Reader(text)
    assert found.scripts == 1 and "b" not in found.tags and "i" not in found.tags and "{{ 1 + 1 }}" in text
    assert Reader(comparison_page(cell, cells.lstm)).scripts == 1
    book(tmp_path, [cell, cells.lstm])
    assert Reader((tmp_path / "index.html").read_text("utf-8")).scripts == 2
    entry = bibtex(cell)
    assert r"\textbackslash input" in entry and entry.count("{") == entry.count("}") and "\n" not in entry.split("note", 1)[1].split("\n}")[0]


def test_bibtex_of_the_catalogue():
    for name in cells.names():
        cell = cells.get(name)
        entry = bibtex(cell)
        assert entry.startswith(f"@misc{{{name},") and entry.count("{") == entry.count("}")
        assert 1980 < year_of(cell) < 2030
        if "author" not in entry:
            assert "note" in entry and "key " in entry  # by which BibTeX sorts
    entry = bibtex(cells.ct_gru)
    assert "author        = {Mozer and Kazakov and Lindsey}" in entry and "title         = {{Discrete event, continuous time RNNs}}" in entry
    assert "{Neural Computation 12(10)}" in bibtex(cells.lstm) and "{1611.09913}" in bibtex(cells.ugrnn)
    assert bibtex(Cell("toy", [Eq(State("h"), State("h").prev + Input("x", "n_h"))])) == ""


@pytest.mark.parametrize("pair", [("lstm", "gru"), ("gru", "rnn"), ("mlstm", "rwkv4")])
def test_two_cells_side_by_side(pair):
    a, b = map(cells.get, pair)
    text = comparison_page(a, b)
    Reader(text)
    forward = text[text.index("<h2>Forward"):text.index("<h2>Backward")]
    delays = {e.target for cell in (a, b) for e in cell.equations if e.rhs.is_Symbol} | {None}  # which documents do not print
    assert forward.count("<tr>") == 1 + sum(not {*pair} <= delays for pair in counterparts(a.derive(), b.derive()))
    printed = forward.count("<math")
    assert printed >= len(a.equations) + len(b.equations)


def test_counterparts_are_marked_alike_and_other_quantities_are_not():
    derivations = [c.derive() for c in (cells.lstm, cells.gru)]
    first, second = (side.notation.quantities.numbers for side in _sides(cells.lstm, cells.gru, counterparts(*derivations)))
    shared = {(p, q) for p in first for q in second if first[p] == second[q]}
    assert shared == {("c", "c"), ("i", "i"), ("g", "g")}
    text = comparison_page(cells.lstm, cells.gru)
    memory = text[text.index("<h2>What they remember"):text.index("<h2>Forward")]
    assert [re.sub(r"<.*?>", "", row) for row in re.findall(r"<td data-cell.*?</td>", memory)] == [
        "ct keeps ftct writes it⊙gt", "ct keeps 1−itct writes it⊙gt"]  # fmt: skip


def test_a_page_shows_gradients_of_two_other_cells_at_most():
    with pytest.raises(CellError, match="two derivations at most, found 3"):
        cells.rnn.derive().html(beside=[cells.lstm.derive()] * 3)


def test_a_book_of_some_cells(tmp_path):
    index = book(tmp_path, [cells.lstm, cells.rnn])
    text = index.read_text("utf-8")
    assert index == tmp_path / "index.html" and text.count('<th scope="row">') == 2
    assert [path.stem for path in (tmp_path / "compare").iterdir()] == ["rnn"]  # beside the lstm
    book(tmp_path, [cells.rnn])  # and again
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "index.html").write_text("<!DOCTYPE html><title>mine</title>")
    with pytest.raises(CellError, match="did not write it"):
        book(tmp_path / "own", [cells.lstm])
    assert [*(tmp_path / "own").iterdir()] == [tmp_path / "own" / "index.html"]
    with pytest.raises(CellError, match="several are called lstm"):
        book(tmp_path, [cells.lstm, cells.lstm])
    with pytest.raises(CellError, match=r"a book is of cells, such as symcell\.cells\.lstm; found 'lstm'"):
        book(tmp_path, ["lstm"])


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_a_quantity_is_lit_wherever_it_stands_and_links_mark_their_line(tmp_path):
    path = tmp_path / "lstm.html"
    cell = cells.lstm
    path.write_text(page(cell.derive().article(), Around(source=source_of(cell.declaration), diagram=cell.diagram())), encoding="utf-8")
    script = """
    const symbol = page.querySelector("#forward-c .left .q0, #forward-c .left [class^=q]"), window = page.defaultView;
    symbol.dispatchEvent(new PointerEvent("pointerover", {bubbles: true}));
    const all = [...page.querySelectorAll(".lit")], name = [...symbol.classList].find((c) => /^q\\d/.test(c));
    const places = ["pre", "math", "svg"].map((tag) => all.some((e) => e.closest(tag)));
    const lit = () => [...page.querySelectorAll(".lit")].map((e) => e.textContent.trim());
    page.querySelector("#forward-f .formula").focus();
    const focused = lit();
    page.querySelector("#forward-o .to-code").click();
    const line = page.querySelector(".row:target"), panel = page.querySelector(".code").getBoundingClientRect(), at = line.getBoundingClientRect();
    const seen = at.top >= panel.top && at.bottom <= panel.bottom && at.bottom <= window.innerHeight;
    line.querySelector(".to-equation").click();
    const value = [all.length, page.querySelectorAll("." + name).length, places, focused.includes("f"), lit().includes("o"), line.textContent,
                   seen, page.querySelector(":target").id];
    """
    (result,), _ = look([path], (1280,), tmp_path, script)
    lit, marked, places, focused, clicked, line, seen, target = result["value"]
    assert lit == marked > 10 and places == [True, True, True]
    assert focused and clicked and seen and "o = sigmoid(z_o)" in line and target == "forward-o"
