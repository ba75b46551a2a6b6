"""The printed derivation: in the paper's order, valid LaTeX, complete."""

import itertools
import re
import shutil
import subprocess

import pytest
from latex2mathml.converter import convert
from pylatexenc.latexwalker import LatexWalker
from sympy import Eq, Max, Piecewise, Rational, Symbol, sqrt, symbols, tanh

from symcell import Cell, Input, Param, State, affine, cells, dot, mean, outer, relu, sigmoid, softmax, total, variance
from symcell.documents.comparison import comparison_latex
from symcell.documents.printer import Notation
from symcell.documents.unicode import in_tex
from symcell.language.symbols import Adjoint
from symcell.notation.plain import factor_text, short_factor_text

x, h, c = Input("x"), State("h"), State("c")
f, g, s = symbols("f g s")


def odd_cells():
    """Cells with everything that the catalogue leaves out."""
    e = relu(affine(x, h.prev))
    yield Cell("kinks", [Eq(g, Max(e, -1)), Eq(h, Piecewise((g, g > 0), (g / 3, True)) + sigmoid(Param("a")) * h.prev)])
    n = (f - mean(f)) / (variance(f) + 1e-5) ** 0.5
    yield Cell("normed", [Eq(f, affine(x, h.prev)), Eq(s, dot(f, h.prev)), Eq(h, tanh(Param("gain") * n + s))])
    big, q = State("S", ("n_h", "n_k")), Input("q", "n_k")
    yield Cell("alone", [Eq(h, tanh(Param("U") @ h.prev))])
    yield Cell("memory", [Eq(big, Param("decay", ()) * big.prev + outer(h.prev, q)), Eq(h, tanh(big @ q + affine(x)))])


ALL = [*(cells.get(name) for name in cells.names()), *odd_cells()]


def formulas(latex):
    """The mathematics of a fragment: displays, and what stands between dollars."""
    assert "$$" not in latex
    displays = re.findall(r"\\begin\{(align|equation\*)\}(.*?)\\end\{\1\}", latex, re.S)
    return [body for _, body in displays] + re.findall(r"\$([^$]+)\$", latex)


@pytest.mark.parametrize("cell", ALL, ids=lambda cell: cell.name)
def test_every_formula_parses(cell):
    latex = cell.derive().latex()
    LatexWalker(latex, tolerant_parsing=False).get_latex_nodes()
    assert len(formulas(latex)) > 5
    for formula in formulas(latex):
        for line in re.split(r"\\\\(?=\n)", formula):
            text = re.sub(r"\\tag\{\d+\}|\\notag|&", "", line).replace(r"\footnotesize", "")
            text = re.sub(r"\\begin\{aligned\}\[t\]|\\end\{aligned\}|\\bigl|\\bigr", "", text)
            assert convert(text).startswith("<math")


@pytest.mark.parametrize("cell", ALL, ids=lambda cell: cell.name)
def test_a_notebook_gets_displays(cell):
    latex = cell.derive()._repr_latex_()
    assert all(re.fullmatch(r"\$\$\n\\begin\{aligned\}\n[^$]*\n\\end\{aligned\}\n\$\$", display) for display in latex.split("\n\n"))
    LatexWalker(latex, tolerant_parsing=False).get_latex_nodes()


def bare(latex):
    """LaTeX without spaces, which layouts add and leave out."""
    return latex.replace(" ", "")


