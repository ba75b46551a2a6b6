"""Arrays as generated code speaks of them: their shapes, and values of one step or of a block of steps as matrices."""

from sympy import Integer

from symcell.program.program import Assign, Gradient, Product
from symcell.targets.identifiers import identifier_of
from symcell.targets.indices import index_text
from symcell.targets.layout import listed, tuple_text
from symcell.targets.numba.buffers import volume


class Arrays:
    """The text of one direction's arrays. Values packed side by side are read as columns of their pack."""

    def __init__(self, schedule, direction, names):
        self.schedule, self.direction, self.names = schedule, direction, names
        self.program, self.buffers = schedule.program, schedule.buffers

    @property
    def local(self):
        """Arrays that a jitted function makes for itself."""
        return {h.array for _, h in self._all_buffers() if h.kind == "row"}

    def params(self):
        """The arrays of parameters."""
        return {self.buffers[q].array for q in (*self.program.declaration.params, *self.program.declaration.constants)}

    def sizes(self):
        """The line that unpacks the sizes."""
        return unpacked({identifier_of(n): n for n in self.program.declaration.sizes}, self.names.sizes)

    def unpacked_params(self, read):
        """The lines that unpack those parameters of which something reads the array; a scalar is an array of one number."""
        params = (*self.program.declaration.params, *self.program.declaration.constants)
        found = {self.buffers[q].array: q for q in params if self.buffers[q].array in read}
        yield from unpacked({array: q.name for array, q in found.items()}, self.names.params)
        yield from (f"{array} = {array}.reshape(1)" for array, q in found.items() if not self.program.shapes[q])

    # Matrices: (steps, samples, width)

    def step_matrix(self, symbols):
        """Values of one step."""
        return self._matrices(symbols, {
            "carried": None, "step": None, "block": "{t} - {first}, {t} - {first} + 1", "state": "{t} + 1, {t} + 2",
            "": "{t}, {t} + 1",
        }, "1")  # fmt: skip

    def block_matrix(self, symbols):
        """Values of a block of steps."""
        return self._matrices(symbols, {
            "block": "0, {last} - {first}", "state": "{first} + 1, {last} + 1", "": "{first}, {last}",
        }, "{last} - {first}")  # fmt: skip

    def _matrices(self, symbols, limits, steps):
        buffer, names = self.schedule.buffer_of(symbols), self.names
        shape = self.program.shapes[symbols[0]]
        limit = limits.get(buffer.kind, limits[""])
        text = f"steps_at({buffer.array}, {limit})" if limit else buffer.array
        if (len(shape) != 1 and not buffer.packed) or buffer.kind == "carried":
            text = f"array_in({text}, 0, ({steps}, {names.B}, {size_of(volume(shape))}))"
        return text.format(t=names.t, first=names.first, last=names.last)

    def start(self, symbols):
        """The column of the first of them."""
        return size_of(self.schedule.buffer_of(symbols).offset)

    # Weights

    def laid_out(self, p):
        """Each weight of a product: its first column and their number, and the term and the column where they lie packed: they
        meet what the operands have from that term on, and what they make stands from that column on."""
        shapes, term, column = self.program.shapes, Integer(0), Integer(0)
        for k, w in enumerate(p.weights):
            shape = shapes[w.symbol]
            first, length = w.columns or (Integer(0), shape[-1])
            rows = length if w.transposed else volume(shape[:-1])
            yield w, first, length, term, column
            if len(p.operands) > 1:
                term += volume(shapes[p.operands[k]])
            else:
                column += rows

    def matrix_of(self, q):
        shape, text = self.program.shapes[q], self.buffers[q].array
        return text if len(shape) == 2 else f"{text}.reshape({size_of(volume(shape[:-1]))}, {size_of(shape[-1])})"

    def room_for_weights(self, p):
        """Terms and columns of a product's packed weights."""
        return self.width(p.operands), self.width(p.targets)

    def weight_name(self, p):
        """The name of a product's packed weights; products with the same ones share them, in both directions."""
        key, weights = (p.weights, len(p.operands) > 1), self.names.weights
        if key not in weights:
            stem = _stem([w.symbol for w in p.weights], "weights") if len(p.weights) > 1 else f"{p.weights[0].symbol}_packed"
            weights[key] = self.names.pick(f"{stem}_transposed" if all(w.transposed for w in p.weights) else stem)
        return weights[key]

    # Shapes

    # Sums over steps and samples: each thread has its own, until the end

    def sums_of_rows(self):
        """Those that row functions add to: array -> shape. They lie side by side."""
        sums = [s for s in getattr(self.program, self.direction) if isinstance(s, Assign) and s.summed]
        return {self.buffers[s.target].array: self.program.shapes[s.target] or (Integer(1),) for s in sums}

    def sums_of_products(self):
        """The gradients of weights: array -> shape."""
        gradients = [s for s in getattr(self.program, self.direction) if isinstance(s, Gradient)]
        return {self.gradient_name(g): (self.width(g.bars), self.width((g.operand,))) for g in gradients}

    def gradient_name(self, g):
        """One matrix for the gradients of all weights that met one operand."""
        if len(g.targets) == 1:
            return self.buffers[g.targets[0]].array
        if g.targets not in self.names.weights:
            self.names.weights[g.targets] = self.names.pick(_stem(g.targets, "dweights"))
        return self.names.weights[g.targets]

    def new_shape(self, array):
        """The shape of an array that this direction makes; None if it is given to it."""
        made = {q: h for s in getattr(self.program, self.direction) for q in s.targets
                for h in (self.buffers[q], *self.schedule.copies.get(q, ())) if h.array == array}  # fmt: skip
        if not made:
            return None
        q, buffer = next(iter(made.items()))
        names = self.names
        leads = {"sequence": [names.T, names.B], "block": [names.block, names.B], "step": ["1", names.B], "once": []}
        lead, dims = leads.get(buffer.kind), list(map(size_of, self.dims(array, q)))
        if array in self._read_across():
            dims = [f"padded({dims[0]}, {names.dtype})"]
        return None if lead is None else tuple([*lead, *dims] or ["1"])

    def _read_across(self):
        """Arrays that weight gradients read a few columns at a time, in many rows."""
        items = [s for s in getattr(self.program, self.direction) if not isinstance(s, Assign)]
        bars = {self.schedule.runs[s.bars] for s in items if isinstance(s, Gradient)}
        full = {self.schedule.runs[s.targets].array for s in items if isinstance(s, Product)}  # these are written as a whole
        return {buffer.array for buffer in bars if buffer.packed} - full

    def shape_of(self, array):
        """The shape of an array that lives for one sample."""
        return self.dims(array, next(q for q, h in self._all_buffers() if h.array == array))

    def dims(self, array, q):
        """The shape of a value, or of the values that are packed together."""
        packed = self.schedule.packs.get(array)
        return [self.breadth(packed)] if packed else list(self.program.shapes[q])

    def _all_buffers(self):
        yield from self.buffers.items()
        yield from ((q, h) for q, copies in self.schedule.copies.items() for h in copies)

    def width(self, symbols):
        return size_of(self.breadth(symbols))

    def breadth(self, symbols):
        """The number of entries that values have together."""
        return sum((volume(self.program.shapes[q]) for q in symbols), Integer(0))


