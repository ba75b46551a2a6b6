"""Documents fit the width that they are for: formulas are measured and broken, labels and names are those that one asks for."""

import json
import random
import re
import shutil
import subprocess

import pytest
from support.typeset import overfull
from sympy import Eq, tanh

from symcell import Cell, CellError, Input, Param, State, affine, cells
from symcell.documents.comparison import comparison_latex
from symcell.documents.formulas.breaking import INDENT, broken, without_braces
from symcell.documents.formulas.parsing import parse
from symcell.documents.formulas.rows import points, tex
from symcell.documents.latex import whole_document
from symcell.documents.printer import Notation
from symcell.documents.style import PRESETS, Style
from symcell.language.symbols import Adjoint

WIDE = ("mamba", "layer_norm_lstm", "rwkv7", "slstm", "hgrn", "s4d", "lstm")
x, h = Input("x"), State("h")
needs_tex = pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no TeX on this machine")


def states(*names):
    return Cell("toy", [Eq(State(name), tanh(affine(x, State(name).prev))) for name in names])


def notation_of(cell, **style):
    return Notation(cell.derive(), Style(**style))


@needs_tex
def test_no_line_of_a_column_is_too_wide(tmp_path):
    """The cells with the longest lines, and others by chance; tests/overfull.py takes all of them at more widths."""
    others = random.Random(7).sample([n for n in cells.names() if n not in WIDE], 8)
    assert overfull([cells.get(n) for n in (*WIDE, *others)], 240.0, tmp_path) == {}


@needs_tex
def test_no_line_of_two_cells_side_by_side_is_too_wide(tmp_path):
    pairs = [(cells.lstm, cells.gru), (cells.slstm, cells.peephole_lstm), (cells.mamba, cells.nested_lstm)]
    for width in (240.0, 455.0):
        body = "\n\n".join(comparison_latex(a.derive(), b.derive(), width=width) for a, b in pairs)
        (tmp_path / "beside.tex").write_text(whole_document(body, width), "utf-8")
        command = ["pdflatex", "-no-shell-escape", "-draftmode", "-interaction=nonstopmode", "-halt-on-error", "beside.tex"]
        assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 0
        assert r"Overfull \hbox" not in (tmp_path / "beside.log").read_text("utf-8", errors="replace")


@needs_tex
def test_two_fragments_in_a_paper_share_no_label_and_refer_to_what_is_there(tmp_path):
    body = "\n\n".join([cells.rnn.derive().latex(), cells.rnn.derive().latex(prefix="second", level="section", notation="greff")])
    (tmp_path / "paper.tex").write_text(whole_document(body, 345.0), "utf-8")
    for _ in range(2):
        done = subprocess.run(["pdflatex", "-interaction=nonstopmode", "paper.tex"], cwd=tmp_path, capture_output=True, text=True, errors="replace")
    assert done.returncode == 0 and "undefined" not in done.stdout and "multiply defined" not in done.stdout
    labels = re.findall(r"\\label\{(.*?)\}", body)
    assert len(set(labels)) == len(labels) and set(re.findall(r"\\eqref\{(.*?)\}", body)) <= set(labels)


@needs_tex
def test_widths_are_those_of_tex(tmp_path):
    formulas = []
    for name in ("lstm", "mamba", "layer_norm_lstm", "delta_gru"):
        derivation = cells.get(name).derive()
        notation = Notation(derivation)
        formulas += [notation.formula(r.rhs) for r in derivation.forward] + [notation.formula(r.rhs) for r in derivation.adjoint]
    boxes = [rf"\setbox0\hbox{{$\displaystyle {tex(f)}$}}\typeout{{WIDTH \the\wd0}}" for f in formulas]
    (tmp_path / "boxes.tex").write_text(whole_document("\n".join(boxes), 400.0), "utf-8")
    done = subprocess.run(["pdflatex", "-draftmode", "-interaction=nonstopmode", "boxes.tex"], cwd=tmp_path, capture_output=True, text=True)
    widths = [float(w) for w in re.findall(r"WIDTH ([\d.]+)pt", done.stdout)]
    assert len(widths) == len(formulas) > 80
    for formula, width in zip(formulas, widths, strict=True):
        assert 0.97 * width - 1 <= points(formula) <= 1.1 * width + 3, (tex(formula), points(formula), width)


