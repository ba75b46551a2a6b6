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

    def matrix_of(self, symbols):
        """Values at all steps, side by side: (T * B, width)."""
        names = self.names
        first = self.schedule.runs.get(symbols, self.homes[symbols[0]])
        array = {"state": f"{first.array}[1:]", "previous": f"{first.array}[:{names.T}]"}.get(first.kind, first.array)
        if not first.packed:
            return f"{array}.reshape({names.T} * {names.B}, {self.width(symbols)})"
        packed = self.schedule.packs[first.array]
        text = f"{array}.reshape({names.T} * {names.B}, {self.width(packed)})"
        if len(packed) == len(symbols):
            return text
        stop = first.offset + sum(volume(self.program.shapes[q]) for q in symbols)
        return f"{text}[:, {size_of(first.offset)}:{size_of(stop)}]"

    def right_matrix(self, p, contiguous=False):
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
            text += f".reshape({size_of(volume(shape[:-1]))}, {size_of(shape[-1])})"
        if w.columns is not None:
            start, length = w.columns
            text += f"[:, {size_of(start)}:{size_of(start + length)}]"
        return text

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
