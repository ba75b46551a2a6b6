"""The row function of a sweep: the cell's equations for one sample at one step, as a person would write them in a loop."""

from sympy import Integer, nan, oo, zoo

from symcell.emission.layout import function_text, indented
from symcell.emission.printer import PythonText, index_text
from symcell.language.primitives import Entry
from symcell.schedule.housing import volume


class RowFunction:
    """Text of the jitted function of one sweep, and of its call for sample b at step t.

    What the sweep makes is a local scalar inside its loop, with the plain name of the value; what it reads from or keeps in
    memory are one-dimensional rows (matrices where the value is one), each an argument of its own, so that no two overlap."""

    def __init__(self, passage, name, sweep, place):
        self.passage, self.name, self.sweep, self.place = passage, name, sweep, place
        self.names, self.homes, self.shapes = passage.names, passage.homes, passage.program.shapes
        self.words = passage.schedule.words
        self.made = set(sweep.targets)
        self.summed = {s.target for s in sweep.statements if s.op == "sum over steps"}
        self.rows, self.found = {}, {}  # the row's expression at the call -> the argument's name; -> the value and its home
        self.arrays, self.scratch, self.sizes, self.numbers = {}, {}, {}, {}
        self.printer = PythonText(passage.order, self._entry, self._constant, self._index_name, self.names.real)
        self.current = None  # the nest being printed
        self.note = None  # where the statement before comes from
        self.body = [line for nest in sweep.nests for line in self._nest(nest)]

    def call(self, single=False):
        """The call for sample b: at step t of a pass, or at the only step there is."""
        arguments = [*self.sizes, *(self._expression(*found, single) for found in self.found.values())]
        return f"{self.name}({', '.join(arguments)})"

    def text(self):
        arguments, opening = ", ".join([*self.sizes, *self.rows.values()]), []
        if self.numbers or self._uses_real():
            opening.append(f"{self.names.real} = {next(iter(self.rows.values()))}.dtype.type")
        if self.numbers:
            values = ", ".join(f"{self.names.real}({number_text(n)})" for n in self.numbers)
            opening.append(f"{', '.join(self.numbers.values())} = {values}")
        return "@fused\n" + function_text(f"def {self.name}({arguments}):", self._summary(), [*opening, *self.body])

    def _uses_real(self):
        return any(f"{self.names.real}(" in line for line in self.body)

    def _summary(self):
        if self.place == "once":
            return self.passage.purpose(self.place)
        if self.passage.direction == "forward":
            return "One sample at one step."
        if self.made == self.summed:
            return "What one sample at one step adds to gradients that all steps share."
        adds = "; what it adds to gradients that all steps share" if self.summed else ""
        return f"The adjoints of one sample at one step{adds}."

    # Nests

    def _nest(self, nest):
        self.current = nest
        if nest.plain:
            return self._plain_nest(nest)
        return self._reduction(nest.statements[0])

    def _plain_nest(self, nest):
        lines, keeps = [], []
        indices = nest.statements[0].indices
        for s in nest.statements:
            lines += self._comment(s)
            text = self.printer(s.expr)
            if s.op:
                lines.append(f"{self._slot(s.target, s.indices)} += {text}")
                continue
            word = self.words[s.target]
            lines.append(f"{word} = {text}")
            keeps += [f"{slot} = {word}" for slot in self._slots(s.target, s.indices)]
        if keeps:
            lines += ["# kept" if self.passage.direction == "forward" else "# passed on", *keeps]
        return self._loops(zip(indices, nest.shape, strict=True), lines)

    def _comment(self, s):
        """Where a statement comes from, unless the one before comes from there."""
        new, self.note = s.note != self.note, s.note
        return self.passage.comment(s) if new else []

    def _reduction(self, s):
        if s.op.startswith("scan"):
            return self._scan(s)
        axes = list(zip(s.indices, self.shapes[s.target], strict=True))
        start, update = self._operator(s)
        if axes and self._strides(s):  # add whole rows, which lie in one piece
            slot = self._slot(s.target, s.indices)
            first = self._loops(axes, [f"{slot} = {start}"])
            copies = [f"{other} = {slot}" for other in self._slots(s.target, s.indices) if other != slot]
            last = self._loops(axes, copies) if copies else []
            return [*self._comment(s), *first, *self._loops([*s.over, *axes], [update(slot)]), *last]
        word = self.words[s.target]
        inner = [f"{word} = {start}", *self._loops(s.over, [update(word)])]
        inner += [f"{slot} = {word}" for slot in self._slots(s.target, s.indices)]
        return [*self._comment(s), *self._loops(axes, inner)]

    def _operator(self, s):
        text = self.printer(s.expr)
        if s.op == "max":
            return f"{self.names.real}(-np.inf)", lambda slot: f"{slot} = maximum({slot}, {text})"
        return self._constant(Integer(0)), lambda slot: f"{slot} += {text}"

    @staticmethod
    def _strides(s):
        """Whether the reduced index runs across rows of what is read."""
        over = {k for k, _ in s.over}
        entries = [e for e in s.expr.atoms(Entry) if len(e.args) > 2]
        return any(e.args[-1] not in over and any(a in over for a in e.args[1:]) for e in entries)

    def _scan(self, s):
        ((axis, length),) = s.over
        n, word = self._size(length), self.words[s.target]
        others = [(k, m) for k, m in zip(s.indices, self.shapes[s.target], strict=True) if k != axis]
        steps = f"range({n})" if s.op == "scan" else f"range({n} - 1, -1, -1)"
        start, head = f"{word} = {self._constant(Integer(0))}", f"for {self._index_name(axis)} in {steps}:"
        turn = [f"{word} += {self.printer(s.expr)}", *(f"{slot} = {word}" for slot in self._slots(s.target, s.indices))]
        lines = [start, head, *indented(turn)]
        return [*self._comment(s), *self._loops(others, lines)]

    def _loops(self, axes, lines):
        heads = [f"for {self._index_name(index)} in range({self._size(length)}):" for index, length in axes]
        for head in reversed(heads):
            lines = [head, *indented(lines)]
        return lines

    # Words

    def _index_name(self, s):
        if s.is_Symbol and s in self.names.axes:
            return self.names.axes[s]
        for n in s.free_symbols:
            self.sizes[n.name] = None
        return str(s)

    def _size(self, n):
        return index_text(n, self._index_name)

    def _constant(self, n):
        named = self.names.numbers.get(n)
        if named is None:
            return f"{self.names.real}({number_text(n)})"
        self.numbers[n] = named
        return named

    def _entry(self, e):
        q, indices = e.args[0], e.args[1:]
        if q in self.made and (not self.shapes[q] or self._is_local(q, indices)):
            return self.words[q]
        return self._slot(q, indices)

    def _is_local(self, q, indices):
        """Whether the value is a scalar that this nest has just computed."""
        return self.current.plain and any(s.target == q and not s.op and s.indices == indices for s in self.current.statements)

    def _is_kept(self, q):
        home = self.homes[q]
        return home.kind != "local" and not (home.kind == "row" and not self.shapes[q])

    def _slots(self, q, indices):
        """All places that keep an entry."""
        copies = self.passage.schedule.copies.get(q, [])
        return [self._slot(q, indices, home) for home in ([self.homes[q]] if self._is_kept(q) else []) + copies]

    def _slot(self, q, indices, home=None):
        """The place of an entry in the row that holds it."""
        row = self._row(q, home or self.homes[q])
        where = ", ".join(index_text(k, self._index_name) for k in indices) or "0"
        return f"{row}[{where}]"

    def _row(self, q, home):
        expression = self._expression(q, home)
        if expression not in self.rows:
            word = self.words[q]
            name = home.array if home.kind == "later" else word if q not in self.made or q in self.summed else f"{word}_out"
            while name in self.rows.values():
                name += "_"
            self.rows[expression], self.found[expression] = name, (q, home)
            (self.scratch if home.kind in ("row", "step") else self.arrays)[home.array] = None
        return self.rows[expression]

    def _expression(self, q, home, single=False):
        """The row of a value, as the caller says it."""
        shape, names, array = self.shapes[q], self.names, home.array
        if home.kind in ("once", "row"):
            return array
        if single:
            array = single_array(self.passage, q, home)
        step = ("" if single else self._step(home)) + names.b
        if not home.packed:
            slicing = single or home.kind == "later" or not shape
            return f"{array}[{step}{'' if shape else f':{names.b} + 1'}]" if slicing else f"row_at({array}, {step})"
        start, stop = self._size(home.offset), self._size(home.offset + volume(shape))
        row = f"{array}[{step}, {start}:{stop}]" if single else f"columns_at({array}, {step}, {start}, {stop})"
        return row if len(shape) < 2 else f"array_in({row}, 0, ({', '.join(map(self._size, shape))}))"

    def _step(self, home):
        """The index of the step in an array; what is given may be the same at every step, and then stands there once."""
        t = self.names.t
        return {
            "later": "",
            "step": "0, ",
            "block": f"{t} - {self.names.first}, ",
            "state": f"{t} + 1, ",
            "given": f"{t} % {home.array}.shape[0], ",
        }.get(home.kind, f"{t}, ")


# What a single step is given, or gives: arrays (B, *shape), all states by their own names.
GIVEN = ("input", "state", "previous")


def single_array(passage, q, home):
    return passage.schedule.words[q] if home.kind in GIVEN else home.array


def number_text(n):
    """A number as Python writes it, to the last digit of a double."""
    if n is oo or n is zoo:
        return "np.inf"
    if n is -oo:
        return "-np.inf"
    if n is nan:
        return "np.nan"
    if isinstance(n, Integer) and abs(n) < 2**53:
        return str(n)
    try:
        return repr(float(n)).replace("inf", "np.inf")
    except OverflowError:
        return "np.inf" if n > 0 else "-np.inf"
