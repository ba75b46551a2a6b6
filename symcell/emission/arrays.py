"""Arrays as generated code speaks of them: their shapes, and values of one step or of all steps as matrices."""

from sympy import Integer

from symcell.emission.printer import index_text
from symcell.schedule.arrange import volume
from symcell.schedule.program import Assign


class Arrays:
    """The text of one direction's arrays. Values packed side by side are read as columns of their pack."""

    def __init__(self, schedule, direction, names):
        self.schedule, self.direction, self.names = schedule, direction, names
        self.program, self.homes = schedule.program, schedule.homes
        self.weights = {}  # a product's targets -> the name of its packed weights

    # Matrices

    def step_matrix(self, symbols):
        """Values of one step, all samples: (B, width)."""
        home, names, shape = self.schedule.runs[symbols], self.names, self.program.shapes[symbols[0]]
        flat = "" if len(shape) == 1 or home.packed else f".reshape({names.B}, {size_of(volume(shape))})"
        if home.kind in ("step", "later"):
            return home.array + flat
        return f"{home.array}[{names.t}{' + 1' if home.kind == 'state' else ''}]{flat}"

    def all_steps(self, symbols):
        """Values at all steps, side by side: the text of an array (T * B, at least their width), and the column of the first."""
        names = self.names
        first = self.schedule.runs.get(symbols, self.homes[symbols[0]])
        array = {"state": f"{first.array}[1:]", "previous": f"{first.array}[:{names.T}]"}.get(first.kind, first.array)
        width = self.width(self.schedule.packs[first.array] if first.packed else symbols)
        return f"{array}.reshape({names.T} * {names.B}, {width})", size_of(first.offset)

    def packed_weights(self, p):
        """The lines that pack the weights of a product for `multiply`: beside each other for several targets, one under the other
        for several operands."""
        name, shapes, names = self.weight_name(p), self.program.shapes, self.names
        terms, columns = (self.width(symbols) for symbols in (p.operands, p.targets))
        yield f"{name} = packed({terms}, {columns}, {names.real})"
        term, column = Integer(0), Integer(0)
        for k, w in enumerate(p.weights):
            shape = shapes[w.symbol]
            first, length = w.columns or (Integer(0), shape[-1])
            rows = length if w.transposed else volume(shape[:-1])
            where = ", ".join(map(size_of, (term, column)))
            yield f"pack({self._matrix(w.symbol)}, {size_of(first)}, {size_of(length)}, {w.transposed}, {name}, {where})"
            if len(p.operands) > 1:
                term += volume(shapes[p.operands[k]])
            else:
                column += rows

    def _matrix(self, q):
        shape, text = self.program.shapes[q], self.homes[q].array
        return text if len(shape) == 2 else f"{text}.reshape({size_of(volume(shape[:-1]))}, {size_of(shape[-1])})"

    def weight_name(self, p):
        if p.targets not in self.weights:
            stems = {w.symbol.name.split("_")[0] for w in p.weights}
            stem = stems.pop() if len(stems) == 1 else "weights"
            self.weights[p.targets] = self.names.pick(stem if len(p.weights) > 1 else f"{p.weights[0].symbol}_rows")
        return self.weights[p.targets]

    # Shapes

    def accumulates(self, array):
        return any(
            isinstance(s, Assign) and s.op == "sum over steps" and self.homes[s.target].array == array
            for s in getattr(self.program, self.direction)
        )

    def new_shape(self, array):
        """The shape of an array that this direction makes; None if it is given to it."""
        names = self.names
        if array in self.schedule.packs:
            symbols = self.schedule.packs[array]
            return f"({names.T}, {names.B}, {self.width(symbols)})" if self._makes(symbols[0]) else None
        for s in getattr(self.program, self.direction):
            for q in s.targets:
                home = self.homes[q]
                if home.array == array and home.kind in ("sequence", "once"):
                    shape = self.program.shapes[q]
                    lead = () if home.kind == "once" else (names.T, names.B)
                    dims = [*lead, *map(size_of, shape)] or ["1"]
                    return tuple_text(dims)
        return None

    def _makes(self, q):
        return any(q in s.targets for s in getattr(self.program, self.direction))

    def scratch_shape(self, array):
        if array in self.schedule.packs:
            return f"({self.names.B}, {self.width(self.schedule.packs[array])})"
        q = next(q for q, h in self.homes.items() if h.array == array)
        dims = [*([self.names.B] if self.homes[q].kind == "step" else []), *map(size_of, self.program.shapes[q])] or ["1"]
        return tuple_text(dims)

    def width(self, symbols):
        return size_of(sum((volume(self.program.shapes[q]) for q in symbols), Integer(0)))

    def tail(self, symbols):
        if self.homes[symbols[0]].packed:
            return self.width(symbols)
        return ", ".join(map(size_of, self.program.shapes[symbols[0]]))


def size_of(n):
    """A size, or an expression of sizes, as Python text."""
    return index_text(Integer(n) if isinstance(n, int) else n)


def tuple_text(items):
    items = list(items)
    return f"({', '.join(items)}{',' if len(items) == 1 else ''})"
