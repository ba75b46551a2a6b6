"""Which quantity a printed symbol or a name in generated code stands for. Pages mark each by a class, so that all places where it
stands can be found."""

import re

from symcell.documents.nodes import Letter
from symcell.language.symbols import Adjoint

# What generated code appends to the name of a quantity for one of its arrays or values.
_ENDINGS = re.compile(r"(_prev|_out|_seq|_kept|_all|_again|_cotangent|_carried|_final|_transposed|_from_\w+)+$")


class Quantities:
    """The classes of a derivation's quantities: q0, q1, ... in the order of the derivation, a0, a1, ... for their adjoints.

    `shared`: name -> number, of quantities that are marked like those of another cell; the others have numbers above `taken`."""

    def __init__(self, derivation, shared=None, taken=0):
        sizes, shared = {*derivation.declaration.sizes}, shared or {}
        names = dict.fromkeys(getattr(q, "state", q).name for q in derivation.shapes if q.name not in sizes)
        self.numbers = {name: shared.get(name, taken + k) for k, name in enumerate(names)}

    def of_symbol(self, e):
        """The class of a symbol, or "" where it is none of the cell's."""
        kind, e = ("a", e.of) if isinstance(e, Adjoint) else ("q", e)
        return "" if isinstance(e, Letter) else self._class(kind, getattr(e, "state", e).name)

    def of_identifier(self, text):
        """The class of a name in generated code, such as dc_carried, or ""."""
        for name in (text, _ENDINGS.sub("", text)):
            found = self._class("q", name) or (self._class("a", name[1:]) if name.startswith("d") else "")
            if found:
                return found
        return ""

    def mark(self, svg):
        """A diagram whose parts have the classes of the quantities that they carry, or show."""
        return re.sub(r'class="([^"]*)"([^>]*) data-symbol="(\w+)"', self._with_class, svg)

    def _with_class(self, found):
        classes, between, name = found.groups()
        return f'class="{classes} {self.of_identifier(name)}"{between} data-symbol="{name}"'

    def _class(self, kind, name):
        return f"{kind}{self.numbers[name]}" if name in self.numbers else ""
