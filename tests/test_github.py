"""Markdown and notebooks: GitHub shows every formula of a derivation."""

import re

import pytest
from support.github import displays, refused
from sympy import Eq, tanh

from symcell import Cell, Input, State, affine, cells

x, h = Input("x"), State("h")
ODD = Cell("a_b", [Eq(s, tanh(affine(x, s.prev))) for s in map(State, ("u0", "log_gamma", "f_hat", "имя", "a_b_c"))],
           reference=r"50% of $x_1$ & #3 `a` *b* </script> \input{x}")  # fmt: skip
SHOWN = [ODD, *map(cells.get, ("lstm", "ltc", "nested_lstm", "mamba2"))]


@pytest.mark.parametrize("cell", SHOWN, ids=lambda cell: cell.name)
def test_github_shows_every_formula(cell):
    text = cell.derive().markdown(proofs=True)
    assert len(displays(text)) > 5
    assert not refused(text)


@pytest.mark.parametrize("cell", SHOWN, ids=lambda cell: cell.name)
def test_a_notebook_has_the_same_formulas(cell):
    derivation = cell.derive()
    notebook = re.sub(r"\$\$\n(.*?)\n\$\$", r"```math\n\1\n```", derivation._repr_markdown_(), flags=re.S)
    assert re.sub(r"(?<!\\)\$([^$\n]+?)(?<!\\)\$", r"$`\1`$", notebook) == derivation.markdown()
    formulas = re.findall(r"\$\$\n(.*?)\n\$\$", derivation._repr_latex_(), re.S)
    assert formulas and not refused("\n".join(f"```math\n{formula}\n```" for formula in formulas))


@pytest.mark.parametrize("text", [
    r"$`\operatorname{diag}(u)`$", "a$`x`$", "$`x`$1", r"$`a <b > c`$", "- a\n  ```math\n  x\n  ```", "$`x\ny`$",
    "```math\n\\text{$x$}\n```", "```math\na % b\n```", "```math\n" + "x_{ab} " * 100 + "\n```", "```math\nx \\tag{1}\n```",
])  # fmt: skip
def test_the_rules_find_what_github_refuses(text):
    assert refused(text)


def test_the_rules_let_pass_what_github_shows():
    assert not refused("the ($`a < b`$), $`\\{x\\}`$.\n\n```math\n" + "x_{ab} " * 99 + "\n```\n")
