"""Article -> LaTeX: a fragment that needs amsmath and amssymb, or a whole document. No line is wider than the page."""

import re
from dataclasses import dataclass

from symcell.documents.article import Equations, Items, Math, Paragraph, Reference
from symcell.documents.escape import breakable, plain
from symcell.documents.formulas.metrics import width_of_words
from symcell.documents.formulas.parsing import parse
from symcell.documents.formulas.rows import tex, width
from symcell.documents.layout import RELATIONS, display, entry, rows, side_by_side
from symcell.documents.printer import Notation
from symcell.documents.style import STANDARD, Style
from symcell.documents.unicode import declarations
from symcell.errors import CellError

LEVELS = {  # of a fragment's heading -> the headings of the fragment and of its parts
    "section": ("section", "subsection"), "subsection": ("subsection", "paragraph"), "paragraph": ("paragraph", "subparagraph"),
}  # fmt: skip
_RUN_IN = ("paragraph", "subparagraph")  # headings at the beginning of their text
WIDTH, DOCUMENT_WIDTH = 345.0, 455.0  # of LaTeX's article, and of A4 with margins of an inch
_WIDEST_INLINE = 0.4  # of the width; a longer formula of a sentence is displayed
_NARROWEST = 150
_ITEM = 25.0  # points, of the margin of a list


@dataclass(frozen=True)
class Page:
    """Where a fragment stands: the width of a line in points, at a size of 10 pt; what labels begin with; the level of its
    heading; whether the rules behind adjoints are printed."""

    width: float = WIDTH
    prefix: str = ""
    level: str = "subsection"
    rules: bool = True

    def __post_init__(self):
        if self.level not in LEVELS:
            raise CellError(f"level is one of {', '.join(LEVELS)}; found {self.level!r}")
        if not isinstance(self.width, (int, float)) or not self.width >= _NARROWEST:
            raise CellError(f"width is a number of points, at least {_NARROWEST}; found {self.width!r}")
        if not re.fullmatch(r"[A-Za-z0-9:._-]*", self.prefix):
            raise CellError(f"prefix consists of letters, digits and : . _ -; found {self.prefix!r}")


def latex(article, page=Page(), style=STANDARD):
    """An article as a LaTeX fragment."""
    return _Writer(article, page, style).article()


def whole_document(body, width):
    """A fragment as a document of its own."""
    margins = f"a4paper, textwidth={width:g}pt, vmargin=25mm, hcentering"
    return _DOCUMENT.replace("MARGINS", margins).replace("PREAMBLE", declarations(body)).replace("BODY", body)


_DOCUMENT = r"""\documentclass{article}
\usepackage[MARGINS]{geometry}
\usepackage{amsmath, amssymb}
PREAMBLE\begin{document}

BODY

\end{document}
"""


class _Writer:
    def __init__(self, article, page, style: Style):
        self.source, self.page = article, page
        self.notation, self.numbers = Notation(article.derivation, style), article.numbers
        self.prefix = page.prefix or label(article.name)
        self.heading, self.part_heading = LEVELS[page.level]

    def article(self):
        head = rf"\{self.heading}{{The cell \texttt{{{breakable(self.source.name)}}}}}" + self.target("cell")
        reference = [f"{breakable(self.source.reference)}."] if self.source.reference else []
        body = "\n\n".join([*reference, *map(self.section, self.source.sections)])
        return f"\\begingroup\\allowdisplaybreaks\\sloppy\n{head}\n{body}\n\\par\\endgroup"

    def section(self, section):
        end = "." if self.part_heading in _RUN_IN else ""
        text, before = rf"\{self.part_heading}{{{self.words(section.title)}{end}}}", None
        for block in section.blocks:
            both_words = isinstance(block, Paragraph) and isinstance(before, Paragraph)
            text += ("\n\n" if both_words else "\n") + self.block(block)
            before = block
        return text

    def block(self, block):
        if isinstance(block, Equations):
            entries = [entry(a, self.notation, self.note(a) if self.page.rules else ()) for a in block.lines]
            arranged = side_by_side if block.beside else rows
            return _aligned("align", map(self.row, arranged(entries, self.page.width)))
        if isinstance(block, Items):
            items = (rf"\item {self.words(parts, self.page.width - _ITEM)}" for parts in block.items)
            return "\n".join([r"\begin{itemize}\setlength{\itemsep}{0pt}\setlength{\parskip}{0pt}", *items, r"\end{itemize}"])
        text = self.words(block.parts).strip()
        return rf"\emph{{Proof.}} {text} $\square$" if block.kind == "proof" else text

    def row(self, row):
        note = rf" && \text{{\footnotesize {row.note}}}" if row.note else ""
        return f"{row.left} &{row.right}{note} " + (self.target(row.key) if row.key else r"\notag")

    def target(self, key):
        return rf"\label{{{self.prefix}:{label(key)}}}"

    def note(self, line):
        """The words of a rule with their widths in points."""
        found = []
        for part in line.rule:
            if isinstance(part, str):
                found += [(plain(w), _small(plain(w))) for w in re.findall(r"\s+|\S+", part)]
            elif isinstance(part, Math):
                found.append((self.words([part]), width(self.formula(part), 1) * 0.0085))
            else:
                for k, key in enumerate(part.keys):
                    found += [*([(",", _small(",")), (" ", _small(" "))] if k else []), (self.reference(key), _small("(000)"))]
        return tuple(found)

    def words(self, parts, room=None):
        """Sentences; `room` is the width of their lines in points, if it is not that of the page."""
        text = ""
        for part in parts:
            piece = self.part(part, room or self.page.width)
            if text.endswith(_END) and piece[:1] in tuple(".,;:"):  # it belongs to the display before it
                text, piece = text.removesuffix(_END) + piece[0] + _END, piece[1:]
            text += piece
        return text

    def part(self, part, room):
        if isinstance(part, Math):
            return self.formula_in_text(self.formula(part), room)
        if isinstance(part, Reference):
            return ", ".join(map(self.reference, part.keys))
        return plain(part)

    def reference(self, key):
        return rf"\eqref{{{self.prefix}:{label(key)}}}"

    def formula(self, part):
        left = self.notation.formula(part.expr)
        return (*left, *parse(RELATIONS[part.relation]), *self.notation.formula(part.right)) if part.relation else left

    def formula_in_text(self, body, room):
        if width(body, 1) / 100 <= _WIDEST_INLINE * room:
            return f"${tex(body)}$"
        return "\n" + _aligned("align*", (f"&{row.right}" for row in display(body, room))) + "\n"


_END = "\n\\end{align*}\n"


def _aligned(environment, lines):
    return f"\\begin{{{environment}}}\n" + " \\\\\n".join(lines) + f"\n\\end{{{environment}}}"


def _small(text):
    return width_of_words(text, r"\text") * 0.0085


def label(key):
    """A key as a part of a label: letters, digits and signs that mean nothing to TeX."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "-.") else "-" if c in "_ " else f"u{ord(c):x}" for c in key)
