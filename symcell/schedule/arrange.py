"""Program -> Schedule: statements grouped into loops, and for every value the memory in which it lives.

A *sweep* is a list of nests (symcell.schedule.nests) that one row function runs for one sample of one step. Sweeps and products
alternate.
"""

from dataclasses import dataclass, field

from sympy import Integer

from symcell.language.functions import RESERVED, YIELDING
from symcell.language.symbols import Adjoint
from symcell.language.words import unused
from symcell.schedule.nests import Nest, nests
from symcell.schedule.program import BACKWARD, FORWARD, Assign, Product, Program


@dataclass
class Sweep:
    """The nests that run one after another for each sample of each step (in place `once`: one time)."""

    nests: list[Nest]

    @property
    def statements(self):
        return [s for n in self.nests for s in n.statements]

    @property
    def targets(self):
        return tuple(s.target for s in self.statements)

    @property
    def sources(self):
        return tuple(dict.fromkeys(q for s in self.statements for q in s.sources))


@dataclass(frozen=True)
class Home:
    """Where a value lives. `kind`: local, row (scratch of one sample), step (all samples of a step), block (some steps, which the
    cache holds), sequence (all steps), once, or one of the given arrays: state, previous, input, given, later. Values packed side
    by side share an `array`, from `offset` on."""

    kind: str
    array: str
    offset: object = Integer(0)
    packed: bool = False


@dataclass
class Schedule:
    """What emission prints: for each direction its places with their items (Sweep, Product, Gradient), and the homes.

    `words` are the values' names in Python, each its own: a cell may call an intermediate dx beside an input x."""

    program: Program
    forward: dict
    backward: dict
    words: dict = field(default_factory=dict)
    homes: dict = field(default_factory=dict)
    copies: dict = field(default_factory=dict)  # symbol -> further homes, where two products want it beside different others
    packs: dict = field(default_factory=dict)  # array name -> symbols
    runs: dict = field(default_factory=dict)  # symbols that a product treats as one -> the Home of the first
    tape: tuple = ()

    def home_of(self, symbols):
        """Where the first of some values lives that a product treats as one."""
        return self.runs.get(symbols, self.homes[symbols[0]])


def schedule(program):
    """Program -> Schedule."""
    result = Schedule(program, _phases(program, program.forward, FORWARD), _phases(program, program.backward, BACKWARD))
    _Housing(result).settle()
    return result


def _phases(program, statements, places):
    return {p: _Grouping(program, [s for s in statements if s.place == p], p).items() for p in places}


class _Grouping:
    """The statements of a place as sweeps and products in turn, each as early and as large as what it reads allows."""

    def __init__(self, program, statements, place):
        self.program, self.left, self.place = program, list(statements), place
        self.waiting = {t for s in statements for t in s.targets}
        self.readers = {late: [s for s in statements if early in s.sources] for early, late in program.overwritten.items()}

    def items(self):
        found = []
        while self.left:
            products = [s for s in self.left if not isinstance(s, Assign) and self._is_ready([s])]
            if products:
                self._take(products)
                found += products
                continue
            assignments = []
            while ready := self._ready_assignments():
                self._take(ready)
                assignments += ready
            if not assignments:
                names = [str(s.targets[0]) for s in self.left]
                raise AssertionError(f"program of {self.program.cell.name}: each of {names} waits for another")
            found.append(Sweep(nests(self.program, assignments)))
        return found

    def _take(self, statements):
        self.left = [s for s in self.left if s not in statements]
        self.waiting.difference_update(t for s in statements for t in s.targets)

    def _ready_assignments(self):
        """The first assignment whose turn it is; of a recurrence, all at once."""
        for s in self.left:
            if isinstance(s, Assign):
                group = [r for r in self.left if r is s or (s.recurrence and getattr(r, "recurrence", "") == s.recurrence)]
                if self._is_ready(group):
                    return group
        return []

    def _is_ready(self, group):
        """Whether all that the statements read, themselves apart, is made, and all that read what they replace have done so."""
        own = {t for s in group for t in s.targets}
        waiting = self.waiting - own
        replaced = {r.targets[0] for t in own for r in self.readers.get(t, ()) if r in self.left} - own
        read = {q for s in group for q in s.sources}
        if self.place != "step":  # all steps at once: what a step before makes has to be there too
            read |= {self.program.carried.get(q, q) for q in read}
        return not replaced and not read & waiting


