"""Products with block-diagonal matrices read the blocks alone. Those of several matrices are one product, if they have as many
blocks of one size: `stacking` keeps the blocks of all in one tensor (blocks, matrices * rows, columns)."""

from dataclasses import replace

from sympy import Add, Integer

from symcell.language.primitives import Primitive, matmul, swap, transpose
from symcell.language.primitives.blocks import block_diagonal, diagonal_blocks
from symcell.program.program import Assign, Gradient, Product
from symcell.targets.arrays.statements import matrix_of


class blockwise(Primitive):
    """blockwise(r, v, count): the products of `count` matrices with one vector, side by side."""

    def shape(self, shapes, sizes):
        blocks, rows, _ = shapes[0]
        return (blocks * rows,)

    def evaluate(self, r, v, count):
        raise NotImplementedError


class blockwise_back(Primitive):
    """blockwise_back(r, v, count): the sum of the products of `count` transposed matrices with vectors that lie side by side."""

    def shape(self, shapes, sizes):
        blocks, _, columns = shapes[0]
        return (blocks * columns,)

    def evaluate(self, r, v, count):
        raise NotImplementedError


class blockwise_outer_sum(Primitive):
    """blockwise_outer_sum(bar, v, blocks, count): the gradients of `count` matrices, sums over steps and samples. The adjoints of
    their products lie side by side in `bar`."""

    def shape(self, shapes, sizes):
        blocks = self.args[2]
        return (blocks, shapes[0][0] / blocks, shapes[1][0] / blocks)

    def evaluate(self, bar, v, blocks, count):
        raise NotImplementedError


class Blocks:
    """The block-diagonal matrices of a program, whose statements `stacking` makes."""

    def __init__(self, stacking, program):
        made = [s for s in (*program.forward, *program.backward) if isinstance(s, Assign)]
        weights = {t for s in program.backward if isinstance(s, Gradient) for t in s.targets}
        readers = [q for s in program.backward for q in s.sources]
        self.stacking, self.shape = stacking, stacking.shape
        self.arrays = {s.target: s.expr.args[0] for s in made if isinstance(s.expr, block_diagonal)}
        found = {s.expr.args[0]: s.target for s in made if isinstance(s.expr, diagonal_blocks)}
        self.gradients = {t: of_blocks for t, of_blocks in found.items() if t in weights and readers.count(t) == 1}

    def array(self, weight, transposed):
        """A matrix, perhaps transposed; of a block-diagonal one, its blocks."""
        if self._kind(weight) is None:
            return transpose(matrix_of(weight)) if transposed else matrix_of(weight)
        return swap(self.arrays[weight.symbol], 1, 2) if transposed else self.arrays[weight.symbol]

    def count_of(self, gradient):
        """The number of blocks of a matrix with a gradient; None if it has none."""
        return self.shape(gradient)[0] if gradient in self.gradients.values() else None

    def products(self, matrix, vector, count):
        """The products of `count` matrices, one above the other, with one vector."""
        return blockwise(matrix, vector, Integer(count)) if len(self.shape(matrix)) == 3 else matmul(matrix, vector)

    def sum_of_products(self, matrix, vector, count):
        """The sum of products of these matrices, transposed, with vectors side by side."""
        are_blocks = len(self.shape(matrix)) == 3
        return blockwise_back(matrix, vector, Integer(count)) if are_blocks else matmul(transpose(matrix), vector)

    def apart(self, statements):
        """The statements, each product and gradient of matrices alike: not block-diagonal, or with as many blocks of one size."""
        changed = {Product: self._products, Gradient: self._gradients}
        left = [s for s in statements if isinstance(s, Gradient) or s.targets[0] not in self.gradients.values()]
        return [new for s in left for new in changed.get(type(s), lambda s: [s])(s)]

    # Products

    def _products(self, s):
        groups = _grouped([self._kind(w) for w in s.weights])
        if len(s.operands) == 1:
            return [self._single(replace(s, targets=_at(s.targets, group), weights=_at(s.weights, group))) for group in groups]
        parts = s.targets
        if len(groups) > 1:
            parts = [self.stacking.new(parts[0].name, self.stacking.shapes[parts[0]]) for _ in groups]
        found = [
            self._single(replace(s, targets=(part,), weights=_at(s.weights, group), operands=_at(s.operands, group)))
            for part, group in zip(parts, groups, strict=True)
        ]
        return found if len(groups) == 1 else [*found, Assign(s.targets[0], Add(*parts), s.place, s.note)]

    def _kind(self, weight):
        """What is equal of matrices alike."""
        if weight.symbol not in self.arrays or weight.columns is not None:
            return None
        blocks, rows, columns = self.shape(self.arrays[weight.symbol])
        return (blocks, columns, rows) if weight.transposed else (blocks, rows, columns)

    def _single(self, s):
        """The product, as an assignment if it is one with one block-diagonal matrix."""
        if len(s.weights) > 1 or self._kind(s.weights[0]) is None:
            return s
        product = self.sum_of_products if s.weights[0].transposed else self.products
        e = product(self.arrays[s.weights[0].symbol], self.stacking.flat(s.operands[0]), 1)
        return self.stacking.of_heads(s, s.targets[0], e)

    # Gradients

    def _gradients(self, s):
        for group in _grouped([tuple(self.shape(self.gradients[t])) if t in self.gradients else None for t in s.targets]):
            targets, bars = _at([self.gradients.get(t, t) for t in s.targets], group), _at(s.bars, group)
            if self.count_of(targets[0]) and (len(targets) == 1 or self._have_heads(s)):
                yield from [self._gradient(s, *pair) for pair in zip(targets, bars, strict=True)]
            else:
                yield replace(s, targets=targets, bars=bars)

    def _have_heads(self, s):
        return any(self.stacking.shapes[q].over for q in (*s.bars, s.operand))

    def _gradient(self, s, target, bar):
        bar, operand = map(self.stacking.flat, (bar, s.operand))
        return Assign(target, blockwise_outer_sum(bar, operand, self.count_of(target), Integer(1)), s.place, s.note)


def _grouped(kinds):
    """The places of each kind."""
    groups = {}
    for k, kind in enumerate(kinds):
        groups.setdefault(kind, []).append(k)
    return list(groups.values())


def _at(values, places):
    return tuple(values[k] for k in places)
