"""The picture of gradient norms: what stands in it stays in it."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from symcell import cells
from symcell.commands import plotting
from symcell.documents.gradient_norms import Curve, sizes_at_random
from symcell.documents.plots import draw_norms


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
