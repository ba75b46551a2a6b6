"""Formulas of symcell's derivations as pages show them: a few lines of one, without sentences and equation numbers."""

import re

_LINE = re.compile(
    r"^(?P<left>.*?) &(?P<right>(?:=|\\in) .*?)"
    r"(?: && \\text\{\\footnotesize (?P<note>.*?)\})?(?: \\(?:tag\{\d+\}|notag))?(?: \\\\)?$"
)


def lines(derivation, *lefts):
    """The lines of a derivation with these left sides, in this order: `lines(lstm.derive(), r"\\bar{c}_t")`."""
    found = {m["left"]: m for m in map(_LINE.match, derivation.latex().splitlines()) if m}
    return [f"{left} &{found[left]['right']}" + _note(found[left]["note"]) for left in lefts]


def _note(text):
    return rf" && \text{{{text}}}" if text else ""


def step(carousel):
    """What one step does to an error, of a state's carousel, as a line."""
    return display(carousel).partition(r" \,, \qquad ")[0].replace(" = ", " &= ", 1)


def display(shown):
    """The formula by which something renders itself in a notebook."""
    return shown._repr_latex_().removeprefix(r"$\displaystyle ").removesuffix("$")


def aligned(*lines):
    """Lines as one formula."""
    return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"
