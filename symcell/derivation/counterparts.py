"""Which quantities of two cells do the same: memories, gates by what they do, candidates by whether they are written."""

from symcell.derivation.memory import memories, purposes
from symcell.derivation.roles import ROLES, role


def counterparts(a, b):
    """Pairs (quantity of a, quantity of b) of two derivations, by ROLES; None stands where the other cell has no counterpart.
    Names decide among quantities that do the same, and where nothing is known but the role."""
    pairs = []
    for name in ROLES:
        left, right = ([e.target for e in d.declaration.equations if role(e.target, d) == name] for d in (a, b))
        pairs += _paired(left, right, _ALIKE[name](a, b))
    return pairs


def _paired(left, right, alike):
    """Pairs of two lists, those that are the most alike first (0: not at all), and what is left over."""
    ranked = sorted((-alike(p, q), k, j) for k, p in enumerate(left) for j, q in enumerate(right) if alike(p, q))
    partner = {}
    for _, k, j in ranked:
        if k not in partner and j not in partner.values():
            partner[k] = j
    pairs = [(p, right[partner[k]] if k in partner else None) for k, p in enumerate(left)]
    return pairs + [(None, q) for j, q in enumerate(right) if j not in partner.values()]


def _states(a, b):
    """Memories are like memories, and others like others; whether both are shown outside, and the name, come next."""
    kept = {m.state for m in memories(a)}, {m.state for m in memories(b)}

    def alike(p, q):
        if (p in kept[0]) != (q in kept[1]):
            return 0
        shown = (p in a.declaration.outputs) == (q in b.declaration.outputs)
        return shown + 2 * (p.name == q.name) + (p in kept[0])

    return alike


def _gates(a, b):
    """Gates are alike by what they do; what keeps is a little like what writes, for a gate of a GRU does both."""
    one, other = purposes(a), purposes(b)

    def alike(p, q):
        common = {*one[p]} & {*other[q]}
        update = {"keeps", "writes"}.issuperset({*one[p]} ^ {*other[q]}) and one[p] and other[q]
        name = 2 * (p.name == q.name)
        if common or one[p] == other[q] == ():
            return 4 * len(common) + name + (one[p] == other[q] != ())
        return int(bool(update))

    return alike


def _candidates(a, b):
    """What is written into memories is alike; any others may share a name."""
    written = ({q for m in memories(d) for q in m.write.free_symbols} for d in (a, b))
    one, other = written
    return lambda p, q: 2 * (p in one and q in other) + (p.name == q.name)


_ALIKE = {"gate": _gates, "candidate": _candidates, "state": _states}
