"""Article -> Markdown. GitHub and GitLab write mathematics in code, so that no sign in it means anything to Markdown; notebooks
write it between dollars."""

import re
import unicodedata
from dataclasses import dataclass
from itertools import groupby

from symcell.documents.article import Equations, Items, Math, Reference
from symcell.documents.formulas.parsing import parse
from symcell.documents.layout import RELATIONS
from symcell.documents.printer import Notation
from symcell.documents.style import STANDARD
from symcell.documents.web import displays, web


@dataclass(frozen=True)
class Dialect:
    """How a kind of Markdown marks mathematics in a line and in a display."""

    inline: str
    display: str


GITHUB = Dialect("$`{}`$", "```math\n{}\n```")
NOTEBOOK = Dialect("${}$", "$$\n{}\n$$")


def markdown(article, style=STANDARD, dialect=GITHUB, rules=True):
    """An article as Markdown."""
    return f"<!-- symcell: the derivation of a cell -->\n\n{_Writer(article, style, dialect, rules).article()}"


class _Writer:
    def __init__(self, article, style, dialect, rules):
        self.source, self.dialect, self.rules = article, dialect, rules
        self.notation, self.numbers = Notation(article.derivation, style), article.numbers

    def article(self):
        head = f"# {escaped(self.source.name)}"
        reference = [f"{escaped(self.source.reference)}."] if self.source.reference else []
        return "\n\n".join([head, *reference, *map(self.section, self.source.sections)]) + "\n"

    def section(self, section):
        return "\n\n".join([f"## {self.words(section.title)}", *map(self.block, section.blocks)])

    def block(self, block):
        if isinstance(block, Equations):
            return "\n\n".join(self.dialect.display.replace("{}", f) for f in displays(block, self.notation, self.end))
        if isinstance(block, Items):
            return "\n".join(f"- {self.words(parts)}" for parts in block.items)
        return ("*Proof.* " if block.kind == "proof" else "") + self.words(block.parts)

    def end(self, line):
        number = rf"\text{{({self.numbers[line.key]})}}" if line.numbered else ""
        return number + (self.note(line) if self.rules else "")

    def note(self, line):
        """A rule as words in a formula: its own formulas stand outside of them."""
        pieces = []
        for are_formulas, parts in groupby(line.rule, lambda part: isinstance(part, Math)):
            text = [web(self.formula(p)) if are_formulas else in_text(self.plain(p)) for p in parts]
            pieces += text if are_formulas else [rf"\text{{{''.join(text)}}}"]
        return r"\quad " + "".join(pieces) if pieces else ""

    def words(self, parts):
        return "".join(self.inline(p) if isinstance(p, Math) else escaped(self.plain(p)) for p in parts)

    def inline(self, part):
        return self.dialect.inline.replace("{}", web(self.formula(part)))

    def plain(self, part):
        return ", ".join(f"({self.numbers[key]})" for key in part.keys) if isinstance(part, Reference) else part

    def formula(self, part):
        left = self.notation.formula(part.expr)
        return (*left, *parse(RELATIONS[part.relation]), *self.notation.formula(part.right)) if part.relation else left


def escaped(text):
    """Text in which no sign means anything to Markdown or HTML."""
    return re.sub(r"([\\`*_{}\[\]<>#|~$&!])", r"\\\1", re.sub(r"\s+", " ", unicodedata.normalize("NFC", text)))


def in_text(text):
    """Words inside a formula: what TeX would read as a command is left out."""
    return re.sub(r"[\\{}$%#&~^_]", " ", text)
