"""Formulas of symcell's derivations as pages show them: a few lines of a document, without its sentences and equation numbers."""

import re

from symcell.documents.article import Math, Reference
from symcell.documents.contents import path_article
from symcell.documents.layout import RELATIONS
from symcell.documents.printer import Notation
from symcell.documents.web import web


def lines(derivation, *lefts):
    """The lines with these left sides, in this order, of what a derivation says."""
    return _chosen(derivation.article(), lefts)


def step(carousel):
    """What one step does to an error, of the carousel of a state whose name is one letter, as a line."""
    s = carousel.state.name
    (line,) = _chosen(path_article(carousel), [rf"\frac{{\partial {s}_t}}{{\partial {s}_{{t-1}}}}"])
    return line


def aligned(*lines):
    """Lines as one formula, small enough for a page of GitHub."""
    return "\\small\n\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"


def _chosen(article, lefts):
    notation, found = Notation(article.derivation), {}
    for line in article.lines:
        left, right = (web(notation.formula(side)) for side in (line.left, line.right))
        found.setdefault(_plain(left), f"{left} &{RELATIONS[line.relation]} {right}{_note(line.rule, article.numbers, notation)}")
    missing = [left for left in lefts if _plain(left) not in found]
    assert not missing, f"no line begins with {', '.join(missing)}; there are {', '.join(found)}"
    return [found[_plain(left)] for left in lefts]


def _note(rule, numbers, notation):
    """The rule behind a line, with the numbers of the lines that it comes from."""
    words = ""
    for part in rule:
        if isinstance(part, Reference):
            words += ", ".join(f"({numbers[key]})" for key in part.keys if key in numbers)
        else:
            words += f"}}{web(notation.formula(part.expr))}\\text{{" if isinstance(part, Math) else part
    return rf" && \text{{{words}}}" if words else ""


def _plain(left):
    """A left side without braces and spaces that change nothing."""
    return re.sub(r"([_^])\{(.)\}", r"\1\2", left).replace(" ", "")
