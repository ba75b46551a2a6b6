"""The calls of matrix products and weight gradients in a pass."""

from symcell.program.program import Product
from symcell.targets.layout import indented


class ProductCalls:
    """The text of a passage's products and weight gradients: calls, and the arrays that these take."""

    def __init__(self, passage):
        self.passage, self.names, self.arrays = passage, passage.names, passage.arrays
        self.fetching = self._fetching()

    def _fetching(self):
        """The last product of the backward recurrence: it leaves memory idle, which then takes time at the next step."""
        passage = self.passage
        products = [i for i in passage.places["step"] if isinstance(i, Product)] if passage.direction == "backward" else []
        return products[-1] if products else None

    def lines(self, item, place):
        """The call of a product or a gradient, for one step or for a block of them."""
        matrix = self.arrays.step_matrix if place == "step" else self.arrays.block_matrix
        turn = self.names.t if place == "step" else "0"
        call = self._product(item, matrix, turn) if isinstance(item, Product) else self._gradient(item)
        return [f"if {self.names.input_gradients}:", *indented(call)] if self.is_for_inputs(item) else call

    def is_for_inputs(self, item):
        """Whether nothing but gradients of inputs needs it: they are not always wanted."""
        return self.passage.direction == "backward" and self.passage.program.only_for_inputs.issuperset(item.targets)

    def waiting(self, item):
        """Of a product that makes an adjoint which is carried back: the line for samples that end before this step."""
        if not isinstance(item, Product) or self._home(item.targets).kind != "later":
            return []
        names = self.names
        (q,) = item.targets
        final = names.final[q.of.state]
        return [f"wait({self._array(item.targets)}, {final}, {names.t}, {names.lengths}, {names.low}, {names.upto})"]

    def waiting_for(self):
        """The arrays of these lines: what the loss gives a final state -> what is carried back."""
        made = [p.targets for p in self.passage.products if self.waiting(p)]
        return {self.names.final[targets[0].of.state]: self._array(targets) for targets in made}

    def touched(self, item):
        """The arrays that a product or a gradient reads, its weights apart, and those that it writes for others to read."""
        arrays = [self._array(symbols) for symbols in item.sides]
        return [set(arrays[:1]), set(arrays[1:])] if isinstance(item, Product) else [set(arrays), set()]

    def taken(self):
        """The arrays that all calls together take."""
        names, passage = self.names, self.passage
        yield from passage.packed
        for item in (*passage.products, *passage.gradients):
            yield from map(self._array, item.sides)
        yield from map(self.arrays.gradient_name, passage.gradients)
        if passage.gradients:
            yield from (names.lines, names.panels)
        if self.fetching:
            yield names.ahead
        yield from self.waiting_for()

    def _home(self, symbols):
        return self.passage.schedule.home_of(symbols)

    def _array(self, symbols):
        return self._home(symbols).array

    def _product(self, p, matrix, turn):
        names, arrays = self.names, self.arrays
        factors = f"{matrix(p.operands)}, {arrays.start(p.operands)}, {arrays.weight_name(p)}, {matrix(p.targets)}"
        share = f"{names.low}, {names.high}, {names.rank}, {names.team}"
        if p is self.fetching:
            call = f"multiply_and_fetch({names.products}, {factors}, {turn}, {share}, {names.ahead})"
            return [f"# {product_comment(p)}", "# (meanwhile, what the step before reads is fetched)", call]
        return [f"# {product_comment(p)}", f"multiply({names.products}, {factors}, {turn}, {share})"]

    def _gradient(self, g):
        """One product for the gradients of all matrices that met one operand."""
        names, whole = self.names, self.arrays.gradient_name(g)
        operands = [text for symbols in (g.bars, (g.operand,))
                    for text in (self.arrays.block_matrix(symbols), self.arrays.start(symbols))]  # fmt: skip
        steps = (names.first, names.T, names.lengths)
        arguments = [*operands, whole, *steps, names.low, names.high, names.rank, names.team, names.lines, names.panels]
        return [
            f"# {', '.join(map(str, g.targets))}: the outer products of {', '.join(map(str, g.bars))} and {g.operand}",
            f"add_outer_products({', '.join([names.products, *arguments])})",
        ]


def product_comment(p):
    """A product in mathematics: W_i @ x, W_f @ x; or the sum that it makes."""
    operands = p.operands * len(p.weights) if len(p.operands) == 1 else p.operands
    terms = [f"{w} @ {q}" for w, q in zip(p.weights, operands, strict=True)]
    return ", ".join(terms) if len(p.operands) == 1 else f"{p.targets[0]} = " + " + ".join(terms)
