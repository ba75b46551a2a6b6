"""Equations as plain text in the paper's order: f * c_prev + i * g."""

from sympy import Mul
from sympy.printing.precedence import PRECEDENCE, precedence
from sympy.printing.str import StrPrinter

from symcell.language.primitives import Along, contract, matmul, transpose
from symcell.notation.order import PaperOrder, fraction


class PlainPrinter(StrPrinter):
    """SymPy's text printer, with a paper's order of terms and factors, and `@` for the matrix product."""

    def __init__(self, derivation):
        super().__init__({"full_prec": False})  # 0.9, and not 0.900000000000000
        self.paper = PaperOrder(derivation)

    def _print_Add(self, e, order=None):
        text = ""
        for a in self.paper.terms(e):
            subtracted = bool(text) and a.could_extract_minus_sign()
            text += (" - " if subtracted else " + " if text else "") + self.parenthesize(
                -a if subtracted else a, PRECEDENCE["Add"]
            )
        return text

    def _print_Mul(self, e):
        if e.could_extract_minus_sign():
            return "-" + self.parenthesize(-e, PRECEDENCE["Mul"])
        if not e.is_commutative:
            return " * ".join(self.parenthesize(a, PRECEDENCE["Mul"]) for a in e.args)
        above, below = (Mul(*factors) for factors in fraction(e))
        if below != 1:
            return f"{self.parenthesize(above, PRECEDENCE['Mul'])} / {self.parenthesize(below, PRECEDENCE['Pow'])}"
        return " * ".join(self.parenthesize(a, PRECEDENCE["Mul"]) for a in self.paper.factors(e))

    def _print_UnevaluatedExpr(self, e):
        return self.parenthesize(e.args[0], PRECEDENCE["Pow"])

    def _print_Function(self, e):
        if isinstance(e, matmul):
            return " @ ".join(self.parenthesize(a, PRECEDENCE["Pow"]) for a in e.args)
        if isinstance(e, contract):
            return " @ ".join([self._print(transpose(e.args[0])), self.parenthesize(e.args[1], PRECEDENCE["Pow"])])
        if isinstance(e, transpose):
            return f"{self.parenthesize(e.args[0], PRECEDENCE['Pow'])}.T"
        if isinstance(e, Along) and e.args[1] == -1:
            return f"{e.func.__name__}({self._print(e.args[0])})"
        return super()._print_Function(e)

    def parenthesize(self, item, level, strict=False):
        if isinstance(item, (matmul, contract)) and level >= PRECEDENCE["Mul"]:
            return f"({self._print(item)})"
        return f"({self._print(item)})" if precedence(item) < level else self._print(item)


def equation_lines(derivation):
    """number -> "target = right side", as declared."""
    printer = PlainPrinter(derivation)
    return {e.number: f"{e.target} = {printer.doprint(e.rhs)}" for e in derivation.declaration.equations}


def factor_text(carousel):
    """The factor of one step, in a paper's order."""
    return PlainPrinter(carousel.derivation).doprint(carousel.factor)


def short_factor_text(carousel, longest=60):
    """The same, or a description if it is long."""
    text = factor_text(carousel)
    if len(text) <= longest:
        return text
    made_of = "a sum of products" if carousel.factor.is_Add else "a product"
    return f"{made_of} with matrices" if carousel.kind == "matrix" else made_of
