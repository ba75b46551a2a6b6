"""The calls of matrix products and weight gradients in a pass."""

from symcell.program.program import Product
from symcell.targets.layout import indented


class ProductCalls:
    """The text of an emitter's products and weight gradients: calls, and the arrays that these take."""

    def __init__(self, emitter):
        self.emitter, self.names, self.arrays = emitter, emitter.names, emitter.arrays

    def lines(self, item, place):
        """The call of a product or a gradient, for one step or for a block of them."""
        matrix = self.arrays.step_matrix if place == "step" else self.arrays.block_matrix
        direction = self.names.t if place == "step" else "0"
        call = self._product(item, matrix, direction) if isinstance(item, Product) else self._gradient(item)
        return [f"if {self.names.input_gradients}:", *indented(call)] if self.is_for_inputs(item) else call

    def is_for_inputs(self, item):
        """Whether nothing but gradients of inputs needs it: they are not always wanted."""
        return self.emitter.direction == "backward" and self.emitter.program.only_for_inputs.issuperset(item.targets)

    def waiting(self, item):
        """Of a product that makes an adjoint which is carried back: the line for samples that end before this step."""
        if not isinstance(item, Product) or self._buffer(item.targets).kind != "carried":
            return []
        names = self.names
        (q,) = item.targets
        final = names.final[q.of.state]
        share = f"{names.batch_start}, {names.sweep_stop}"
        return [f"hold_final({self._array(item.targets)}, {final}, {names.t}, {names.lengths}, {share})"]

    def waiting_for(self):
        """The arrays of these lines: what the loss gives a final state -> what is carried back."""
        made = [p.targets for p in self.emitter.products if self.waiting(p)]
        return {self.names.final[targets[0].of.state]: self._array(targets) for targets in made}

    def touched(self, item):
        """The arrays that a product or a gradient reads, its weights apart, and those that it writes for others to read."""
        arrays = [self._array(symbols) for symbols in item.sides]
        return [set(arrays[:1]), set(arrays[1:])] if isinstance(item, Product) else [set(arrays), set()]

    def taken(self):
        """The arrays that all calls together take."""
        names, emitter = self.names, self.emitter
        yield from emitter.packed
        for item in (*emitter.products, *emitter.gradients):
            yield from map(self._array, item.sides)
        yield from map(self.arrays.gradient_name, emitter.gradients)
        if emitter.gradients:
            yield from (names.row_offsets, names.panels)
        yield from self.waiting_for()

    def _buffer(self, symbols):
        return self.emitter.schedule.buffer_of(symbols)

    def _array(self, symbols):
        return self._buffer(symbols).array

    def _product(self, p, matrix, direction):
        names, arrays = self.names, self.arrays
        factors = f"{matrix(p.operands)}, {arrays.start(p.operands)}, {arrays.weight_name(p)}, {matrix(p.targets)}"
        share = f"{names.batch_start}, {names.batch_stop}, {names.rank}, {names.team}"
        return [f"# {product_comment(p)}", f"multiply({names.products}, {factors}, {direction}, {share})"]

    def _gradient(self, g):
        """One product for the gradients of all matrices that met one operand."""
        names, whole = self.names, self.arrays.gradient_name(g)
        operands = [text for symbols in (g.bars, (g.operand,))
                    for text in (self.arrays.block_matrix(symbols), self.arrays.start(symbols))]  # fmt: skip
        steps = (names.first, names.T, names.lengths)
        share = (names.batch_start, names.batch_stop, names.rank, names.team)
        arguments = [*operands, whole, *steps, *share, names.row_offsets, names.panels]
        return [
            f"# {', '.join(map(str, g.targets))}: the outer products of {', '.join(map(str, g.bars))} and {g.operand}",
            f"add_outer_products({', '.join([names.products, *arguments])})",
        ]


def product_comment(p):
    """A product in mathematics: W_i @ x, W_f @ x; or the sum that it makes."""
    operands = p.operands * len(p.weights) if len(p.operands) == 1 else p.operands
    terms = [f"{w} @ {q}" for w, q in zip(p.weights, operands, strict=True)]
    return ", ".join(terms) if len(p.operands) == 1 else f"{p.targets[0]} = " + " + ".join(terms)
