"""Schedule -> the functions of one direction. Decisions are all made; this room only writes them down.

A direction is a Python function that allocates, calls NumPy for the large products, and calls jitted functions for the rest: one
for the recurrence, one for each sweep over all steps.
"""

import re

from sympy import Integer, Rational

from symcell.lower import AXES
from symcell.order import PaperOrder
from symcell.printer import index_text
from symcell.program import Assign, Product
from symcell.rows import RowFunction
from symcell.schedule import Sweep, volume
from symcell.symbols import Adjoint

_INDENT = "    "


class Names:
    """The names that generated code uses for its own purposes, out of the way of the cell's."""

    def __init__(self, schedule):
        homes = {*schedule.homes.values(), *(h for copies in schedule.copies.values() for h in copies)}
        taken = {*schedule.words.values(), *schedule.program.cell.sizes, *(h.array for h in homes)}

        def pick(name):
            while name in taken:
                name += "_"
            taken.add(name)
            return name

        self.T, self.B, self.t, self.b, self.real = map(pick, ("T", "B", "t", "b", "real"))
        self.params, self.inputs, self.initial, self.given = map(pick, ("params", "inputs", "initial", "given"))
        self.later, self.states, self.tape, self.sizes, self.total = map(pick, ("later", "states", "tape", "sizes", "total"))
        self.axes = {a: pick(letter) for a, letter in zip(AXES, "jklmpquv", strict=True)}
        self.numbers = {
            n: pick(w) for n, w in ((Integer(0), "zero"), (Integer(1), "one"), (Integer(2), "two"), (Rational(1, 2), "half"))
        }
        self.pick = pick


