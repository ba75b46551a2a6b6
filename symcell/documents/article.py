"""The model of a document: what a derivation says, without a word on how it looks.

All mathematics is SymPy: expressions of the cell's own symbols, and the nodes of `symcell.documents.nodes` where SymPy has none.
Renderers print the expressions through a Notation; tests evaluate the same objects. `symcell.documents.contents` makes an
Article. """

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from sympy import Expr

from symcell.derivation.derive import Derivation


@dataclass(frozen=True)
class Math:
    """A formula inside a sentence; with `right`, a relation of two expressions."""

    expr: Expr
    relation: str = ""
    right: Expr | None = None


@dataclass(frozen=True)
class Reference:
    """The numbers of other lines, given by their keys."""

    keys: tuple[str, ...]


Part: TypeAlias = str | Math | Reference  # of a sentence. Text is plain: renderers escape it.


@dataclass(frozen=True)
class Paragraph:
    """Sentences. `kind` is "" or "proof"."""

    parts: tuple[Part, ...]
    kind: str = ""


@dataclass(frozen=True)
class Items:
    """A list of sentences or parts of them."""

    items: tuple[tuple[Part, ...], ...]


@dataclass(frozen=True)
class Line:
    """One equation: left, relation, right. `key` names it in the whole article, such as "adjoint-c".

    relation: "=", "in", "<=" or ">="; rule: a note beside it, such as the rule that made it and the lines that it comes from;
    numbered: whether it has a number that others can refer to."""

    key: str
    left: Expr
    right: Expr
    rule: tuple[Part, ...] = ()
    numbered: bool = True
    relation: str = "="


@dataclass(frozen=True)
class Equations:
    """Lines that are aligned at their relations. `holds`: at which steps they hold, which the paragraph before says too; None for
    lines that hold for the whole sequence. `beside`: short ones without numbers, which may stand side by side."""

    lines: tuple[Line, ...]
    holds: Expr | None = None
    beside: bool = False


Block: TypeAlias = Paragraph | Items | Equations


@dataclass(frozen=True)
class Section:
    """A titled part. `key` is that of its kind, and of its state where there is one for each: "forward", "path-c"."""

    key: str
    title: tuple[Part, ...]
    blocks: tuple[Block, ...]

    @property
    def lines(self) -> Iterator[Line]:
        return (line for block in self.blocks if isinstance(block, Equations) for line in block.lines)

    @property
    def expressions(self) -> Iterator[Expr]:
        """All mathematics in the section."""
        yield from (e for line in self.lines for e in (line.left, line.right))
        for parts in self.sentences:
            yield from (e for part in parts if isinstance(part, Math) for e in (part.expr, part.right) if e is not None)

    @property
    def sentences(self) -> Iterator[tuple[Part, ...]]:
        """The parts of each paragraph and item, and of the note beside each line."""
        for block in self.blocks:
            if isinstance(block, Equations):
                yield from (line.rule for line in block.lines)
            else:
                yield from block.items if isinstance(block, Items) else (block.parts,)


@dataclass(frozen=True)
class Article:
    """All that a document says on a cell. `derivation` is that of the printed equations, which name more intermediate values than
    those of kernels; symbols mean what they mean there."""

    derivation: Derivation
    name: str
    reference: str
    sections: tuple[Section, ...]

    @property
    def lines(self) -> tuple[Line, ...]:
        return tuple(line for section in self.sections for line in section.lines)

    @property
    def numbers(self) -> dict[str, int]:
        """Key of a numbered line -> its number, from 1."""
        return {line.key: k for k, line in enumerate((line for line in self.lines if line.numbered), 1)}

    def section(self, key: str) -> Section:
        return next(s for s in self.sections if s.key == key)
