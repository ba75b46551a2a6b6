"""Products as tensors take them: several weights in one tensor, one above the other, and several vectors in one, side by side.
One product then does the work of many, in the loop over time and outside of it alike."""

from dataclasses import dataclass
from itertools import takewhile

from sympy import Add, Expr, Symbol

from symcell.language.identifiers import unused
from symcell.language.primitives import divide, merge, transpose
from symcell.language.shapes import resolved_shape
from symcell.language.sizes import Dims
from symcell.program.program import NO_NOTE, Assign, Gradient, Note, Product, values_in
from symcell.targets.arrays.statements import expanded
from symcell.targets.torch.blocks import Blocks, blockwise_outer_sum

_PLACES = ("once", "before", "step", "after")


@dataclass(frozen=True)
class Join:
    """target = the parts side by side; matrices one above the other, block-diagonal ones block by block."""

    target: Symbol
    parts: tuple[Expr, ...]
    place: str = ""
    note: Note = NO_NOTE

    @property
    def targets(self):
        return (self.target,)

    @property
    def sources(self):
        return tuple(sorted(set().union(*map(values_in, self.parts)), key=str))


@dataclass(frozen=True)
class Split:
    """targets = the parts of a source, cut as a Join of values of these sizes would be; `rows` of matrices, or entries."""

    targets: tuple[Symbol, ...]
    source: Symbol
    sizes: tuple[Expr, ...]
    place: str = ""
    note: Note = NO_NOTE
    rows: bool = False

    @property
    def sources(self):
        return (self.source,)