class _Housing:
    """Finds a home for every value: the smallest memory that all its readers can see."""

    def __init__(self, result):
        self.result, self.program = result, result.program
        self.names = set(self.program.cell.sizes) | RESERVED | YIELDING
        cell = self.program.cell
        own = (*cell.inputs, *cell.params, *cell.constants, *cell.states, *cell.intermediates)
        self.words = result.words
        for q in dict.fromkeys((*own, *self.program.shapes)):
            is_function = q.name.startswith(("forward_", "backward_"))  # the module's own are named like that
            self.words[q] = self._fresh(f"{q.name}_" if is_function else q.name)
        self.made, self.read = {}, {}
        for direction in ("forward", "backward"):
            for place, items in getattr(result, direction).items():
                for k, item in enumerate(items):
                    self._note(item, (direction, place, k))

    def _note(self, item, where):
        if isinstance(item, Sweep):
            for n, nest in enumerate(item.nests):
                for s in nest.statements:
                    self.made[s.target] = (*where, n)
                    for q in s.sources:
                        self.read.setdefault(q, []).append((*where, n))
        else:
            for t in item.targets:
                self.made[t] = (*where, None)
            for q in item.sources:
                self.read.setdefault(q, []).append((*where, None))

    def settle(self):
        homes = self.result.homes
        self._given_homes(homes)
        items = [i for items in (*self.result.forward.values(), *self.result.backward.values()) for i in items]
        groups = [i.sides[0] for i in items if not isinstance(i, Sweep)]
        for symbols in sorted(dict.fromkeys(groups), key=len, reverse=True):  # the widest first: the others may be runs of it
            self._pack(symbols, _common_stem(symbols))
        for i in items:
            if isinstance(i, Product):
                self._pack(i.targets, f"from_{i.operands[0]}")
        for q in self.made:
            if q not in homes:
                homes[q] = Home(self._kind(q), self._array_name(q))
        made_forward = {q for q, where in self.made.items() if where[0] == "forward"}
        read_back = {q for q, places in self.read.items() if any(w[0] == "backward" for w in places)}
        kept = [q for q in made_forward & read_back if homes[q].kind in ("sequence", "once")]
        self.result.tape = tuple(sorted({homes[q].array for q in kept}))

    def _given_homes(self, homes):
        cell, program = self.program.cell, self.program
        for q in (*cell.params, *cell.constants):
            homes[q] = Home("once", self.words[q])
        for q in cell.inputs:
            homes[q] = Home("input", self.words[q])
        for s in cell.states:
            array = self._fresh(f"{self.words[s]}_seq")
            homes[s], homes[s.prev] = Home("state", array), Home("previous", array)
            homes[Adjoint(s, "given")] = Home("given", self.words[Adjoint(s, "given")])
            homes[Adjoint(s, "later")] = homes[Adjoint(s.prev)] = Home("later", self.words[Adjoint(s, "later")])
        results = {Adjoint(p) for p in cell.params}
        for q in self.made:
            if q in program.once and (q in results or self._kind(q) != "local"):
                homes[q] = Home("once", self.words[q])
        for q in cell.inputs:
            homes[Adjoint(q)] = Home("sequence", self._fresh(f"{self.words[Adjoint(q)]}_seq"))

    def _kind(self, q):
        """local, row, step, block or sequence, by where it is made and read."""
        here, readers = self.made[q], self.read.get(q, [])
        if all(r == here for r in readers) and here[3] is not None:
            return "local"
        if all(r[:3] == here[:3] for r in readers) and here[3] is not None:
            return "row"
        if here[1] == "step" and all(r[:2] == here[:2] for r in readers):
            return "step"
        return "block" if all(r[0] == here[0] for r in readers) else "sequence"

    def _pack(self, symbols, hint):
        """Give values that a product treats as one a place side by side."""
        homes, result = self.result.homes, self.result
        if len(symbols) == 1 and symbols[0] in homes:
            result.runs[symbols] = homes[symbols[0]]
            return
        for array, packed in result.packs.items():
            start = next((k for k in range(len(packed)) if packed[k : k + len(symbols)] == symbols), None)
            if start is not None:
                result.runs[symbols] = self._homes_in(array)[packed[start]]
                return
        kinds = {self._kind(q) for q in symbols}
        kind = next((k for k in ("sequence", "block") if k in kinds), "step")
        array, offset = self._fresh(hint), Integer(0)
        result.packs[array] = symbols
        for q in symbols:
            home = Home(kind, array, offset, packed=True)
            if q in homes:
                result.copies.setdefault(q, []).append(home)
            else:
                homes[q] = home
            offset += volume(self.program.shapes[q])
        result.runs[symbols] = self._homes_in(array)[symbols[0]]

    def _homes_in(self, array):
        found = {q: h for q, h in self.result.homes.items() if h.array == array}
        return found | {q: h for q, copies in self.result.copies.items() for h in copies if h.array == array}

    def _array_name(self, q):
        return self._fresh(f"{self.words[q]}_seq") if self._kind(q) in ("block", "sequence") else self.words[q]

    def _fresh(self, hint):
        return unused(hint, self.names)


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
