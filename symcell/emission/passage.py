"""Schedule -> the functions of one direction, and in them where threads meet and what is fetched ahead.

One jitted function, the *pass*, goes through all steps for some of the samples, a block of steps at a time: first what needs no
state, for the whole block; then the recurrence, step by step; then what no later step needs. A block is as large as the cache
likes. The backward pass does the same in reverse. What needs parameters alone has a jitted function of its own.
"""

import re

from symcell.documents.order import PaperOrder
from symcell.emission.arrays import Arrays, in_memory
from symcell.emission.layout import function_text, indented, tuple_text
from symcell.emission.names import Names
from symcell.emission.rows import RowFunction
from symcell.schedule.nests import Sweep
from symcell.schedule.program import Gradient, Product


class Passage:
    """The jitted functions of one direction, and what the Python function that calls them has to say."""

    def __init__(self, schedule, direction, equations):
        self.schedule, self.direction, self.equations = schedule, direction, equations
        self.program, self.homes = schedule.program, schedule.homes
        self.names, self.order = Names(schedule), PaperOrder(self.program.derivation)
        self.arrays = Arrays(schedule, direction, self.names)
        self.functions, self.rows = [], []  # the jitted functions, as text; those of them that sweep a row
        self.places = getattr(schedule, direction)
        self.products = [i for items in self.places.values() for i in items if isinstance(i, Product)]
        self.gradients = [i for items in self.places.values() for i in items if isinstance(i, Gradient)]
        self.once = self._once()
        self.fetching = self._fetching()
        self.packed = {}  # the name of packed weights -> the first product with them
        for p in self.products:
            self.packed.setdefault(self.arrays.weight_name(p), p)
        self.passing = self._pass()

    # The functions; each method returns the call of one, and the arrays that it takes

    def _once(self):
        """What needs parameters alone."""
        sweeps = self.places["once"]
        rows = [self._row("once", sweeps, sweep) for sweep in sweeps]
        return self._function(f"{self.direction}_once", self.purpose("once"), [], [r.call() for r in rows], rows)

    def _pass(self):
        """All steps."""
        names, lines, rows = self.names, [], []
        for place, items in self.places.items():
            if items and place != "once":
                lines += [*([""] if lines else []), f"# {self.purpose(place)}", *self._place(place, items, rows)]
        head = [names.T, names.block, *names.share, *([names.products] if self.products or self.gradients else [])]
        head += [names.input_gradients] if any(map(self._is_for_inputs, self.products)) else []
        arrays = dict.fromkeys(self.packed)
        for p in (*self.products, *self.gradients):
            for symbols in p.sides:
                arrays.setdefault(self.schedule.home_of(symbols).array)
        arrays.update(dict.fromkeys(self.arrays.gradient_name(g) for g in self.gradients))
        arrays.update(dict.fromkeys((names.lines, names.panels) if self.gradients else ()))
        arrays.update(dict.fromkeys([names.ahead] if self.fetching else ()))
        summary = f'All steps{"" if self.direction == "forward" else ", from the last to the first"}, for the samples from '
        summary += f"`{names.low}` up to `{names.high}`."
        if self.direction == "forward":
            arrays |= {a: None for q, kept in names.keeping.items() for a in (self.homes[q].array, kept)}
        all_of_them = dict.fromkeys([*arrays, *(a for r in rows for a in r.arrays)])
        self.read_back = [a for a in all_of_them if a in self.arrays.read_back()]
        opening = []
        if self.fetching:
            noted = tuple_text(self.read_back)
            opening = [f"{names.ahead} = noted_ahead({names.ahead}, {noted}, {names.low}, {names.upto})"]
        loop, turn = self._blocks()
        lines = [*opening, loop, *indented([*turn, *lines])]
        return self._function(f"{self.direction}_pass", summary, head, lines, rows, arrays)

    def _function(self, name, summary, head, lines, rows, arrays=()):
        """Emit a jitted function; returns its name, head, sizes and arrays, or None if it has nothing to do."""
        if not lines:
            return None
        local = self.arrays.local
        arrays = dict.fromkeys(arrays) | dict.fromkeys(a for r in rows for a in (*r.arrays, *r.scratch))
        scratch = [a for a in arrays if a in local]
        arrays = [a for a in arrays if a not in local]
        memory = self.names.memory
        allocate = in_memory(memory, {a: self.arrays.shape_of(a) for a in scratch}, arrays[0] if arrays else "")
        lines = [*allocate, *lines, *([f"release({memory})"] if allocate else [])]
        words = set(re.findall(r"\w+", " ".join(lines)))
        sizes = [n for n in self.program.cell.sizes if n in words or any(n in r.sizes for r in rows)]
        if self.names.B in words:
            sizes.insert(0, self.names.B)
        self.functions.append("@jit\n" + function_text(f"def {name}({', '.join([*head, *sizes, *arrays])}):", summary, lines))
        return name, [*head, *sizes], arrays

    # Places

    def purpose(self, place):
        """What is done in a place, as a sentence."""
        return _PURPOSES[self.direction, place]

    def _blocks(self):
        """The loop over blocks of steps: its head, and what each turn begins with."""
        n = self.names
        if self.direction == "forward":
            where = f"{n.first}, {n.last}, {n.low}, {n.upto}"
            keeping = [f"keep({self.homes[q].array}, {kept}, {where})" for q, kept in n.keeping.items()]
            return f"for {n.first} in range(0, {n.T}, {n.block}):", [f"{n.last} = min({n.first} + {n.block}, {n.T})", *keeping]
        return f"for {n.last} in range({n.T}, 0, -{n.block}):", [f"{n.first} = max({n.last} - {n.block}, 0)"]

    def _steps(self):
        n = self.names
        steps = f"{n.first}, {n.last}" if self.direction == "forward" else f"{n.last} - 1, {n.first} - 1, -1"
        return f"for {n.t} in range({steps}):"

    def _place(self, place, items, rows):
        """The lines of one place; the row functions that it calls are added to `rows`."""
        lines, sweeps, read, written = [], [i for i in items if isinstance(i, Sweep)], set(), set()
        for item, following in zip(items, (*items[1:], None), strict=True):
            if isinstance(item, Sweep):
                rows.append(self._row(place, sweeps, item))
                samples = [f"for {self.names.b} in range({self.names.low}, {self.names.upto}):", *indented([rows[-1].call()])]
                lines += samples if place == "step" else [self._steps(), *indented(samples)]
            else:
                reads, writes = self._touched(item)
                if reads & written or writes & (read | written):  # by others of the team, who may not be as far
                    lines.append(f"meet({self.names.team})")
                    read, written = set(), set()
                read, written = read | reads, written | writes
                matrix = self.arrays.step_matrix if place == "step" else self.arrays.block_matrix
                turn = self.names.t if place == "step" else "0"
                call = self._product(item, matrix, turn) if isinstance(item, Product) else self._gradient(item)
                lines += [f"if {self.names.input_gradients}:", *indented(call)] if self._is_for_inputs(item) else call
            if following is None or isinstance(item, Sweep) or isinstance(following, Sweep):
                lines.append(f"meet({self.names.team})")
                read, written = set(), set()
        return lines if place != "step" else [self._steps(), *indented(lines)]

    def _row(self, place, sweeps, sweep):
        row = RowFunction(self, f"{self.direction}_{place}_row{_suffix(sweeps, sweep)}", sweep, place)
        self.functions.append(row.text())
        self.rows.append(row)
        return row

    def row_of(self, sweep):
        """The row function of a sweep."""
        return next(row for row in self.rows if row.sweep is sweep)

    # Products

    def _product(self, p, matrix, turn):
        names, arrays = self.names, self.arrays
        factors = f"{matrix(p.operands)}, {arrays.start(p.operands)}, {arrays.weight_name(p)}, {matrix(p.targets)}"
        share = f"{names.low}, {names.high}, {names.rank}, {names.team}"
        if p is self.fetching:
            call = f"multiply_and_fetch({names.products}, {factors}, {turn}, {share}, {names.ahead})"
            return [f"# {self.product_comment(p)}", "# (meanwhile, what the step before reads is fetched)", call]
        return [f"# {self.product_comment(p)}", f"multiply({names.products}, {factors}, {turn}, {share})"]

    def _is_for_inputs(self, item):
        """Whether nothing but gradients of inputs needs it: they are not always wanted."""
        return self.direction == "backward" and self.program.only_for_inputs.issuperset(item.targets)

    def _fetching(self):
        """The last product of the backward recurrence: it leaves memory idle, which then takes time at the next step."""
        products = [i for i in self.places["step"] if isinstance(i, Product)] if self.direction == "backward" else []
        return products[-1] if products else None

    def _touched(self, item):
        """The arrays that a product or a gradient reads, its weights apart, and those that it writes for others to read."""
        arrays = [self.schedule.home_of(symbols).array for symbols in item.sides]
        return [set(arrays[:1]), set(arrays[1:])] if isinstance(item, Product) else [set(arrays), set()]

    def _gradient(self, g):
        """One product for the gradients of all matrices that met one operand."""
        names, whole = self.names, self.arrays.gradient_name(g)
        operands = [text for symbols in (g.bars, (g.operand,))
                    for text in (self.arrays.block_matrix(symbols), self.arrays.start(symbols))]  # fmt: skip
        grows = f"{names.last} < {names.T}"  # the last block of steps comes first
        arguments = [*operands, whole, grows, names.low, names.high, names.rank, names.team, names.lines, names.panels]
        return [
            f"# {', '.join(map(str, g.targets))}: the outer products of {', '.join(map(str, g.bars))} and {g.operand}",
            f"add_outer_products({', '.join([names.products, *arguments])})",
        ]

    def product_comment(self, p):
        operands = p.operands * len(p.weights) if len(p.operands) == 1 else p.operands
        terms = [f"{w} @ {q}" for w, q in zip(p.weights, operands, strict=True)]
        return ", ".join(terms) if len(p.operands) == 1 else f"{p.targets[0]} = " + " + ".join(terms)

    def comment(self, statement):
        """Where a statement comes from, with its equation if there is one, as comment lines."""
        numbers = re.findall(r"\((\d+)\)", statement.note)
        equation = f" {self.equations[int(numbers[0])]}" if len(numbers) == 1 else ""
        return [f"# {statement.note}{equation}"] if statement.note else []


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
    ("backward", "after"): "Gradients of what all steps share, and of the inputs.",
    ("backward", "once"): "Gradients through what parameters alone make.",
}
