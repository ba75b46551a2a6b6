"""Two cells side by side as a web page: forwards and backwards, what does the same in one row; then what distinguishes them."""

from collections import defaultdict
from dataclasses import dataclass

from markupsafe import Markup
from sympy import Add, Mul, Tuple

from symcell.cell import Cell
from symcell.derivation.carousel import Carousel
from symcell.derivation.counterparts import counterparts
from symcell.derivation.memory import memories, purposes
from symcell.derivation.reverse import recurrent_states
from symcell.derivation.roles import role
from symcell.documents.article import Math
from symcell.documents.html import need_packages
from symcell.documents.html.mathml import MarkedNotation, formula, pieces
from symcell.documents.html.page import Around, Link, Words, render
from symcell.documents.html.quantities import Quantities
from symcell.documents.nodes import Listed, Space
from symcell.equivalence import equivalent
from symcell.site.facts import factor_parts, highest_first


@dataclass(frozen=True)
class Row:
    """What one thing is for, and how either cell has it: lines of HTML, none if it has no such thing."""

    title: str
    a: tuple[Markup, ...]
    b: tuple[Markup, ...]


def comparison_page(a: Cell, b: Cell, links: tuple[Link, ...] = (), assets: str = "") -> str:
    """Two cells side by side, as the text of an HTML page: what memories keep and write; equations and adjoints in rows of
    quantities that do the same; what a step does to an error; parameters and products. Quantities of a row are marked alike."""
    need_packages()
    pairs = counterparts(a.derive(), b.derive())
    left, right = _sides(a, b, pairs)
    tables = (
        ("What they remember", _rows([("memory", left.memory(p), right.memory(q)) for p, q in pairs])),
        ("Forward", _rows([(_title(p, q, a, b), left.forward(p), right.forward(q)) for p, q in pairs])),
        ("Backward", _rows([(_title(p, q, a, b), left.backward(p), right.backward(q)) for p, q in reversed(pairs)])),
        ("What one step does to an error", _rows([("state", left.factor(p), right.factor(q)) for p, q in pairs])),
        ("Parameters and products", _rows([(title, x, y) for (title, x), (_, y) in zip(left.work(), right.work(), strict=True)])),
    )
    title, same = f"{a.name} beside {b.name}", equivalent(a, b)
    return render("comparison", Around(links=links, assets=assets), title=title, a=a, b=b, same=same, tables=tables)


def _rows(found):
    """The rows in which either cell has anything."""
    return [Row(*row) for row in found if row[1] or row[2]]


def _sides(a, b, pairs):
    """Both cells, with the same marks on what does the same."""
    derivations = [c.derive().article().derivation for c in (a, b)]
    first = Quantities(derivations[0])
    shared = {q.name: first.numbers[p.name] for p, q in pairs if p is not None and q is not None}
    return _Side(a, first), _Side(b, Quantities(derivations[1], shared, len(first.numbers)))


def _title(p, q, a, b):
    """What a pair of quantities does: the role, and what gates do."""
    cell, quantity = (a, p) if p is not None else (b, q)
    done = purposes(cell.derive()).get(quantity, ())
    return ", ".join([role(quantity, cell.derive()), *done])


class _Side:
    """What a comparison says of one cell."""

    def __init__(self, cell, quantities):
        article = cell.derive().article()
        self.cell, self.derivation = cell, cell.derive()
        self.notation = MarkedNotation(article.derivation, quantities=quantities)
        self.words = Words(self.notation).words
        self.lines = {line.key: line for line in article.lines}
        self.memories = {m.state: m for m in memories(self.derivation)}
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

    def memory(self, q):
        """What a state keeps and writes, if it is a memory."""
        m = self.memories.get(q)
        done = ((" keeps ", m.keep), (" writes ", m.write)) if m else ()
        return tuple(self.words((Math(q), does, Math(e))) for does, e in done)

    def factor(self, q):
        """What a step does to an error in a state, if a later step reads it."""
        is_read = q in recurrent_states(self.derivation.forward)
        return (self.words(factor_parts(Carousel(self.derivation, q))),) if is_read else ()

    def work(self):
        """(title, lines): parameters, and matrix products."""
        structure, by_space = self.cell.structure, defaultdict(list)
        for q in (*self.cell.params, *self.cell.constants):
            shape = self.cell.shapes[q]
            by_space[Space(Tuple(*shape), Tuple(*shape.over))].append(q)
        count = Add(*(Mul(*self.cell.shape(p)) for p in self.cell.params)).expand()
        return (
            ("parameters", tuple(self._relation(Listed(*found), "in", space) for space, found in by_space.items())),
            ("numbers to learn", (self.words((Math(highest_first(count)),)),)),
            ("products that wait for the step before", tuple(map(_code, structure.products))),
            ("the longest chain of these", (Markup(structure.depth),)),
            ("products for all steps at once", tuple(map(_code, structure.hoisted))),
            ("computed as a scan", (self.words((Math(Listed(*structure.scans)),)),) if structure.scans else ()),
        )

    def _printed(self, kind, quantities):
        lines = [self.lines[key] for s in quantities if (key := f"{kind}-{s.name}") in self.lines]
        return tuple(self._relation(line.left, line.relation, line.right) for line in lines)

    def _relation(self, left, relation, right):
        """A formula in pieces that wrap; before it the values that have names in it."""
        *definitions, last = pieces(self.notation, relation, right)
        whole = formula(self.notation, left) + last
        return Markup("".join([whole, *(f'<span class="where">{d}</span>' for d in definitions)]))


def _code(text):
    return Markup("<code>{}</code>").format(text)