def test_the_lstm_reads_like_its_paper():
    latex = cells.lstm.derive().latex()
    assert "W_i x_t + U_i h_{t-1} + b_i" in latex
    for line in (
        r"c_t &= f_t \odot c_{t-1} + i_t \odot g_t \label{lstm:forward-c}",
        r"h_t &= o_t \odot \tanh(c_t) \label{lstm:forward-h}",
        r"\bar{h}_t &= \bar{h}_t^L + \bar{h}_t^+",
        r"\bar{c}_{t-1}^+ &= \bar{c}_t \odot f_t",
        r"\bar{o}_t &= \bar{h}_t \odot \tanh(c_t)",
        r"\bar{W}_i &= \sum\nolimits_{t,m} \bar{z}_{i,t} \, x_t^{\top}",
        r"\frac{\partial c_t}{\partial c_{t-1}} &= \operatorname{diag}(f_t)",
        r"\operatorname{diag}(f_t \odot f_{t-1} \odot f_{t-2})",
        r"\frac{\partial h_t}{\partial c_t} &= \operatorname{diag}((1 - \tanh^2(c_t)) \odot o_t)",
        r"\frac{\mathrm{d}h_t}{\mathrm{d}h_{t-1}} &= \frac{\partial h_t}{\partial h_{t-1}} + \frac{\partial h_t}{\partial c_t} \, \frac{\partial c_t}{\partial h_{t-1}}",
        r"with $h_{t-1}$ and $x_t$ held fixed",
    ):  # fmt: skip
        assert bare(line) in bare(latex), line
    assert r"\hat" not in latex


def test_orders_of_other_papers():
    assert r"c_t &= i_t \odot g_t + (1 - i_t) \odot c_{t-1}" in cells.gru.derive().latex()
    assert r"h_t &= u_t \odot h_{t-1} + (1 - u_t) \odot m_t" in cells.gru_inverted_update.derive().latex()
    assert r"U_a a_{t-1} + W_a x_t + b_a" in cells.rnn.derive().latex()
    assert r"W_i x_t + R_i y_{t-1} + p_i \odot c_{t-1} + b_i" in cells.peephole_lstm.derive().latex()


def test_bptt_through_four_steps_of_the_rnn():
    a = cells.rnn.states[0]
    latex = cells.rnn.carousel(a).latex(steps=4)
    assert latex.count(r"U_a^{\top}") == 4
    assert all(rf"\operatorname{{diag}}(1 - a_{t}^2)" in latex for t in ("t", "{t-1}", "{t-2}", "{t-3}"))


def test_a_carousel_stands_alone():
    for cell in (cells.lstm, cells.delta_gru):
        derivation, paths = cell.derive().latex(), [cell.carousel(s).latex() for s in cell.states]
        labels = [re.findall(r"\\label\{(.*?)\}", text) for text in (derivation, *paths)]
        assert len({*itertools.chain(*labels)}) == sum(map(len, labels))
        assert all({*re.findall(r"\\eqref\{(.*?)\}", text)} <= {*own} for text, own in zip(paths, labels[1:], strict=True))


def test_numbers_print_as_they_were_written():
    carousel = Cell("leaky", [Eq(h, 0.9 * h.prev + affine(x))]).carousel(h)
    assert factor_text(carousel) == "0.9"


def test_gru_beside_lstm_gate_by_gate(tmp_path):
    latex = comparison_latex(cells.gru.derive(), cells.lstm.derive(), width=600)
    rows = [line.split(" & ") for line in latex.split("\n") if line.count(" & ") == 2]
    assert [row[0] for row in rows] == ["", r"\text{Gates}", "", "", "", r"\text{Candidates}", r"\text{States}", ""]
    assert rows[2][1].startswith("i_t = ") and rows[2][2].startswith("i_t = ")  # both write
    assert rows[5][1].startswith("g_t = ") and rows[5][2].startswith("g_t = ")
    assert convert(latex.replace(r"\begin{equation*}", "").replace(r"\end{equation*}", "").replace(r"\hline", "")).startswith(
        "<math"
    )
    if shutil.which("pdflatex"):
        compile_document(comparison_latex(cells.gru.derive(), cells.lstm.derive(), document=True), tmp_path)


def test_what_is_made_of_gates_and_stays_one_stands_among_them():
    for cell, names in ((cells.cifg_lstm, "i_t f_t o_t"), (cells.gla, r"\alpha_t")):
        table = comparison_latex(cell.derive(), cell.derive(), width=600)
        gates = table[table.index("Gates"):table.index("Candidates")]
        assert re.findall(r"& (\S+) = ", gates)[::2] == names.split()
    of_on_lstm = comparison_latex(*[cells.on_lstm.derive()] * 2, width=600)
    candidates = of_on_lstm[of_on_lstm.index("Candidates"):of_on_lstm.index("States")]
    assert re.findall(r"& (\S+) = ", candidates) == [r"\hat{c}_t", r"\hat{c}_t"]


