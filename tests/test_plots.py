"""Pictures: what they show is right, and what stands in them stays in them."""

from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.figure import Figure
from sympy import Eq, exp

from symcell import Cell, Input, Param, State, cells
from symcell.commands import plotting
from symcell.derivation.carousel import Carousel
from symcell.documents.gates import Gates
from symcell.documents.gradient_norms import Curve, elementwise_part, measure, sizes_at_random, within_reach
from symcell.documents.html.charts import Series, norm_chart
from symcell.documents.html.figures import figures
from symcell.documents.plots import draw_gates, draw_norms, draw_powers
from symcell.documents.step_values import before_each_step, step_values


@pytest.fixture
def drawn(monkeypatch):
    """The figures that were saved."""
    figures = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, file, **options: figures.append(figure))
    return figures


def title_of(figure):
    """The title's text and the box around it, as a share of the picture."""
    figure.canvas.draw()
    title = figure._suptitle
    return title.get_text(), title.get_window_extent().transformed(figure.transFigure.inverted())


@pytest.mark.parametrize("panels", [1, 2])
def test_a_long_title_is_wrapped(panels, drawn, tmp_path):
    curve, title = Curve("toy", "h", "f", np.array([1.0, 0.5, 0.1]), None), "many words that say what there is to see, " * 5
    draw_norms({f"panel {k}": [curve] for k in range(panels)}, tmp_path / "picture.png", title)
    text, box = title_of(drawn[0])
    assert text.split() == title.split() and "\n" in text
    assert box.x0 > 0 and box.x1 < 1 and box.y1 <= 1


def test_a_short_title_is_one_line(drawn, tmp_path):
    draw_norms({"": [Curve("toy", "h", "f", np.array([1.0, 0.5]), None)]}, tmp_path / "picture.png", "A title")
    assert title_of(drawn[0])[0] == "A title"


def test_states_have_as_many_units_as_were_asked_for():
    assert sizes_at_random(cells.lstm, 3) == {"n_x": 8, "n_h": 3}
    assert sizes_at_random(cells.sru, 3) == {"n_h": 3}  # its inputs are of its states' size


def test_a_size_is_not_parted_from_its_number(drawn, tmp_path):
    plotting.draw_flow([cells.statistical_recurrent_unit], tmp_path / "picture.png", steps=2, hidden=3)
    text, box = title_of(drawn[0])
    assert "n_x\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}8" in text
    assert box.x0 > 0 and box.x1 < 1


@pytest.mark.parametrize("count", [1, 2, 3, 5])
@pytest.mark.parametrize("name", ["rnn", "a_cell_with_a_rather_long_name"])
def test_a_legend_stays_inside(count, name, drawn, tmp_path):
    norms = np.array([1.0, 0.5, 0.1])
    draw_norms({"": [Curve(f"{name}_{k}", "h", "f", norms, norms) for k in range(count)]}, tmp_path / "picture.png")
    (legend,) = drawn[0].legends
    drawn[0].canvas.draw()
    box = legend.get_window_extent().transformed(drawn[0].transFigure.inverted())
    assert box.x0 > 0 and box.x1 < 1 and box.y0 >= 0
    entries = [text.get_text() for text in legend.get_texts() if text.get_text() != " "]
    assert len(entries) == 2 * count and all("measured" in a and "product of f alone" in b for a, b in zip(entries[::2], entries[1::2], strict=True))


# What is measured.


def test_gates_are_what_their_equations_say():
    kernel, random = cells.lstm.compile("float64"), np.random.default_rng(3)
    params = {name: random.normal(size=a.shape) for name, a in kernel.init(n_x=2, n_h=3, seed=0).items()}
    x = random.normal(size=(5, 4, 2))
    before = before_each_step(kernel, params, {"x": x})
    f, c = (next(e.target for e in cells.lstm.equations if e.target.name == name) for name in "fc")
    gate, state = step_values(cells.lstm.derive(), [(f, f), (c, c)], params, {"x": x}, before)
    z = x @ params["W_f"].T + before["h"] @ params["U_f"].T + params["b_f"]
    np.testing.assert_allclose(gate, 1 / (1 + np.exp(-z)), rtol=1e-12)
    np.testing.assert_allclose(state, kernel.forward(params, x).states["c"], rtol=1e-12)


def test_of_a_gru_the_direct_path_is_drawn():
    kernel, random = cells.gru_one_gate.compile("float64"), np.random.default_rng(4)
    params = {name: random.normal(size=a.shape) for name, a in kernel.init(n_x=2, n_h=3, seed=0).items()}
    params |= {name: np.zeros_like(params[name]) for name in ("U_g", "U_u")}  # which leaves no other path
    (curve,) = measure(kernel, params, {"x": random.normal(size=(6, 4, 2))}, {"c": random.normal(size=(4, 3))})
    assert curve.factor == "1 - u"
    np.testing.assert_allclose(curve.carousel, curve.norms, rtol=1e-12)


@pytest.mark.parametrize(("cell", "state", "part"), [("lstm", "c", "f"), ("lstm", "h", "None"), ("rnn", "a", "None"), ("lstm_1997", "c", "1")])
def test_the_elementwise_part(cell, state, part):
    assert str(elementwise_part(Carousel(cells.get(cell).derive(), state))) == part


