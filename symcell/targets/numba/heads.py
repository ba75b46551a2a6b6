"""Loops over mapped axes. The nests of one head run one after another before those of the next head: its values, a matrix often, then
stay in the first cache, and those that nothing else reads need memory for one head only.
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
        k = next((k for k in ready if group and _may_join(program, nests, group, k)), ready[0])
        if k is ready[0] and not (group and _may_join(program, nests, group, k)):
            group, number = [], number + 1
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
    """Whether a nest may stand under the loops of a group."""
    first = nests[group[0]].statements[0]
    own = first.indices[: first.heads]
    if not own or any((s.indices[: s.heads], s.extents[: s.heads]) != (own, first.extents[: first.heads]) for s in nests[k].statements):
        return False
    together = [s for j in (*group, k) for s in nests[j].statements]
    changed = {s.target for s in together} | {early for early, late in program.overwritten.items() if late in {s.target for s in together}}
    return all(e.args[1 : len(own) + 1] == own for s in together for e in s.entries if e.args[0] in changed) and all(
        s.position[: len(own)] == own or s.target not in {e.args[0] for r in together for e in r.entries} for s in together
    )


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
    places = [{place: [_of_one_head(item, heads) for item in items] for place, items in some.items()} for some in (forward, backward)]
    return program.with_(shapes=shapes), *places


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
