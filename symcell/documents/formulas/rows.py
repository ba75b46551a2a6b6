"""Rows of nodes: their LaTeX, their width and their height, and the space between neighbours."""

import re

from symcell.documents.formulas.metrics import space_between

LOW, BRACED, TALL = range(3)  # heights: of a letter, of a letter over a brace, and of what is higher


def tex(body, tight=False):
    """A row of nodes as LaTeX, with spaces around what joins two others, unless it is `tight`."""
    text, last, before = "", None, None
    for kind, node in zip(_kinds(body), body, strict=True):
        piece = node.tex(tight)
        joins = before and (kind in _SPACED or before in _SPACED or before == "punct" or _are_apart(last, node))
        if (joins and not tight) or (re.search(r"\\[a-zA-Z]+$", text) and piece[0].isalnum()):
            text += "" if text.endswith(" ") else " "
        text, last, before = text + piece, node, kind
    return text


_SPACED = ("bin", "rel", "space")


def _are_apart(left, right):
    """Whether two nodes are symbols of the cell side by side, such as W_i x_t, or a function and its argument."""
    if right.form == "fence":
        return False
    if left.kind == "op":
        return right.form in ("letter", "words") and not right.tex().startswith("'")
    return left.kind == right.kind == "ord" and (left.form in ("letter", "fence") or right.form == "letter")


def width(body, style=0):
    """The natural width of a row of nodes, in hundredths of a point."""
    total, before = 0, None
    for kind, node in zip(_kinds(body), body, strict=True):
        if node.kind in ("space", "style"):
            style = 1 if node.kind == "style" and node.text == r"\textstyle" else style
        else:
            total += space_between(before, kind) if before and style < 2 else 0
            before = kind
        total += node.width(style)
    return total


def points(body):
    """The width of a displayed formula in points."""
    return width(body) / 100


def height(body):
    return max((node.height for node in body), default=LOW)


def _kinds(body):
    """The kind of each node as TeX sees it: a sign that joins nothing is an ordinary symbol."""
    kinds, before = [], None
    for node in body:
        kind = node.kind
        if kind == "bin" and before in (None, "bin", "op", "rel", "open", "punct"):
            kind = "ord"
        elif kind in ("rel", "close", "punct") and before == "bin":
            last = next(k for k in reversed(range(len(kinds))) if kinds[k] == "bin")
            kinds[last] = "ord"
        kinds.append(kind)
        before = kind if kind not in ("space", "style") else before
    return kinds
