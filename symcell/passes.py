"""The passes that make a Program good: an ordered list of small functions, Program -> Program, with a verifier between them."""

from collections import Counter
from dataclasses import replace

from sympy import (
    Function,
    Pow,
    Symbol,
    acos,
    acosh,
    asin,
    asinh,
    atan,
    atan2,
    atanh,
    cos,
    cosh,
    erf,
    erfc,
    exp,
    log,
    sin,
    sinh,
    tan,
    tanh,
)

from symcell.activations import sigmoid, silu, softplus
from symcell.primitives import Entry
from symcell.program import Assign, Gradient, Product, Program, verify
from symcell.symbols import Adjoint, Param
from symcell.words import unused

# Functions worth computing once and keeping; the others cost no more than a load.
_COSTLY = (
    tanh,
    sigmoid,
    silu,
    softplus,
    exp,
    log,
    sin,
    cos,
    tan,
    sinh,
    cosh,
    asin,
    acos,
    atan,
    asinh,
    acosh,
    atanh,
    atan2,
    erf,
    erfc,
)


def drop_unread(program: Program) -> Program:
    """Statements whose value nothing reads: a concatenation that was split, an adjoint that leads nowhere."""
    wanted = set(program.carried.values()) | set(program.cell.states)
    wanted |= {Adjoint(q) for q in (*program.cell.inputs, *program.cell.params)}
    previous = dict(program.carried)
    kept = {}
    for direction, statements in (("backward", program.backward), ("forward", program.forward)):
        kept[direction] = []
        for s in reversed(statements):
            if any(t in wanted for t in s.targets):
                kept[direction].append(s)
                wanted.update(s.sources)
                wanted.update(previous[q] for q in s.sources if q in previous)
    return program.with_(forward=tuple(kept["forward"][::-1]), backward=tuple(kept["backward"][::-1]))


def share_functions(program: Program) -> Program:
    """A costly function of the same argument is computed once, and kept for the backward steps: tanh(c) as tanh_c."""
    statements = [*program.forward, *program.backward]
    uses = Counter(f for s in statements if isinstance(s, Assign) for f in s.expr.atoms(Function, Pow) if _is_costly(f))
    made = {s.expr: s.target for s in statements if isinstance(s, Assign) and not s.op and s.expr in uses}
    shapes, once, taken = dict(program.shapes), set(program.once), {q.name for q in program.shapes}
    result = {"forward": [], "backward": []}
    for direction in result:
        for s in getattr(program, direction):
            if not isinstance(s, Assign):
                result[direction].append(s)
                continue
            for f in sorted((f for f in s.expr.atoms(Function, Pow) if uses.get(f, 0) > 1 or f in made), key=_depth):
                if f == s.expr and made.get(f) == s.target:
                    continue
                if f not in made:
                    made[f] = _named_function(f, s, taken)
                    lengths = {**dict(zip(s.indices, shapes[s.target], strict=True)), **dict(s.over)}
                    axes = _axes_of(f, lengths)
                    shapes[made[f]] = tuple(lengths[k] for k in axes)
                    if all(e.args[0] in once for e in f.atoms(Entry)):
                        once.add(made[f])
                    result[direction].append(Assign(made[f], axes, f, note=s.note))
                s = replace(
                    s, expr=s.expr.xreplace({f: Entry(made[f], *_axes_of(f, dict.fromkeys((*s.indices, *dict(s.over)))))})
                )
            result[direction].append(s)
    return program.with_(
        shapes=shapes, once=frozenset(once), forward=tuple(result["forward"]), backward=tuple(result["backward"])
    )


def _is_costly(f):
    if isinstance(f, Pow):
        return not f.exp.is_Integer and bool(f.atoms(Entry))
    return isinstance(f, _COSTLY) and bool(f.atoms(Entry))


def _depth(f):
    return (-f.count_ops(), str(f))


def _axes_of(f, lengths):
    return tuple(k for k in lengths if f.has(k))


