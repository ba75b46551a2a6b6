"""Derivation -> Program: each row becomes assignments, matrix products and weight gradients.

Products by a parameter, and the outer products that its gradient sums, are statements of their own: a target may compute them for
all steps at once. Reductions and scans are statements, too (symcell.program.statements).
"""


from sympy import Add, Expr

from symcell.derivation.reverse import SEEDS
from symcell.language.primitives import Primitive, across, concat, matmul, merge, number_apart, outer, part, transpose
from symcell.language.primitives.blocks import block_diagonal
from symcell.language.sizes import Dims
from symcell.language.symbols import Adjoint, Constant, Param
from symcell.program.primitives import beside, columns, stacked
from symcell.program.program import Gradient, Note, Product, Program, Weight
from symcell.program.statements import Statements


def lower(derivation):
    """Derivation -> Program, without places."""
    lowering = _Lowering(derivation)
    for row in derivation.forward:
        lowering.forward_row(row)
    forward = lowering.statements.taken()
    for row in derivation.adjoint:
        lowering.adjoint_row(row)
    recurrent = {r.target.of.state for r in derivation.adjoint if hasattr(r.target.of, "state")}
    carried = {}
    for s in derivation.declaration.states:
        if s in recurrent:
            carried[s.prev] = s
            carried[Adjoint(s, "carried")] = Adjoint(s.prev)
    backward = lowering.statements.taken()
    return Program(derivation, lowering.shapes, frozenset(lowering.once), forward, backward, carried)


