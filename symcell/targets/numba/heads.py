"""Loops over mapped axes. All nests of one head run before those of the next head: its values, a matrix often, stay in the first
cache, and those that nothing else reads need memory for one head only.
"""

from dataclasses import replace

from symcell.language.primitives import Entry
from symcell.language.symbols import Adjoint
from symcell.program.program import Assign


def grouped(program, nests):
    """The nests in an order that keeps those of one group together: nests that have the same mapped axes, and read what others of
    the group make at their own head only."""
    after = _dependences(program, nests)
    left, found, group, number = list(range(len(nests))), [], [], 0
    while left:
        ready = [k for k in left if not after[k].intersection(left)]
        joining = [k for k in ready if group and _may_join(program, nests, group, k)]
        if not joining:
            group, number = [], number + 1
        k = (joining or ready)[0]
        left.remove(k)
        group.append(k)
        found.append(replace(nests[k], group=number if nests[k].statements[0].heads else None))
    return found


def _dependences(program, nests):
    """For each nest, the earlier ones that it has to follow."""
    made = [{s.target for s in nest.statements} for nest in nests]
    read = [{e.args[0] for s in nest.statements for e in s.entries} for nest in nests]
    replaced = [{early for early, late in program.overwritten.items() if late in some} for some in made]
    return [{j for j in range(k) if made[j] & read[k] or read[j] & replaced[k]} for k in range(len(nests))]


def _may_join(program, nests, group, k):
    """Whether a nest may stand under the loops of a group: what changes there is read and written at the head's own index."""
    loops = _heads(nests[group[0]].statements[0])
    together = [s for j in (*group, k) for s in nests[j].statements]
    if not loops or any(_heads(s) != loops for s in nests[k].statements):
        return False
    own = tuple(index for index, _ in loops)
    made = {s.target for s in together}
    changed = made | {early for early, late in program.overwritten.items() if late in made}
    read = [e.args for s in together for e in s.entries if e.args[0] in changed]
    written = [(s.target, *s.position) for s in together if any(e[0] == s.target for e in read)]
    return all(tuple(entry[1 : 1 + len(own)]) == own for entry in (*read, *written))


def _heads(s):
    """The loops over the mapped axes of a statement."""
    return tuple(zip(s.indices, s.extents, strict=True))[: s.heads]


def narrowed(program, forward, backward):
    """The program and its places, where values that only their own group reads have the shape of one head."""
    made, read = {}, {}
    for places in (forward, backward):
        for items in places.values():
            for item in items:
                for group, s in _statements(item):
                    made.update({t: (id(item), group) for t in s.targets})
                    for q in s.sources:
                        read.setdefault(q, set()).add((id(item), group))
    shared = {*program.declaration.states, *program.carried, *program.carried.values()}
    shared |= {Adjoint(q) for q in (*program.declaration.inputs, *program.declaration.params)}
    local = {q for q, (item, group) in made.items() if group is not None and q not in shared and read.get(q) == {(item, group)}}
    if not local:
        return program, forward, backward
    heads = {s.target: s.heads for s in program.statements if isinstance(s, Assign) and s.target in local}
    shapes = program.shapes | {q: program.shapes[q][n:] for q, n in heads.items()}

    def of_one_head(places):
        return {place: [_of_one_head(item, heads) for item in items] for place, items in places.items()}

    return program.with_(shapes=shapes), of_one_head(forward), of_one_head(backward)


def _statements(item):
    """(group, statement) of a sweep or a product; no group if it has none."""
    if not hasattr(item, "nests"):
        return [(None, item)]
    return [(nest.group, s) for nest in item.nests for s in nest.statements]


def _of_one_head(item, heads):
    """A sweep in which the values in `heads` have no index for their first axes, which are so many."""
    if not hasattr(item, "nests"):
        return item

    def statement(s):
        entries = {e: Entry(e.args[0], *e.args[1 + heads[e.args[0]] :]) for e in s.entries if e.args[0] in heads}
        return replace(s, expr=s.expr.xreplace(entries), position=s.position[heads.get(s.target, 0) :])

    return replace(item, nests=tuple(replace(nest, statements=tuple(map(statement, nest.statements))) for nest in item.nests))
