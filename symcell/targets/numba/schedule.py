"""Program -> Schedule: the statements as loops and products, and for every value the buffer that holds it.

Each place alternates between sweeps, which are loops over entries (symcell.targets.numba.loops), and products.
"""

from dataclasses import dataclass

from symcell.program.program import BACKWARD, FORWARD, Assign, Program
from symcell.program.verify import verify
from symcell.targets.numba.buffers import BufferAssignment
from symcell.targets.numba.heads import narrowed
from symcell.targets.numba.loops import Sweep, nests
from symcell.targets.numba.passes import PASSES


@dataclass(frozen=True)
class Schedule:
    """What emission prints: `program`, whose assignments are of entries; for each direction its places with their items (Sweep,
    Product, Gradient); and where every value is stored.

    `identifiers`: the values' names in Python, no two the same; a cell may call an intermediate dx beside an input x.
    `buffers`: the buffer of every value. `copies`: further buffers, where two products need a value beside different others.
    `packs`: the values that lie side by side in an array. `runs`: the buffer of the first of several values that a product
    reads as one. `tape`: the arrays that the forward pass makes for the backward pass."""

    program: Program
    forward: dict
    backward: dict
    identifiers: dict
    buffers: dict
    copies: dict
    packs: dict
    runs: dict
    tape: tuple

    def buffer_of(self, symbols):
        """Where the first of several values is stored that a product reads as one."""
        return self.runs.get(symbols, self.buffers[symbols[0]])


def schedule(program):
    """Program -> Schedule."""
    for pass_ in PASSES:
        program = pass_(program)
        verify(program)
    forward, backward = _phases(program, program.forward, FORWARD), _phases(program, program.backward, BACKWARD)
    program, forward, backward = narrowed(program, forward, backward)
    found = BufferAssignment(program, forward, backward)
    assigned = found.identifiers, found.buffers, found.copies, found.packs, found.runs, found.tape
    return Schedule(program, forward, backward, *assigned)


def _phases(program, statements, places):
    return {p: _Grouping(program, [s for s in statements if s.place == p], p).items() for p in places}


class _Grouping:
    """Groups the statements of a place into sweeps and products, each as early and as large as its sources allow."""

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
        """The first assignment that is ready; a recurrence is ready as a whole."""
        for s in self.left:
            if isinstance(s, Assign):
                group = [r for r in self.left if r is s or (s.recurrence and getattr(r, "recurrence", "") == s.recurrence)]
                if self._is_ready(group):
                    return group
        return []

    def _is_ready(self, group):
        """Whether everything that the statements read is made, by them or before, and nothing reads what they overwrite later."""
        own = {t for s in group for t in s.targets}
        waiting = self.waiting - own
        replaced = {r.targets[0] for t in own for r in self.readers.get(t, ()) if r in self.left} - own
        read = {q for s in group for q in s.sources}
        if self.place != "step":  # all steps at once: values of the previous step have to be made, too
            read |= {self.program.carried.get(q, q) for q in read}
        return not replaced and not read & waiting
