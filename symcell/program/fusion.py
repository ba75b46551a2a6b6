"""Passes that do products together: a few large ones take less time than many small ones."""

from collections import Counter
from dataclasses import replace

from symcell.language.symbols import Adjoint
from symcell.program.program import Assign, Gradient, Product, Program


def fuse_sums_of_products(program: Program) -> Program:
    """Do a sum of products in one place as one product, its weights side by side: U_i' dz_i + U_f' dz_f + ..."""
    return program.with_(forward=_summed(program, program.forward), backward=_summed(program, program.backward))


def _summed(program, statements):
    products = {s.targets[0]: s for s in statements if isinstance(s, Product)}
    packable = {s.target for s in statements if isinstance(s, Assign)} - set(program.cell.states) - program.once
    uses = Counter(q for s in statements for q in s.sources)
    merged, gone = {}, set()
    for s in statements:
        if not isinstance(s, Assign) or s.summed or not s.expr.is_Add:
            continue
        groups = {}
        for e in s.expr.args:
            p = products.get(e)
            if p and uses[p.targets[0]] == 1 and p.operands[0] in packable:
                # an operand stands once in a pack: the second product with it is the next group's
                turn = sum(p.operands == q.operands for group in groups.values() for q in group)
                groups.setdefault((p.place, turn), []).append(p)
        for group in groups.values():
            if len(group) > 1:
                group = sorted(group, key=lambda p: _canonical_order(program, p.operands[0]))
                whole = replace(
                    group[0], weights=tuple(p.weights[0] for p in group), operands=tuple(p.operands[0] for p in group)
                )
                rest = {p.targets[0]: 0 for p in group[1:]}
                merged[s.target] = replace(merged.get(s.target, s), expr=merged.get(s.target, s).expr.xreplace(rest))
                merged[whole.targets[0]] = whole
                gone |= {p.targets[0] for p in group[1:]}
    return _in_order(merged.get(s.targets[0], s) for s in statements if s.targets[0] not in gone)


def eliminate_copies(program: Program) -> Program:
    """Where a value only copies a product or a weight gradient, make it that product's own target."""
    return program.with_(forward=_without_copies(program, program.forward), backward=_without_copies(program, program.backward))


def _without_copies(program, statements):
    copies = _copies(program, statements)
    gone = set(copies.values())
    kept = [s for s in statements if not (s.targets[0] in gone and isinstance(s, Assign))]
    return _in_order(replace(s, targets=(copies[s.targets[0]],)) if s.targets[0] in copies else s for s in kept)


def _copies(program, statements):
    """The targets of products and weight gradients that nothing reads but a copy, each with the value that copies it."""
    uses = Counter(q for s in statements for q in s.sources)
    grouped = {q for s in statements if isinstance(s, Product) and len(s.operands) > 1 for q in s.operands}
    makers = {s.targets[0]: s for s in statements if isinstance(s, (Product, Gradient))}
    found = {}
    for s in statements:
        if isinstance(s, Assign) and not s.summed and not s.recurrence and s.target not in grouped:
            maker = makers.get(s.expr)
            if maker and uses[maker.targets[0]] == 1 and _may_make(program, maker, s):
                found[maker.targets[0]] = s.target
    return found


def _may_make(program, maker, copy):
    """Whether a product or a weight gradient may make what is copied from it."""
    if isinstance(maker, Gradient):
        return True  # it may move to where its copy stood
    if maker.place != copy.place:
        return False
    return copy.place == "step" or copy.target not in program.cell.states  # whose arrays have one step more than a large product


def stack_products(program: Program) -> Program:
    """Do products of one operand in one place as one; weight gradients, too."""
    return program.with_(forward=_stacked(program, program.forward), backward=_stacked(program, program.backward))


def _stacked(program, statements):
    packable = {s.target for s in statements if isinstance(s, Assign)} - set(program.cell.states)
    # these have arrays of their own: results, and what a product reads whole
    results = {*program.carried.values(), *(Adjoint(q) for q in program.cell.inputs)}
    results |= {q for s in statements if not isinstance(s, Assign) for q in s.sources}
    groups = {}
    for s in statements:
        if isinstance(s, Product) and len(s.operands) == 1 and s.targets[0] not in results:
            groups.setdefault((Product, s.operands[0], s.place), []).append(s)
        if isinstance(s, Gradient) and s.bars[0] in packable:
            group = groups.setdefault((Gradient, s.operand, s.place), [])
            if all(s.bars != other.bars for other in group):
                group.append(s)
    whole, gone = {}, set()
    for (kind, _, _), group in groups.items():
        if len(group) > 1:
            group = sorted(group, key=lambda s: _canonical_order(program, s.bars[0])) if kind is Gradient else group
            joined = {"targets": tuple(s.targets[0] for s in group), "note": _joined_notes(group)}
            joined["bars" if kind is Gradient else "weights"] = tuple(
                (s.bars if kind is Gradient else s.weights)[0] for s in group
            )
            last = group[-1] if kind is Gradient else group[0]
            whole[last.targets[0]] = replace(group[0], **joined)
            gone |= {s.targets[0] for s in group} - {last.targets[0]}
    return _in_order(whole.get(s.targets[0], s) for s in statements if s.targets[0] not in gone)


def _joined_notes(group):
    return ", ".join(dict.fromkeys(s.note for s in group))


def _canonical_order(program, q):
    """A fixed order of values, adjoints by what they are the adjoints of, so that values packed together agree."""
    q = getattr(q, "of", q)
    return next((k for k, s in enumerate(program.derivation.forward) if s.target == q), -1), str(q)


def _in_order(statements):
    """Statements so that each comes after what it reads; as they were, wherever that allows."""
    left, ordered = list(statements), []
    waiting = {t for s in left for t in s.targets}
    while left:
        ready = next(s for s in left if not any(q in waiting for q in s.sources if q not in s.targets))
        left.remove(ready)
        waiting.difference_update(ready.targets)
        ordered.append(ready)
    return tuple(ordered)
