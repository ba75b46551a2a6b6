"""The row function of a sweep: the cell's equations for one sample at one step, as a person would write them in a loop."""

from itertools import groupby

from sympy import Add, Integer, Mul

from symcell.language.primitives import Entry
from symcell.language.slopes import is_divisor
from symcell.targets.layout import function_text, indented
from symcell.targets.numba.matrices import factors_of, place_of
from symcell.targets.numba.slots import Slots
from symcell.targets.numba.vocabulary import NUMBA
from symcell.targets.printer import ATOM, ElementwisePrinter


class RowFunction:
    """Text of the jitted function of one sweep, and of its call for sample b at step t.

    What the sweep makes is a local scalar inside its loop, with the plain name of the value; what it reads from or keeps in
    memory are rows (symcell.targets.numba.slots)."""

    def __init__(self, emitter, name, sweep, place):
        self.emitter, self.name, self.sweep, self.place = emitter, name, sweep, place
        self.names, self.shapes, self.identifiers = emitter.names, emitter.program.shapes, emitter.schedule.identifiers
        self.made = set(sweep.targets)
        self.summed = {s.target for s in sweep.statements if s.summed}
        self.slots, self.numbers = Slots(emitter, sweep), {}
        self.printer = ElementwisePrinter(NUMBA, emitter.order, self._entry, self._constant, self._size, self.slots.index_name)
        self.given = ()  # what it is given of the pass: the products, if it multiplies matrices
        self.current = None  # the nest being printed
        self.note = None  # where the statement before comes from
        self.body = [line for group in self._groups() for line in group]

    def call(self):
        """The call for sample b: at step t of a pass, or at the only step there is."""
        return f"{self.name}({', '.join([*self.given, *self.slots.arguments()])})"

    def text(self):
        arguments, opening = ", ".join([*self.given, *self.slots.parameters()]), []
        if self.numbers or self._uses_real():
            opening.append(f"{self.names.real} = {next(iter(self.slots.rows.values()))}.dtype.type")
        if self.numbers:
            values = ", ".join(f"{self.names.real}({NUMBA.number(n)})" for n in self.numbers)
            opening.append(f"{', '.join(self.numbers.values())} = {values}")
        head = "@unfused\n" if any(_may_cancel(s.expr) for s in self.sweep.statements) else "@fused\n"
        return head + function_text(f"def {self.name}({arguments}):", self._summary(), [*opening, *self.body])

    def _uses_real(self):
        return any(f"{self.names.real}(" in line for line in self.body)

    def _summary(self):
        if self.place == "once":
            return self.emitter.purpose(self.place)
        if self.emitter.direction == "forward":
            return "One sample at one step."
        if self.made == self.summed:
            return "What one sample at one step adds to gradients that all steps share."
        adds = "; what it adds to gradients that all steps share" if self.summed else ""
        return f"The adjoints of one sample at one step{adds}."

    # Nests

    def _groups(self):
        """The lines of nests that stand under the same loops over mapped axes, one group after another."""
        for _, group in groupby(self.sweep.nests, key=lambda nest: nest.group):
            nests = list(group)
            yield self._loops(nests[0].loops_of_group, [line for nest in nests for line in self._nest(nest)])

    def _nest(self, nest):
        self.current = nest
        if nest.plain:
            return self._plain_nest(nest)
        return self._reduction(nest.statements[0])

    def _plain_nest(self, nest):
        lines, keeps = [], []
        for s in nest.statements:
            lines += self._comment(s)
            text = self.printer(s.expr)
            if s.summed:
                lines.append(f"{self.slots.slot(s.target, s.position)} += {text}")
                continue
            word = self.identifiers[s.target]
            lines.append(f"{word} = {text}")
            keeps += [f"{slot} = {word}" for slot in self.slots.all_of(s.target, s.position)]
        if keeps:
            lines += ["# kept" if self.emitter.direction == "forward" else "# passed on", *keeps]
        return self._loops(nest.loops, lines)

    def _comment(self, s):
        """Where a statement comes from, unless the one before comes from there."""
        new, self.note = s.note != self.note, s.note
        return self.emitter.comment(s) if new else []

    def _reduction(self, s):
        if s.op.startswith("scan"):
            return self._scan(s)
        axes = self.current.loops
        if self.place != "once" and (factors := factors_of(s, axes)):
            return [*self._comment(s), *self._product_of_matrices(s, factors)]
        start, update = self._operator(s)
        if axes and self._strides(s):  # add whole rows, which lie in one piece
            slot = self.slots.slot(s.target, s.position)
            first = self._loops(axes, [f"{slot} = {start}"])
            copies = [f"{other} = {slot}" for other in self.slots.all_of(s.target, s.position) if other != slot]
            last = self._loops(axes, copies) if copies else []
            adding = self._loops([*axes[:-1], *s.over, axes[-1]], [update.format(slot)])
            return [*self._comment(s), *first, *adding, *last]
        word = self.identifiers[s.target]
        inner = [f"{word} = {start}", *self._loops(s.over, [update.format(word)])]
        inner += [f"{slot} = {word}" for slot in self.slots.all_of(s.target, s.position)]
        return [*self._comment(s), *self._loops(axes, inner)]

    def _operator(self, s):
        """What a reduction begins with, and the statement that goes on with it."""
        self.printer.called.add("maximum" if s.op == "max" else "added")
        name, start = ("maximum", f"{self.names.real}(-np.inf)") if s.op == "max" else ("added", self._constant(Integer(0)))
        return start, f"{{0}} = {name}({{0}}, {self.printer(s.expr)})"

    def _product_of_matrices(self, s, factors):
        """A product of two matrices of this sample."""
        self.given = self.names.products, self.names.team
        self.printer.called.add("multiply_matrices")
        left, right = (self._matrix(e.args[0], e.args[1:]) for e in (factors.left, factors.right))
        buffers = [self.emitter.buffers[s.target], *self.emitter.schedule.copies.get(s.target, ())]
        first, *copies = (self._matrix(s.target, s.position, buffer) for buffer in buffers)
        arguments = (self.names.products, left, factors.left_transposed, right, factors.right_transposed, first, self.names.team)
        return [f"multiply_matrices({', '.join(map(str, arguments))})", *(f"{copy}[...] = {first}" for copy in copies)]

    def _matrix(self, q, indices, buffer=None):
        """The matrix of a value, or of one head's."""
        row, shape = self.slots.row(q, buffer), self.shapes[q]
        if len(shape) == 2:
            return row
        place, own = place_of(indices[:-2], shape)
        return f"array_in({row}, {self.slots.size(place)}, ({', '.join(map(self.slots.size, own))}))"

    @staticmethod
    def _strides(s):
        """Whether the reduced index runs across rows of what is read."""
        over = {k for k, _ in s.over}
        entries = [e for e in s.expr.atoms(Entry) if len(e.args) > 2]
        return any(e.args[-1] not in over and any(a in over for a in e.args[1:]) for e in entries)

    def _scan(self, s):
        ((axis, length),) = s.over
        n, word = self.slots.size(length), self.identifiers[s.target]
        others = [(k, m) for k, m in self.current.loops if k != axis]
        steps = f"range({n})" if s.op == "scan" else f"range({n} - 1, -1, -1)"
        start, head = f"{word} = {self._constant(Integer(0))}", f"for {self.slots.index_name(axis)} in {steps}:"
        turn = [f"{word} += {self.printer(s.expr)}", *(f"{slot} = {word}" for slot in self.slots.all_of(s.target, s.position))]
        lines = [start, head, *indented(turn)]
        return [*self._comment(s), *self._loops(others, lines)]

    def _loops(self, axes, lines):
        heads = [f"for {self.slots.index_name(index)} in range({self.slots.size(length)}):" for index, length in axes]
        for head in reversed(heads):
            lines = [head, *indented(lines)]
        return lines

    # Words

    def _constant(self, n):
        named = self.names.numbers.get(n)
        if named is None:
            return f"{self.names.real}({NUMBA.number(n)})"
        self.numbers[n] = named
        return named

    def _size(self, n):
        return f"{self.names.real}({self.slots.size(n)})"

    def _entry(self, e):
        q, indices = e.args[0], e.args[1:]
        if q in self.made and (not self.shapes[q] or self._is_local(q, indices)):
            return self.identifiers[q], ATOM
        return self.slots.slot(q, indices), ATOM

    def _is_local(self, q, indices):
        """Whether the value is a scalar that this nest has just computed."""
        return self.current.plain and any((s.target, s.position) == (q, indices) for s in self.current.statements)


def _may_cancel(e):
    """Whether something is subtracted in a sum of products, in which what would be 0 has to be so."""
    for a in e.atoms(Add):
        terms = [t for t in a.args if not t.is_number]
        if len(terms) > 1 and any(t.could_extract_minus_sign() for t in terms) and any(map(_is_product, terms)):
            return True
    return False


def _is_product(term):
    factors = [a for a in Mul.make_args(term) if not (a.is_number or is_divisor(a))]
    return len(factors) > 1 or any(a.is_Pow for a in factors)
