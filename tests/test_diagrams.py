"""Diagrams: all that a cell has is in them, nothing covers anything, and every text in them is escaped."""

import shutil
import subprocess
from functools import cache
from xml.etree import ElementTree as ET

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from support.command_line import refused, succeeds
from support.diagrams import faults, layout_of
from support.random_cells import declarations
from support.random_names import NAMES, cell_called
from sympy import Eq, symbols, tanh

from symcell import Cell, CellError, Input, State, affine, cells, sigmoid
from symcell.derivation.carousel import carousels
from symcell.derivation.reverse import recurrent_states
from symcell.documents.diagram import diagram_file
from symcell.documents.diagram.detail import graph_of
from symcell.documents.diagram.labels import Labels
from symcell.documents.diagram.text import Run, plain, runs

CATALOGUE = pytest.mark.parametrize("name", cells.names())
SVG = "{http://www.w3.org/2000/svg}"


@cache
def graph(name):
    derivation = cells.get(name).derive()
    return graph_of(derivation, Labels(derivation))


@cache
def layout(name):
    return layout_of(cells.get(name))


def named(text):
    """The names of quantities in an SVG text, which is well-formed."""
    return {name for e in ET.fromstring(text).iter() for name in e.get("data-symbol", "").split()}


def ends(cell):
    """Names of what a diagram must show: inputs and previous values that are read, and all new values."""
    read = {q for r in cell.derive().forward for q in r.rhs.free_symbols}
    previous = [s.prev for s in recurrent_states(cell.derive().forward)]
    return {q.name for q in (*cell.states, *(q for q in (*cell.inputs, *previous) if q in read))}


@CATALOGUE
def test_every_cell_has_its_ends_and_nothing_covers_anything(name):
    cell = cells.get(name)
    assert not faults(layout(name))
    assert ends(cell) <= named(cell.diagram())


@CATALOGUE
def test_the_path_of_a_state_that_is_kept_is_stressed_and_straight(name):
    cell, memory = cells.get(name), graph(name).memory
    for carousel in carousels(cell.derive()):
        if carousel.kind in ("constant", "gate"):
            assert carousel.state.name in memory
    drawn = layout(name)
    for path in memory.values():
        shapes = [drawn.shapes[k] for k in path[1:-1]]
        assert len({s.y for s in shapes} | {drawn.left[path[0]], drawn.right[path[-1]]}) == 1
        assert [s.x for s in shapes] == sorted(s.x for s in shapes)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, phases=[Phase.generate])
@given(declarations())
def test_random_cells(declaration):
    cell = declaration.cell()
    assert not [f for f in faults(layout_of(cell)) if "lies on" not in f]  # which happens rarely, and in no cell of the catalogue
    assert ends(cell) <= named(cell.diagram())


def test_the_lstm_is_the_textbooks_figure():
    drawn = layout("lstm")
    of = {s.node.symbol.name: s for s in drawn.shapes.values() if s.node.symbol is not None}
    gates = [of[name] for name in "figo"]
    assert len({s.y for s in gates}) == 1 and [s.x for s in gates] == sorted(s.x for s in gates)
    assert [s.node.label for s in gates] == [r"\sigma", r"\sigma", r"\mathrm{tanh}", r"\sigma"]
    assert of["c"].y < of["h"].y < of["f"].y < of["x"].y  # memory on top, what is shown below it, gates, the input
    kept = drawn.shapes[graph("lstm").memory["c"][1]]
    assert kept.x == of["f"].x  # the forget gate stands under the product that it opens


def test_a_joint_has_what_several_gates_read():
    joints = [k for k, n in graph("lstm").nodes.items() if n.kind == "joint"]
    read = {graph("lstm").nodes[k].symbol.name for k in graph("lstm").sources(joints[0])}
    assert len(joints) == 1 and read == {"x", "h_prev"} and len(graph("lstm").targets(joints[0])) == 4