class Passage:
    """The jitted functions of one direction, and the Python function that calls them and NumPy's large products."""

    def __init__(self, schedule, direction, equations):
        self.schedule, self.direction, self.equations = schedule, direction, equations
        self.program, self.homes = schedule.program, schedule.homes
        self.names, self.order = Names(schedule), PaperOrder(self.program.derivation)
        self.functions = []  # the jitted functions, as text
        self.body = []  # the lines of the Python function
        self.allocated = set()
        self.weights = {}  # a product's targets -> the name of its packed weights
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
        loops = (
            []
            if place == "once"
            else [f"for {self.names.t} in range({self.names.T}):", f"for {self.names.b} in range({self.names.B}):"]
        )
        self._jitted(name, [*_nested(loops, [row.call()])], [row], [])

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
        steps = f"range({names.T})" if self.direction == "forward" else f"range({names.T} - 1, -1, -1)"
        self._jitted(f"{self.direction}_steps", _nested([f"for {names.t} in {steps}:"], lines), rows, products)

    def _jitted(self, name, lines, rows, products):
        """Emit a jitted function, the arrays that it fills, and the call of it."""
        names = self.names
        arrays = dict.fromkeys(a for r in rows for a in r.arrays)
        scratch = dict.fromkeys(a for r in rows for a in r.scratch)
        weights = {}
        for p in products:
            weight = self._weight_name(p)
            self.body += [f"{weight} = {self._right_matrix(p, contiguous=True)}"]
            weights[weight] = None
            for symbols in (p.operands, p.targets):
                home = self.schedule.runs[symbols]
                (scratch if home.kind == "step" else arrays).setdefault(home.array)
        scratch = {a: None for a in scratch if a not in arrays}
        sizes = self._sizes_in(rows, scratch, lines)
        allocate = [f"{a} = np.empty({self._scratch_shape(a)}, {names.real})" for a in scratch]
        if allocate:
            allocate.insert(0, f"{names.real} = {next(iter(arrays))}.dtype")
        arguments = [names.T, names.B, *sizes, *weights, *arrays]
        text = [f"def {name}({', '.join(arguments)}):", f'{_INDENT}"""{_SUMMARIES[self.direction, name.split("_")[1]]}"""']
        self.functions.append("@jit\n" + "\n".join([*text, *(_INDENT + line for line in (*allocate, *lines))]))
        self._allocate(arrays)
        self.body.append(f"{name}({', '.join(arguments)})")

    def _sizes_in(self, rows, scratch, lines):
        """The sizes that a jitted function needs, in the cell's order."""
        words = set(re.findall(r"\w+", " ".join([*lines, *(self._scratch_shape(a) for a in scratch)])))
        return [n for n in self.program.cell.sizes if n in words or any(n in r.sizes for r in rows)]

    # Products

    def _large_product(self, p):
        """All steps at once, by NumPy."""
        names = self.names
        array = self.homes[p.targets[0]].array
        self.body.append(f"# {self._product_comment(p)}")
        self.body.append(f"{array} = np.matmul({self._matrix_of(p.operands)}, {self._right_matrix(p)})")
        self.body.append(f"{array} = {array}.reshape({names.T}, {names.B}, {self._tail(p.targets)})")
        self.allocated.add(array)

    def _gradient(self, g):
        """One product for the gradients of all matrices that met one operand, split afterwards."""
        self.body.append(
            f"# {', '.join(map(str, g.targets))}: the outer products of {', '.join(map(str, g.bars))} and {g.operand}, "
            "summed over steps and samples"
        )
        whole = self.names.total
        self.body.append(f"{whole} = np.matmul({self._matrix_of(g.bars)}.T, {self._matrix_of((g.operand,))})")
        start = Integer(0)
        for t, bar in zip(g.targets, g.bars, strict=True):
            stop = start + volume(self.program.shapes[bar])
            cut = f"{whole}[{self.size(start)}:{self.size(stop)}]" if len(g.targets) > 1 else whole
            shape = self.program.shapes[t]
            self.body.append(
                f"{self.homes[t].array} = {cut}" + (f".reshape({self.shape_text(shape)})" if len(shape) != 2 else "")
            )
            self.allocated.add(self.homes[t].array)
            start = stop

    def _small_product(self, p):
        """The product of one step, over the samples of the batch."""
        start = self.size(self.schedule.runs[p.operands].offset)
        arguments = [self._step_matrix(p.operands), start, self._weight_name(p), self._step_matrix(p.targets)]
        return [f"# {self._product_comment(p)}", f"multiply({', '.join(arguments)})"]

    def _product_comment(self, p):
        operands = p.operands * len(p.weights) if len(p.operands) == 1 else p.operands
        terms = [f"{w} @ {q}" for w, q in zip(p.weights, operands, strict=True)]
        return ", ".join(terms) if len(p.operands) == 1 else f"{p.targets[0]} = " + " + ".join(terms)

    def _step_matrix(self, symbols):
        """Values of one step, all samples: (B, width)."""
        home, names, shape = self.schedule.runs[symbols], self.names, self.program.shapes[symbols[0]]
        flat = "" if len(shape) == 1 or home.packed else f".reshape({names.B}, {self.size(volume(shape))})"
        if home.kind in ("step", "later"):
            return home.array + flat
        return f"{home.array}[{names.t}{' + 1' if home.kind == 'state' else ''}]{flat}"

    def _matrix_of(self, symbols):
        """Values at all steps, side by side: (T * B, width)."""
        names = self.names
        first = self.schedule.runs.get(symbols, self.homes[symbols[0]])
        array = {"state": f"{first.array}[1:]", "previous": f"{first.array}[:{names.T}]"}.get(first.kind, first.array)
        if not first.packed:
            return f"{array}.reshape({names.T} * {names.B}, {self._width(symbols)})"
        packed = self.schedule.packs[first.array]
        text = f"{array}.reshape({names.T} * {names.B}, {self._width(packed)})"
        if len(packed) == len(symbols):
            return text
        stop = first.offset + sum(volume(self.program.shapes[q]) for q in symbols)
        return f"{text}[:, {self.size(first.offset)}:{self.size(stop)}]"

    def _right_matrix(self, p, contiguous=False):
        """The weights as the matrix that multiplies rows from the right."""
        together = len(p.operands) == 1
        flips = {w.transposed for w in p.weights}
        parts = [self._weight(w) for w in p.weights]
        if len(flips) == 1:  # all stand one above the other as they are stored
            text = (
                parts[0]
                if len(parts) == 1
                else f"np.concatenate([{', '.join(parts)}], axis={int(together == flips.copy().pop())})"
            )
            text += "" if flips.pop() else ".T"
        else:
            parts = [part + ("" if w.transposed else ".T") for part, w in zip(parts, p.weights, strict=True)]
            text = f"np.concatenate([{', '.join(parts)}], axis={int(together)})"
        return f"np.ascontiguousarray({text})" if contiguous else text

    def _weight(self, w):
        shape = self.program.shapes[w.symbol]
        text = self.homes[w.symbol].array
        if len(shape) > 2:
            text += f".reshape({self.size(volume(shape[:-1]))}, {self.size(shape[-1])})"
        if w.columns is not None:
            start, length = w.columns
            text += f"[:, {self.size(start)}:{self.size(start + length)}]"
        return text

    def _weight_name(self, p):
        if p.targets not in self.weights:
            stems = {w.symbol.name.split("_")[0] for w in p.weights}
            stem = stems.pop() if len(stems) == 1 else "weights"
            self.weights[p.targets] = self.names.pick(stem if len(p.weights) > 1 else f"{p.weights[0].symbol}_rows")
        return self.weights[p.targets]

    # Arrays

    def _allocate(self, arrays):
        for a in arrays:
            if a in self.allocated:
                continue
            self.allocated.add(a)
            shape = self._new_array_shape(a)
            if shape is not None:
                self.body.append(f"{a} = np.{'zeros' if self._accumulates(a) else 'empty'}({shape}, {self.names.real})")

    def _accumulates(self, array):
        return any(
            isinstance(s, Assign) and s.op == "sum over steps" and self.homes[s.target].array == array
            for s in getattr(self.program, self.direction)
        )

    def _new_array_shape(self, array):
        """The shape of an array that this direction makes; None if it is given to it."""
        names = self.names
        if array in self.schedule.packs:
            symbols = self.schedule.packs[array]
            return f"({names.T}, {names.B}, {self._width(symbols)})" if self._makes(symbols[0]) else None
        for s in getattr(self.program, self.direction):
            for q in s.targets:
                home = self.homes[q]
                if home.array == array and home.kind in ("sequence", "once"):
                    shape = self.program.shapes[q]
                    lead = () if home.kind == "once" else (names.T, names.B)
                    dims = [*lead, *map(self.size, shape)] or ["1"]
                    return _tuple(dims)
        return None

    def _makes(self, q):
        return any(q in s.targets for s in getattr(self.program, self.direction))

    def _scratch_shape(self, array):
        if array in self.schedule.packs:
            return f"({self.names.B}, {self._width(self.schedule.packs[array])})"
        q = next(q for q, h in self.homes.items() if h.array == array)
        dims = [*([self.names.B] if self.homes[q].kind == "step" else []), *map(self.size, self.program.shapes[q])] or ["1"]
        return _tuple(dims)

    def _width(self, symbols):
        return self.size(sum((volume(self.program.shapes[q]) for q in symbols), Integer(0)))

    def _tail(self, symbols):
        if self.homes[symbols[0]].packed:
            return self._width(symbols)
        return ", ".join(map(self.size, self.program.shapes[symbols[0]]))

    def shape_text(self, shape):
        return _tuple(map(self.size, shape))

    def comment(self, statement):
        """The equation that a statement comes from, as comment lines."""
        numbers = [int(n) for n in re.findall(r"\d+", statement.note)]
        if self.direction == "backward" and len(numbers) > 1:
            return [f"# through ({'), ('.join(map(str, numbers))})"]
        if self.direction == "backward":
            return [f"# through ({n}) {self.equations[n]}" for n in numbers]
        return [f"# ({n}) {self.equations[n]}" for n in numbers]

    def entry_point(self):
        """The Python function of this direction, with all its lines."""
        write = self._forward_frame if self.direction == "forward" else self._backward_frame
        return "\n".join(_framed(*write()))

    def _forward_frame(self):
        names, homes, cell = self.names, self.homes, self.program.cell
        head = ", ".join((names.T, names.B, names.sizes, names.real, names.params, names.inputs, names.initial))
        opening = [
            *self._unpacked_sizes(),
            *self._unpacked(names.params, (*cell.params, *cell.constants)),
            *self._unpacked(names.inputs, cell.inputs),
        ]
        for s in cell.states:
            array = homes[s].array
            shape = _tuple((f"{names.T} + 1", names.B, *map(self.size, self.program.shapes[s])))
            opening += [f"{array} = np.empty({shape}, {names.real})", f'{array}[0] = {names.initial}["{s.name}"]']
        states = ", ".join(f'"{s.name}": {homes[s].array}' for s in cell.states)
        closing = [f"return {{{states}}}, {_tuple(self.schedule.tape)}"]
        return (
            f"def _forward({head}):",
            '"""All steps; returns the states, from the initial one on, and the tape."""',
            [*opening, *self.body, *closing],
        )

    def _backward_frame(self):
        names, homes, cell = self.names, self.homes, self.program.cell
        head = ", ".join(
            (
                names.T,
                names.B,
                names.sizes,
                names.real,
                names.params,
                names.inputs,
                names.states,
                names.tape,
                names.given,
                names.later,
            )
        )
        opening = [
            *self._unpacked_sizes(),
            *self._unpacked(names.params, (*cell.params, *cell.constants)),
            *self._unpacked(names.inputs, cell.inputs),
        ]
        opening += [f'{homes[s].array} = {names.states}["{s.name}"]' for s in cell.states]
        for kind, source in (("given", names.given), ("later", names.later)):
            opening += [f'{homes[Adjoint(s, kind)].array} = {source}["{s.name}"]' for s in cell.states]
        if self.schedule.tape:
            opening.append(f"{', '.join(self.schedule.tape)}{',' if len(self.schedule.tape) == 1 else ''} = {names.tape}")
        of_params = ", ".join(f'"{p.name}": {self._result(p)}' for p in cell.params)
        of_inputs = ", ".join(f'"{q.name}": {self._result(q)}' for q in cell.inputs)
        closing = [f"return {{{of_params}}}, {{{of_inputs}}}"]
        return (
            f"def _backward({head}):",
            '"""The gradients of parameters and inputs; `later` ends as those of the initial states."""',
            [*opening, *self.body, *closing],
        )

    def _unpacked_sizes(self):
        return [f'{n} = {self.names.sizes}["{n}"]' for n in self.program.cell.sizes]

    def _unpacked(self, group, symbols):
        return [
            f'{self.homes[q].array} = {group}["{q.name}"]'
            + ("" if self.program.shapes[q] or q in self.program.cell.inputs else ".reshape(1)")
            for q in symbols
        ]

    def _result(self, q):
        array = self.homes[Adjoint(q)].array
        scalar = not self.program.shapes[q] and q not in self.program.cell.inputs
        return f"{array}.reshape(())" if scalar else array

    @staticmethod
    def size(n):
        """A size, or an expression of sizes, as Python text."""
        return size_of(n)

    @staticmethod
    def tuple_of(shape):
        return _tuple(map(size_of, shape))


