"""The parts of a formula. Each knows its LaTeX, its width in hundredths of a point at 10 pt, its height, and its kind between
neighbours. A width depends on the style: 0 display, 1 text, 2 script, 3 scriptscript. A height is that of a letter, LOW, of a
letter over a brace, or TALL."""

import re
from dataclasses import dataclass, replace
from functools import cached_property

from symcell.documents.formulas.metrics import DELIMITERS, SIZED, space_between, width_of_words

LOW, BRACED, TALL = range(3)
_SCALE = (1.0, 1.0, 0.82, 0.72)  # of Computer Modern's sizes 7 and 5, whose letters are wider than those of size 10
_SCRIPT_GAP, _BAR_GAP = 50, 240  # \scriptspace, and \nulldelimiterspace on both sides


class Node:
    """A part of a formula; widths of the same node are computed once."""

    height = LOW

    @cached_property
    def _widths(self):
        return {}

    def width(self, style):
        if style not in self._widths:
            self._widths[style] = self.measured(style)
        return self._widths[style]


@dataclass(frozen=True)
class Symbol(Node):
    text: str
    kind: str
    size: int

    def tex(self, tight=False):
        return self.text

    def measured(self, style):
        return self.size * (_SCALE[style] if self.kind != "space" else 1)


@dataclass(frozen=True)
class Words(Node):
    """Letters in the argument of a font command."""

    font: str
    text: str

    @cached_property
    def kind(self):
        return "op" if self.font == r"\operatorname" else "ord"

    def tex(self, tight=False):
        return f"{self.font}{{{self.text}}}"

    def measured(self, style):
        return width_of_words(self.text, self.font) * _SCALE[style]


@dataclass(frozen=True)
class Group(Node):
    body: tuple
    kind = "ord"

    @cached_property
    def height(self):
        return height(self.body)

    def tex(self, tight=False):
        return f"{{{tex(self.body, tight)}}}"

    def measured(self, style):
        return width(self.body, style)


@dataclass(frozen=True)
class Marked(Node):
    """A part with a class, by which web pages find it."""

    mark: str
    body: tuple

    @cached_property
    def kind(self):
        return self.body[0].kind if len(self.body) == 1 else "ord"

    @cached_property
    def height(self):
        return height(self.body)

    def tex(self, tight=False):
        return rf"\class{{{self.mark}}}{{{tex(self.body, tight)}}}"

    def measured(self, style):
        return width(self.body, style)


@dataclass(frozen=True)
class Accent(Node):
    command: str
    body: tuple
    kind = "ord"

    def tex(self, tight=False):
        return f"{self.command}{{{tex(self.body, tight)}}}"

    def measured(self, style):
        return width(self.body, style)


@dataclass(frozen=True)
class Scripts(Node):
    base: object
    below: tuple = ()
    above: tuple = ()

    @cached_property
    def kind(self):
        return self.base.kind

    @cached_property
    def height(self):
        return max(self.base.height, height((*self.below, *self.above)))

    def tex(self, tight=False):
        return self.base.tex(tight) + _script("_", self.below) + _script("^", self.above)

    def measured(self, style):
        scripts = max(width(self.below, max(2, min(3, style + 1))), width(self.above, max(2, min(3, style + 1))))
        return self.base.width(style) + scripts + _SCRIPT_GAP


@dataclass(frozen=True)
class Fence(Node):
    """What stands between two delimiters. Where it does not stay in one line, both have a fixed size."""

    left: str
    body: tuple
    right: str
    size: str = ""

    @cached_property
    def kind(self):
        return "inner" if self.stretched or self.fixed_size else "ord"

    @cached_property
    def stretched(self):
        return not self.size and (height(self.body) == TALL or "." in (self.left, self.right))

    @cached_property
    def fixed_size(self):
        return self.size or ("big" if height(self.body) == BRACED else "")

    @cached_property
    def height(self):
        return height(self.body)

    def tex(self, tight=False):
        opened, closed = self.delimiters()
        return f"{opened}{tex(self.body, tight)}{closed}"

    def delimiters(self):
        if self.stretched:
            return rf"\left{_apart(self.left)}", rf"\right{self.right}"
        if size := self.fixed_size:
            return f"\\{size}l{_apart(self.left)}", f"\\{size}r{self.right}"
        return _apart(r"\lvert" if self.left == "|" else self.left), r"\rvert" if self.right == "|" else self.right

    def fixed(self):
        return self if self.size else replace(self, size="bigg" if height(self.body) == TALL else "big")

    def measured(self, style):
        scale = SIZED["Bigg" if self.stretched else self.fixed_size]
        ends = (DELIMITERS[self.left] + DELIMITERS[self.right]) * scale * _SCALE[style]
        return ends + width(self.body, style)


@dataclass(frozen=True)
class Fraction(Node):
    numerator: tuple
    denominator: tuple
    kind, height = "inner", TALL

    def tex(self, tight=False):
        return rf"\frac{{{tex(self.numerator)}}}{{{tex(self.denominator)}}}"

    def measured(self, style):
        inner = min(style + 1, 3)
        return max(width(self.numerator, inner), width(self.denominator, inner)) + _BAR_GAP


@dataclass(frozen=True)
class Root(Node):
    body: tuple
    index: tuple = ()
    kind = "ord"

    @cached_property
    def height(self):
        return height(self.body)

    def tex(self, tight=False):
        index = f"[{tex(self.index)}]" if self.index else ""
        return rf"\sqrt{index}{{{tex(self.body)}}}"

    def measured(self, style):
        return width(self.body, style) + (1056 if self.height == TALL else 833) * _SCALE[style] + width(self.index, 3)


@dataclass(frozen=True)
class Brace(Node):
    """An expression over a brace, with its name under it."""

    body: tuple
    name: tuple
    kind = "op"

    @cached_property
    def height(self):
        return max(BRACED, height(self.body))

    def tex(self, tight=False):
        return rf"\underbrace{{{tex(self.body)}}}_{{{tex(self.name)}}}"

    def measured(self, style):
        return max(width(self.body, 0), width(self.name, 2), 1800)


@dataclass(frozen=True)
class Table(Node):
    """An environment of rows and columns, such as cases."""

    environment: str
    rows: tuple
    columns: str = ""
    kind, height = "inner", TALL

    def tex(self, tight=False):
        apart = self.environment == "pmatrix" and any(height(cell) == TALL for row in self.rows for cell in row)
        end = r" \\[4pt] " if apart else r" \\ "  # fractions would touch
        rows = end.join(" & ".join(map(tex, row)) for row in self.rows)
        return rf"\begin{{{self.environment}}}{self.columns} {rows} \end{{{self.environment}}}"

    def measured(self, style):
        columns = max(map(len, self.rows), default=0)
        widths = [max((width(row[k], 1) for row in self.rows if k < len(row)), default=0) for k in range(columns)]
        return sum(widths) + 1000 * max(columns - 1, 0) + 1300


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
    letters = (Scripts, Accent, Marked)
    if isinstance(right, Scripts) and isinstance(right.base, Fence):
        return False
    if left.kind == "op":
        return isinstance(right, (*letters, Words)) and not right.tex().startswith("'")
    return left.kind == right.kind == "ord" and (isinstance(left, letters) or isinstance(right, letters))


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


def _script(mark, body):
    if not body:
        return ""
    text = tex(body, tight=True).rstrip()
    return f"{mark}{text}" if len(text) == 1 else f"{mark}{{{text}}}"


def _apart(delimiter):
    """A command among delimiters is followed by a space."""
    return f"{delimiter} " if delimiter[-1:].isalpha() else delimiter