def unpacked(names, source):
    """The line that gives entries of a dict, name -> key, names of their own, if there are any."""
    values = [f'{source}["{key}"]' for key in names.values()]
    text = ", ".join(values)
    if len(names) == 1:
        return [f"{next(iter(names))} = {text}"]
    return [f"{listed(names)} = {text if len(text) < 60 else f'({text})'}"] if names else []


def _stem(symbols, other):
    """What the names of symbols share, up to an underscore: W for W_i and W_f; `other` if that is nothing."""
    stems = {q.name.split("_")[0] for q in symbols}
    return (len(stems) == 1 and stems.pop()) or other


def in_memory(memory, shapes, like):
    """The lines that make arrays of these shapes in one piece of memory, of the dtype of an array."""
    lines = side_by_side(memory, shapes)
    return [f"{memory} = scratch({size_of(total_volume(shapes))}, {like})", *lines] if lines else []


def side_by_side(memory, shapes):
    """The lines that find arrays of these shapes in memory."""
    end, lines = Integer(0), []
    for array, shape in shapes.items():
        lines.append(f"{array} = array_in({memory}, {size_of(end)}, {tuple_text(list(map(size_of, shape)) or ['1'])})")
        end = (end + volume(shape)).expand()
    return lines


def total_volume(shapes):
    """The number of entries of arrays of these shapes."""
    return sum(map(volume, shapes.values()), Integer(0)).expand()


def size_of(n):
    """A size, or an expression of sizes, as Python text."""
    return index_text(Integer(n) if isinstance(n, int) else n, lambda symbol: identifier_of(str(symbol)))
