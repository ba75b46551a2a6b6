"""Schedule -> the functions of one direction, and in them where threads wait for one another.

One jitted function, the *pass*, goes through all steps for some of the samples, a block of steps at a time: first what needs no
state, for the whole block; then the recurrence, step by step; then what no later step needs. A block is as large as the cache
likes. The backward pass does the same from the last step to the first. What needs parameters alone has a function of its own.
"""

from typing import NamedTuple

from symcell.notation.order import PaperOrder
from symcell.program.program import Gradient, Product
from symcell.targets.identifiers import identifier_of
from symcell.targets.layout import function_text, indented
from symcell.targets.numba.arrays import Arrays, in_memory, side_by_side
from symcell.targets.numba.loops import Sweep
from symcell.targets.numba.products import ProductCalls
from symcell.targets.numba.rows import RowFunction


class Jitted(NamedTuple):
    """A jitted function as its caller sees it: its name, what it is given first, and the arrays that it takes."""

    name: str
    head: tuple[str, ...]
    arrays: tuple[str, ...]


class PassEmitter:
    """The jitted functions of one direction, and what the Python function that calls them has to say."""

    def __init__(self, schedule, direction, names, equations):
        self.schedule, self.direction, self.equations = schedule, direction, equations
        self.program, self.buffers = schedule.program, schedule.buffers
        self.names, self.order = names, PaperOrder(self.program.derivation)
        self.arrays = Arrays(schedule, direction, self.names)
        self.functions, self.rows = [], []  # the jitted functions, as text; those of them that sweep a row
        self.places = getattr(schedule, direction)
        self.products = [i for items in self.places.values() for i in items if isinstance(i, Product)]
        self.gradients = [i for items in self.places.values() for i in items if isinstance(i, Gradient)]
        self.own, self.each = [], []  # arrays of which each part, or each thread, has its own
        self.once = self._once()
        self.packed = {}  # the name of packed weights -> the first product with them
        for p in self.products:
            self.packed.setdefault(self.arrays.weight_name(p), p)
        self.calls = ProductCalls(self)
        self.own = [*self.arrays.sums_of_products(), *([names.sums] if self.arrays.sums_of_rows() else [])]
        self.each = [names.row_offsets, names.panels] if self.gradients else []
        self.passing = self._pass()

    # The functions

    @property
    def read(self):
        """The arrays that its jitted functions take."""
        return {a for function in (self.passing, self.once) if function for a in function.arrays}

    def _once(self):
        """What needs parameters alone."""
        sweeps = self.places["once"]
        rows = [self._row("once", sweeps, sweep) for sweep in sweeps]
        return self._function(f"{self.direction}_once", self.purpose("once"), [], [r.call() for r in rows], rows)

    def _pass(self):
        """All steps."""
        names, calls, lines = self.names, self.calls, []
        for place, items in self.places.items():
            if items and place != "once":
                lines += [*([""] if lines else []), f"# {self.purpose(place)}", *self._place(place, items)]
        rows = [row for row in self.rows if row.place != "once"]
        head = [names.T, names.block, names.lengths, *names.share]
        head += [names.products] if self.products or self.gradients or any(row.given for row in rows) else []
        head += [names.input_gradients] if any(map(calls.is_for_inputs, self.products)) else []
        head.append(names.B)
        arrays = [*calls.taken()]
        if self.direction == "forward":
            arrays += [a for q, kept in names.keeping.items() for a in (self.buffers[q].array, kept)]
        opening = self._sums()
        arrays += [names.sums] if self.arrays.sums_of_rows() else []
        loop, turn = self._blocks()
        way = "All steps" if self.direction == "forward" else "All steps, from the last to the first"
        summary = f"{way}, for the samples from `{names.batch_start}` up to `{names.batch_stop}`."
        collecting = [f"if {names.rank} == 0:", *indented([f"collect({names.sums})"])]  # of a team, the one that sweeps
        closing = collecting if self.arrays.sums_of_rows() else []
        body = [*opening, loop, *indented([*turn, *lines]), *closing]
        return self._function(f"{self.direction}_pass", summary, head, body, rows, arrays)

    def _sums(self):
        """The lines that find sums over steps, which a thread has side by side; none of their parts is added up yet."""
        names, sums = self.names, self.arrays.sums_of_rows()
        return [*side_by_side(names.sums, sums), f"{names.rows} = 0"] if sums else []

    def _function(self, name, summary, head, lines, rows, arrays=()):
        """Emit a jitted function; None if it has nothing to do."""
        names = self.names
        if not lines:
            return None
        local = self.arrays.local
        found = self.arrays.sums_of_rows() if names.sums in arrays else ()
        arrays = dict.fromkeys(arrays) | dict.fromkeys(a for r in rows for a in (*r.slots.arrays, *r.slots.scratch))
        scratch = [a for a in arrays if a in local]
        arrays = [a for a in arrays if a not in local and a not in found]
        last = [a for a in (*self.own, *self.each) if a in arrays]  # each thread has its own
        arrays = [*(a for a in arrays if a not in last), *last]
        memory = names.memory
        allocate = in_memory(memory, {a: self.arrays.shape_of(a) for a in scratch}, arrays[0] if arrays else "")
        lines = [*allocate, *lines, *([f"release({memory})"] if allocate else [])]
        sizes = [*map(identifier_of, self.program.declaration.sizes)]
        self.functions.append("@jit\n" + function_text(f"def {name}({', '.join([*head, *sizes, *arrays])}):", summary, lines))
        return Jitted(name, (*head, *sizes), tuple(arrays))

    # Places

    def purpose(self, place):
        """What is done in a place, as a sentence."""
        return _PURPOSES[self.direction, place]

    def _blocks(self):
        """The loop over blocks of steps: its head, and what each turn begins with."""
        n = self.names
        if self.direction == "forward":
            where = f"{n.first}, {n.last}, {n.batch_start}, {n.sweep_stop}"
            keeping = [f"copy_steps({self.buffers[q].array}, {kept}, {where})" for q, kept in n.keeping.items()]
            return f"for {n.first} in range(0, {n.T}, {n.block}):", [f"{n.last} = min({n.first} + {n.block}, {n.T})", *keeping]
        return f"for {n.last} in range({n.T}, 0, -{n.block}):", [f"{n.first} = max({n.last} - {n.block}, 0)"]

    def _steps(self):
        n = self.names
        steps = f"{n.first}, {n.last}" if self.direction == "forward" else f"{n.last} - 1, {n.first} - 1, -1"
        return f"for {n.t} in range({steps}):"

    def _place(self, place, items):
        """The lines of one place."""
        lines, sweeps = [], [i for i in items if isinstance(i, Sweep)]
        read, written, waiting = set(), set(), []  # by products, since the team has met
        for item, following in zip(items, (*items[1:], None), strict=True):
            if isinstance(item, Sweep):
                lines += self._swept(self._row(place, sweeps, item))
            else:
                reads, writes = self.calls.touched(item)
                if reads & written or writes & (read | written):  # by others of the team, who may not be as far
                    lines.append(f"barrier({self.names.team})")
                    read, written = set(), set()
                read, written = read | reads, written | writes
                lines += self.calls.lines(item, place)
                waiting += self.calls.waiting(item)
            if following is None or isinstance(item, Sweep) or isinstance(following, Sweep):
                lines += [f"barrier({self.names.team})", *waiting]
                read, written, waiting = set(), set(), []
        return lines if place != "step" else [self._steps(), *indented(lines)]

    def _swept(self, row):
        """The call of a row function for each sample that has the step, outside the step at each step too. Where values are
        matrices, one sample goes through all steps before the next: what it hands to the next step stays in the cache."""
        names = self.names
        added = [f"{names.rows} = carry({names.sums}, {names.rows})"] if row.summed else []
        call = [f"if {names.t} < {names.lengths}[{names.b}]:", *indented([row.call(), *added])]
        samples = f"for {names.b} in range({names.batch_start}, {names.sweep_stop}):"
        if row.place == "step":
            return [samples, *indented(call)]
        matrices = any(len(s.extents) > 1 for s in row.sweep.statements)
        outer, inner = (samples, self._steps()) if matrices else (self._steps(), samples)
        return [outer, *indented([inner, *indented(call)])]

    def _row(self, place, sweeps, sweep):
        row = RowFunction(self, f"{self.direction}_{place}_row{_suffix(sweeps, sweep)}", sweep, place)
        self.functions.append(row.text())
        self.rows.append(row)
        return row

    def row_of(self, sweep):
        """The row function of a sweep."""
        return next(row for row in self.rows if row.sweep is sweep)

    def comment(self, statement):
        """Where a statement comes from, with its equation if there is one, as comment lines."""
        return [f"# {statement.note.comment(self.equations)}"] if statement.note.words else []


def _suffix(sweeps, sweep):
    """_1, _2, ... where there are several."""
    return "" if len(sweeps) == 1 else f"_{next(k for k, s in enumerate(sweeps, 1) if s is sweep)}"


_PURPOSES = {
    ("forward", "once"): "What needs parameters alone.",
    ("forward", "before"): "What waits for no product of the step before.",
    ("forward", "step"): "The recurrence.",
    ("forward", "after"): "What no later step needs.",
    ("backward", "before"): "What waits for no product of a later step.",
    ("backward", "step"): "The recurrence, backwards.",
    ("backward", "after"): "What no earlier step needs: gradients of what all steps share, and of the inputs.",
    ("backward", "once"): "Gradients through what parameters alone make.",
}
