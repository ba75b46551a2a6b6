"""Schedule -> the functions of one direction. Decisions are all made; this room only writes them down.

A direction is a Python function that allocates and calls jitted functions: one for each product over all steps, one for the
recurrence, one for each sweep over all steps.
"""

import re

from sympy import Integer

from symcell.documents.order import PaperOrder
from symcell.emission.arrays import Arrays, size_of, tuple_text
from symcell.emission.names import Names
from symcell.emission.rows import RowFunction
from symcell.schedule.arrange import Sweep, volume
from symcell.schedule.program import Product

_INDENT = "    "


class Passage:
    """The jitted functions of one direction, and the Python function that calls them and the large products."""

    def __init__(self, schedule, direction, equations):
        self.schedule, self.direction, self.equations = schedule, direction, equations
        self.program, self.homes = schedule.program, schedule.homes
        self.names, self.order = Names(schedule), PaperOrder(self.program.derivation)
        self.functions = []  # the jitted functions, as text
        self.body = []  # the lines of the Python function
        self.allocated = set()
        self.arrays = Arrays(schedule, direction, self.names)
        for place, items in getattr(schedule, direction).items():
            self._place(place, items)

    # Places

    def _place(self, place, items):
        if not items:
            return
        self.body.append(f"# {_PLACES[self.direction, place]}")
        if place == "step":
            self._loop_over_time(items)
            return
        sweeps = [i for i in items if isinstance(i, Sweep)]
        for item in items:
            if isinstance(item, Sweep):
                self._sweep(place, item, _suffix(sweeps, item))
            elif isinstance(item, Product):
                self._large_product(item)
            else:
                self._gradient(item)

    def _sweep(self, place, sweep, suffix):
        """Elementwise work outside the recurrence: one jitted function over all steps and samples."""
        name = f"{self.direction}_{place}{suffix}"
        row = RowFunction(self, f"{name}_row", sweep, place)
        self.functions.append(row.text())
        loops = [f"for {self.names.t} in {self._steps()}:", f"for {self.names.b} in range({self.names.B}):"]
        self._jitted(name, _nested([] if place == "once" else loops, [row.call()]), [row], [])

    def _loop_over_time(self, items):
        names, lines, rows, products = self.names, [], [], []
        sweeps = [i for i in items if isinstance(i, Sweep)]
        for item in items:
            if isinstance(item, Sweep):
                row = RowFunction(self, f"{self.direction}_step_row{_suffix(sweeps, item)}", item, "step")
                self.functions.append(row.text())
                rows.append(row)
                lines += [f"for {names.b} in range({names.B}):", _INDENT + row.call()]
            else:
                products.append(item)
                lines += self._small_product(item)
        self._jitted(f"{self.direction}_steps", _nested([f"for {names.t} in {self._steps()}:"], lines), rows, products)

    def _steps(self):
        return f"range({self.names.T})" if self.direction == "forward" else f"range({self.names.T} - 1, -1, -1)"

    def _jitted(self, name, lines, rows, products):
        """Emit a jitted function, the arrays that it fills, and the call of it."""
        names = self.names
        arrays = dict.fromkeys(a for r in rows for a in r.arrays)
        scratch = dict.fromkeys(a for r in rows for a in r.scratch)
        weights = {}
        for p in products:
            self.body += self.arrays.packed_weights(p)
            weights[self.arrays.weight_name(p)] = None
            for symbols in (p.operands, p.targets):
                home = self.schedule.runs[symbols]
                (scratch if home.kind == "step" else arrays).setdefault(home.array)
        scratch = {a: None for a in scratch if a not in arrays}
        sizes = self._sizes_in(rows, scratch, lines)
        allocate = [f"{a} = np.empty({self.arrays.scratch_shape(a)}, {names.real})" for a in scratch]
        if allocate:
            allocate.insert(0, f"{names.real} = {next(iter(arrays))}.dtype")
        arguments = [names.T, names.B, *sizes, *weights, *arrays]
        text = [f"def {name}({', '.join(arguments)}):", f'{_INDENT}"""{_SUMMARIES[self.direction, name.split("_")[1]]}"""']
        self.functions.append("@jit\n" + "\n".join([*text, *(_INDENT + line for line in (*allocate, *lines))]))
        self._allocate(arrays)
        self.body.append(f"{name}({', '.join(arguments)})")

    def _sizes_in(self, rows, scratch, lines):
        """The sizes that a jitted function needs, in the cell's order."""
        words = set(re.findall(r"\w+", " ".join([*lines, *(self.arrays.scratch_shape(a) for a in scratch)])))
        return [n for n in self.program.cell.sizes if n in words or any(n in r.sizes for r in rows)]

    # Products

    def _large_product(self, p):
        """All steps at once."""
        names, array = self.names, self.homes[p.targets[0]].array
        rows, start = self.arrays.all_steps(p.operands)
        weights, out = self.arrays.weight_name(p), f"{array}.reshape({names.T} * {names.B}, {self.arrays.width(p.targets)})"
        self.body += [
            f"# {self._product_comment(p)}",
            f"{array} = np.empty(({names.T}, {names.B}, {self.arrays.tail(p.targets)}), {names.real})",
            *self.arrays.packed_weights(p),
            f"multiply({rows}, {start}, {weights}, {out})",
        ]
        self.allocated.add(array)

    def _gradient(self, g):
        """One product for the gradients of all matrices that met one operand, split afterwards."""
        self.body.append(
            f"# {', '.join(map(str, g.targets))}: the outer products of {', '.join(map(str, g.bars))} and {g.operand}, "
            "summed over steps and samples"
        )
        alone = len(g.targets) == 1
        whole = self.homes[g.targets[0]].array if alone else self.names.total
        shape = tuple_text([self.arrays.width(g.bars), self.arrays.width((g.operand,))])
        self.body.append(f"{whole} = np.zeros({shape}, {self.names.real})")
        arguments = [*self.arrays.all_steps(g.bars), *self.arrays.all_steps((g.operand,)), whole]
        self.body.append(f"add_outer_products({', '.join(arguments)})")
        start = Integer(0)
        for t, bar in zip(g.targets, g.bars, strict=True):
            stop = start + volume(self.program.shapes[bar])
            cut = whole if alone else f"{whole}[{size_of(start)}:{size_of(stop)}]"
            shape = self.program.shapes[t]
            cut += f".reshape({tuple_text(map(size_of, shape))})" if len(shape) != 2 else ""
            if cut != self.homes[t].array:
                self.body.append(f"{self.homes[t].array} = {cut}")
            self.allocated.add(self.homes[t].array)
            start = stop

    def _small_product(self, p):
        """The product of one step, over the samples of the batch."""
        start = size_of(self.schedule.runs[p.operands].offset)
        arguments = [self.arrays.step_matrix(p.operands), start, self.arrays.weight_name(p), self.arrays.step_matrix(p.targets)]
        return [f"# {self._product_comment(p)}", f"multiply({', '.join(arguments)})"]

    def _product_comment(self, p):
        operands = p.operands * len(p.weights) if len(p.operands) == 1 else p.operands
        terms = [f"{w} @ {q}" for w, q in zip(p.weights, operands, strict=True)]
        return ", ".join(terms) if len(p.operands) == 1 else f"{p.targets[0]} = " + " + ".join(terms)

    def _allocate(self, arrays):
        for a in arrays:
            if a in self.allocated:
                continue
            self.allocated.add(a)
            shape = self.arrays.new_shape(a)
            if shape is not None:
                self.body.append(f"{a} = np.{'zeros' if self.arrays.accumulates(a) else 'empty'}({shape}, {self.names.real})")

    def comment(self, statement):
        """The equation that a statement comes from, as comment lines."""
        numbers = [int(n) for n in re.findall(r"\d+", statement.note)]
        if self.direction == "backward" and len(numbers) > 1:
            return [f"# through ({'), ('.join(map(str, numbers))})"]
        if self.direction == "backward":
            return [f"# through ({n}) {self.equations[n]}" for n in numbers]
        return [f"# ({n}) {self.equations[n]}" for n in numbers]


