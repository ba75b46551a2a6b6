"""Statements -> the text of the two passes: what is made for all steps at once, scans, and sweeps of a function of one step.

In a function of one step a name is the value of that step; everywhere else it is that of all steps, a tensor (T, B, ...)."""

from functools import cached_property

from symcell.language.symbols import Adjoint
from symcell.notation.order import PaperOrder
from symcell.program.program import Assign, values_in
from symcell.targets.arrays.lines import commented
from symcell.targets.arrays.loops import in_units, is_loop
from symcell.targets.layout import function_text, listed, tuple_text, wrapped
from symcell.targets.torch.lines import Lines
from symcell.targets.torch.scans import scan_of
from symcell.targets.torch.stacking import Join


class Pass:
    """The text of the functions of one direction. Those below say what it is given and what it returns."""

    name = head = summary = ""
    direction = ""  # the last arguments of a loop over time

    def __init__(self, found, statements, names, equations):
        self.found, self.program, self.statements = found, found.program, statements
        self.cell, self.names, self.equations = self.program.declaration, names, equations
        self.order, self.called = PaperOrder(self.program.derivation), set()
        self.apart = self.on_request()
        self.units = in_units(self.program, [s for s in statements if s not in self.apart])
        self.there, self.steps = set(), []  # values of the step before, and functions of one step, that are made already
        self.first = {}  # the names of adjoints of the values before the first step

    @cached_property
    def lines(self):
        return Lines(self, names=self.names, like=self.names(self.cell.inputs[0]))

    @cached_property
    def once(self):
        """What parameters alone make: symbol -> expression."""
        return {s.target: s.expr for s in self.found.once if isinstance(s, Assign)}

    def given(self):
        """What each argument is unpacked into."""
        cell, names = self.cell, self.names
        return {
            "sizes": ["T", "B", *map(names.size, cell.sizes)],
            "params": list(map(names, (*cell.params, *cell.constants))),
            "inputs": list(map(names, cell.inputs)),
            "first": list(map(names.first, cell.states)),
        }

    def results(self):
        """The values that are returned, in groups of names."""
        raise NotImplementedError

    def start(self, early):
        """What stands before the first step that the pass takes."""
        raise NotImplementedError

    def on_request(self):
        """The statements for results that a caller may not want."""
        return []

    def requested(self):
        """Their lines."""
        return []

    def texts(self):
        """The functions."""
        body = [line for unit in self.units for line in self._unit(unit)]
        if last := [s for s in self.statements if s.place == "once"]:
            body += ["", "# Parameters alone.", *self._commented(last, self.lines)]
        body += self.requested()
        results = self.results()
        unpacked = [f"{listed(found)} = {argument}" for argument, found in self.given().items() if found]
        if self.found.once:
            once = [self.names(q) for s in self.found.once for q in s.targets]
            unpacked.append(f"{listed(once)} = shared_values(sizes, params)")
        returned = ", ".join(tuple_text(group) for group in results)
        whole = function_text(f"def {self.head}:", self.summary, [*unpacked, *body, f"return {returned}"])
        self.called |= self.lines.called
        return [*self.steps, wrapped(whole)]

    def shared_lines(self):
        """The lines of what parameters alone make."""
        lines = Lines(self, names=self.names, like=self.names((*self.cell.params, *self.cell.constants)[0]))
        found = self._commented(self.found.once, lines)
        self.called |= lines.called
        return found

    def _commented(self, statements, lines):
        return commented(statements, lines.assignments, self.equations)

    # Units

    def _unit(self, unit):
        made = {t for s in unit for t in s.targets}
        carried = [pair for pair in self.program.carried.items() if pair[1] in made and is_loop(unit)]
        read = {q for s in unit for q in s.sources}
        if not is_loop(unit):
            return ["", "# All steps at once.", *self._block(unit)]
        if scan := scan_of(unit, carried, self.once):
            return self._scan(unit, scan, carried)
        carried = [pair for pair in carried if pair[0] in read]
        return [*self._all_before(read, [early for early, _ in carried]), "", *self._sweep(unit, made, read, carried)]

    def _block(self, statements):
        """Statements of all steps, and before each what it reads of the step before."""
        lines, at_once = [], []
        for s in statements:
            if before := self._all_before(s.sources, ()):
                lines += [*self._commented(at_once, self.lines), *before]
                at_once = []
            at_once.append(s)
        return lines + self._commented(at_once, self.lines)

    def _all_before(self, read, but):
        return [line for q in sorted(read, key=str) if q in self.program.carried and q not in but for line in self._before(q)]

    def _before(self, early):
        """The line that makes the values of the step before; of an adjoint, what the step after sends back."""
        if early in self.there:
            return []
        self.there.add(early)
        late = self.names(self.program.carried[early])
        if isinstance(early, Adjoint):
            self.called.add("following")
            return [f"{self.names(early)} = following({late})"]
        self.called.add("previous")
        return [f"{self.names(early)} = previous({self.names.first(self.program.carried[early])}, {late}, ended)"]

    def _scan(self, unit, scan, carried):
        """A linear recurrence: its coefficients for all steps, and what follows from the values of the step before."""
        names, late = self.names, [q for _, q in carried]
        makers = [s for s in unit if s.targets[0] in late]
        read = {q for e in scan for q in values_in(e)}
        factors, added = scan[: len(late)], scan[len(late) :]
        arguments = [self.lines.factor(late[0], e) for e in factors] + [self.lines.filled(Assign(late[0], e)) for e in added]
        call = ", ".join([*arguments, *[self.start(early) for early, _ in carried], self.direction])
        function = "scan" if len(carried) == 1 else "scan_of_pairs"
        self.called.add(function)
        line = f"{', '.join(map(names, late))} = {function}({call})"
        if scan[0] == 0 and len(carried) == 1:  # the recurrence ends after one step
            line = f"{names(late[0])} = {arguments[1]}"
        before = ", ".join(names(early) for early, _ in carried)
        found = commented(makers[:1], lambda s: [line], self.equations)
        lines = [*self._all_before(read, ()), "", f"# Linear in {before}: a scan over time.", *found]
        return [*lines, *self._block([s for s in unit if s not in makers])]

    def _sweep(self, unit, made, read, carried):
        """A function of one step, and its call for all steps."""
        program, names = self.program, self.names
        early = [q for q, _ in carried]
        outer = sorted(read - made - set(early), key=names)
        shared = [q for q in outer if q in program.once]
        sequences = [q for q in outer if q not in program.once]
        left_over = self._ends(early)
        kept, splits = self._kept(unit, made)
        step = names.free(f"{self.name}_step")
        lines = Lines(self, names=names, like=names(early[0]), in_step=True)
        body = self._commented(unit, lines)
        if lines.sizes:
            body = [f"{listed(['T', 'B', *map(names.size, self.cell.sizes)])} = sizes", *body]
        left = [names(q) for _, q in carried]
        arguments = ", ".join(["sizes", *map(names, (*shared, *sequences, *early))])
        body.append(f"return {tuple_text(left)}, {tuple_text(map(names, kept))}")
        self.steps.append(wrapped(function_text(f"def {step}({arguments}):", f"One step of the {self.name} pass.", body)))
        self.called |= {"sweep", *lines.called}
        after = ", ".join([
            step, "sizes", tuple_text(map(names, shared)), tuple_text(map(names, sequences)), tuple_text(map(self.start, early)),
            self.direction,
        ])  # fmt: skip
        return [f"{left_over}, {tuple_text(map(names, kept)) if kept else '_'} = sweep({after})", *splits]

    def _ends(self, early):
        """The names of what the last step that the pass takes leaves."""
        return "_"

    def _kept(self, unit, made):
        """The values of a step that are read elsewhere, and the lines that take apart those that are kept side by side."""
        read = {self.program.carried.get(q, q) for s in self.statements if s not in unit for q in s.sources} | self.wanted()
        kept, splits = [q for s in unit for q in s.targets if q in read], []
        for s in [s for s in unit if isinstance(s, Join) and all(q in made for q in s.parts)]:
            parts = [q for q in s.parts if q in kept]
            if len(parts) > 1 or (parts and s.target in kept):
                kept = [q for q in kept if q not in s.parts and q != s.target] + [s.target]
                splits.append(f"{listed(list(map(self.names, s.parts)))} = {self.lines.cut(s.target, s.parts)}")
        return kept, splits

    def wanted(self):
        """What is read of the pass after it."""
        raise NotImplementedError
