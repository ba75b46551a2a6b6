"""Two cells side by side as a web page: forwards and backwards, what does the same in one row; then what distinguishes them."""

from collections import defaultdict
from dataclasses import dataclass

from markupsafe import Markup

from symcell.cell import Cell
from symcell.derivation.counterparts import counterparts
from symcell.derivation.memory import purposes
from symcell.derivation.roles import role
from symcell.differences import difference
from symcell.documents.html import need_packages
from symcell.documents.html.mathml import MarkedNotation
from symcell.documents.html.page import Around, render

_OF_STRUCTURE = ("input", "parameters", "products", "error")  # roles of rows that equations do not show


@dataclass(frozen=True)
class Row:
    """What one quantity of each cell is for, and their formulas as MathML."""

    title: str
    a: tuple[Markup, ...]
    b: tuple[Markup, ...]


def comparison_page(a: Cell, b: Cell, links: tuple[tuple[str, str], ...] = (), assets: str = "") -> str:
    """Two cells side by side, as the text of an HTML page: equations and adjoints in rows of quantities that do the same, what
    memories keep and write, and how parameters, products and carousels differ."""
    need_packages()
    left, right = _Lines(a), _Lines(b)
    pairs = counterparts(a.derive(), b.derive())
    found = difference(a, b)
    return render(
        "comparison",
        Around(links=links, assets=assets),
        title=f"{a.name} beside {b.name}",
        a=a,
        b=b,
        forward=[Row(_title(p, q, a, b), left.forward(p), right.forward(q)) for p, q in pairs],
        backward=[Row("", left.backward(p), right.backward(q)) for p, q in reversed(pairs)],
        memory=[row for row in found.rows if row.role == "memory"],
        structure=[row for row in found.rows if row.role in _OF_STRUCTURE],
        summary=found.summary,
    )


def _title(p, q, a, b):
    """What a pair of quantities does: the role, and what gates do."""
    cell, quantity = (a, p) if p is not None else (b, q)
    done = purposes(cell.derive()).get(quantity, ())
    return ", ".join([role(quantity, cell.derive()), *done])


class _Lines:
    """The printed lines of a cell, by the equation that they belong to."""

    def __init__(self, cell):
        article = cell.derive().article()
        self.notation = MarkedNotation(article.derivation)
        self.lines = {line.key: line for line in article.lines}
        targets = {e.number: e.target for e in cell.equations}
        self.parts = defaultdict(list)  # the target of an equation -> the values in it that have names of their own
        for row in article.derivation.forward:
            self.parts[targets[row.equation]].append(row.target)

    def forward(self, q):
        return self._printed("forward", self.parts[q]) if q is not None else ()

    def backward(self, q):
        """The adjoints of the values in an equation, the last one first, and what a state hands to the step before."""
        if q is None:
            return ()
        before = [q.prev] if hasattr(q, "prev") else []
        return self._printed("adjoint", [*reversed(self.parts[q]), *before])

    def _printed(self, kind, quantities):
        lines = [self.lines[key] for s in quantities if (key := f"{kind}-{s.name}") in self.lines]
        return tuple(Markup(self.notation.mathml(line.left, line.relation, line.right)) for line in lines)