class _Lowering:
    def __init__(self, derivation):
        self.derivation = derivation
        self.shapes = dict(derivation.shapes)
        self.once = {q for q in self.shapes if isinstance(q, (Param, Constant))}
        self.once |= {r.target for r in derivation.forward if r.once}
        for row in derivation.adjoint:
            self.shapes[row.target] = row.shape
            for kind in ("cotangent", "carried"):
                self.shapes[Adjoint(row.target.of, kind)] = row.shape
            if row.summed:
                self.once.add(row.target)
        self.statements = Statements(self.shapes, self.once)
        self.products = {}  # (weight, operand) -> what their product is called
        self.blocks = {}  # a parameter with a matrix for each head -> their block-diagonal matrix
        self.unmerged = {}  # values of all heads side by side -> the values of each, which lie in memory in the same order
        self.concatenations = {r.target: self._parts(r.rhs) for r in derivation.forward if isinstance(r.rhs, concat)}
        self.deferred = {}  # the adjoint of a concatenation -> the products that make it

    def _parts(self, e):
        """A concatenation's arguments, each with the columns that multiply it: (symbol, (start, length))."""
        lengths = [self.derivation.shape(a)[0] for a in e.args]
        return [(a, (start, n)) for a, start, n in zip(e.args, e.starts(self.derivation.shape), lengths, strict=True)]

    # Rows

    def forward_row(self, row):
        self._note_merge(row)
        self.statements.target, self.statements.note = row.target, Note(f"({row.equation})", (row.equation,))
        self.statements.assign(row.target, self._with_products_named(row.rhs))

    def adjoint_row(self, row):
        seeds = dict.fromkeys(t.rule for t in row.terms if t.rule in SEEDS)
        numbers = sorted({t.equation for t in row.terms if t.equation and t.rule not in SEEDS})
        through = ["through " + ", ".join(f"({n})" for n in numbers)] if numbers else []
        self.statements.target, self.statements.note = row.target, Note(", ".join([*seeds, *through]), tuple(numbers))
        self._note_merge(row)
        if row.summed:
            self._summed(row)
        elif row.target.of in self.concatenations and all(_is_transposed_product(t.expr) for t in row.terms):
            self.deferred[row.target] = [t.expr for t in row.terms]
        else:
            self.statements.assign(row.target, self._with_products_named(row.rhs))

    def _note_merge(self, row):
        e = row.rhs
        if isinstance(e, merge) and e.args[0].is_Symbol and self.shapes[e.args[0]].over == (e.axis,):
            self.unmerged[row.target] = e.args[0]

    def _summed(self, row):
        """A gradient that all steps share: outer products become Gradients, the rest is summed over steps."""
        parts, rest = [], []
        for term in row.terms:
            for e in Add.make_args(term.expr):
                number, product = number_apart(e)
                gradient = self._gradient(product)
                parts.append(number * gradient) if gradient is not None else rest.append(e)
        is_once = self.statements.is_once
        shared = [e for e in rest if is_once(e)]
        stepwise = Add(*[e for e in rest if not is_once(e)])
        if stepwise != 0 and not parts and not shared:
            self._sum_over_steps(stepwise, row.target)
            return
        if stepwise != 0:
            steps = self.statements.new(f"{row.target}_steps", row.shape, once=True)
            parts.append(self._sum_over_steps(stepwise, steps))
        self.statements.assign(row.target, Add(*parts, *shared))

    def _sum_over_steps(self, e, target):
        self.statements.add_up(target, self._with_products_named(e))
        return target

    # Weight gradients

    def _gradient(self, e):
        """The value of a weight gradient, if the expression is the outer product of two values; else None."""
        if not isinstance(e, outer) or not all(a.is_Symbol for a in e.args) or self.statements.is_once(e):
            return None
        bar, operand = e.args
        if len(self.shapes[operand]) != 1 or self.shapes[operand].over:
            return None
        if operand in self.concatenations:
            return beside(*[self._one_gradient(bar, q) for q, _ in self.concatenations[operand]])
        return self._one_gradient(bar, operand)

    def _one_gradient(self, bar, operand):
        shape = Dims((*self.shapes[bar], *self.shapes[operand]), self.shapes[bar].over)
        target = self.statements.new(f"{bar}_{operand}", shape, once=True)
        if self.once & {bar, operand}:  # the same at every step: no product over all of them
            return self._sum_over_steps(outer(bar, operand), target)
        self.statements.add(Gradient((target,), (self.unmerged.get(bar, bar),), self.unmerged.get(operand, operand)))
        return target

    # Products

    def _with_products_named(self, e):
        """The expression, with the value of a Product for each product by a parameter."""
        if isinstance(e, Add):
            return Add(*[self._with_products_named(a) for a in e.args])
        number, rest = number_apart(e)
        if number != 1 and rest != 1:
            return number * self._with_products_named(rest)
        if isinstance(e, part) and e.args[0] in self.deferred:
            return Add(*[self._product(p, e.args[1:]) for p in self.deferred[e.args[0]]])
        if isinstance(e, across):
            return self._sum_of_heads(e)
        if isinstance(e, Primitive) and not isinstance(e, matmul):
            return e.func(*[self._with_products_named(a) if isinstance(a, Expr) else a for a in e.args])
        return self._product(e) if isinstance(e, matmul) else e

    def _product(self, e, run=None):
        """matmul(A, v) as the value of Products, if A is a parameter and v a vector. The product of a concatenation is the sum of
        the products of its parts: those of inputs do not depend on the previous step. `run`: the columns of A that count."""
        a, v = e.args
        symbol = a.args[0] if isinstance(a, transpose) else a
        by_parameter = symbol.is_Symbol and symbol in self.once and len(self.shapes[symbol].whole) >= 2
        if not by_parameter or not v.is_Symbol or v in self.once or len(self.shapes[v]) != 1:
            return e
        if self.shapes[v].over or (self.shapes[symbol].over and isinstance(a, transpose)):
            return self._product_of_heads(e, symbol, v)
        shape = self.statements.shape_of(e) if run is None else run[1:]
        parts = [(v, run)] if isinstance(a, transpose) or v not in self.concatenations else self.concatenations[v]
        return Add(
            *[
                self._product_once(columns(symbol, *c), q)
                if q in self.once
                else self._one_product(Weight(symbol, isinstance(a, transpose), c), q, shape)
                for q, c in parts
            ]
        )

    def _product_of_heads(self, e, symbol, v):
        """The product of a matrix for each head with a vector for each: one product with a block-diagonal matrix."""
        over = self.shapes[symbol].over
        if len(over) != 1 or over != self.shapes[v].over or len(self.shapes[symbol]) != 2:
            return e
        if symbol not in self.blocks:
            n, m = self.shapes[symbol]
            self.blocks[symbol] = self.statements.new(f"{symbol}_blocks", Dims((over[0] * n, over[0] * m)), once=True)
            self.statements.assign(self.blocks[symbol], block_diagonal(stacked(symbol, *over)))
        weight = Weight(self.blocks[symbol], isinstance(e.args[0], transpose))
        return self._one_product(weight, v, self.statements.shape_of(e))

    def _sum_of_heads(self, e):
        """The sum over heads of transposed products, which contracts all rows of all heads: one product."""
        product, axis = e.args
        if isinstance(product, matmul) and isinstance(product.args[0], transpose):
            symbol, v = product.args[0].args[0], product.args[1]
            heads = symbol in self.once and symbol.is_Symbol and v.is_Symbol and v not in self.once
            if heads and self.shapes[symbol].over == self.shapes[v].over == (axis,):
                return self._one_product(Weight(symbol, transposed=True), v, self.statements.shape_of(e))
        return e.func(self._with_products_named(product), axis)

    def _one_product(self, weight, operand, shape):
        operand = self.unmerged.get(operand, operand)
        if (weight, operand) not in self.products:
            name = self.products[weight, operand] = self._product_of(operand, shape)
            self.statements.add(Product((name,), (weight,), (operand,)))
        return self.products[weight, operand]

    def _product_once(self, matrix, operand):
        """A parameter times a part of a concatenation that is a parameter as well: it has one value for all steps."""
        product = matmul(matrix, operand)
        name = self._product_of(operand, self.statements.shape_of(product), once=True)
        self.statements.assign(name, product)
        return name

    def _product_of(self, operand, shape, once=False):
        return self.statements.new(f"{self.statements.target}_from_{operand}", shape, once)


def _is_transposed_product(e):
    return isinstance(e, matmul) and isinstance(e.args[0], transpose) and e.args[0].args[0].is_Symbol and e.args[1].is_Symbol
