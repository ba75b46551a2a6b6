"""The names of a generated module: those of a cell, out of the way of its own and Python's."""

import builtins
import keyword

from symcell.language.symbols import Adjoint


class Names:
    """Symbol -> name in the passes: its own, with underscores behind where that is taken."""

    def __init__(self, program, library, statements):
        cell, self.found = program.declaration, {}
        self.taken = {*keyword.kwlist, *dir(builtins), *library.reserved, *library.functions}
        self.sizes = {n: self.free(n) for n in cell.sizes}
        given = (*cell.params, *cell.constants, *cell.inputs, *cell.states, *(s.prev for s in cell.states))
        made = (q for s in statements for q in (*s.targets, *s.sources))
        for q in (*given, *(Adjoint(s, "cotangent") for s in cell.states), *program.carried, *made):
            if q not in self.found:
                self.found[q] = self.free(q.name)
        self._first = {s: self.free(f"{s}_first") for s in cell.states}
        self._final = {s: self.free(f"d{s}_final") for s in cell.states}

    def __call__(self, q):
        return self.found[q]

    def size(self, n):
        """The name of a size."""
        return self.sizes[str(n)]

    def first(self, state):
        """The value of a state before the first step."""
        return self._first[state]

    def final(self, state):
        """The adjoint of a state after the last step."""
        return self._final[state]

    def free(self, name):
        """The name, with underscores behind where it is taken; taken from now on."""
        while name in self.taken:
            name += "_"
        self.taken.add(name)
        return name
