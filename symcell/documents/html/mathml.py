"""Expressions -> MathML, by way of the LaTeX that papers get; every symbol carries the class of its quantity."""

from functools import cached_property
from html import unescape
from xml.etree import ElementTree

from latex2mathml.converter import convert_to_element

from symcell.documents.formulas.breaking import broken, without_braces
from symcell.documents.formulas.nodes import points, tex
from symcell.documents.formulas.parsing import parse
from symcell.documents.html.quantities import Quantities
from symcell.documents.layout import RELATIONS
from symcell.documents.printer import Notation

_BRACE = "\u23df"
_PIECE = 190.0  # points at a size of 10 pt: what a line on a telephone has room for


class MarkedNotation(Notation):
    """The notation of papers, with the class of its quantity around each symbol."""

    @cached_property
    def quantities(self):
        return Quantities(self.derivation)

    def name(self, e):
        text, found = super().name(e), self.quantities.of_symbol(e)
        return rf"\class{{{found}}}{{{text}}}" if found else text

    def mathml(self, e, relation="", right=None):
        """An expression, or a relation of two, as one formula."""
        return mathml(tex(self.formula(e) if right is None else (*self.formula(e), *self.side(relation, right))))

    def side(self, relation, right):
        """A relation, if there is one, and its right side, as the tree of their parts."""
        return (*(parse(RELATIONS[relation]) if relation else ()), *self.formula(right))

    def pieces(self, relation, right):
        """A relation and its right side as formulas that fit on a telephone; a browser puts as many in a line as it has room for.
        What stands over the name of a value in a long one is said in formulas of its own, before it: a list of lists."""
        body = self.side(relation, right)
        if points(body) <= _PIECE:
            return [[mathml(tex(body))]]
        body, definitions = without_braces(body)
        sides = [*((*name, *parse("="), *value) for name, value in definitions), body]
        return [[mathml(tex(line.body)) for line in broken(side, _PIECE)] for side in sides]


def mathml(text):
    """A formula in our printer's LaTeX as a <math> element."""
    math = convert_to_element(text)
    for e in math.iter():
        e.text = unescape(e.text) if e.text else None  # latex2mathml writes characters by their numbers
        if e.tag == "munder":
            _bracketed(e)
    return ElementTree.tostring(math, "unicode")


def _bracketed(under):
    """Replace a brace under a value by the class "under", which the style draws: browsers do not stretch all braces rightly."""
    if len(under) == 2 and unescape(under[1].text or "") == _BRACE:
        value = under[0]
        under.clear()
        under.tag, under.attrib = "mrow", {"class": "under"}
        under.append(value)