@pytest.mark.parametrize("room", [80.0, 120.0, 200.0])
def test_lines_stay_in_their_room_and_lose_nothing(room):
    derivation = cells.peephole_lstm.derive()
    notation = Notation(derivation)
    for row in derivation.adjoint:
        body = notation.formula(row.rhs)
        lines = broken(body, room)
        assert all(points(line.body) + line.depth * INDENT <= room for line in lines)
        printed = "".join(tex(line.body) for line in lines)
        assert symbols_in(printed) == symbols_in(tex(body))


def symbols_in(text):
    return re.sub(r"\\(bigl?|biggl?|bigr|biggr|left|right|times)(?![a-z])|\\,|[\s{}]", "", text)


def test_long_formulas_are_broken_at_what_binds_least():
    def lines(text, room):
        return [tex(line.body) for line in broken(parse(text), room)]

    assert lines("a + b \\odot c + d", 45.0) == ["a + b \\odot c", "{} + d"]
    assert lines("\\tanh\\left(a + b + c\\right)", 52.0) == ["\\tanh\\bigl(a + b", "{} + c\\bigr)"]
    assert lines("\\frac{a + b + c + d}{e}", 55.0) == ["\\bigl(a + b + c", "{} + d\\bigr) / e"]
    assert lines("\\sqrt{a + b + c}", 40.0)[-1].endswith("^{1/2}")
    plain, definitions = without_braces(parse(r"\sigma\left({\underbrace{W x}_{z}}\right)"))
    assert tex(plain) == r"\sigma(z)" and [(tex(n), tex(v)) for n, v in definitions] == [("z", "Wx")]


def test_names_are_printed_as_a_mathematician_writes_them():
    names = ("u0", "B_t", "log_gamma", "f_hat", "c_tilde", "alpha_1", "v_prime", "y_star", "memory_hat", "c_tilde_f")
    notation = notation_of(states(*names))
    assert [notation.tex(State(n)) for n in names] == [
        "u_{0,t}", "B_t", r"\log \gamma_t", r"\hat{f}_t", r"\tilde{c}_t", r"\alpha_{1,t}", r"v_t^{\prime}", "y_t^*",
        r"\widehat{\mathrm{memory}}_t", r"\tilde{c}_{f,t}",
    ]  # fmt: skip
    assert notation.tex(State("log_gamma") * State("u0")) == r"u_{0,t} \odot (\log \gamma_t)"
    assert notation_of(Cell("toy", [Eq(State("i"), Param("W_xi") @ x + State("i").prev)])).tex(Param("W_xi")) == "W_{xi}"
    assert notation_of(states("W_xi")).tex(State("W_xi")) == r"W_{\xi,t}"


def test_no_name_looks_like_an_adjoint():
    for names in (("x_bar",), ("u_bar", "u"), ("u", "u_bar"), ("u_hat", "u")):
        quantities = [*map(State, names), x]
        notation = notation_of(states(*names))
        written = [notation.tex(q) for q in (*quantities, *map(Adjoint, quantities))]
        assert len(set(written)) == len(written), written


