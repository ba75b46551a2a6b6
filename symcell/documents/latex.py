"""Article -> LaTeX: a fragment that needs amsmath and amssymb, or a whole document."""

import unicodedata

from symcell.documents.article import Math, Paragraph, Reference
from symcell.documents.printer import Notation
from symcell.documents.unicode import declarations

_RELATIONS = {"=": "=", "in": r"\in", "<=": r"\leq", ">=": r"\geq"}


def latex(article, document=False):
    """An article as LaTeX."""
    writer = _Writer(article)
    head = rf"\subsection*{{The cell \texttt{{{plain(article.name)}}}}}"
    body = "\n\n".join([head, *([f"{plain(article.reference)}."] if article.reference else []), *map(writer.section, article.sections)])
    return whole_document(body) if document else body


def notebook_latex(article):
    """The equations of an article as one formula, for a notebook."""
    writer, numbers = _Writer(article), article.numbers
    rows = " \\\\\n".join(f"{writer.relation(a)} && {_tag(numbers.get(a.key))}{writer.note(a)}" for a in article.lines)
    return rf"$\displaystyle \begin{{aligned}}{rows}\end{{aligned}}$"


def _tag(number):
    return rf"\text{{({number})}}\;\; " if number else ""


class _Writer:
    def __init__(self, article):
        self.notation, self.numbers = Notation(article.derivation), article.numbers

    def section(self, section):
        return "\n".join([rf"\paragraph{{{self.words(section.title)}.}}", *map(self.block, section.blocks)])

    def block(self, block):
        if isinstance(block, Paragraph):
            return self.words(block.parts)
        return "\\begin{align}\n" + " \\\\\n".join(map(self.line, block.lines)) + "\n\\end{align}"

    def line(self, line):
        note = self.note(line)
        tag = rf"\tag{{{self.numbers[line.key]}}}" if line.numbered else r"\notag"
        return f"{self.relation(line)}{f' && {note}' if note else ''} {tag}"

    def relation(self, line):
        return f"{self.notation.doprint(line.left)} &{_RELATIONS[line.relation]} {self.notation.doprint(line.right)}"

    def note(self, line):
        return rf"\text{{\footnotesize {self.words(line.rule)}}}" if line.rule else ""

    def words(self, parts):
        return "".join(map(self.part, parts))

    def part(self, part):
        if isinstance(part, Math):
            left = self.notation.doprint(part.expr)
            return f"${left} {_RELATIONS[part.relation]} {self.notation.doprint(part.right)}$" if part.relation else f"${left}$"
        if isinstance(part, Reference):
            return ", ".join(f"({self.numbers[key]})" for key in part.keys)
        return plain(part)


def whole_document(body):
    """A fragment as a document of its own."""
    return _DOCUMENT.replace("PREAMBLE", declarations(body)).replace("BODY", body)


_DOCUMENT = r"""\documentclass{article}
\usepackage[a4paper, margin=25mm]{geometry}
\usepackage{amsmath, amssymb}
PREAMBLE\allowdisplaybreaks
\begin{document}

BODY

\end{document}
"""

_SPECIAL = {c: "\\" + c for c in "&%$#_{}"} | {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}",
}  # fmt: skip


def plain(text):
    """Text with TeX's special characters escaped."""
    return "".join(_SPECIAL.get(c, c) for c in unicodedata.normalize("NFC", text))
