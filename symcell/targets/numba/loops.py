"""Assignments grouped into loops.

A *nest* is one loop (or loops) over the axes of a value, with the statements that share it. A *sweep* is a list of nests that
one row function runs for one sample of one step.
"""

from dataclasses import dataclass, replace

from symcell.program.subexpressions import costly_functions
from symcell.targets.numba.indexed import Indexed

# A processor looks some 200 instructions ahead, and a function takes 20, each of which waits for the one before. It finds enough
# to do where several units' functions are among those, and none of them waits for another function.
_AT_ONCE = 2  # functions in a loop


@dataclass(frozen=True)
class Nest:
    """Statements under one loop over `shape`; a reduction or a scan has a nest of its own."""

    shape: tuple
    statements: tuple[Indexed, ...]

    @property
    def plain(self):
        return not self.statements[0].op


@dataclass(frozen=True)
class Sweep:
    """The nests that run one after another for each sample of each step (in place `once`: one time)."""

    nests: tuple[Nest, ...]

    @property
    def statements(self):
        return [s for n in self.nests for s in n.statements]

    @property
    def targets(self):
        return tuple(s.target for s in self.statements)


def nests(program, statements):
    """The loops that run the statements of a sweep, each statement as early as what it reads allows."""
    found, made_in, read_in = [], {}, {}
    for s in statements:
        earliest = 0
        for e in s.entries:
            if e.args[0] in made_in:
                k = made_in[e.args[0]]
                together = not s.op and found[k].plain and e.args[1:] == s.indices
                earliest = max(earliest, k if together else k + 1)
        for early, late in program.overwritten.items():
            if s.target == late:  # written only after all have read what it replaces
                earliest = max([earliest, *read_in.get(early, [])])
        k = _home_nest(found, s, program.shapes[s.target], earliest)
        made_in[s.target] = k
        for e in s.entries:
            own = e.args[1:] == s.indices and not s.op
            read_in.setdefault(e.args[0], []).append(k if own else k + 1)
    return [part for nest in found for part in _parts(program, nest)]


def _home_nest(nests, s, shape, earliest):
    """The first nest that may take the statement, or a new one at the end."""
    if not s.op:
        for k in range(earliest, len(nests)):
            if nests[k].plain and nests[k].shape == shape:
                nests[k] = replace(nests[k], statements=(*nests[k].statements, s))
                return k
    nests.append(Nest(shape, (s,)))
    return len(nests) - 1


def _parts(program, nest):
    """The loop as several, one after another, that compute a few functions each; vectors that one of them leaves for another stay
    in the first cache. Where statements replace what others read, they stay together."""
    made = {s.target for s in nest.statements}
    if not nest.plain or len(nest.shape) != 1 or made.intersection(program.overwritten.values()):
        return [nest]
    loops = _loops_of_functions(nest.statements)
    for s in reversed(nest.statements):  # what a function needs, where it is first needed
        if first := [loops[r.target] for r in nest.statements if s.target in r.sources and r.target in loops]:
            loops.setdefault(s.target, min(first))
    for s in nest.statements:  # what no function needs, as soon as all is there
        loops.setdefault(s.target, max((loops[q] for q in s.sources if q in loops), default=0))
    parts = [tuple(s for s in nest.statements if loops[s.target] == k) for k in range(max(loops.values()) + 1)]
    return [Nest(nest.shape, part) for part in parts]


def _loops_of_functions(statements):
    """For each statement with a function, which loop computes it: those that wait for no other function come first."""
    depths, counts = {}, {s.target: len(costly_functions(s.expr)) for s in statements}
    for s in statements:
        depths[s.target] = max((depths[q] for q in s.sources if q in depths), default=0) + (counts[s.target] > 0)
    loops, loop, depth, count = {}, -1, 0, 0
    for target in sorted((q for q in counts if counts[q]), key=depths.get):
        if loop < 0 or depths[target] > depth or count + counts[target] > _AT_ONCE:
            loop, depth, count = loop + 1, depths[target], 0
        loops[target], count = loop, count + counts[target]
    return loops