def test_only_a_gate_is_called_one():
    assert "is a gate: it lies between 0 and 1" in cells.lstm.carousel(cells.lstm.states[0]).latex()
    for cell in (cells.indrnn, cells.peephole_lstm):  # without further terms, and with them
        latex = cell.carousel(cell.states[0]).latex()
        assert "it is no gate" in latex and "is a gate" not in latex


def test_what_is_read_without_a_gradient_is_not_called_unread():
    latex = cells.lstm_1997_truncated.derive().latex()
    assert r"\bar{y}_{t-1}^{c+} &= 0 && \text{\footnotesize no gradient}" in latex and "not read" not in latex
    still = latex[latex.index("States without a path to themselves"):]
    assert bare(r"\frac{\mathrm{d}y_t^c}{\mathrm{d}y_{t-1}^c} = 0") in bare(still)


def test_a_parameter_receives_what_the_state_that_it_starts_does():
    latex = cells.delta_gru.derive().latex()
    assert r"m_{r,0} &= b_r \label{delta-gru:initial-m-r}" in latex
    assert r"\bar{b}_r &= \sum\nolimits_p \bar{m}_{r,0}^+ && \text{\footnotesize initial value \eqref{delta-gru:initial-m-r}}" in latex
    h = State("h", initial=Param("p"))
    latex = Cell("toy", [Eq(h, Param("p") * tanh(affine(x, h.prev)))]).derive().latex()
    assert r"h_0 &= p" in latex
    assert bare(r"\bar{p} &= \sum\nolimits_m \bar{h}_0^+ + \sum\nolimits_{t,m} \bar{h}_t \odot \tanh(z_{h,t})") in bare(latex)


@pytest.mark.parametrize("cell", ALL, ids=lambda cell: cell.name)
def test_a_factor_as_text_has_nothing_in_it_but_mathematics(cell):
    for carousel in map(cell.carousel, cell.states):
        for text in (str(carousel.factor), str(carousel.backward(1)), factor_text(carousel)):
            assert not re.search("hole|linear|vector|matrix|columns|_map", text), text
        assert len(short_factor_text(carousel)) <= 60


def test_a_dot_stands_for_the_argument_of_a_map():
    shared = Cell("shared", [Eq(h, softmax(h.prev) + x)])
    assert str(shared.jacobian(h, h.prev)) == "(softmax_h*(· - total(softmax_h*·, -1)))"
    assert factor_text(shared.carousel(h)) == "(softmax_h * (· - total(softmax_h * ·)))"
    back = str(shared.carousel(h).backward(1))
    assert back.startswith("(") and back.endswith(").T") and back.count("·") == 2


def test_a_long_factor_is_said_in_words():
    of_peephole_c = cells.peephole_lstm.carousel("c")
    assert short_factor_text(of_peephole_c) == factor_text(of_peephole_c) and len(factor_text(of_peephole_c)) > 50
    assert short_factor_text(cells.gru.carousel("c")) == "a sum of products with matrices"


def test_which_other_states_lead_back():
    c_of_lstm, h_of_lstm = (cells.lstm.carousel(s).latex() for s in cells.lstm.states)
    assert "errors also come back to $c_t$ through $h_t$" in c_of_lstm
    assert "errors also come back to $h_t$ through $c_t$" in h_of_lstm
    assert "No other state leads back to $c_t$" in cells.gru.carousel(cells.gru.states[0]).latex()


def test_every_quantity_has_its_shape():
    latex = cells.rnn_readout.derive().latex()
    assert r"\mathbb{R}^{n_h\times n_x}" in latex
    assert r"z_{y,t}, y_t, b_y &\in \mathbb{R}^{n_y}" in latex


def compile_document(latex, tmp_path):
    (tmp_path / "derivation.tex").write_text(latex)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "derivation.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace")
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "derivation.pdf").stat().st_size > 10_000


