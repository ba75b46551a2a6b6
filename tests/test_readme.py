"""What README shows and says is what the tool prints and has."""

import re
from pathlib import Path

import pytest

from symcell import cells
from symcell.rendered import RenderedDerivation

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def lstm():
    """The cell that README begins with."""
    names = {}
    exec(re.search(r"```python\n(.*?)```", README, re.S)[1], names)
    return names["lstm"]


def formulas():
    """README's formulas, a line each; Markdown wants its underscores escaped."""
    block = re.search(r"\$\$\\begin\{aligned\}\n(.*?)\n\\end\{aligned\}", README, re.S)[1]
    return block.replace(r"\_", "_").split(" \\\\\n")


def test_the_calls_that_show_its_use_run(lstm):
    (block,) = [b for b in re.findall(r"```python\n(.*?)```", README, re.S) if "kernel.forward(" in b]
    made = {"lstm": lstm}
    exec(block, made)
    assert made["grads"].inputs["x"].shape == made["x"].shape and made["state"]["c"].shape == (32, 16)


def test_the_formulas_are_those_of_the_derivation(lstm):
    printed = lstm.derive().latex().replace(r"\footnotesize ", "")
    assert len(formulas()) == 4
    for formula in formulas():
        assert formula in printed


def test_the_number_of_equations(lstm):
    count = int(re.search(r"Of its (\d+) equations", README)[1])
    assert rf"\tag{{{count}}}" in lstm.derive().latex() and rf"\tag{{{count + 1}}}" not in lstm.derive().latex()


def test_the_catalogue_is_shown_at_work():
    (block,) = [b for b in re.findall(r"```python\n(.*?)```", README, re.S) if "symcell.cells.names()" in b]
    exec(block, {})
    assert int(re.search(r"lists its (\d+) cells", block)[1]) == len(cells.names())


def test_the_variants_are_what_is_said_of_them(capsys):
    (block,) = [b for b in re.findall(r"```python\n(.*?)```", README, re.S) if ".variant(" in b]
    made = {}
    exec(block, made)
    assert not {"W_f", "U_f", "b_f"} & {p.name for p in made["coupled"].params}
    assert str(made["open_output"].equations[-1]) == "h = tanh(c)"
    assert [e.target.name for e in made["slower"].equations] == ["i", "m", "f", "g", "o", "c", "h"]
    assert made["coupled"].reference.startswith("variant of lstm: f = 1 - i (Gers, Schmidhuber, Cummins, ")
    assert made["equivalent"](made["lstm"], made["no_peepholes_lstm"]) and capsys.readouterr().out.startswith("lstm and coupled differ\n")
    assert cells.no_peepholes_lstm.name in (ROOT / "symcell" / "cells" / "ablations.py").read_text(encoding="utf-8")


def test_the_calls_of_the_story_are_those_of_the_compiler():
    calls = re.search(r"tells the story in five calls: ([^.]*)\.", README)[1].split(", ")
    source = (ROOT / "symcell" / "compiler.py").read_text(encoding="utf-8")
    assert len(calls) == 5 and [source.index(f"{call}(") for call in calls] == sorted(source.index(f"{call}(") for call in calls)


def test_the_packages_that_a_fragment_needs(lstm):
    assert r"\mathbb" in lstm.derive().latex() and all("amssymb" in text for text in (RenderedDerivation.latex.__doc__, README))


def test_the_carousel(lstm):
    assert r"\frac{\partial c_t}{\partial c_{t-1}} = f_t$$" in README
    assert str(lstm.jacobian("c", "c_prev")) == "f"


def test_the_licence_is_the_one_that_is_declared():
    assert 'license = "MIT"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").startswith("MIT License\n\nCopyright (c) 2026 the symcell authors\n")