def test_presets_write_as_their_sources_do():
    def first(preset, name="lstm"):
        derivation = cells.get(name).derive()
        notation = Notation(derivation, PRESETS[preset])
        e = derivation.declaration.equations[0]
        return f"{notation.tex(e.target)} = {notation.tex(e.rhs)}"

    assert first("course") == (
        r"\Gamma_u^{\langle t\rangle} = \sigma(W_{ux} x^{\langle t\rangle} + W_{ua} a^{\langle t-1\rangle} + b_u)"
    )
    assert first("goodfellow") == "g^{(t)} = \\sigma(U^g x^{(t)} + W^g h^{(t-1)} + b^g)"
    assert first("greff") == "i^t = \\sigma(W_i x^t + R_i y^{t-1} + b_i)"
    assert first("pytorch") == "i_t = \\sigma(x_t W_{ii}^{\\top} + h_{t-1} W_{hi}^{\\top} + b_i)"
    assert Notation(cells.lstm.derive(), PRESETS["greff"]).tex(Adjoint(State("c"))) == r"\delta c^t"


def test_powers_of_what_has_a_superscript_stand_behind_brackets():
    text = notation_of(states("h"), time="round").tex(h**2)
    assert text == "(h^{(t)})^2"


@pytest.mark.parametrize("name", [
    r"\input{x}", r"\write18{x}", r"\def\x{y}", r"\catcode", "a%", "$x$", "{a", "a}", r"\text{$x$}", r"\text{\input{x}}", "", "a & b",
    r"\begin{verbatim}x\end{verbatim}", r"\mathrm{a}\\b",
])  # fmt: skip
def test_names_hold_mathematics_only(name):
    with pytest.raises(CellError, match="the name of h"):
        Style(names={"h": name})


def test_what_is_no_option_is_refused():
    derive = cells.rnn.derive()
    for options, message in (
        ({"names": {"q": "q"}}, "cell rnn: the notation names q; .* are x, a, U_a"),
        ({"names": {"x": "a"}}, "cell rnn: .*a and x would look alike"),
        ({"notation": "papers"}, "none of standard, course, goodfellow, greff, pytorch"),
        ({"level": "chapter"}, "level is one of section, subsection, paragraph; found 'chapter'"),
        ({"width": 10}, "width is a number of points, at least 150; found 10"),
        ({"prefix": r"\x"}, "prefix consists of letters"),
    ):
        with pytest.raises(CellError, match=message):
            derive.latex(**options)
    with pytest.raises(CellError, match="time is one of index, angle, round, superscript; found 'roman'"):
        Style(time="roman")


def test_rules_gradients_and_shapes_can_be_left_out():
    full, short = cells.rnn.derive().latex(), cells.rnn.derive().latex(rules=False, gradients=False, shapes=False)
    for part in ("matrix product of", r"\mathbb{R}", r"\bar{W}_a &="):
        assert part in full and part not in short


HOSTILE = r"50% of $x_1$ & #3 {a} \input{x} ` *b* </script> | ~ ^"


def test_text_of_a_user_is_escaped_in_every_kind_of_document():
    derivation = Cell("my_cell", [Eq(h, tanh(affine(x, h.prev)))], reference=HOSTILE).derive()
    assert r"\textbackslash{}input\{x\}" in derivation.latex() and r"\texttt{my\_cell}" in derivation.latex()
    markdown = derivation.markdown()
    assert r"\\input\{x\} \` \*b\* \</script\>" in markdown and r"\$x\_1\$ \& \#3" in markdown
    assert json.loads(derivation.json())["reference"] == HOSTILE


def test_markdown_marks_mathematics_as_github_does():
    text = cells.lstm.derive().markdown()
    assert "```math\n\\begin{aligned}" in text and "$`t = 1, \\dots, T`$" in text and r"\operatorname" not in text
    assert "$" not in re.sub(r"\$`.*?`\$", "", text)


@needs_tex
def test_a_pdf_is_one(tmp_path):
    assert cells.rnn.derive().pdf(tmp_path / "rnn.pdf", width=240).read_bytes().startswith(b"%PDF")


def test_without_latex_one_is_told_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CellError, match=r"needs pdflatex .* or tectonic; neither is installed"):
        cells.rnn.derive().pdf(tmp_path / "rnn.pdf")
