"""The order in which papers write terms and factors, which differs from SymPy's.

In a sum: matrix products in the order of their parameters (an affine's operands), then simple terms before composite ones,
earlier steps first among equals, biases last; subtracted terms follow added ones. In a product: numbers, parameters,
brackets, gates in the order of the cell's equations, functions, earlier states and inputs, matrix products.
"""

from sympy import Add, Function, Mul, Pow, sympify
from sympy.printing.str import StrPrinter

from symcell.language.primitives import Entry, Primitive, broadcast, is_product_of, matmul
from symcell.language.slopes import Whole, is_divisor
from symcell.language.symbols import Adjoint, Constant, Input, Param, Previous


class PaperOrder:
    """Orders the arguments of sums and products of one derivation's symbols."""

    def __init__(self, derivation):
        cell = derivation.declaration
        self.params = {p: k for k, p in enumerate((*cell.params, *cell.constants))}
        self.rows = {r.target: k for k, r in enumerate(derivation.forward)}
        self.text = _Texts().doprint

    def terms(self, e):
        """The terms of a sum in the order of a paper; products of linear maps by length."""
        if not e.is_commutative:
            return sorted(e.args, key=lambda a: (a.could_extract_minus_sign(), len(a.args), self.text(a)))
        return sorted(Add.make_args(e), key=lambda a: self._term(named(a)))

    def factors(self, e):
        """The factors of a product in the order of a paper."""
        factors = Mul.make_args(e)
        symbols = {s for a in factors for s in [named(a)] if s.is_Symbol}
        return sorted(factors, key=lambda a: self._factor(named(a), symbols))

    def _term(self, e):
        subtracted = e.could_extract_minus_sign()
        if is_product_of(e, matmul):
            return (subtracted, 0, self._product_rank(-e if isinstance(e, Mul) else e), "")
        if e in self.params:
            return (subtracted, 3, (self.params[e],), "")
        composite = any(isinstance(a, (Add, Function, Whole)) for a in Mul.make_args(e))
        earlier = any(isinstance(s, Previous) for s in e.free_symbols)
        first = min((self._symbol_rank(s) for s in e.free_symbols), default=-1)
        return (subtracted, 1, (composite and not e.is_number, not earlier, first), self.text(e))

    def _product_rank(self, product):
        return (min((self.params.get(s, len(self.params)) for s in product.args[0].free_symbols), default=-1),)

    def _factor(self, e, symbols):
        base = e.base if isinstance(e, Pow) else e
        if e.is_number:
            return (0, 0, "")
        if not isinstance(base, Primitive) and all(isinstance(s, (Param, Constant)) for s in base.free_symbols):
            return (1, min((self.params.get(s, 0) for s in base.free_symbols), default=0), "" if base.is_Symbol else self.text(e))
        if isinstance(base, Adjoint):
            return (2, 0, self.text(e))
        if base in self.rows:
            return (4, self.rows[base], self.text(e))
        if isinstance(base, Add):  # (1 - z) n, but o (1 - o)
            first = min((self._symbol_rank(s) for s in base.free_symbols), default=0)
            return (5 if base.free_symbols & symbols else 3, first, self.text(e))
        if isinstance(base, (Previous, Input)):
            return (7, 0, self.text(e))
        return (6 if isinstance(base, broadcast) or not isinstance(base, Primitive) else 8, 0, self.text(e))

    def _symbol_rank(self, s):
        last = 10_000 + (isinstance(s, Adjoint) and s.kind == "carried")  # after what the loss says
        return self.rows.get(s, self.params.get(s, last))


class _Texts(StrPrinter):
    """SymPy's text printer, which prints a shared subexpression once."""

    def __init__(self):
        super().__init__()
        self.known = {}

    def _print(self, e, **kwargs):
        if e not in self.known:
            self.known[e] = super()._print(e, **kwargs)
        return self.known[e]


def named(e):
    """Replace entries by the values that they belong to."""
    return e.xreplace({entry: entry.args[0] for entry in e.atoms(Entry)})


def _squared(e):
    """Replace the square of a square root by its argument."""
    return e.base.args[0] ** e.exp if isinstance(e, Pow) and isinstance(e.base, Whole) else e


def fraction(e):
    """The factors of the numerator and of the denominator."""
    above = [f for f in e.args if not is_divisor(f)]
    below = [_squared(1 / f) for f in e.args if is_divisor(f)]
    if above and above[0].is_Rational and above[0].q != 1 and not above[0].is_Integer:
        number = above.pop(0)
        above = ([number.p] if number.p != 1 or not above else []) + above
        below.insert(0, number.q)
    return [sympify(f) for f in above], [sympify(f) for f in below]
