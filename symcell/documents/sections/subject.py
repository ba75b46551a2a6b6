"""What the sections of a document share: the derivation, which rows have a line of their own, and lists in words."""

from functools import cached_property

from sympy import preorder_traversal

from symcell.derivation.blocks import StepJacobian
from symcell.derivation.derive import Derivation
from symcell.derivation.reverse import recurrent_states
from symcell.documents.article import Math, Reference
from symcell.documents.delays import delays
from symcell.documents.nodes import Underbrace, shape_in_document, state


class Subject:
    """A derivation, as a document tells it."""

    def __init__(self, derivation: Derivation):
        self.derivation, self.cell = derivation, derivation.declaration
        self.recurrent = recurrent_states(derivation.forward)
        self.rows = {r.target: r for r in derivation.forward}
        self.step = StepJacobian(derivation)
        self.delays = delays(derivation)
        self.whole_state = self.recurrent[0] if len(self.recurrent) == 1 else state  # in formulas for all states at once

    def shape(self, e):
        """The shape of an expression of the cell's symbols and of letters of the document's own."""
        return shape_in_document(e, self.derivation)

    def in_names(self, e):
        """A derivative with the names of what is computed from parameters alone, as equations have them."""
        return e.xreplace(self._named_once)

    @cached_property
    def _named_once(self):
        spelled = {}
        for q, rhs in self.derivation.hidden.items():
            if q in self.derivation.once:
                spelled[q] = rhs.xreplace(spelled)
        return {e: q for q, e in spelled.items()}

    @cached_property
    def inside(self):
        """The named values that are printed where they stand, over their names: those that are read once alone, and that contain
        no other such value."""
        found = {}
        for q in self.derivation.hidden:
            readers = [r.target for r in self.derivation.forward for a in preorder_traversal(r.rhs) if a == q]
            if len(readers) == 1 and not self.rows[q].rhs.free_symbols & found.keys():
                found[q] = readers[0]
        return found

    @property
    def lines(self):
        """(target, right side) of each equation that is printed."""
        return [(q, self._spelled_out(row.rhs)) for q, row in self.rows.items() if q not in self.inside]

    def _spelled_out(self, e):
        return e.xreplace({q: Underbrace(self.rows[q].rhs, q) for q in e.free_symbols & self.inside.keys()})

    def line_of(self, q):
        """The key of the line that computes a quantity."""
        while q in self.inside:
            q = self.inside[q]
        return f"forward-{q.name}"

    def lines_of(self, quantities):
        return Reference(tuple(dict.fromkeys(map(self.line_of, quantities))))


def listed(parts):
    """Formulas as a list in words: a, b and c."""
    found = []
    for n, q in enumerate(parts):
        found += [" and " if n == len(parts) - 1 else ", "] if n else []
        found.append(q if isinstance(q, (str, Math)) else Math(q))
    return tuple(found)


def plural(count, noun):
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
