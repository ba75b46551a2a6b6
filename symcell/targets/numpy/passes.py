"""Program -> the text of its two passes: what parameters alone make, what is made for all steps at once, and loops over time.

In a loop, v[t] is a value of step t that is read elsewhere too, and v one that only the step itself reads. A value of the step
before is v_prev[t]: the arrays v_prev and v lie in one memory, a step apart. So do, in the backward pass, dv_prev and dv_carried.
"""

from functools import cached_property

from symcell.language.symbols import Adjoint
from symcell.notation.order import PaperOrder
from symcell.program.program import Assign, values_in
from symcell.targets.arrays.lines import StatementPrinter, commented
from symcell.targets.arrays.loops import in_units, is_loop
from symcell.targets.layout import function_text, indented, listed, tuple_text, wrapped
from symcell.targets.numpy.library import NUMPY


class Pass:
    """The text of the function of one direction. Those below say what it is given, what it returns, and what it calls steps.

    `tape` are the values that the forward pass makes for the backward one; `equations` are the texts of equations by number."""

    head = summary = steps = ""

    def __init__(self, program, statements, tape, names, equations):
        self.program, self.cell, self.statements, self.tape = program, program.declaration, statements, tape
        self.names, self.equations = names, equations
        self.units = in_units(program, statements)
        self.stepwise = {t for unit in self.units if is_loop(unit) for s in unit for t in s.targets}
        self.in_loop = False  # where the text now goes
        self.print = StatementPrinter(NUMPY, program, PaperOrder(program.derivation), self._value, names.size)

    def given(self):
        """What each argument is unpacked into."""
        cell, names = self.cell, self.names
        return {
            "sizes": ["T", "B", *map(names.size, cell.sizes)],
            "params": list(map(names, (*cell.params, *cell.constants))),
            "inputs": list(map(names, cell.inputs)),
        }

    def carried(self):
        """The pairs of values that lie in one memory, each with the call that makes it."""
        raise NotImplementedError

    def results(self):
        """The values that are returned, in groups."""
        raise NotImplementedError

    def in_order(self, once, units):
        """The lines for what parameters alone make or receive, and those for all else."""
        raise NotImplementedError

    # What needs memory before it is made

    @cached_property
    def in_memory(self):
        """The values that lie in pairs."""
        return {q for pair in self.carried() for q in pair}

    @cached_property
    def arrays(self):
        """The values that have an array of their own before they are made: those of a loop that more than its step reads, and
        those that may be the same at all steps."""
        read = {q for group in self.results() for q in group}
        for unit in self.units:
            own = {t for s in unit for t in s.targets} if is_loop(unit) else set()
            read.update(q for s in unit for q in s.sources if q not in own)
        made = [t for s in self.statements for t in s.targets if (t in read and t in self.stepwise) or self._may_lack_steps(s)]
        return [t for t in made if t not in self.in_memory]

    def _may_lack_steps(self, s):
        """Whether a value of all steps may be made of what has none."""
        once = self.program.once
        return isinstance(s, Assign) and s.target not in once and (s.target in self.cell.states or values_in(s.expr) <= once)

    # Text

    def text(self):
        """The function."""
        unpacked = [f"{listed(found)} = {argument}" for argument, found in self.given().items() if found]
        once = self._block("Parameters alone.", [s for s in self.statements if s.place == "once"])
        units = [self._loop(unit) if is_loop(unit) else self._block("All steps at once.", unit) for unit in self.units]
        body = [line for lines in self.in_order(once, units) for line in lines]
        returned = ", ".join(tuple_text(map(self.names, group)) for group in self.results())
        lines = [*unpacked, *self._memory(), *body, f"return {returned}"]
        return wrapped(function_text(f"def {self.head}:", self.summary, lines))

    def _memory(self):
        """The lines that make arrays."""
        for (early, late), (make, start) in self.carried().items():
            yield f"{self.names(early)}, {self.names(late)} = {make}(T, {start})"
            self.print.called.add(make)
        by_shape = {}
        for q in self.arrays:
            by_shape.setdefault(self.program.shapes[q], []).append(self.names(q))
        for shape, found in by_shape.items():
            axes = [str(len(found))] * (len(found) > 1) + ["T", "B", *map(self.print.index, shape.whole)]
            yield f"{', '.join(found)} = np.empty({tuple_text(axes)}, dtype)"

    def _block(self, heading, statements):
        lines = self._lines(statements)
        return ["", f"# {heading}", *lines] if lines else []

    def _loop(self, unit):
        self.in_loop = True
        lines = self._lines(unit)
        self.in_loop = False
        return ["", f"for t in {self.steps}:", *indented(lines)]

    def _lines(self, statements):
        return commented(statements, self._assignments, self.equations)

    def _assignments(self, s):
        if isinstance(s, Assign):
            return [f"{self._target(s.target)} = {self.print.whole(s)}"]
        return [f"{self.names(t)} = {self.print.outer_sum(t, bar, s.operand)}" for t, bar in zip(s.targets, s.bars, strict=True)]

    def _target(self, q):
        has_memory = q in self.arrays or q in self.in_memory
        return f"{self.names(q)}[:]" if has_memory and not self.in_loop else self._value(q)

    def _value(self, q):
        """The text of a value: in a loop, of its step."""
        is_local = q in self.stepwise and q not in self.arrays and q not in self.in_memory
        return f"{self.names(q)}[t]" if self.in_loop and q not in self.program.once and not is_local else self.names(q)


class ForwardPass(Pass):
    head = "forward_pass(dtype, sizes, params, inputs, first)"
    summary = "The states of all steps, and what the backward pass reads beside them."
    steps = "range(T)"

    def given(self):
        return super().given() | {"first": list(map(self.names.first, self.cell.states))}

    def carried(self):
        pairs = [pair for pair in self.program.carried.items() if not isinstance(pair[0], Adjoint)]
        return {(early, late): ("carried", self.names.first(late)) for early, late in pairs}

    def results(self):
        return self.cell.states, self.tape

    def in_order(self, once, units):
        return [once, *units]


class BackwardPass(Pass):
    head = "backward_pass(dtype, sizes, params, inputs, tape, given, final)"
    summary = "The adjoints of parameters, of inputs, and of the states before each step."
    steps = "reversed(range(T))"

    def given(self):
        return super().given() | {
            "tape": list(map(self.names, self.tape)),
            "given": [self.names(Adjoint(s, "cotangent")) for s in self.cell.states],
            "final": [start for _, start in self.carried().values()],
        }

    def carried(self):
        pairs = [pair for pair in self.program.carried.items() if isinstance(pair[0], Adjoint)]
        return {(late, early): ("carried_back", self.names.final(early.of)) for early, late in pairs}

    def results(self):
        return tuple(map(Adjoint, self.cell.params)), tuple(map(Adjoint, self.cell.inputs)), tuple(q for q, _ in self.carried())

    def in_order(self, once, units):
        return [*units, once]
