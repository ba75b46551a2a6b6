"""Expressions -> MathML, by way of the LaTeX that papers get; every symbol carries the class of its quantity."""

from html import unescape
from xml.etree import ElementTree

from latex2mathml.converter import convert_to_element

from symcell.documents.printer import Notation

_BRACE = "\u23df"


class MarkedNotation(Notation):
    """The notation of papers, with the class of its quantity around each symbol."""

    def __init__(self, derivation, quantities, **options):
        super().__init__(derivation, **options)
        self.quantities = quantities

    def at(self, time):
        return MarkedNotation(self.derivation, self.quantities, time=time)

    def name(self, e):
        text, found = super().name(e), self.quantities.of_symbol(e)
        return rf"\class{{{found}}}{{{text}}}" if found else text


def mathml(text, display=False):
    """A formula in our printer's LaTeX as a <math> element."""
    math = convert_to_element(text, display="block" if display else "inline")
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