def _named_function(f, statement, taken):
    """tanh_c for tanh(c); a longer argument gives the name of what it is for."""
    name = type(f).__name__.lower() if not isinstance(f, Pow) else "power"
    argument = f.args[0].args[0].name if isinstance(f.args[0], Entry) else statement.target.name
    base = f"{name}_{argument}"
    return Symbol(unused(base, taken))


def hoist_shared_values(program: Program) -> Program:
    """What the backward program computes from parameters alone is computed by the forward program, once."""
    known = {q for q in program.once if isinstance(q, Param)} | set(program.cell.constants)
    known |= {t for s in program.forward for t in s.targets if t in program.once}
    moved, rest = [], []
    for s in program.backward:
        if isinstance(s, Assign) and s.target in program.once and set(s.sources) <= known and s.sources:
            moved.append(s)
            known.add(s.target)
        else:
            rest.append(s)
    return program.with_(forward=(*program.forward, *moved), backward=tuple(rest))


def place(program: Program) -> Program:
    """Each statement to its place: in the step only what the recurrence itself needs."""
    return program.with_(
        forward=tuple(_placed(program, program.forward, "before", "after")),
        backward=tuple(_placed(program, program.backward, "after", "before")),
    )


def _placed(program, statements, early, late):
    dependent = set(program.carried)
    for s in statements:
        if any(q in dependent for q in s.sources):
            dependent.update(s.targets)
    needed = set(program.carried.values())
    for s in reversed(statements):
        if any(t in needed for t in s.targets):
            needed.update(s.sources)
    for s in statements:
        if isinstance(s, Assign) and s.target in program.once and s.op != "sum over steps":
            yield replace(s, place="once")
        elif any(q in program.overwritten for q in s.sources):
            yield replace(s, place="step")  # what the next step sends back is there in the step only
        elif not any(t in dependent for t in s.targets) and not any(t in program.carried.values() for t in s.targets):
            yield replace(s, place=early)
        else:
            yield replace(s, place="step" if any(t in needed for t in s.targets) else late)


def add_inside_products(program: Program) -> Program:
    """A sum of products in one place becomes one product, its weights side by side: U_i' dz_i + U_f' dz_f + ..."""
    return program.with_(forward=_summed(program, program.forward), backward=_summed(program, program.backward))


def _summed(program, statements):
    products = {s.targets[0]: s for s in statements if isinstance(s, Product)}
    packable = {s.target for s in statements if isinstance(s, Assign)} - set(program.cell.states) - program.once
    uses = Counter(q for s in statements for q in s.sources)
    merged, gone = {}, set()
    for s in statements:
        if not isinstance(s, Assign) or s.op or not s.expr.is_Add:
            continue
        groups = {}
        for e in s.expr.args:
            p = products.get(e.args[0]) if isinstance(e, Entry) and e.args[1:] == s.indices else None
            if p and uses[p.targets[0]] == 1 and p.operands[0] in packable:
                # an operand stands once in a pack: the second product with it is the next group's
                turn = sum(p.operands == q.operands for group in groups.values() for q in group)
                groups.setdefault((p.place, turn), []).append(p)
        for group in groups.values():
            if len(group) > 1:
                group = sorted(group, key=lambda p: _order(program, p.operands[0]))
                whole = replace(
                    group[0], weights=tuple(p.weights[0] for p in group), operands=tuple(p.operands[0] for p in group)
                )
                rest = {Entry(p.targets[0], *s.indices): 0 for p in group[1:]}
                merged[s.target] = replace(merged.get(s.target, s), expr=merged.get(s.target, s).expr.xreplace(rest))
                merged[whole.targets[0]] = whole
                gone |= {p.targets[0] for p in group[1:]}
    return tuple(_in_order(merged.get(s.targets[0], s) for s in statements if s.targets[0] not in gone))


def _in_order(statements):
    """Statements so that each comes after what it reads; as they were, wherever that allows."""
    statements = list(statements)
    waiting = {t for s in statements for t in s.targets}
    while statements:
        ready = next(s for s in statements if not any(q in waiting for q in s.sources if q not in s.targets))
        statements.remove(ready)
        waiting.difference_update(ready.targets)
        yield ready