def size_of(n):
    """A size, or an expression of sizes, as Python text."""
    return index_text(Integer(n) if isinstance(n, int) else n)


def _framed(head, docstring, lines):
    yield head
    yield _INDENT + docstring
    for line in lines:
        yield _INDENT + line


def _suffix(sweeps, sweep):
    """_1, _2, ... where there are several."""
    return "" if len(sweeps) == 1 else f"_{next(k for k, s in enumerate(sweeps, 1) if s is sweep)}"


def _tuple(items):
    items = list(items)
    return f"({', '.join(items)}{',' if len(items) == 1 else ''})"


def _nested(heads, lines):
    return [_INDENT * depth + head for depth, head in enumerate(heads)] + [_INDENT * len(heads) + line for line in lines]


_PLACES = {
    ("forward", "once"): "What needs parameters alone, once a sequence.",
    ("forward", "before"): "What needs no state: all steps at once.",
    ("forward", "step"): "The recurrence.",
    ("forward", "after"): "What no later step needs: all steps at once.",
    ("backward", "after"): "What no earlier step is needed for: all steps at once.",
    ("backward", "step"): "The recurrence, backwards.",
    ("backward", "before"): "Gradients of what all steps share, and of the inputs: all steps at once.",
    ("backward", "once"): "Gradients through what was computed from parameters alone.",
}
_SUMMARIES = {
    ("forward", "steps"): "Run the recurrence from the first step to the last.",
    ("backward", "steps"): "Run the adjoint recurrence from the last step to the first.",
    **{(d, p): "Do for all steps what needs no recurrence." for d in ("forward", "backward") for p in ("before", "after")},
    **{(d, "once"): "Do what needs parameters alone." for d in ("forward", "backward")},
}
