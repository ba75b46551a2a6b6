"""Passes that compute less: nothing that is not read, nothing twice, nothing at every step that is the same at all."""

from collections import Counter
from dataclasses import replace

from sympy import Add, Function, Mul, Pow, Symbol

from symcell.language.functions import COSTLY, VECTORS
from symcell.language.identifiers import unused
from symcell.language.primitives import Entry
from symcell.language.symbols import Adjoint, Param
from symcell.program.program import Assign, Program


def drop_unread(program: Program) -> Program:
    """Statements whose value nothing reads: a concatenation that was split, an adjoint that leads nowhere."""
    wanted = set(program.carried.values()) | set(program.cell.states)
    wanted |= {Adjoint(q) for q in (*program.cell.inputs, *program.cell.params)}
    previous = dict(program.carried)
    kept: dict[str, list] = {}
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
    sharing = _Sharing(program)
    forward = tuple(r for s in program.forward for r in sharing.statements(s))
    backward = tuple(r for s in program.backward for r in sharing.statements(s))
    return program.with_(shapes=sharing.shapes, once=frozenset(sharing.once), forward=forward, backward=backward)


class _Sharing:
    """Goes through a program's statements, and keeps in mind which functions the ones before have computed."""

    def __init__(self, program):
        statements = [*program.forward, *program.backward]
        self.uses = Counter(f for s in statements if isinstance(s, Assign) for f in costly_functions(s.expr))
        self.made = {}  # function -> what has it for its value
        self.shapes, self.once, self.taken = dict(program.shapes), set(program.once), {q.name for q in program.shapes}

    def statements(self, s):
        """The statement, which reads what has its functions' values; before it, those that make them."""
        if not isinstance(s, Assign):
            return [s]
        before, functions = [], s.expr.atoms(Function, Pow)
        for f in sorted((f for f in functions if self.uses[f] > 1 or f in self.made), key=_largest_first):
            if f not in self.made and f == s.expr and not s.op and _axes_of(f, s.indices) == s.indices:
                self.made[f] = s.target
                continue
            if f not in self.made:
                before.append(self._function(f, s))
            entry = Entry(self.made[f], *_axes_of(f, (*s.indices, *dict(s.over))))
            s = replace(s, expr=s.expr.xreplace({f: entry}))
        return [*before, s]

    def _function(self, f, s):
        """The statement that computes a function for the one that reads it first."""
        target = self.made[f] = _named_function(f, s, self.taken)
        lengths = {**dict(zip(s.indices, self.shapes[s.target], strict=True)), **dict(s.over)}
        axes = _axes_of(f, lengths)
        self.shapes[target] = tuple(lengths[k] for k in axes)
        if all(e.args[0] in self.once for e in f.atoms(Entry)):
            self.once.add(target)
        return Assign(target, axes, f, note=s.note)


def read_kept_values(program: Program) -> Program:
    """What a backward statement would compute of values on the tape, and the tape has: x - mean(x), beside x and mean(x).

    A scalar that fills a vector may be read without an index, so it is not replaced by an entry."""
    kept, made = set(program.tape), {}
    for s in program.forward:
        computed = isinstance(s, Assign) and not s.op and isinstance(s.expr, Add | Mul)
        filled = computed and not s.expr.free_symbols.issuperset(s.indices)
        if computed and not filled and s.target in kept:
            made[s.expr] = Entry(s.target, *s.indices)
    return program.with_(
        backward=tuple(replace(s, expr=s.expr.xreplace(made)) if isinstance(s, Assign) else s for s in program.backward)
    )


def costly_functions(e):
    """Those in an expression that take many instructions, each of which waits for the one before."""
    return {f for f in e.atoms(*COSTLY) if f.atoms(Entry)} | {f for f in e.atoms(Pow) if not f.exp.is_Integer and f.atoms(Entry)}


def _largest_first(f):
    return (-f.count_ops(), str(f))


def _axes_of(f, indices):
    return tuple(k for k in indices if f.has(k))


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


def compute_again(program: Program) -> Program:
    """A function of a state or an input is computed again where the backward program reads it: unlike its value, what it is a
    function of is kept anyway."""
    kept_anyway = {*program.cell.states, *program.cell.inputs}
    shapes, backward = dict(program.shapes), list(program.backward)
    taken = {q.name for q in shapes}
    for s in program.forward:
        readers = [r for r in backward if s.targets[0] in r.sources]
        if not _is_easy(s) or s.target in program.cell.states or not kept_anyway.issuperset(s.sources):
            continue
        if len({r.place for r in readers}) == 1 and all(isinstance(r, Assign) for r in readers):
            again = Symbol(unused(f"{s.target}_again", taken))
            shapes[again] = shapes[s.target]
            entries = {e: Entry(again, *e.args[1:]) for r in readers for e in r.expr.atoms(Entry) if e.args[0] == s.target}
            first = backward.index(readers[0])
            backward = [replace(r, expr=r.expr.xreplace(entries)) if r in readers else r for r in backward]
            backward.insert(first, replace(s, target=again, place=readers[0].place, recurrence=""))
    return program.with_(shapes=shapes, backward=tuple(backward))


def _is_easy(s):
    """Whether a statement is a single function that has a vector form, of values at the same place."""
    if not isinstance(s, Assign) or s.op or not isinstance(s.expr, VECTORS):
        return False
    return len(costly_functions(s.expr)) == 1 and all(e.args[1:] == s.indices for e in s.expr.atoms(Entry))
