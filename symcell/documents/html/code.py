"""Generated code beside its equations: Pygments highlights it, names have the class of their quantity, lines know equations."""

import re
from dataclasses import dataclass
from functools import lru_cache
from html import escape

from pygments.lexers import PythonLexer
from pygments.token import STANDARD_TYPES, Comment, Keyword, Name, Number, Operator, String

from symcell.notation.plain import PlainPrinter

_DRAWN = (Comment, Keyword, Number, String, Name.Decorator, Operator.Word)
_ASSIGNED = re.compile(r"\s*(\w+)(?:\[[^\]]*\])?\s*(?:\+=|=)\s")  # name = ..., name[j] += ...
_PRODUCTS = re.compile(r"\s*# (\S+ @ .*)")  # a comment that lists products: W_i @ x, W_f @ x
_SAID = re.compile(r"\s*#\s*((?:\w+(?:, )?)+)(?::| =)\s")  # a comment that says what a product computes: dW_i, dW_f: ...


@dataclass(frozen=True)
class CodeLine:
    """A line of code as HTML, and the keys of the equations that it computes."""

    number: int
    html: str
    keys: tuple[str, ...]


def code_lines(source, article, quantities):
    """The lines of a generated module. A line computes one of the article if it assigns to its quantity, or names its product."""
    keys, products = {line.key for line in article.lines}, _products(article.derivation)
    texts = source.rstrip("\n").split("\n")
    marked = "".join(_token(kind, text, quantities) for kind, text in PythonLexer(stripnl=False).get_tokens(source))
    pairs = zip(texts, marked.split("\n"), strict=False)
    return [CodeLine(n, html, tuple(k for k in _keys(text, products) if k in keys)) for n, (text, html) in enumerate(pairs, 1)]


def lines_of_head(source):
    """The number of lines before the first function: the docstring and what is imported."""
    beginnings = ("@", "def ", "class ")
    return next((n for n, text in enumerate(source.split("\n")) if text.startswith(beginnings)), 0)


def first_lines(lines):
    """Key -> the number of the first line of code that computes it."""
    found = {}
    for line in lines:
        for key in line.keys:
            found.setdefault(key, line.number)
    return found


def _products(derivation):
    """The text of a product that is all of an equation -> the key of its line."""
    text = PlainPrinter(derivation).doprint
    forward = {text(row.rhs): f"forward-{row.target.name}" for row in derivation.forward}
    return forward | {text(row.rhs): f"adjoint-{row.target.of.name}" for row in derivation.adjoint}


def _keys(text, products):
    """The keys that a line of code may compute: forward-c for c, adjoint-c for dc; those of the products that it lists."""
    if listed := _PRODUCTS.match(text):
        return [products[p] for p in listed.group(1).split(", ") if p in products]
    found = _ASSIGNED.match(text) or _SAID.match(text)
    names = found.group(1).split(", ") if found else []
    return [key for n in names for key in (f"forward-{n}", *([f"adjoint-{n[1:]}"] if n.startswith("d") else []))]


def _token(kind, text, quantities):
    """A token as HTML. A token that runs over several lines, such as a docstring, is closed and opened again at each."""
    drawn, is_name = _pygments_class(kind)
    if not (drawn or is_name):
        return escape(text)
    names = f"{drawn} {quantities.of_identifier(text)}".strip() if is_name else drawn
    if not names:
        return escape(text)
    return "\n".join(f'<span class="{names}">{escape(part)}</span>' if part else "" for part in text.split("\n"))


@lru_cache(maxsize=256)
def _pygments_class(kind):
    """The short class of a token's kind if the style draws it, or of the nearest kind above it that has one; and whether it is a
    name."""
    near = kind
    while near not in STANDARD_TYPES:
        near = near.parent
    return STANDARD_TYPES[near] if any(near in drawn for drawn in _DRAWN) else "", kind in Name
