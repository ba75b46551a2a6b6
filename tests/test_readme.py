"""README: its code prints what it says, and it is short."""

import re
from pathlib import Path

import pytest

from docs.refresh import refreshed
from symcell import cells
from symcell.rendered import RenderedDerivation

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def names():
    """What README's code makes, after its text was compared with what that prints."""
    pytest.importorskip("torch")
    made = {}
    assert refreshed(ROOT / "README.md", made) == README, "run: python docs/refresh.py README.md"
    return made


def test_its_code_runs_and_prints_what_it_says(names):
    assert {g.shape for g in names["grads"].inputs.values()} == {(100, 32, 8)}
    assert names["path"].name == "lstm.py" and tuple(names["out"].shape) == (8, 50, 128)


def test_the_carousel(names):
    assert r"\frac{\partial c_t}{\partial c_{t-1}} &=" in README
    assert str(names["lstm"].jacobian("c", "c_prev")) == "f"


def test_the_packages_that_a_fragment_needs(names):
    assert r"\mathbb" in names["lstm"].derive().latex()
    assert all("amssymb" in text for text in (RenderedDerivation.latex.__doc__, README))


def test_it_is_short():
    lines = re.sub(r"(?s)```math\n.*?```", "```math\n```", README).splitlines()  # a formula is as long as it is
    assert len(README.splitlines()) <= 130 and max(map(len, lines)) <= 160


def test_the_number_of_cells():
    assert re.findall(r"(\d+) cells", README) == [str(len(cells.names()))]


def test_the_licence_is_the_one_that_is_declared():
    assert 'license = "MIT"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").startswith("MIT License\n\nCopyright (c) 2026 the symcell authors\n")