@pytest.mark.parametrize("w", [0.5, -0.9, 1.0, 1.1])
def test_the_influence_of_the_toy_is_a_power(w):
    np.testing.assert_allclose(plotting.influence(w, 9), abs(w) ** np.arange(10.0), rtol=1e-12)


# What is drawn.


def test_powers_are_lines_and_what_is_measured_are_marks(drawn, tmp_path):
    measured = np.array([1.0, 0.6, 0.2])
    draw_powers({("w = 0.5", 0.5): measured}, tmp_path / "toy.png")
    line, marks = drawn[0].axes[0].lines
    np.testing.assert_allclose(line.get_ydata(), [1, 0.5, 0.25])
    np.testing.assert_allclose(marks.get_ydata(), measured)
    assert marks.get_label() == "w = 0.5" and marks.get_linestyle() == "None"


def test_gates_are_rows_of_units_over_time(drawn, tmp_path):
    random = np.random.default_rng(5)
    gates = [Gates(random.normal(size=7), {"i": random.uniform(size=(7, 3)), "f": random.uniform(size=(7, 3))}, {"c": random.normal(size=(7, 3))})
             for _ in range(2)]  # fmt: skip
    draw_gates({"before": gates[0], "after": gates[1]}, tmp_path / "gates.png")
    axes = [ax for ax in drawn[0].axes if ax.get_label() != "<colorbar>"]
    assert [ax.get_ylabel() for ax in axes[::2]] == ["input", "i", "f", "c"]
    assert [ax.get_title() for ax in axes[:2]] == ["before", "after"]
    for ax, a in zip(axes[2:], [g for name in ("i", "f") for one in gates for g in [one.gates[name]]], strict=False):
        (image,) = ax.images
        np.testing.assert_allclose(image.get_array(), a[:, np.argsort(a.mean(axis=0))].T)
        assert image.get_clim() == (0, 1)
    low, high = axes[-1].images[0].get_clim()
    assert -low == high == np.abs(gates[1].states["c"]).max()


# The figures of pages.


def test_a_plain_kernel_measures_what_a_compiled_one_does():
    sizes = {"n_x": 2, "n_h": 3}
    plain, kernel, random = cells.lstm.plain(), cells.lstm.compile("float64"), np.random.default_rng(6)
    params = plain.init(4, **sizes)
    for name, a in kernel.init(seed=4, **sizes).items():
        np.testing.assert_array_equal(params[name], a)
    given = params, {"x": random.normal(size=(6, 4, 2))}, {"h": random.normal(size=(4, 3))}
    for one, other in zip(measure(plain, *given, products=False), measure(kernel, *given), strict=True):
        np.testing.assert_allclose(one.norms, other.norms, rtol=1e-12)
        assert one.carousel is None


def test_heads_divide_what_they_are_heads_of():
    assert sizes_at_random(cells.gla, 16)["n_heads"] == 4
    assert sizes_at_random(cells.rg_lru, 6) == {"n_h": 6, "n_heads": 2}


def test_magnitudes_are_taken_where_states_go_far_away():
    h, x = State("h"), Input("x", "n_h")
    kernel = Cell("toy", [Eq(h, exp(-9 * Param("w")) + x + h.prev / 2)]).plain()
    for w, taken in ((-1.0, 1.0), (-0.1, -0.1)):
        params, inputs = within_reach(kernel, {"w": np.full(3, w)}, {"x": -np.ones((4, 2, 3))})
        np.testing.assert_array_equal(params["w"], taken)
        np.testing.assert_array_equal(inputs["x"], np.sign(taken))


def test_figures_say_why_gradients_cannot_be_measured():
    h, x = State("h"), Input("x", "n_h")
    explodes = Cell("explodes", [Eq(h, exp(exp(h.prev**2 + x**2 + 9)))])
    (figure,) = figures(explodes.plain)
    assert not figure.svg and "explodes" in figure.caption and "not finite" in figure.caption
    (figure,) = figures(Cell("forgets", [Eq(h, x**2)]).plain)
    assert not figure.svg and "no error goes back" in figure.caption


def test_a_chart_shows_the_powers_of_ten_of_a_gradient():
    values = 10.0 ** -np.arange(8)
    root = ElementTree.fromstring(norm_chart([Series("<b> & co", "own", values)], "a title", "what is seen", "distance k", "norm"))
    line = next(e for e in root.iter("path") if e.get("class") == "series own")
    points = np.array([list(map(float, p.split())) for p in line.get("d")[1:].split("L")])
    assert len(points) == 8 and np.ptp(np.diff(points, axis=0), axis=0).max() < 0.2  # straight, its decimals apart
    texts = [e.text for e in root.iter("text")]
    assert "<b> & co" in texts and texts[1:5] == ["10⁻⁶", "10⁻⁴", "10⁻²", "1"] and len(root.find("desc").text) > 5
    gone = norm_chart([Series("none", "own", 0 * values)], "a title", "nothing", "distance k", "norm")
    assert gone.count('class="series own"') == 1  # in the legend alone
