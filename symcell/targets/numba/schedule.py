"""Program -> Schedule: statements grouped into loops, and for every value the memory in which it lives.

Sweeps, which are loops one after another (symcell.targets.numba.loops), and products alternate.
"""

from dataclasses import dataclass

from symcell.program.program import BACKWARD, FORWARD, Assign, Program
from symcell.targets.numba.buffers import Buffers
from symcell.targets.numba.loops import Sweep, nests
from symcell.targets.numba.passes import PASSES


@dataclass(frozen=True)
class Schedule:
    """What emission prints: for each direction its places with their items (Sweep, Product, Gradient), and the homes.

    `words` are the values' names in Python, each its own: a cell may call an intermediate dx beside an input x. `copies` are
    further homes, where two products want a value beside different others; `packs` says which values lie side by side in an
    array, and `runs` the home of the first of those that a product treats as one. `tape` are the arrays that the forward pass
    makes for the backward one."""

    program: Program
    forward: dict
    backward: dict
    words: dict
    homes: dict
    copies: dict
    packs: dict
    runs: dict
    tape: tuple

    def home_of(self, symbols):
        """Where the first of some values lives that a product treats as one."""
        return self.runs.get(symbols, self.homes[symbols[0]])


def schedule(program):
    """Program -> Schedule."""
    for pass_ in PASSES:
        program = pass_(program)
    forward, backward = _phases(program, program.forward, FORWARD), _phases(program, program.backward, BACKWARD)
    found = Buffers(program, forward, backward)
    return Schedule(program, forward, backward, found.words, found.homes, found.copies, found.packs, found.runs, found.tape)


def _phases(program, statements, places):
    return {p: _Grouping(program, [s for s in statements if s.place == p], p).items() for p in places}


class _Grouping:
    """The statements of a place as sweeps and products in turn, each as early and as large as what it reads allows."""

    def __init__(self, program, statements, place):
        self.program, self.left, self.place = program, list(statements), place
        self.waiting = {t for s in statements for t in s.targets}
        self.readers = {late: [s for s in statements if early in s.sources] for early, late in program.overwritten.items()}

    def items(self):
        found = []
        while self.left:
            products = [s for s in self.left if not isinstance(s, Assign) and self._is_ready([s])]
            if products:
                self._take(products)
                found += products
                continue
            assignments = []
            while ready := self._ready_assignments():
                self._take(ready)
                assignments += ready
            if not assignments:
                names = [str(s.targets[0]) for s in self.left]
                raise AssertionError(f"program of {self.program.declaration.name}: each of {names} waits for another")
            found.append(Sweep(tuple(nests(self.program, assignments))))
        return found

    def _take(self, statements):
        self.left = [s for s in self.left if s not in statements]
        self.waiting.difference_update(t for s in statements for t in s.targets)

    def _ready_assignments(self):
        """The first assignment whose turn it is; of a recurrence, all at once."""
        for s in self.left:
            if isinstance(s, Assign):
                group = [r for r in self.left if r is s or (s.recurrence and getattr(r, "recurrence", "") == s.recurrence)]
                if self._is_ready(group):
                    return group
        return []

    def _is_ready(self, group):
        """Whether all that the statements read, themselves apart, is made, and all that read what they replace have done so."""
        own = {t for s in group for t in s.targets}
        waiting = self.waiting - own
        replaced = {r.targets[0] for t in own for r in self.readers.get(t, ()) if r in self.left} - own
        read = {q for s in group for q in s.sources}
        if self.place != "step":  # all steps at once: what a step before makes has to be there too
            read |= {self.program.carried.get(q, q) for q in read}
        return not replaced and not read & waiting
