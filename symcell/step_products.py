"""The matrix products of a program's steps: which there are, what they are called, and how long their chains are."""

from dataclasses import replace

from sympy.printing.precedence import PRECEDENCE

from symcell.language.primitives import contract, matmul
from symcell.language.shapes import resolved_shape
from symcell.notation.plain import PlainPrinter
from symcell.program.program import Assign, Product


def products_of(program, s):
    """The matrix products of a statement: by parameters or of two values, a matrix among them. What is made once a sequence is no
    work of a step, nor are weight gradients, which are sums over steps."""
    if isinstance(s, Product):
        return [s]
    if not isinstance(s, Assign) or s.place == "once" or s.summed:
        return []
    found = sorted(s.expr.atoms(matmul, contract), key=str)
    return [e for e in found if len(resolved_shape(e.args[0], program.shapes.__getitem__)) > 1]


def loop_of(s):
    """The loop over time that a statement stands in; "" if it is done for all steps at once."""
    return "step" if s.place == "step" else getattr(s, "recurrence", "")


def depth_of(program, statements):
    """The length of the longest chain of dependent products in one step of a loop over time."""
    reached = {}  # value -> the loop that makes it, and the products that lead to it there
    for s in statements:
        if loop := loop_of(s):
            before = (depth for q in s.sources for other, depth in [reached.get(q, ("", 0))] if other == loop)
            reached.update(dict.fromkeys(s.targets, (loop, max(before, default=0) + bool(products_of(program, s)))))
    return max((depth for _, depth in reached.values()), default=0)


class ProductText:
    """The text of a product in symbols of the cell: W_i, W_f @ x, or U_i.T @ dz_i + U_f.T @ dz_f, or S_prev.T @ k."""

    def __init__(self, program):
        derivation = program.derivation
        rows = {r.target for r in (*derivation.forward, *derivation.adjoint)}
        made = {s.target: s.expr for s in program.statements if isinstance(s, Assign) and s.target not in rows}
        self.hidden, self.printer = made | derivation.hidden, PlainPrinter(derivation)

    def __call__(self, product):
        if not isinstance(product, Product):
            return self.printer.doprint(self._spelled_out(product))
        weights = [str(replace(w, symbol=self._written_out(w.symbol))) for w in product.weights]
        operands = [self._written_out(q) for q in product.operands]
        if len(operands) == 1:
            return f"{', '.join(weights)} @ {operands[0]}"
        return " + ".join(f"{w} @ {q}" for w, q in zip(weights, operands, strict=True))

    def _written_out(self, e):
        return self.printer.parenthesize(self._spelled_out(e), PRECEDENCE["Pow"])

    def _spelled_out(self, e):
        while self.hidden.keys() & e.free_symbols:
            e = e.xreplace(self.hidden)
        return e
