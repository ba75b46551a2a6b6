"""Program -> the text of its two passes: what parameters alone make, what is made for all steps at once, and loops over time.

In a loop, v[t] is a value of step t that is read elsewhere too, and v one that only the step itself reads. A value of the step
before is v_prev[t]: the arrays v_prev and v lie in one memory, a step apart. So do, in the backward pass, dv_prev and dv_later.
"""

from functools import cached_property
from itertools import groupby

from symcell.language.primitives import fill
from symcell.language.symbols import Adjoint
from symcell.notation.order import PaperOrder
from symcell.program.program import Assign, values_in
from symcell.targets.layout import WIDTH, function_text, indented, listed, tuple_text, wrapped
from symcell.targets.numpy.arrays import ArrayPrinter
from symcell.targets.printer import ATOM


class Pass:
    """The text of the function of one direction, "forward" or "backward"."""

    def __init__(self, program, direction, statements, names, comment_of):
        self.program, self.direction, self.names, self.comment_of = program, direction, names, comment_of
        self.statements, self.others = (statements[d] for d in (direction, "backward" if direction == "forward" else "forward"))
        self.units = _units(program, self.statements)
        self.stepwise = {t for unit in self.units if _is_loop(unit) for s in unit for t in s.targets}
        self.in_loop = False  # where the text now goes
        self.print = ArrayPrinter(program, PaperOrder(program.derivation), self._value, names.size)

    @property
    def is_forward(self):
        return self.direction == "forward"

    @cached_property
    def carried(self):
        """The pairs of values that lie in one memory: (h_prev, h), or (dh_prev, dh_later)."""
        pairs = [pair for pair in self.program.carried.items() if isinstance(pair[0], Adjoint) != self.is_forward]
        return pairs if self.is_forward else [pair[::-1] for pair in pairs]

    @cached_property
    def results(self):
        """The values that the function returns, in groups."""
        cell = self.program.declaration
        if self.is_forward:
            return cell.states, self.tape
        return tuple(map(Adjoint, cell.params)), tuple(map(Adjoint, cell.inputs)), tuple(early for early, _ in self.carried)

    @cached_property
    def tape(self):
        """What the backward pass reads that the forward pass makes."""
        forward, backward = (self.statements, self.others) if self.is_forward else (self.others, self.statements)
        made = {t for s in forward for t in s.targets} | self.program.carried.keys()
        return tuple(q for q in dict.fromkeys(q for s in backward for q in s.sources) if q in made and not isinstance(q, Adjoint))

    @cached_property
    def arrays(self):
        """The values that need an array before they are made: those made step by step that more than the step itself reads, and
        those that are the same at all steps, or may be."""
        read = {q for group in self.results for q in group} if self.is_forward else set(self.results[1])
        for unit in self.units:
            own = {t for s in unit for t in s.targets} if _is_loop(unit) else set()
            read.update(q for s in unit for q in s.sources if q not in own)
        found = dict.fromkeys(t for s in self.statements for t in s.targets if t in read and t in self.stepwise)
        found.update(dict.fromkeys(s.target for s in self.statements if self._may_lack_steps(s)))
        return [q for q in found if all(q not in pair for pair in self.carried)]

    def _may_lack_steps(self, s):
        """Whether a value of all steps is made of what has no steps, or may have."""
        stepwise = isinstance(s, Assign) and s.target not in self.program.once
        return stepwise and (s.target in self.program.declaration.states or not values_in(s.expr) - self.program.once)

    # Text

    def text(self):
        """The function."""
        lines = [*self._unpacked(), *self._memory()]
        once = [s for s in self.statements if s.place == "once"]
        if self.is_forward:
            lines += self._unit(once, "Parameters alone.")
        for unit in self.units:
            lines += self._loop(unit) if _is_loop(unit) else self._unit(unit, "All steps at once.")
        if not self.is_forward:
            lines += self._unit(once, "Through what parameters alone make.")
        returned = ", ".join(tuple_text(map(self.names, group)) for group in self.results)
        given = "first" if self.is_forward else "tape, given, final"
        head = f"def {self.direction}_pass(dtype, sizes, params, inputs, {given}):"
        return wrapped(function_text(head, _SUMMARIES[self.direction], [*lines, f"return {returned}"]))

    def _unpacked(self):
        cell, names = self.program.declaration, self.names
        groups = {"sizes": ["T", "B", *map(names.size, cell.sizes)], "params": map(names, (*cell.params, *cell.constants))}
        groups["inputs"] = map(names, cell.inputs)
        if self.is_forward:
            groups["first"] = map(names.first, cell.states)
        else:
            groups["tape"] = map(names, self.tape)
            groups["given"] = (names(Adjoint(s, "given")) for s in cell.states)
            groups["final"] = (names.final(early.of.state) for early, _ in self.carried)
        for group, found in groups.items():
            if found := list(found):
                yield f"{listed(found)} = {group}"

    def _memory(self):
        """The lines that make arrays."""
        for early, late in self.carried:
            make = "carried" if self.is_forward else "carried_back"
            start = self.names.first(late) if self.is_forward else self.names.final(late.of)
            yield f"{self.names(early)}, {self.names(late)} = {make}(T, {start})"
            self.print.called.add(make)
        by_shape = {}
        for q in self.arrays:
            by_shape.setdefault(self.program.shapes[q], []).append(self.names(q))
        for shape, found in by_shape.items():
            axes = ["T", "B", *map(self.print.index, shape)]
            yield f"{', '.join(found)} = np.empty({tuple_text([str(len(found))] * (len(found) > 1) + axes)}, dtype)"

    def _unit(self, statements, heading):
        lines = self._lines(statements)
        return ["", f"# {heading}", *lines] if lines else []

    def _loop(self, unit):
        self.in_loop = True
        lines = self._lines(unit)
        self.in_loop = False
        steps = "range(T)" if self.is_forward else "reversed(range(T))"
        return ["", f"for t in {steps}:", *indented(lines)]

    def _lines(self, statements):
        """The statements, each with what it came from: behind it, or above several from the same, or above a long one."""
        lines = []
        for _, group in groupby(statements, key=lambda s: s.note):
            group = list(group)
            comment = f"# {self.comment_of(group[0])}" if group[0].note else ""
            found = [line for s in group for line in self._assignments(s)]
            short = len(found) == 1 and len(f"{found[0]}  {comment}") <= WIDTH - 8
            lines += [f"{found[0]}  {comment}".rstrip()] if short else [*([comment] if comment else []), *found]
        return lines

    def _assignments(self, s):
        if isinstance(s, Assign):
            return [f"{self._target(s.target)} = {self._expression(s)}"]
        self.print.called.add("outer_sum")
        pairs = zip(s.targets, s.bars, strict=True)
        return [f"{self.names(t)} = outer_sum({self.names(bar)}, {self.names(s.operand)})" for t, bar in pairs]

    def _expression(self, s):
        shape = self.program.shapes[s.target]
        e = fill(s.expr, *shape) if shape and s.expr.free_symbols and not self.print.shape(s.expr) else s.expr
        return f"{self.print(e, ATOM)}.sum(axis=(0, 1))" if s.summed else self.print(e)

    def _target(self, q):
        if self.in_loop:
            return self._value(q)
        has_memory = q in self.arrays or any(q in pair for pair in self.carried)
        return f"{self.names(q)}[:]" if has_memory else self.names(q)

    def _value(self, q):
        """The text of a value: in a loop, of its step."""
        is_local = q in self.stepwise and q not in self.arrays and all(q not in pair for pair in self.carried)
        return f"{self.names(q)}[t]" if self.in_loop and q not in self.program.once and not is_local else self.names(q)


_SUMMARIES = {
    "forward": "The states of all steps, and what the backward pass reads beside them.",
    "backward": "The adjoints of parameters, of inputs, and of the states before each step.",
}


def _is_loop(unit):
    return unit[0].place == "step" or bool(getattr(unit[0], "recurrence", ""))


def _units(program, statements):
    """The statements that are not made once: those of each loop, and those between loops, so that each finds what it reads."""
    groups = {}
    for s in statements:
        if s.place != "once":
            recurrence = getattr(s, "recurrence", "")
            groups.setdefault("step" if s.place == "step" else (s.place, recurrence) if recurrence else s, []).append(s)
    left, units = list(groups.values()), []
    while left:
        makers = {t: group for group in left for s in group for t in s.targets}
        ready = next(group for group in left if all(makers.get(q, group) is group for q in _read_by(program, group)))
        left.remove(ready)
        if units and not _is_loop(ready) and not _is_loop(units[-1]):
            units[-1] += ready
        else:
            units.append(ready)
    return units


def _read_by(program, statements):
    """What statements read; of the step before, what has become it."""
    return {program.carried.get(q, q) for s in statements for q in s.sources}