def _suffix(sweeps, sweep):
    """_1, _2, ... where there are several."""
    return "" if len(sweeps) == 1 else f"_{next(k for k, s in enumerate(sweeps, 1) if s is sweep)}"


def _nested(heads, lines):
    return [_INDENT * depth + head for depth, head in enumerate(heads)] + [_INDENT * len(heads) + line for line in lines]


_PLACES = {
    ("forward", "once"): "What needs parameters alone, once a sequence.",
    ("forward", "before"): "What waits for no product of the step before: all steps at once.",
    ("forward", "step"): "The recurrence.",
    ("forward", "after"): "What no later step needs: all steps at once.",
    ("backward", "after"): "What waits for no product of a later step: all steps at once.",
    ("backward", "step"): "The recurrence, backwards.",
    ("backward", "before"): "Gradients of what all steps share, and of the inputs: all steps at once.",
    ("backward", "once"): "Gradients through what was computed from parameters alone.",
}
_SUMMARIES = {
    ("forward", "steps"): "Run the recurrence from the first step to the last.",
    ("backward", "steps"): "Run the adjoint recurrence from the last step to the first.",
    **{(d, p): "Do for all steps what waits for no product." for d in ("forward", "backward") for p in ("before", "after")},
    **{(d, "once"): "Do what needs parameters alone." for d in ("forward", "backward")},
}