def test_no_name_looks_like_an_adjoint_or_like_another_or_like_none():
    x, names = Input("x"), ["a", "abar", "ahat", "a_", "_a", "Ω", "é", "htilde"]
    states = [State(name) for name in names]
    cell = Cell("odd_names", [Eq(s, tanh(affine(x, s.prev))) for s in states])
    notation = Notation(cell.derive())
    written = [notation.name(q) for s in states for q in (s, Adjoint(s), Adjoint(s, "cotangent"))]
    assert len(set(written)) == len(written)
    assert written[::3] == [
        "a_t", r"\mathrm{abar}_t", r"\mathrm{ahat}_t", r"a_{\_,t}", r"\__{a,t}", r"\Omega_t", r"\text{é}_t", r"\mathrm{htilde}_t",
    ]  # fmt: skip


def name_of(text, kind=Symbol):
    h, q = State("h"), kind(text)
    return Notation(Cell("toy", [Eq(q, x), Eq(h, h.prev + q)]).derive()).name(q)


def test_a_name_is_taken_apart_at_underscores_and_last_digits_only():
    for word in ("local", "imag", "layernorm", "wp", "ell", "hbar", "xprime", "vdot", "PI", "Alpha", "fbb"):
        assert name_of(word) == rf"\mathrm{{{word}}}_t"
    assert [name_of(n) for n in ("W_local", "u12", "h_re2", "x2y", "a3_b")] == [
        r"W_{\mathrm{local},t}", "u_{12,t}", r"h_{\mathrm{re},2,t}", r"\mathrm{x2y}_t", "a_{3,b,t}",
    ]  # fmt: skip
    assert [name_of(n) for n in ("nu", "lamda", "Gamma", "varepsilon", "Δt")] == [
        r"\nu_t", r"\lambda_t", r"\Gamma_t", r"\varepsilon_t", r"\mathrm{\Delta t}_t",
    ]  # fmt: skip


def test_words_beside_one_another_do_not_run_into_each_other():
    n, w = symbols("cn w")
    latex = Cell("toy", [Eq(n, affine(x)), Eq(w, affine(x)), Eq(h, Param("Wc") @ n + Param("Wc") @ w + Param("V") @ n + Param("V") @ w)]).derive().latex()
    for product in (r"\mathrm{Wc} \, \mathrm{cn}_t", r"\mathrm{Wc} \, w_t", r"V \, \mathrm{cn}_t", "Vw_t"):
        assert bare(product) in bare(latex)
    assert r"\mathbb{R}^{n_{\mathrm{imag}}}" in Cell("toy", [Eq(State("k", "n_imag"), tanh(Param("U") @ State("k", "n_imag").prev + Param("V") @ x))]).derive().latex()


def test_names_that_would_look_alike_do_not():
    names = ["h1", "h_1", "alpha", "α", "b_12", "b12", "b_1_2"]
    states = [State(name) for name in names]
    notation = Notation(Cell("toy", [Eq(s, tanh(affine(x, s.prev))) for s in states]).derive())
    assert len({notation.name(s) for s in states}) == len(names)


REFERENCES = [
    "Жуков, Щербаков, Ёж, Київ 2020",
    "王小明, 循环神经网络; 日本語; 한국어",
    "Ελληνικά, ά, ϑ",
    "Nguyễn, Łukasz, Ångström, Şahin, Œuvre, Đorđević, ą, ß, ő, ı; e\u0301",
    "∂L/∂x → ∞, ‖x‖ ≤ 1 ± ε² ½ … – — “q” ‘a’ 30° ℝ ℓ₂ ﬁ ™ \u00ad\u200b 😀 עברית العربية",
    r"50% of $x_1$ & #3 {a} \alpha ~ ^ < > | \end{document} \input{x} BODY",
]


@pytest.mark.parametrize("reference", REFERENCES, ids=range(len(REFERENCES)))
def test_references_of_all_scripts(reference, tmp_path):
    greek, han = symbols("Δt 王")
    cell = Cell("имя", [Eq(greek, affine(x)), Eq(han, affine(x)), Eq(h, tanh(greek * h.prev) + han)], reference=reference)
    latex = cell.derive().latex(document=True)
    declared = re.findall(r"\\DeclareUnicodeCharacter\{(\w+)\}\{([ -~]*)\}", latex)
    body = latex[latex.index(r"\begin{document}"):]
    assert {chr(int(code, 16)) for code, _ in declared} == {c for c in body if not c.isascii()}
    if shutil.which("pdflatex"):
        compile_document(latex, tmp_path)


