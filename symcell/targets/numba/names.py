"""What generated code calls its own: steps, samples, threads, memory."""

from sympy import Integer, Rational

from symcell.language.symbols import Adjoint
from symcell.targets.identifiers import identifier_of
from symcell.targets.numba.indexed import AXES


class Names:
    """The names that generated code uses for its own purposes, out of the way of the cell's."""

    def __init__(self, schedule):
        buffers = {*schedule.buffers.values(), *(b for copies in schedule.copies.values() for b in copies)}
        taken = {*schedule.identifiers.values(), *(buffer.array for buffer in buffers)}
        taken.update(map(identifier_of, schedule.program.declaration.sizes))

        def pick(name):
            name = identifier_of(name)
            while name in taken:
                name += "_"
            taken.add(name)
            return name

        self.T, self.B, self.t, self.b, self.dtype = map(pick, ("T", "B", "t", "b", "dtype"))
        self.real, self.run = pick("real"), pick("run")
        self.params, self.inputs, self.initial, self.cotangents = map(pick, ("params", "inputs", "initial", "cotangents"))
        self.kept = pick("kept")
        self.keeping = {q: pick(f"{schedule.identifiers[q]}_kept") for q in schedule.program.declaration.inputs}
        self.carried, self.states, self.tape, self.sizes = map(pick, ("carried", "states", "tape", "sizes"))
        self.block, self.first, self.last = map(pick, ("block", "first", "last"))
        self.batch_start, self.batch_stop = map(pick, ("batch_start", "batch_stop"))
        self.sweep_stop, self.rank, self.team = map(pick, ("sweep_stop", "rank", "team"))
        self.threads, self.parts, self.part, self.k, self.matrix = map(pick, ("threads", "parts", "part", "k", "matrix"))
        self.row_offsets, self.panels, self.packs, self.into = map(pick, ("row_offsets", "panels", "packs", "into"))
        self.products, self.memory = map(pick, ("products", "memory"))
        self.input_gradients, self.lengths = pick("input_gradients"), pick("lengths")
        self.sums, self.rows = pick("sums"), pick("rows")
        self.final = {s: pick(Adjoint(s, "final").name) for s in schedule.program.declaration.states}
        self.axes = {a: pick(letter) for a, letter in zip(AXES, "jklmpquv", strict=True)}
        self.numbers = {
            n: pick(w) for n, w in ((Integer(0), "zero"), (Integer(1), "one"), (Integer(2), "two"), (Rational(1, 2), "half"))
        }
        self.share = (self.batch_start, self.batch_stop, self.sweep_stop, self.rank, self.team)  # what one thread does
        self.weights = {}  # the weights of a product, or their gradients -> the name of the matrix that has them all
        self.pick, self.taken = pick, taken
