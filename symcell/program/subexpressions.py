"""Passes that compute nothing twice."""

from collections import Counter
from dataclasses import replace

from sympy import Add, Function, Mul, Pow, Symbol

from symcell.language.functions import COSTLY
from symcell.language.identifiers import unused
from symcell.language.shapes import resolved_shape
from symcell.program.program import Assign, Program, values_in


def common_subexpressions(program: Program) -> Program:
    """Compute a costly function of the same argument once, for both directions: tanh(c) is tanh_c."""
    sharing = _Sharing(program)
    forward = tuple(r for s in program.forward for r in sharing.statements(s))
    backward = tuple(r for s in program.backward for r in sharing.statements(s))
    return program.with_(shapes=sharing.shapes, once=frozenset(sharing.once), forward=forward, backward=backward)


class _Sharing:
    """Goes through a program's statements, and remembers which functions have been computed."""

    def __init__(self, program):
        self.uses = Counter(f for s in program.statements if isinstance(s, Assign) for f in costly_functions(s.expr))
        self.made = {}  # function -> what has it for its value
        self.shapes, self.once, self.taken = dict(program.shapes), set(program.once), {q.name for q in program.shapes}

    def statements(self, s):
        """The statement, which reads the values of its shared functions; before it, the statements that make them."""
        if not isinstance(s, Assign):
            return [s]
        before, functions = [], s.expr.atoms(Function, Pow)
        for f in sorted((f for f in functions if self.uses[f] > 1 or f in self.made), key=_largest_first):
            if f not in self.made and f == s.expr and not s.summed and self._shape(f) == self.shapes[s.target]:
                self.made[f] = s.target
                continue
            if f not in self.made:
                before.append(self._function(f, s))
            s = replace(s, expr=s.expr.xreplace({f: self.made[f]}))
        return [*before, s]

    def _function(self, f, s):
        """The statement that computes a function of `s`, the first one to read it."""
        target = self.made[f] = Symbol(unused(_name_of(f, s), self.taken))
        self.shapes[target] = self._shape(f)
        if values_in(f) <= self.once:
            self.once.add(target)
        return Assign(target, f, note=s.note)

    def _shape(self, e):
        return resolved_shape(e, self.shapes.__getitem__)


def reuse_tape(program: Program) -> Program:
    """Let backward statements read a sum or product that is on the tape: x - mean(x), rather than x and mean(x).

    A scalar that fills a vector does not stand for the vector."""
    tape, made = set(program.tape), {}
    for s in program.forward:
        kept = isinstance(s, Assign) and s.target in tape and isinstance(s.expr, Add | Mul)
        if kept and resolved_shape(s.expr, program.shapes.__getitem__) == program.shapes[s.target]:
            made[s.expr] = s.target
    return program.with_(
        backward=tuple(replace(s, expr=s.expr.xreplace(made)) if isinstance(s, Assign) else s for s in program.backward)
    )


def costly_functions(e):
    """The functions in an expression that take many instructions, each of which waits for the one before."""
    found = e.atoms(*COSTLY) | {f for f in e.atoms(Pow) if not f.exp.is_Integer}
    return {f for f in found if values_in(f)}


def _largest_first(f):
    return (-f.count_ops(), str(f))


def _name_of(f, statement):
    """tanh_c for tanh(c); a function of a longer argument is named after the statement that reads it."""
    name = type(f).__name__.lower() if not isinstance(f, Pow) else "power"
    return f"{name}_{f.args[0] if f.args[0].is_Symbol else statement.target}"
