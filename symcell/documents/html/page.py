"""Article -> one web page: the mathematics on the left, the generated code on the right, the diagram above both.

A page is one file that needs no other, or shares its style with the other pages of a book."""

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from html import escape

from jinja2 import Environment, PackageLoader
from markupsafe import Markup

from symcell.documents.article import Items, Math, Paragraph, Part, Reference
from symcell.documents.html.code import code_lines, first_lines, lines_of_head
from symcell.documents.html.mathml import MarkedNotation, formula, pieces
from symcell.documents.html.quantities import Quantities
from symcell.documents.style import STANDARD

BEGINNING = "<!DOCTYPE html>\n<!-- symcell"  # of every page, by which it is known


@dataclass(frozen=True)
class Link:
    """A link of a book: its text, its address, and how the page there is related: "prev", "next" or ""."""

    text: str
    address: str
    rel: str = ""


@dataclass(frozen=True)
class Figure:
    """A chart as SVG, "" where there is none, and what is said of it."""

    title: str
    svg: str
    caption: str


@dataclass(frozen=True)
class Around:
    """What a page shows around the mathematics: facts (name, parts of a sentence), a diagram as SVG, figures of what was
    measured, the generated module and the address of its file, a citation, and links of a book. `assets` is the address of a
    shared style, or "" for a page that carries its own."""

    facts: tuple[tuple[str, tuple[Part, ...]], ...] = ()
    diagram: str = ""
    figures: tuple[Figure, ...] = ()
    source: str = ""
    module: str = ""
    citation: str = ""
    links: tuple[Link, ...] = ()
    assets: str = ""


def page(article, around=None, style=STANDARD):
    """An article as the text of an HTML page, in the notation of a style."""
    around, quantities = around or Around(), Quantities(article.derivation)
    code = code_lines(around.source, article, quantities) if around.source else []
    around = replace(around, diagram=quantities.mark(around.diagram))
    writer = _Writer(article, style, first_lines(code))
    head = lines_of_head(around.source)
    values = {"writer": writer, "head": code[:head], "code": code[head:], "least": _least_width(around.diagram)}
    return render("page", around, title=article.name, article=article, **values)


def _least_width(svg):
    """The width in pixels below which a diagram scrolls, since its letters would be too small."""
    found = re.search(r'<svg\b[^>]*? width="([\d.]+)"', svg)
    return round(0.8 * float(found.group(1))) if found else 0


def render(name, around, **values):
    """A template, with the style and the script of all pages."""
    return environment().get_template(f"{name}.html.jinja").render(around=around, **values)


@lru_cache(maxsize=1)
def environment():
    """The templates of pages, which escape whatever is not marked as HTML."""
    loader = PackageLoader("symcell.documents.html")
    found = Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True)
    found.globals["raw"] = lambda name: Markup(loader.get_source(found, name)[0])
    found.filters["html"] = Markup
    return found


class Words:
    """Sentences of an article as HTML: escaped, with their formulas in a notation, and links to numbered lines."""

    def __init__(self, notation, numbers=None):
        self.notation, self.numbers = notation, numbers or {}

    def words(self, parts):
        return Markup("".join(map(self._part, parts)))

    def _part(self, part):
        if isinstance(part, Math):
            return formula(self.notation, part.expr, part.relation, part.right)
        if isinstance(part, Reference):
            return ", ".join(f'<a class="ref" href="#{escape(key)}">({self.numbers[key]})</a>' for key in part.keys)
        return escape(part)


class _Writer(Words):
    """The parts of an article as HTML, with links to the lines of code."""

    def __init__(self, article, style, code):
        super().__init__(MarkedNotation(article.derivation, style), article.numbers)
        self.code = code

    def is_paragraph(self, block):
        return isinstance(block, Paragraph)

    def is_list(self, block):
        return isinstance(block, Items)

    def left(self, line):
        return Markup(pieces(self.notation, "", line.left)[-1])

    def right(self, line):
        """The right side in pieces that wrap, and before it the values that have names in it."""
        *definitions, last = pieces(self.notation, line.relation, line.right)
        return list(map(Markup, definitions)), Markup(last)
