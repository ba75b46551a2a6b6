"""Buffer assignment: every value gets the smallest memory that all its readers can reach."""

from dataclasses import dataclass
from typing import NamedTuple

from sympy import Integer

from symcell.language.identifiers import unused
from symcell.language.symbols import Adjoint
from symcell.program.program import Product
from symcell.targets.identifiers import identifier_of, own_names
from symcell.targets.numba.loops import Sweep


@dataclass(frozen=True)
class Buffer:
    """Where a value is stored. `kind`: local, row (scratch of one sample), step (all samples of a step), block (as many
    steps as the cache holds), sequence (all steps), once, or one of the given arrays: state, previous, input, cotangent,
    carried. Values packed side by side share an `array`; each begins at its `offset`."""

    kind: str
    array: str
    offset: object = Integer(0)
    packed: bool = False


class Spot(NamedTuple):
    """Where a value is written or read: the item of a place, and the nest of a sweep."""

    direction: str
    place: str
    item: int
    nest: int | None


class BufferAssignment:
    """Assigns names and buffers to all values of a program whose items are arranged. Schedule describes its attributes."""

    def __init__(self, program, forward, backward):
        self.program = program
        self.names = {*own_names(), *map(identifier_of, program.declaration.sizes)}
        self.identifiers = self._identifiers()
        self.made, self.read = {}, {}  # value -> the spot that writes it; value -> the spots that read it
        for direction, places in (("forward", forward), ("backward", backward)):
            for place, items in places.items():
                for k, item in enumerate(items):
                    self._note(item, (direction, place, k))
        self.copies, self.packs, self.runs = {}, {}, {}
        self.buffers = self._given_buffers()
        self._pack_operands([i for places in (forward, backward) for items in places.values() for i in items])
        for q in self.made:
            if q not in self.buffers:
                self.buffers[q] = Buffer(self._kind(q), self._array_name(q))

    @property
    def tape(self):
        """The arrays that the forward pass makes for the backward one."""
        made_forward = {q for q, spot in self.made.items() if spot.direction == "forward"}
        read_back = {q for q, spots in self.read.items() if any(r.direction == "backward" for r in spots)}
        buffers = [self.buffers[q] for q in made_forward & read_back]
        return tuple(sorted({buffer.array for buffer in buffers if buffer.kind == "sequence"}))

    def _identifiers(self):
        cell, found = self.program.declaration, {}
        own = (*cell.inputs, *cell.params, *cell.constants, *cell.states, *cell.intermediates)
        for q in dict.fromkeys((*own, *self.program.shapes)):
            found[q] = self._fresh(q.name)
        return found

    def _note(self, item, where):
        """Note which values an item writes and reads."""
        parts = [(n, nest.statements) for n, nest in enumerate(item.nests)] if isinstance(item, Sweep) else [(None, [item])]
        for n, statements in parts:
            spot = Spot(*where, n)
            for s in statements:
                self.made.update(dict.fromkeys(s.targets, spot))
                for q in s.sources:
                    self.read.setdefault(q, []).append(spot)

    def _given_buffers(self):
        """The buffers of what a pass is given, and of its results."""
        cell, program, buffers = self.program.declaration, self.program, {}
        for q in (*cell.params, *cell.constants):
            buffers[q] = Buffer("once", self.identifiers[q])
        for q in cell.inputs:
            buffers[q] = Buffer("input", self.identifiers[q])
        for s in cell.states:
            array = self._fresh(f"{self.identifiers[s]}_seq")
            buffers[s], buffers[s.prev] = Buffer("state", array), Buffer("previous", array)
            buffers[Adjoint(s, "cotangent")] = Buffer("cotangent", self.identifiers[Adjoint(s, "cotangent")])
            buffers[Adjoint(s, "carried")] = buffers[Adjoint(s.prev)] = Buffer("carried", self.identifiers[Adjoint(s, "carried")])
        results = {Adjoint(p) for p in cell.params}
        for q in self.made:
            if q in program.once and (q in results or self._kind(q) != "local"):
                buffers[q] = Buffer("once", self.identifiers[q])
        for q in cell.inputs:
            buffers[Adjoint(q)] = Buffer("sequence", self._fresh(f"{self.identifiers[Adjoint(q)]}_seq"))
        return buffers

    def _kind(self, q):
        """local, row, step, block or sequence, depending on where it is written and read."""
        here, readers = self.made[q], self.read.get(q, [])
        if all(r == here for r in readers) and here.nest is not None:
            return "local"
        if all(r[:3] == here[:3] for r in readers) and here.nest is not None:
            return "row"
        if here.place == "step" and all(r[:2] == here[:2] for r in readers):
            return "step"
        return "block" if all(r.direction == here.direction for r in readers) else "sequence"

    def _pack_operands(self, items):
        """Pack side by side what a product or a weight gradient reads as one, and what a product writes."""
        groups = [i.sides[0] for i in items if not isinstance(i, Sweep)]
        for symbols in sorted(dict.fromkeys(groups), key=len, reverse=True):  # the widest first: the others may be runs of it
            self._pack(symbols, _common_stem(symbols))
        for i in items:
            if isinstance(i, Product):
                self._pack(i.targets, f"from_{i.operands[0]}")

    def _pack(self, symbols, hint):
        """Give the values that a product treats as one a buffer side by side."""
        if len(symbols) == 1 and symbols[0] in self.buffers:
            self.runs[symbols] = self.buffers[symbols[0]]
            return
        for array, packed in self.packs.items():
            start = next((k for k in range(len(packed)) if packed[k : k + len(symbols)] == symbols), None)
            if start is not None:
                self.runs[symbols] = self._buffers_in(array)[packed[start]]
                return
        kinds = {self._kind(q) for q in symbols}
        kind = next((k for k in ("sequence", "block") if k in kinds), "step")
        array, offset = self._fresh(hint), Integer(0)
        self.packs[array] = symbols
        for q in symbols:
            buffer = Buffer(kind, array, offset, packed=True)
            if q in self.buffers:
                self.copies.setdefault(q, []).append(buffer)
            else:
                self.buffers[q] = buffer
            offset += volume(self.program.shapes[q])
        self.runs[symbols] = self._buffers_in(array)[symbols[0]]

    def _buffers_in(self, array):
        found = {q: h for q, h in self.buffers.items() if h.array == array}
        return found | {q: h for q, copies in self.copies.items() for h in copies if h.array == array}

    def _array_name(self, q):
        return self._fresh(f"{self.identifiers[q]}_seq") if self._kind(q) in ("block", "sequence") else self.identifiers[q]

    def _fresh(self, hint):
        return unused(identifier_of(hint), self.names)


def _common_stem(symbols):
    """dz for dz_i, dz_f, dz_g: what the names share, up to an underscore."""
    stems = {q.name.split("_", 1)[0] for q in symbols}
    return f"{stems.pop()}_all" if len(stems) == 1 and len(symbols) > 1 else "_and_".join(q.name for q in symbols[:3]) + "_seq"


def volume(shape):
    """The number of entries of a shape."""
    n = Integer(1)
    for s in shape:
        n *= s
    return n
