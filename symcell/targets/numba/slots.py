"""What a row function is given: rows of arrays, and in them the entries that it reads or keeps."""

from symcell.targets.identifiers import identifier_of
from symcell.targets.indices import index_text
from symcell.targets.numba.buffers import volume


class Slots:
    """The rows that a row function is given, each an argument of its own, so that no two overlap: one-dimensional, or matrices
    where the value is one. They are found as its lines are printed; so are the sizes that it reads."""

    def __init__(self, emitter, sweep):
        self.emitter, self.names, self.buffers, self.shapes = emitter, emitter.names, emitter.buffers, emitter.program.shapes
        self.inside = set(sweep.targets) - {s.target for s in sweep.statements if s.summed}
        self.rows, self.found = {}, {}  # the row's expression at the call -> the argument's name; -> the value and its buffer
        self.arrays, self.scratch, self.sizes = {}, {}, {}

    def parameters(self):
        """What the row function calls what it is given."""
        return [*self.sizes, *self.rows.values()]

    def arguments(self):
        """What it is given for sample b at step t."""
        return [*self.sizes, *(self._expression(*found) for found in self.found.values())]

    def index_name(self, s):
        if s.is_Symbol and s in self.names.axes:
            return self.names.axes[s]
        for n in s.free_symbols:
            self.sizes[identifier_of(n.name)] = None
        return identifier_of(str(s))

    def size(self, n):
        return index_text(n, self.index_name)

    def slot(self, q, indices, buffer=None):
        """The place of an entry in the row that holds it."""
        row = self.row(q, buffer)
        where = ", ".join(map(self.size, indices)) or "0"
        return f"{row}[{where}]"

    def all_of(self, q, indices):
        """All places that keep an entry."""
        copies = self.emitter.schedule.copies.get(q, [])
        return [self.slot(q, indices, buffer) for buffer in ([self.buffers[q]] if self._is_kept(q) else []) + copies]

    def _is_kept(self, q):
        buffer = self.buffers[q]
        return buffer.kind != "local" and not (buffer.kind == "row" and not self.shapes[q])

    def row(self, q, buffer=None):
        """The row that holds a value."""
        buffer = buffer or self.buffers[q]
        expression = self._expression(q, buffer)
        if expression not in self.rows:
            self.rows[expression], self.found[expression] = self._row_name(q, buffer), (q, buffer)
            (self.scratch if buffer.kind in ("row", "step") else self.arrays)[buffer.array] = None
        return self.rows[expression]

    def _row_name(self, q, buffer):
        """The name of an array that is there only once, or of a value that is not computed here; else one that nothing has."""
        word, rows = self.emitter.schedule.identifiers[q], self.rows.values()
        name = buffer.array if buffer.kind == "carried" else f"{word}_out" if q in self.inside else word
        while name in rows or (name in self.names.taken and name not in (word, buffer.array)):
            name += "_"
        return name

    def _expression(self, q, buffer):
        """The row of a value, as the caller says it."""
        shape, names, array = self.shapes[q], self.names, buffer.array
        if buffer.kind in ("once", "row"):
            return array
        step = self._step(buffer) + names.b
        if not buffer.packed:
            slicing = buffer.kind == "carried" or not shape
            return f"{array}[{step}{'' if shape else f':{names.b} + 1'}]" if slicing else f"row_at({array}, {step})"
        start, stop = self.size(buffer.offset), self.size(buffer.offset + volume(shape))
        row = f"columns_at({array}, {step}, {start}, {stop})"
        return row if len(shape) < 2 else f"array_in({row}, 0, ({', '.join(map(self.size, shape))}))"

    def _step(self, buffer):
        """The index of the step in an array; what is given may be the same at every step, and then stands there once."""
        t = self.names.t
        return {
            "carried": "",
            "step": "0, ",
            "block": f"{t} - {self.names.first}, ",
            "state": f"{t} + 1, ",
            "cotangent": f"{t} % {buffer.array}.shape[0], ",
        }.get(buffer.kind, f"{t}, ")