def test_a_large_cell_is_drawn_by_whole_equations():
    assert {n.kind for n in graph("ctrnn").nodes.values()} >= {"formula"}
    assert all(len([n for n in graph(name).nodes.values() if n.kind not in ("input", "previous", "state")]) <= 32 for name in cells.names())


def test_signs_and_divisors_are_marked():
    x, h = Input("x"), State("h")
    a, b = symbols("a b")
    cell = Cell("marks", [Eq(a, sigmoid(affine(x))), Eq(b, tanh(affine(x))), Eq(h, (h.prev - a) / (2 + b) * a)])
    marks = {e.mark for e in graph_of(cell.derive(), Labels(cell.derive())).edges}
    assert {"-", r"\div"} <= marks


def test_steps_stand_side_by_side_with_their_own_times():
    text = cells.lstm.diagram(steps=3)
    words = ["".join(e.itertext()) for e in ET.fromstring(text).iter(f"{SVG}text")]
    assert {"xt−2", "xt−1", "xt", "ct−3", "ct"} <= {*words} and words.count("ct−1") == 0
    keys = [e.get("id") for e in ET.fromstring(text).iter(f"{SVG}g")]
    assert len(keys) == len({*keys}) and text.count('class="frame"') == 3
    for steps in (0, -1, True, 1.5):
        with pytest.raises(CellError, match="number of steps >= 1"):
            cells.lstm.diagram(steps=steps)


def test_text_of_a_user_is_escaped():
    x, h = Input("x"), State("h")
    cell = Cell("odd", [Eq(h, tanh(affine(x, h.prev)))], reference="<script>alert(1)</script> \\input{/etc/passwd} \"'&")
    renamed = Cell.of(cell.variant("odd").declaration)
    object.__setattr__(renamed.declaration, "name", 'a"><script>x</script>\n\\input{y}')
    text = renamed.diagram()
    assert "<script" not in text and not list(ET.fromstring(text).iter(f"{SVG}script"))
    assert "\n\\input" not in diagram_file(renamed.derive(), ".tex")


def test_any_name_is_printed():
    odd = {name: f"ζ_{k}" for k, name in enumerate(NAMES)} | {"x": "class_", "i": "é", "h": "_private", "q": "x_1_2"}
    cell = cell_called(odd)
    assert ends(cell) <= named(cell.diagram())


def test_latex_of_names_becomes_runs_of_text():
    assert runs(r"\hat{f}_{t-1}") == (Run("f\u0302", 0, True), Run("t", -1, True), Run("−1", -1))
    assert plain(r"\alpha_{\mathrm{re},t}^{2}") == "α_re,t^2" and plain(r"\frac{1}{\tau}") == "1/τ"
    assert plain(r"h^{\langle t \rangle}") == "h^⟨t⟩"


@pytest.mark.skipif(shutil.which("pdflatex") is None or not shutil.which("kpsewhich"), reason="needs pdflatex")
@pytest.mark.parametrize(("name", "steps"), [("lstm", 1), ("s4d", 1), ("gru", 3)])
def test_tikz_compiles_to_one_page_of_its_size(name, steps, tmp_path):
    if subprocess.run(["kpsewhich", "tikz.sty"], capture_output=True).returncode:
        pytest.skip("needs tikz")
    (tmp_path / "d.tex").write_text(diagram_file(cells.get(name).derive(), ".tex", steps, document=True), "utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "d.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace")
    assert done.returncode == 0, done.stdout[-2000:]
    assert "(1 page" in done.stdout and "Overfull" not in done.stdout and "Missing character" not in done.stdout


def test_the_command_line_writes_each_kind_of_file(tmp_path):
    assert succeeds("diagram", "rnn").startswith("<svg")
    for kind, start in ((".svg", b"<svg"), (".tex", b"% Diagram"), (".png", b"\x89PNG"), (".pdf", b"%PDF")):
        path = tmp_path / f"rnn{kind}"
        succeeds("diagram", "rnn", "--steps", "2", "-o", str(path))
        assert path.read_bytes().startswith(start)
    assert "ends with .svg" in refused("diagram", "rnn", "-o", str(tmp_path / "rnn.docx"))
