"""Expressions -> MathML, by way of the LaTeX that papers get; every symbol carries the class of its quantity."""

import re
from functools import lru_cache
from html import unescape
from xml.etree import ElementTree

from latex2mathml.converter import convert_to_element

from symcell.documents.formulas.breaking import broken, without_braces
from symcell.documents.formulas.parsing import parse
from symcell.documents.formulas.rows import points, tex
from symcell.documents.html.quantities import Quantities
from symcell.documents.layout import RELATIONS
from symcell.documents.nodes import t
from symcell.documents.printer import Notation
from symcell.documents.style import STANDARD

_PIECE = 175.0  # points at a size of 10 pt: what a line on a telephone has room for


class MarkedNotation(Notation):
    """The notation of papers, with the class of its quantity around each symbol."""

    def __init__(self, derivation, style=STANDARD, time=t, quantities=None):
        super().__init__(derivation, style, time)
        self.quantities = quantities or Quantities(derivation)

    def at(self, time):
        return type(self)(self.derivation, self.style, time, self.quantities)

    def name(self, e):
        text, found = super().name(e), self.quantities.of_symbol(e)
        return rf"\class{{{found}}}{{{text}}}" if found else text


def formula(notation, e, relation="", right=None):
    """An expression, or a relation of two, within a sentence: one formula, or several if a telephone has no room for it."""
    body = notation.formula(e) if right is None else (*notation.formula(e), *_side(notation, relation, right))
    return _wrapped(body)


def pieces(notation, relation, right):
    """A relation and its right side as formulas that fit on a telephone; a browser puts as many in a line as it has room for.
    What stands over the name of a value in a long one is said in formulas of its own, before it: a list."""
    body = _side(notation, relation, right)
    if points(body) <= _PIECE:
        return [_wrapped(body)]
    body, definitions = without_braces(body)
    return [_wrapped(side) for side in (*((*name, *parse("="), *value) for name, value in definitions), body)]


def _wrapped(body):
    return " ".join(mathml(tex(line.body)) for line in broken(body, _PIECE))


def _side(notation, relation, right):
    """A relation, if there is one, and its right side, as the tree of their parts."""
    return (*(parse(RELATIONS[relation]) if relation else ()), *notation.formula(right))


@lru_cache(maxsize=4096)
def mathml(text):
    """A formula in our printer's LaTeX as a <math> element."""
    for pattern, better in _BEFORE:
        text = pattern.sub(better, text)
    math = convert_to_element(text)
    for e in reversed([*math.iter()]):  # what is inside first
        e.text = _characters(e) if e.text else None
        if change := _CHANGES.get(e.tag):
            change(e)
    del math.attrib["xmlns"], math.attrib["display"]  # as HTML has them anyway
    return ElementTree.tostring(math, "unicode")


# What latex2mathml leaves undone, or browsers do not draw well.

_BEFORE = (
    (re.compile(r"\\\\\[\d+pt\]"), r"\\\\"),  # the space between rows, which latex2mathml prints
    (re.compile(r"\\mathrm\{(\w)\}"), r"\\text{\1}"),  # one letter, which is in italics unless it is text
    (re.compile(r"(?<!igl|igr|ggl|ggr)\\lvert\b"), r"\\left|"),  # bars are no brackets otherwise
    (re.compile(r"(?<!igl|igr|ggl|ggr)\\rvert\b"), r"\\right|"),
)
_STYLED = {
    "bold": str.maketrans({str(k): chr(0x1D7CE + k) for k in range(10)}),
    "monospace": str.maketrans(
        {str(k): chr(0x1D7F6 + k) for k in range(10)} | {chr(first + k): chr(begin + k) for k in range(26)
                                                         for first, begin in ((ord("A"), 0x1D670), (ord("a"), 0x1D68A))}
    ),
}  # fmt: skip
_SIZED = {r"\langle": "⟨", r"\rangle": "⟩", r"\lfloor": "⌊", r"\rfloor": "⌋", r"\lceil": "⌈", r"\rceil": "⌉", r"\|": "‖"}
_SIZED |= dict.fromkeys((r"\lvert", r"\rvert", r"\vert"), "|") | {r"\{": "{", r"\}": "}", r"\[": "[", r"\]": "]"}
_FORMS = {"l": "prefix", "r": "postfix"}
_BRACE, _BARS = "\u23df", ("\u00af", "\u2015")


def _characters(e):
    """The text of an element: latex2mathml writes characters by their numbers, and sized delimiters by their commands."""
    text = unescape(e.text)
    if e.attrib.get("mathvariant") in _STYLED:  # which browsers know by their characters alone
        text = text.translate(_STYLED[e.attrib.pop("mathvariant")])
    if text in _SIZED and text[1] in _FORMS:
        e.attrib["form"] = _FORMS[text[1]]
    return _SIZED.get(text, text)


def _row(row):
    """A word, which latex2mathml writes letter by letter, as one element; a row of one element as that element."""
    if len(row) > 1 and all(e.tag == "mi" and e.attrib.get("mathvariant") == "normal" for e in row):
        word = "".join(e.text for e in row)
        row.clear()
        row.tag, row.text = "mi", word
    while row.tag == "mrow" and len(row) == 1 and not row.attrib:
        (only,) = row
        row.clear()
        row.tag, row.text, row.attrib = only.tag, only.text, only.attrib
        row.extend(only)


def _braced(under):
    """Replace a brace under a value by the class "under", which the style draws: browsers do not stretch all braces rightly."""
    if len(under) == 2 and unescape(under[1].text or "") == _BRACE:
        _classed(under, "under")


def _barred(over):
    """The same for a bar over a word, by the class "over"; one over a letter is a mark that stays near it."""
    if len(over) == 2 and unescape(over[1].text or "") in _BARS:
        if len("".join(over[0].itertext())) > 1:
            _classed(over, "over")
        else:
            over[1].attrib = {"stretchy": "false"}
            over[1].text = _BARS[0]


def _classed(e, name):
    value = e[0]
    e.clear()
    e.tag, e.attrib = "mrow", {"class": name}
    e.append(value)


_CHANGES = {"mrow": _row, "munder": _braced, "mover": _barred}