def test_characters_by_commands_that_every_tex_has():
    assert [in_tex(c) for c in "éŠжЩα→²½王"] == [
        r"\'{e}", r"\v{S}", "zh", "Shch", r"\ensuremath{\alpha}", r"\ensuremath{\to}", r"\textsuperscript{2}", "1/2", r"\texttt{U+738B}",
    ]  # fmt: skip
    assert in_tex("ễ") == r"\~{\^{e}}"


def test_special_characters_of_a_reference_are_escaped():
    latex = Cell("toy", [Eq(h, h.prev + x)], reference=REFERENCES[-1]).derive().latex()
    assert r"50\% of \$x\_1\$ \& \#3 \{a\} \textbackslash{}alpha" in latex and r"\end{document}" not in latex


def test_subscripts_of_a_state_stay_in_the_product_of_several_steps():
    first, second = State("S_1"), State("S_2")
    two = Cell("two", [Eq(first, tanh(affine(x, first.prev))), Eq(second, tanh(affine(first, second.prev)))])
    text = two.carousel("S_2").latex()
    assert r"\frac{\partial S_{2,t-2}}{\partial S_{2,t-3}}" in text and r"\bar{S}_{2,t}" in text


def inner_loop(rounds):
    """A step with rounds of its own: the paths through them multiply."""
    z, inner = symbols("z"), [symbols("z"), *symbols(f"u_1:{rounds + 1}")]
    equations = [Eq(z, affine(x, h.prev))]
    for before, after in itertools.pairwise(inner):
        centred = before - mean(before)
        equations.append(Eq(after, tanh(Param("A") @ centred / sqrt(mean(centred**2) + 1) + z)))
    return Cell("inner", [*equations, Eq(h, tanh(inner[-1]))])


def test_a_factor_of_many_ways_is_written_quantity_by_quantity():
    short, long = (inner_loop(rounds).carousel("h") for rounds in (1, 4))
    assert long.paths > 40
    assert len(long.latex()) < 4 * len(short.latex())
    assert r"\partial u_{2,t}}" in long.latex()


def test_ones_and_scalars_are_written_apart():
    k = symbols("k")
    cell = Cell("toy", [Eq(k, total(h.prev)), Eq(h, x - Param("a", ()) * k + tanh(affine(h.prev)))])
    factor = cell.carousel("h").latex()
    assert r"-a \, \mathbf{1} \, \mathbf{1}^{\top}" in factor or r"- a \, \mathbf{1} \, \mathbf{1}^{\top}" in factor
    assert "-1" not in factor.replace("t-1", "")


def test_powers_kinks_and_small_numbers():
    M = State("M", ("n_h", "n_h"))
    text = Cell("toy", [Eq(M, M.prev**2 / (1 + M.prev**2)), Eq(h, relu(affine(x)) + M @ h.prev + Rational(1, 10**6))]).derive().latex()
    assert r"\frac{M_{t-1}^{\odot 2}}{M_{t-1}^{\odot 2} + 1}" in text
    assert bare("[z_{h,t} > 0]") in bare(text) and "10^{-6}" in text


def test_a_kink_is_said_what_it_is():
    smooth, kink, tie = (Cell("toy", [Eq(h, e + h.prev)]).derive().latex() for e in (tanh(affine(x)), relu(affine(x)), Max(affine(x), 1)))
    assert "$[u > 0]$ is 1 where the condition holds" in kink and r"\operatorname{H}" not in kink
    assert r"is 1 where its argument is positive" in tie and "[u > 0]" not in tie
    assert "holds and 0 elsewhere" not in smooth and "argument is positive" not in smooth


def test_what_an_adjoint_has_twice_is_written_once():
    k = symbols("k")
    text = Cell("toy", [Eq(k, affine(x)), Eq(s, dot(k, k)), Eq(h, h.prev + s)]).derive().latex()
    assert r"\bar{k}_t &= 2 \, \bar{s}_t \, k_t" in text
