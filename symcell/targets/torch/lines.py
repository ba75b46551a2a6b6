"""Statements -> lines of PyTorch, of all steps or of one."""

from sympy import Add

from symcell.language.primitives import Primitive, matmul, transpose
from symcell.program.program import Assign, Gradient, values_in
from symcell.targets.arrays.lines import StatementPrinter
from symcell.targets.layout import listed, tuple_text
from symcell.targets.torch.library import TORCH
from symcell.targets.torch.stacking import Join


class Lines:
    """The lines of one function. `like` is the name of a value that is there from the beginning."""

    def __init__(self, owner, names, like, in_step=False):
        self.program, self.names, self.like, self.in_step = owner.program, names, like, in_step
        self.sizes, self.read = set(), set()  # those that the lines read, and the values that the last texts do
        self.print = StatementPrinter(TORCH, owner.program, owner.order, self._value, self._size, like)

    def _value(self, q):
        self.read.add(q)
        return self.names(q)

    def _size(self, n):
        self.sizes.add(n)
        return self.names.size(n)

    @property
    def called(self):
        return self.print.called

    def assignments(self, s):
        """The lines of one statement."""
        if isinstance(s, Join):
            return [f"{self.names(s.target)} = {self._joined(s)}"]
        if isinstance(s, Gradient):
            pairs = zip(s.targets, s.bars, strict=True)
            return [f"{self.names(t)} = {self.print.outer_sum(t, bar, s.operand)}" for t, bar in pairs]
        if isinstance(s, Assign):
            return [f"{self.names(s.target)} = {self.filled(s)}"]
        axis = len(self.program.shapes[s.source]) - 2 if s.rows else -1
        return [f"{listed(list(map(self.names, s.targets)))} = {self._cut(s.source, s.sizes, axis)}"]

    # Tensors in tensors

    def _joined(self, s):
        shapes = [self.print.shape(e) for e in s.parts]
        once = [self.print.is_once(e) for e in s.parts]
        parts, rank = ", ".join(map(self.print, s.parts)), len(shapes[0])
        if all(once) or not any(once):
            return f"torch.cat(({parts}), dim={max(rank - 2, 0) if rank > 1 or all(once) else -1})"
        self.print.called.add("concat")
        return f"concat({parts})"

    def cut(self, source, parts):
        """A vector of several, taken apart."""
        return self._cut(source, [self.program.shapes[q][0] for q in parts], -1)

    def _cut(self, source, sizes, axis):
        if len(set(sizes)) == 1:
            return f"{self.names(source)}.chunk({len(sizes)}, dim={axis})"
        return f"{self.names(source)}.split({tuple_text(map(self.print.index, sizes))}, dim={axis})"

    # Assignments

    def factor(self, target, e):
        """What a value is multiplied by, which may be the same for all steps and samples."""
        return self.print.whole(Assign(target, e)) if values_in(e) else f"{self.like}.new_full((), {self.print(e)})"

    def filled(self, s):
        """The value of an Assign, for all steps and samples."""
        is_stepwise = s.target not in self.program.once
        if not values_in(s.expr) and not s.expr.has(Primitive):
            return f"{self.like}.new_full({self._shape(s.target)}, {self.print(s.expr)})"
        if text := self._sum_with_product(s.expr):
            return text
        self.read.clear()
        text = self.print.whole(s)
        if is_stepwise and self.read <= self.program.once:  # a primitive's entries may depend on fewer values than it has
            text = f"torch.broadcast_to({text}, {self._shape(s.target)})"
        is_copy = s.expr.is_Symbol and not self.in_step  # a state is a tensor of its own
        return f"{text}.clone()" if is_copy and s.target in self.program.declaration.states else text

    def _shape(self, q):
        """The shape of a value, with the numbers of steps and samples."""
        lead = [] if q in self.program.once else ["T", "B"][self.in_step :]
        self.sizes.update(lead)
        return tuple_text([*lead, *map(self.print.index, self.program.shapes[q].whole)])

    def _sum_with_product(self, e):
        """A product with a weight and what is added to it, in one operation; "" if an expression is something else."""
        products = [a for a in e.args if isinstance(a, matmul)] if isinstance(e, Add) else []
        if len(e.args) != 2 or len(products) != 1:
            return ""
        (matrix, v), (start,) = products[0].args, [a for a in e.args if a != products[0]]
        shapes = [self.print.shape(a) for a in (matrix, v, start)]
        if not self.print.is_once(matrix) or any(s.over for s in shapes) or [len(s) for s in shapes] != [2, 1, 1]:
            return ""
        if self.in_step:
            return f"torch.addmm({self.print(start)}, {self.print(v)}, {self.print(transpose(matrix))})"
        if not self.print.is_once(start):
            return ""
        return f"torch.nn.functional.linear({self.print(v)}, {self.print(matrix)}, {self.print(start)})"
