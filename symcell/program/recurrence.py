"""The recurrences of a program: which statements depend on the previous step, found from what they read.

Statements that depend on one another through a carried value form one recurrence. A recurrence with a matrix product is computed
step by step. One without needs a sweep over time, sample by sample; if it is also linear, that sweep is a scan.
"""

from dataclasses import dataclass
from functools import cached_property

from sympy import Add, Mul, Piecewise
from sympy.utilities.iterables import strongly_connected_components

from symcell.language.activations import stop_gradient
from symcell.language.primitives import Masked, Primitive
from symcell.language.symbols import Previous
from symcell.program.primitives import PRODUCTS
from symcell.program.program import Product, values_in


@dataclass(frozen=True)
class Recurrence:
    """Statements that depend on one another from step to step, and the carried values through which they do."""

    statements: tuple
    carried: tuple

    @property
    def has_product(self):
        return any(isinstance(s, Product) for s in self.statements)

    @cached_property
    def linear(self):
        """Whether the next values are linear in the previous ones; their coefficients then do not depend on the recurrence."""
        return all(d < 2 for d in degrees(self.statements, self.carried).values())

    @property
    def is_scan(self):
        return self.linear and not self.has_product

    @property
    def targets(self):
        return {t for s in self.statements for t in s.targets}


class Flow:
    """The dependences between the statements of one direction, within a step and from step to step."""

    def __init__(self, program, statements):
        self.program, self.statements = program, tuple(statements)
        self.maker = {t: k for k, s in enumerate(self.statements) for t in s.targets}
        self.readers = {}  # statement -> those that depend on it, at this step or the next
        self.sources = {}  # statement -> those that it depends on
        for k, s in enumerate(self.statements):
            for q in s.sources:
                self._connect(self.maker.get(program.carried.get(q, q)), k)
        for early, late in program.overwritten.items():  # one array holds both: its writer runs step by step, after all readers
            self._connect(self.maker.get(late), self.maker.get(late))
            for k, s in enumerate(self.statements):
                if early in s.sources:
                    self._connect(k, self.maker.get(late))

    def _connect(self, k, reader):
        if k is not None and reader is not None:
            self.readers.setdefault(k, set()).add(reader)
            self.sources.setdefault(reader, set()).add(k)

    @cached_property
    def recurrences(self):
        """The recurrences, in the statements' order."""
        nodes = list(range(len(self.statements)))
        edges = [(k, r) for k, readers in self.readers.items() for r in sorted(readers)]
        groups = [sorted(g) for g in strongly_connected_components((nodes, edges))]
        loops = sorted(g for g in groups if len(g) > 1 or g[0] in self.readers.get(g[0], ()))
        return [Recurrence(tuple(self.statements[k] for k in g), self._carried_in(g)) for g in loops]

    def _carried_in(self, group):
        read = {q for k in group for q in self.statements[k].sources} | self.program.overwritten.keys()
        return tuple(early for early, late in self.program.carried.items() if early in read and self.maker.get(late) in group)

    def downstream(self, targets):
        """The targets, and all that depends on them."""
        return self._reached(targets, self.readers)

    def upstream(self, targets):
        """The targets, and all that they depend on."""
        return self._reached(targets, self.sources)

    def _reached(self, targets, edges):
        waiting = [self.maker[t] for t in targets]
        found = set(waiting)
        while waiting:
            new = edges.get(waiting.pop(), set()) - found
            found |= new
            waiting += new
        return {t for k in found for t in self.statements[k].targets}


def degrees(statements, variables):
    """The degree in the variables of every target: 0 (independent of them), 1 (linear) or 2 (anything else)."""
    known = dict.fromkeys(variables, 1)
    for s in statements:
        if isinstance(s, Product):
            degree = max(known.get(q, 0) for q in s.operands)
        elif hasattr(s, "expr"):
            degree = _degree(s.expr, known)
        else:
            degree = 2
        known.update(dict.fromkeys(s.targets, degree))
    return known


def _degree(e, known):
    if e.is_Symbol:
        return known.get(e, 0)
    if not any(known.get(q, 0) for q in values_in(e)):
        return 0
    if isinstance(e, (Add, stop_gradient)) or _is_linear(e):
        return max(_degree(a, known) for a in e.args)
    if isinstance(e, Masked):
        return _degree(e.args[1], known)
    if isinstance(e, (Mul, *PRODUCTS)):
        return min(2, sum(_degree(a, known) for a in e.args))
    if isinstance(e, Piecewise) and not any(_degree(condition, known) for _, condition in e.args):
        return max(_degree(value, known) for value, _ in e.args)
    return 2


def _is_linear(e):
    """Whether an expression is a primitive that is linear in all its arguments jointly: a sum, a view, a concatenation."""
    return isinstance(e, Primitive) and not isinstance(e, PRODUCTS) and e.op != "max"


class Coefficients:
    """How one value of the previous step enters the targets of statements, and which others of that step it meets there.

    `read`: the values of the previous step that each target depends on. `met`: those that `variable` meets in anything but a sum;
    where a target is linear in `variable`, its coefficients depend on these."""

    def __init__(self, statements, variable):
        self.variable, self.read, self.met = variable, {}, {}
        for s in statements:
            read = self._read(s.sources)
            met = _union(self.met.get(q, ()) for q in s.operands) if isinstance(s, Product) else self._met(s.expr)
            self.read.update(dict.fromkeys(s.targets, read))
            self.met.update(dict.fromkeys(s.targets, met))

    def _read(self, symbols):
        return _union(self.read.get(q, {q} if isinstance(q, Previous) else ()) for q in symbols)

    def _read_in(self, e):
        return self._read(values_in(e))

    def _met(self, e):
        """The values that the variable meets in an expression."""
        if self.variable not in self._read_in(e):
            return set()
        if e.is_Symbol:
            return self.met.get(e, set())
        if isinstance(e, (Add, stop_gradient)) or _is_linear(e):
            return _union(map(self._met, e.args))
        beside = [a for a in e.args if self.variable not in self._read_in(a)]
        if isinstance(e, (Mul, *PRODUCTS)) and len(beside) == len(e.args) - 1:
            return _union([*map(self._met, e.args), *map(self._read_in, beside)])
        if isinstance(e, Piecewise) and not any(self.variable in self._read_in(condition) for _, condition in e.args):
            return _union(part for value, condition in e.args for part in (self._met(value), self._read_in(condition)))
        return self._read_in(e)


def _union(sets):
    return set().union(*sets)