class Stacking:
    """Makes the statements of both directions; `once` are those that parameters alone make, beside the program's own."""

    def __init__(self, program):
        self.shapes, self.shared = dict(program.shapes), set(program.once)
        self.program = program.with_(shapes=self.shapes, once=self.shared)
        self.names = {q.name for q in (*self.shapes, *program.carried)}
        self.once, self.matrices, self.joins = [], {}, {}
        self.blocks = Blocks(self, program)

    def new(self, hint, shape, once=False):
        """A new value, which the program does not name."""
        symbol = Symbol(unused(hint, self.names))
        self.shapes[symbol] = shape if isinstance(shape, Dims) else Dims(shape)
        if once:
            self.shared.add(symbol)
        return symbol

    def shape(self, e):
        return resolved_shape(e, self.shapes.__getitem__)

    def stacked(self, statements):
        """The statements of one direction, their products stacked."""
        statements, places, made, found = self.blocks.apart(statements), {}, set(), []
        for s in statements:
            parts = self._side_by_side(s)
            places[parts] = min(s.place, places.get(parts, s.place), key=_PLACES.index)
        for s in statements:
            parts = self._side_by_side(s)
            if parts and parts not in made and s.place == places[parts]:
                made.add(parts)
                found.append(Join(self.joined(parts), parts, s.place, s.note))
            found += self._stacked(s)
        return found

    def _side_by_side(self, s):
        """The vectors that a statement reads side by side; none if it is not to be stacked."""
        if isinstance(s, Gradient) and self._is_stack_of_gradients(s):
            return s.bars
        if isinstance(s, Product) and len(s.operands) > 1 and self._is_stack(s):
            return tuple(map(self.flat, s.operands))
        return ()

    def _is_stack(self, s):
        return len(s.weights) > 1 and all(len(self.shapes[w.symbol].whole) == 2 == len(self.shapes[w.symbol]) for w in s.weights)

    def _is_stack_of_gradients(self, s):
        values = [self.shapes[q] for q in (*s.bars, s.operand)]
        return len(s.bars) > 1 and all(len(shape.whole) == 1 == len(shape) for shape in values)

    def flat(self, q):
        """A value as one vector, whatever heads it has."""
        return merge(q, *self.shapes[q].over) if self.shapes[q].over else q

    def joined(self, parts, once=False):
        """The value of some vectors side by side, or of some matrices one above the other."""
        if parts not in self.joins:
            shapes = [list(self.shape(e)) for e in parts]
            whole, axis = shapes[0], max(len(shapes[0]) - 2, 0)
            whole[axis] = Add(*[shape[axis] for shape in shapes])
            self.joins[parts] = self.new(common_name(parts), whole, once)
        return self.joins[parts]

    def matrix(self, parts):
        """Some matrices of weights, one above the other."""
        if parts not in self.joins:
            self.once.append(Join(self.joined(parts, once=True), parts, "once"))
        return self.joins[parts]

    def transposed(self, matrix):
        """A matrix that all steps share, transposed."""
        if matrix not in self.matrices:
            name = min(q.name for q in values_in(matrix))
            target = self.matrices[matrix] = self.new(f"{name}_T", reversed(self.shape(matrix)), once=True)
            self.once.append(Assign(target, transpose(matrix), "once"))
        return self.matrices[matrix]

    def start_of(self, parts, statements):
        """What is added to the parts of a stacked product, side by side. Statements that make it join the given ones."""
        if all(values_in(e) <= self.shared for e in parts):
            return self.matrix(parts)
        start = self.new(f"{common_name(parts).removesuffix('_known')}_known", (Add(*[self.shape(e)[0] for e in parts]),))
        statements[start,] = self._sum_of_stacks(start, parts, statements.values()) or Join(start, parts, "before")
        return start

    def _sum_of_stacks(self, start, parts, statements):
        """The sum of a stacked product and of biases, if the parts are such sums, and nothing else reads that; else None."""
        readers = [s for s in statements if not isinstance(s, Split)]
        makers = {s.target: s.expr for s in statements if isinstance(s, Assign)}
        splits = {t: s for s in statements if isinstance(s, Split) for t in s.targets}
        biases, products = zip(*[makers.get(e, e).as_independent(*splits, as_Add=True) for e in parts], strict=True)
        split = splits.get(products[0])
        if not split or products != split.targets or not all(e.is_Symbol and e in self.shared for e in biases):
            return None
        if sum(q in s.sources for s in readers for q in split.targets) > len(parts):
            return None
        return Assign(start, makers[split.source] + self.matrix(biases), "before", split.note)

    def _stacked(self, s):
        parts = self._side_by_side(s)
        if isinstance(s, Gradient) and parts:
            return self._gradients(s, self.joined(parts))
        if not isinstance(s, Product) or not self._is_stack(s):
            return expanded(self.program, s)
        if parts:
            matrix = self.matrix(tuple(self.blocks.array(w, not w.transposed) for w in s.weights))
            return [self.of_heads(s, s.targets[0], self.blocks.sum_of_products(matrix, self.joined(parts), len(parts)))]
        return self._products(s)

    def _gradients(self, s, bars):
        sizes = tuple(self.shapes[q][0] for q in s.bars)
        if blocks := self.blocks.count_of(s.targets[0]):
            e, sizes = blockwise_outer_sum(bars, s.operand, blocks, len(sizes)), tuple(n / blocks for n in sizes)
            gradient = Assign(self.new(common_name(s.targets), self.shape(e), once=True), e, s.place, s.note)
        else:
            whole = self.new(common_name(s.targets), (Add(*sizes), *self.shapes[s.operand]), once=True)
            gradient = Gradient((whole,), (bars,), s.operand, s.place, s.note)
        return [gradient, Split(s.targets, gradient.targets[0], sizes, s.place, s.note, rows=True)]

    def _products(self, s):
        """Several products of one value."""
        matrix = self.matrix(tuple(self.blocks.array(w, w.transposed) for w in s.weights))
        sizes = tuple(self.shape(self.flat(t))[0] for t in s.targets)
        parts = tuple(self.new(t.name, (n,)) if self.shapes[t].over else t for t, n in zip(s.targets, sizes, strict=True))
        whole = self.new(common_name(s.targets), (Add(*sizes),))
        e = self.blocks.products(matrix, self.flat(s.operands[0]), len(parts))
        heads = [self.of_heads(s, t, q) for t, q in zip(s.targets, parts, strict=True) if t != q]
        return [Assign(whole, e, s.place, s.note), Split(parts, whole, sizes, s.place, s.note), *heads]

    def of_heads(self, s, target, e):
        over = self.shapes[target].over
        return Assign(target, divide(e, *over) if over else e, s.place, s.note)


def common_name(values):
    """A name for several values together: what their names begin and end with, and "all" between; or all of them."""
    names = [min(q.name for q in values_in(e)) for e in values]
    start, end = _common_start(names), _common_start([name[::-1] for name in names])[::-1]
    if len(set(names)) == 1 or not start.strip("_d"):
        return "_and_".join(dict.fromkeys(names))
    return "_".join([start.rstrip("_"), "all", *[end.lstrip("_")] * ("_" in end)])


def _common_start(names):
    """What all names begin with."""
    same = takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False))
    return "".join(letters[0] for letters in same)
