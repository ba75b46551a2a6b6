"""Passes that compute several products as one: one large product takes less time than many small ones."""

from collections import Counter
from dataclasses import replace

from symcell.language.symbols import Adjoint
from symcell.program.program import Assign, Gradient, Note, Product, Program


def fuse_sums_of_products(program: Program) -> Program:
    """Compute a sum of products in one place as one product, its weights side by side: U_i' dz_i + U_f' dz_f + ..."""
    return program.with_(forward=_summed(program, program.forward), backward=_summed(program, program.backward))


def _summed(program, statements):
    products = {s.targets[0]: s for s in statements if isinstance(s, Product)}
    packable = {s.target for s in statements if isinstance(s, Assign)} - set(program.declaration.states) - program.once
    uses = Counter(q for s in statements for q in s.sources)
    fusable = {t: p for t, p in products.items() if uses[t] == 1 and p.operands[0] in packable}
    changed, gone = {}, set()
    for s in statements:
        if not isinstance(s, Assign) or s.summed or not s.expr.is_Add:
            continue
        for group in _groups(fusable[e] for e in s.expr.args if e in fusable):
            first, *rest = sorted(group, key=lambda p: _canonical_order(program, p.operands[0]))
            weights, operands = zip(*((p.weights[0], p.operands[0]) for p in (first, *rest)), strict=True)
            changed[first.targets[0]] = replace(first, weights=weights, operands=operands)
            s = changed[s.target] = replace(s, expr=s.expr.xreplace({p.targets[0]: 0 for p in rest}))
            gone |= {p.targets[0] for p in rest}
    return _in_order(changed.get(s.targets[0], s) for s in statements if s.targets[0] not in gone)


def _groups(products):
    """The products of a sum that one product can compute: in one place, each with another operand."""
    groups = {}
    for p in products:
        before = sum(p.operands == q.operands for group in groups.values() for q in group)
        groups.setdefault((p.place, before), []).append(p)
    return [group for group in groups.values() if len(group) > 1]


def eliminate_copies(program: Program) -> Program:
    """Let a product or a weight gradient write the value that only copies it."""
    return program.with_(forward=_without_copies(program, program.forward), backward=_without_copies(program, program.backward))


def _without_copies(program, statements):
    copies = _copies(program, statements)
    gone = set(copies.values())
    kept = [s for s in statements if not (s.targets[0] in gone and isinstance(s, Assign))]
    return _in_order(replace(s, targets=(copies[s.targets[0]],)) if s.targets[0] in copies else s for s in kept)


def _copies(program, statements):
    """The targets of products and weight gradients that only a copy reads, each with the copy."""
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
    """Whether a product or a weight gradient may write its copy."""
    if isinstance(maker, Gradient):
        return True  # it may move to where its copy stood
    outside = copy.place != "step"  # where the array of a state has one step more than that of a product
    return maker.place == copy.place and not (outside and copy.target in program.declaration.states)


def stack_products(program: Program) -> Program:
    """Compute products of one operand in one place as one; weight gradients, too."""
    return program.with_(forward=_stacked(program, program.forward), backward=_stacked(program, program.backward))


def _stacked(program, statements):
    whole, gone = {}, set()
    for group in _with_one_operand(program, statements):
        if isinstance(group[0], Gradient):  # which waits for all its adjoints
            ordered = sorted(group, key=lambda s: _canonical_order(program, s.bars[0]))
            one, stands = replace(ordered[0], bars=tuple(s.bars[0] for s in ordered)), ordered[-1]
        else:
            ordered = group
            one, stands = replace(group[0], weights=tuple(s.weights[0] for s in group)), group[0]
        whole[stands.targets[0]] = replace(one, targets=tuple(s.targets[0] for s in ordered), note=_joined_notes(ordered))
        gone |= {s.targets[0] for s in group} - {stands.targets[0]}
    return _in_order(whole.get(s.targets[0], s) for s in statements if s.targets[0] not in gone)


def _with_one_operand(program, statements):
    """The products, and the weight gradients, that can be computed as one: of one operand in one place."""
    packable = {s.target for s in statements if isinstance(s, Assign)} - set(program.declaration.states)
    # values with arrays of their own: results, and what a product reads whole
    results = {*program.carried.values(), *(Adjoint(q) for q in program.declaration.inputs)}
    results |= {q for s in statements if not isinstance(s, Assign) for q in s.sources}
    groups = {}
    for s in statements:
        if isinstance(s, Product) and len(s.operands) == 1 and s.targets[0] not in results:
            groups.setdefault((Product, s.operands[0], s.place), []).append(s)
        if isinstance(s, Gradient) and s.bars[0] in packable:
            group = groups.setdefault((Gradient, s.operand, s.place), [])
            if all(s.bars != other.bars for other in group):
                group.append(s)
    return [group for group in groups.values() if len(group) > 1]


def _joined_notes(group):
    notes = dict.fromkeys(s.note for s in group)
    equations = dict.fromkeys(n for note in notes for n in note.equations)
    return Note(", ".join(note.words for note in notes), tuple(equations))


def _canonical_order(program, q):
    """The order of the forward rows, for adjoints as well: products of the same values then want them in the same order."""
    q = getattr(q, "of", q)
    return next((k for k, s in enumerate(program.derivation.forward) if s.target == q), -1), str(q)


def _in_order(statements):
    """The statements, each after those whose values it reads; otherwise in the order given."""
    left, ordered = list(statements), []
    waiting = {t for s in left for t in s.targets}
    while left:
        ready = next(s for s in left if not any(q in waiting for q in s.sources if q not in s.targets))
        left.remove(ready)
        waiting.difference_update(ready.targets)
        ordered.append(ready)
    return tuple(ordered)
