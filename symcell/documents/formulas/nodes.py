"""The parts of a formula. Each knows its LaTeX, its width in hundredths of a point at 10 pt, its height, its kind between
neighbours, and its form: a "letter", with scripts or an accent perhaps, "words", a "fence" with scripts, or "". A width depends
on the style: 0 display, 1 text, 2 script, 3 scriptscript."""

from dataclasses import dataclass, replace
from functools import cached_property

from symcell.documents.formulas.metrics import DELIMITERS, SIZED, width_of_words
from symcell.documents.formulas.rows import BRACED, LOW, TALL, height, tex, width

_SCALE = (1.0, 1.0, 0.82, 0.72)  # of Computer Modern's sizes 7 and 5, whose letters are wider than those of size 10
_SCRIPT_GAP, _BAR_GAP = 50, 240  # \scriptspace, and \nulldelimiterspace on both sides


class Node:
    """A part of a formula; widths of the same node are computed once."""

    height, form = LOW, ""

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
    form = "words"

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
    form = "letter"

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
    kind, form = "ord", "letter"

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
    def form(self):
        return "fence" if isinstance(self.base, Fence) else "letter"

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


def _script(mark, body):
    if not body:
        return ""
    text = tex(body, tight=True).rstrip()
    return f"{mark}{text}" if len(text) == 1 else f"{mark}{{{text}}}"


def _apart(delimiter):
    """A command among delimiters is followed by a space."""
    return f"{delimiter} " if delimiter[-1:].isalpha() else delimiter
