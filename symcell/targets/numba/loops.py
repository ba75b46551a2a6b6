"""Assignments of entries, grouped into loops.

A *nest* is a loop over each axis of a value, with the statements that share these loops. A *sweep* is a list of nests that one
row function runs for one sample of one step.
"""

from dataclasses import dataclass, replace

from symcell.program.subexpressions import costly_functions
from symcell.targets.numba.heads import grouped
from symcell.targets.numba.indexed import Indexed

# A function takes about 20 instructions, each of which waits for the one before, and a processor looks some 200 instructions
# ahead. It stays busy where these hold the functions of several units, and no function waits for another one.
_AT_ONCE = 2  # functions in a loop


@dataclass(frozen=True)
class Nest:
    """Statements under the same loops; a reduction or a scan has a nest of its own. Nests of one `group` stand together under
    the loops over their mapped axes: what one head computes is not far away when it is read."""

    statements: tuple[Indexed, ...]
    group: int | None = None

    @property
    def plain(self):
        return not self.statements[0].op

    @property
    def loops(self):
        """(index, extent) of its loops, without those that its group has."""
        return self._all_loops[0 if self.group is None else self.statements[0].heads :]

    @property
    def loops_of_group(self):
        return self._all_loops[: 0 if self.group is None else self.statements[0].heads]

    @property
    def _all_loops(self):
        s = self.statements[0]
        return tuple(zip(s.indices, s.extents, strict=True))


@dataclass(frozen=True)
class Sweep:
    """Nests that run one after another for each sample of each step (in place `once`: one time)."""

    nests: tuple[Nest, ...]

    @property
    def statements(self):
        return [s for n in self.nests for s in n.statements]

    @property
    def targets(self):
        return tuple(s.target for s in self.statements)


def nests(program, statements):
    """The loops that run the statements of a sweep, each statement as early as its sources allow."""
    found, made_in, read_in = [], {}, {}
    for s in statements:
        earliest = 0
        for e in s.entries:
            if e.args[0] in made_in:
                k = made_in[e.args[0]]
                together = not s.op and found[k].plain and e.args[1:] == s.position
                earliest = max(earliest, k if together else k + 1)
        for early, late in program.overwritten.items():
            if s.target == late:  # written only after everything has read what it overwrites
                earliest = max([earliest, *read_in.get(early, [])])
        k = _home_nest(found, s, earliest)
        made_in[s.target] = k
        for e in s.entries:
            own = e.args[1:] == s.position and not s.op
            read_in.setdefault(e.args[0], []).append(k if own else k + 1)
    return [part for nest in grouped(program, found) for part in _parts(program, nest)]


def _home_nest(nests, s, earliest):
    """The first nest that may take the statement, or a new one at the end."""
    if not s.op:
        for k in range(earliest, len(nests)):
            first = nests[k].statements[0]
            if nests[k].plain and (first.indices, first.extents, first.heads) == (s.indices, s.extents, s.heads):
                nests[k] = replace(nests[k], statements=(*nests[k].statements, s))
                return k
    nests.append(Nest((s,)))
    return len(nests) - 1


def _parts(program, nest):
    """The loop as several, one after another, that compute a few functions each; the vectors that one hands to the next stay in
    the first cache. Statements that overwrite what others read stay together with these."""
    made = {s.target for s in nest.statements}
    if not nest.plain or len(nest.loops) != 1 or made.intersection(program.overwritten.values()):
        return [nest]
    loops = _loops_of_functions(nest.statements)
    for s in reversed(nest.statements):  # the sources of a function, where the first one needs them
        if first := [loops[r.target] for r in nest.statements if s.target in r.sources and r.target in loops]:
            loops.setdefault(s.target, min(first))
    for s in nest.statements:  # the others, as soon as their sources are there
        loops.setdefault(s.target, max((loops[q] for q in s.sources if q in loops), default=0))
    parts = [tuple(s for s in nest.statements if loops[s.target] == k) for k in range(max(loops.values()) + 1)]
    return [replace(nest, statements=part) for part in parts]


def _loops_of_functions(statements):
    """For each statement with a function, the loop that computes it: those that depend on no other function come first."""
    depths, counts = {}, {s.target: len(costly_functions(s.expr)) for s in statements}
    for s in statements:
        depths[s.target] = max((depths[q] for q in s.sources if q in depths), default=0) + (counts[s.target] > 0)
    loops, loop, depth, count = {}, -1, 0, 0
    for target in sorted((q for q in counts if counts[q]), key=depths.get):
        if loop < 0 or depths[target] > depth or count + counts[target] > _AT_ONCE:
            loop, depth, count = loop + 1, depths[target], 0
        loops[target], count = loop, count + counts[target]
    return loops
