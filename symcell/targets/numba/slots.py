"""What a row function is given: rows of arrays, and in them the entries that it reads or keeps."""

from symcell.targets.identifiers import yielding
from symcell.targets.indices import index_text
from symcell.targets.numba.buffers import volume


class Slots:
    """The rows that a row function is given, each an argument of its own, so that no two overlap: one-dimensional, or matrices
    where the value is one. They are found as its lines are printed; so are the sizes that it reads."""

    def __init__(self, emitter, sweep):
        self.emitter, self.names, self.homes, self.shapes = emitter, emitter.names, emitter.homes, emitter.program.shapes
        self.inside = set(sweep.targets) - {s.target for s in sweep.statements if s.summed}
        self.rows, self.found = {}, {}  # the row's expression at the call -> the argument's name; -> the value and its home
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
            self.sizes[yielding(n.name)] = None
        return yielding(str(s))

    def size(self, n):
        return index_text(n, self.index_name)

    def slot(self, q, indices, home=None):
        """The place of an entry in the row that holds it."""
        row = self._row(q, home or self.homes[q])
        where = ", ".join(map(self.size, indices)) or "0"
        return f"{row}[{where}]"

    def all_of(self, q, indices):
        """All places that keep an entry."""
        copies = self.emitter.schedule.copies.get(q, [])
        return [self.slot(q, indices, home) for home in ([self.homes[q]] if self._is_kept(q) else []) + copies]

    def _is_kept(self, q):
        home = self.homes[q]
        return home.kind != "local" and not (home.kind == "row" and not self.shapes[q])

    def _row(self, q, home):
        expression = self._expression(q, home)
        if expression not in self.rows:
            self.rows[expression], self.found[expression] = self._row_name(q, home), (q, home)
            (self.scratch if home.kind in ("row", "step") else self.arrays)[home.array] = None
        return self.rows[expression]

    def _row_name(self, q, home):
        """The name of an array that is there only once, or of a value that is not computed here; else one that nothing has."""
        word, rows = self.emitter.schedule.words[q], self.rows.values()
        name = home.array if home.kind == "carried" else f"{word}_out" if q in self.inside else word
        while name in rows or (name in self.names.taken and name not in (word, home.array)):
            name += "_"
        return name

    def _expression(self, q, home):
        """The row of a value, as the caller says it."""
        shape, names, array = self.shapes[q], self.names, home.array
        if home.kind in ("once", "row"):
            return array
        step = self._step(home) + names.b
        if not home.packed:
            slicing = home.kind == "carried" or not shape
            return f"{array}[{step}{'' if shape else f':{names.b} + 1'}]" if slicing else f"row_at({array}, {step})"
        start, stop = self.size(home.offset), self.size(home.offset + volume(shape))
        row = f"columns_at({array}, {step}, {start}, {stop})"
        return row if len(shape) < 2 else f"array_in({row}, 0, ({', '.join(map(self.size, shape))}))"

    def _step(self, home):
        """The index of the step in an array; what is given may be the same at every step, and then stands there once."""
        t = self.names.t
        return {
            "carried": "",
            "step": "0, ",
            "block": f"{t} - {self.names.first}, ",
            "state": f"{t} + 1, ",
            "cotangent": f"{t} % {home.array}.shape[0], ",
        }.get(home.kind, f"{t}, ")
