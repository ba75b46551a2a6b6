"""The parts of a formula. Each knows its LaTeX, its width in points at 10 pt, whether it is taller than a letter, and its kind
between neighbours. A width depends on the style: 0 display, 1 text, 2 script, 3 scriptscript."""

import re
from dataclasses import dataclass, replace

from symcell.documents.formulas.metrics import DELIMITERS, SIZED, space_between, width_of_words

_SCALE = (1.0, 1.0, 0.82, 0.72)  # of Computer Modern's sizes 7 and 5, whose letters are wider than those of size 10
_SCRIPT_GAP, _BAR_GAP = 50, 240  # \scriptspace, and \nulldelimiterspace on both sides


@dataclass(frozen=True)
class Symbol:
    text: str
    kind: str
    size: int
    tall = False

    def tex(self):
        return self.text

    def width(self, style):
        return self.size * (_SCALE[style] if self.kind != "space" else 1)


@dataclass(frozen=True)
class Words:
    """Letters in the argument of a font command."""

    font: str
    text: str
    tall = False

    @property
    def kind(self):
        return "op" if self.font == r"\operatorname" else "ord"

    def tex(self):
        return f"{self.font}{{{self.text}}}"

    def width(self, style):
        return width_of_words(self.text, self.font) * _SCALE[style]


@dataclass(frozen=True)
class Group:
    body: tuple
    kind = "ord"

    @property
    def tall(self):
        return is_tall(self.body)

    def tex(self):
        return f"{{{tex(self.body)}}}"

    def width(self, style):
        return width(self.body, style)


@dataclass(frozen=True)
class Accent:
    command: str
    body: tuple
    kind, tall = "ord", False

    def tex(self):
        return f"{self.command}{{{tex(self.body)}}}"

    def width(self, style):
        return width(self.body, style)


@dataclass(frozen=True)
class Scripts:
    base: object
    below: tuple = ()
    above: tuple = ()

    @property
    def kind(self):
        return self.base.kind

    @property
    def tall(self):
        return self.base.tall or is_tall((*self.below, *self.above))

    def tex(self):
        return self.base.tex() + _script("_", self.below) + _script("^", self.above)

    def width(self, style):
        scripts = max(width(self.below, max(2, min(3, style + 1))), width(self.above, max(2, min(3, style + 1))))
        return self.base.width(style) + scripts + _SCRIPT_GAP


@dataclass(frozen=True)
class Fence:
    """What stands between two delimiters. Where it does not stay in one line, both have a fixed size."""

    left: str
    body: tuple
    right: str
    size: str = ""

    @property
    def kind(self):
        return "inner" if self.stretched or self.size else "ord"

    @property
    def stretched(self):
        return not self.size and (is_tall(self.body) or "." in (self.left, self.right))

    @property
    def tall(self):
        return is_tall(self.body)

    def tex(self):
        opened, closed = self.delimiters()
        return f"{opened}{tex(self.body)}{closed}"

    def delimiters(self):
        if self.size:
            return f"\\{self.size}l{self.left}", f"\\{self.size}r{self.right}"
        if self.stretched:
            return rf"\left{_apart(self.left)}", rf"\right{_apart(self.right)}"
        return _apart(r"\lvert" if self.left == "|" else self.left), _apart(r"\rvert" if self.right == "|" else self.right)

    def fixed(self):
        return self if self.size else replace(self, size="bigg" if is_tall(self.body) else "big")

    def width(self, style):
        scale = SIZED[self.size or ("Bigg" if self.stretched else "")]
        ends = (DELIMITERS[self.left] + DELIMITERS[self.right]) * scale * _SCALE[style]
        return ends + width(self.body, style)


@dataclass(frozen=True)
class Fraction:
    numerator: tuple
    denominator: tuple
    kind, tall = "inner", True

    def tex(self):
        return rf"\frac{{{tex(self.numerator)}}}{{{tex(self.denominator)}}}"

    def width(self, style):
        inner = min(style + 1, 3)
        return max(width(self.numerator, inner), width(self.denominator, inner)) + _BAR_GAP


@dataclass(frozen=True)
class Root:
    body: tuple
    index: tuple = ()
    kind = "ord"

    @property
    def tall(self):
        return is_tall(self.body)

    def tex(self):
        index = f"[{tex(self.index)}]" if self.index else ""
        return rf"\sqrt{index}{{{tex(self.body)}}}"

    def width(self, style):
        return width(self.body, style) + (1056 if self.tall else 833) * _SCALE[style] + width(self.index, 3)


@dataclass(frozen=True)
class Brace:
    """An expression over a brace, with its name under it."""

    body: tuple
    name: tuple
    kind, tall = "op", True

    def tex(self):
        return rf"\underbrace{{{tex(self.body)}}}_{{{tex(self.name)}}}"

    def width(self, style):
        return max(width(self.body, 0), width(self.name, 2), 1800)


@dataclass(frozen=True)
class Table:
    """An environment of rows and columns, such as cases."""

    environment: str
    rows: tuple
    columns: str = ""
    kind, tall = "inner", True

    def tex(self):
        rows = r" \\ ".join(" & ".join(map(tex, row)) for row in self.rows)
        return rf"\begin{{{self.environment}}}{self.columns} {rows} \end{{{self.environment}}}"

    def width(self, style):
        columns = max(map(len, self.rows), default=0)
        widths = [max((width(row[k], 1) for row in self.rows if k < len(row)), default=0) for k in range(columns)]
        return sum(widths) + 1000 * max(columns - 1, 0) + 1300


def tex(body, tight=False):
    """A row of nodes as LaTeX, with spaces around what joins two others, unless it is `tight`."""
    text, before = "", None
    for kind, node in zip(_kinds(body), body, strict=True):
        piece = node.tex()
        wide = not tight and (_is_wide(kind) or _is_wide(before) or before == "punct")
        if text and (wide or (piece[0].isalnum() and re.search(r"\\[a-zA-Z]+$", text))) and not text.endswith(" "):
            text += " "
        text, before = text + piece, kind
    return text


def _is_wide(kind):
    return kind in ("bin", "rel", "space")


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


def is_tall(body):
    return any(node.tall for node in body)


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
    text = tex(body, tight=True)
    return f"{mark}{text}" if len(text) == 1 else f"{mark}{{{text}}}"


def _apart(delimiter):
    """A command among delimiters is followed by a space."""
    return f"{delimiter} " if delimiter[-1:].isalpha() else delimiter