def _order(program, q):
    """A fixed order of values, adjoints by what they are the adjoints of, so that values packed together agree."""
    q = getattr(q, "of", q)
    return next((k for k, s in enumerate(program.derivation.forward) if s.target == q), -1), str(q)


def write_in_place(program: Program) -> Program:
    """A value that only copies a product, or a weight gradient, is that product's own target."""

    def without_copies(statements):
        uses = Counter(q for s in statements for q in s.sources)
        grouped = {q for s in statements if isinstance(s, Product) and len(s.operands) > 1 for q in s.operands}
        makers = {s.targets[0]: s for s in statements if isinstance(s, (Product, Gradient))}
        copies = {}
        for s in statements:
            if (
                isinstance(s, Assign)
                and s.target not in grouped
                and not s.op
                and isinstance(s.expr, Entry)
                and s.expr.args[1:] == s.indices
            ):
                maker = makers.get(s.expr.args[0])
                if (maker and uses[maker.targets[0]] == 1 and maker.place == s.place) or isinstance(maker, Gradient):
                    copies[maker.targets[0]] = s.target
        gone = set(copies.values())
        kept = [s for s in statements if not (s.targets[0] in gone and isinstance(s, Assign))]
        return tuple(replace(s, targets=(copies[s.targets[0]],)) if s.targets[0] in copies else s for s in kept)

    return program.with_(forward=_sorted(without_copies(program.forward)), backward=_sorted(without_copies(program.backward)))


def _sorted(statements):
    return tuple(_in_order(statements))


def stack(program: Program) -> Program:
    """Products with one operand in one place become one; so do weight gradients."""
    return program.with_(forward=_stacked(program, program.forward), backward=_stacked(program, program.backward))


def _stacked(program, statements):
    packable = {s.target for s in statements if isinstance(s, Assign)} - set(program.cell.states)
    results = {*program.carried.values(), *(Adjoint(q) for q in program.cell.inputs)}  # these have arrays of their own
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
            group = sorted(group, key=lambda s: _order(program, s.bars[0])) if kind is Gradient else group
            joined = {"targets": tuple(s.targets[0] for s in group), "note": _joined_notes(group)}
            joined["bars" if kind is Gradient else "weights"] = tuple(
                (s.bars if kind is Gradient else s.weights)[0] for s in group
            )
            last = group[-1] if kind is Gradient else group[0]
            whole[last.targets[0]] = replace(group[0], **joined)
            gone |= {s.targets[0] for s in group} - {last.targets[0]}
    return _sorted(whole.get(s.targets[0], s) for s in statements if s.targets[0] not in gone)


def _joined_notes(group):
    return ", ".join(dict.fromkeys(s.note for s in group))


PASSES = (drop_unread, share_functions, hoist_shared_values, place, add_inside_products, write_in_place, stack)


def improve(program: Program) -> Program:
    """All passes in order, verified after each; `report` tells what each changed."""
    verify(program)
    for pass_ in PASSES:
        before = _tally(program)
        program = pass_(program)
        verify(program)
        changed = {k: (before[k], n) for k, n in _tally(program).items() if n != before[k]}
        program = program.with_(report=(*program.report, (pass_.__name__, changed)))
    return program


def _tally(program):
    """Operation counts: statements by kind, costly functions, and products inside the step."""
    statements = [*program.forward, *program.backward]
    return {
        "assignments": sum(isinstance(s, Assign) for s in statements),
        "products": sum(isinstance(s, Product) for s in statements),
        "weight gradients": sum(isinstance(s, Gradient) for s in statements),
        "functions": sum(
            len([f for f in s.expr.atoms(Function, Pow) if _is_costly(f)]) for s in statements if isinstance(s, Assign)
        ),
        "products in a step": sum(isinstance(s, Product) and s.place == "step" for s in statements),
    }
