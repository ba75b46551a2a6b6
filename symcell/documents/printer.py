"""The LaTeX notation of a cell: time as an index, a bar for the adjoint, a circled dot for the elementwise product."""

from sympy import Add, Function, Mul, Not, S, exp, log, sqrt
from sympy.codegen.cfunctions import exp2, expm1, hypot, log1p
from sympy.core.relational import Relational

from symcell.documents.formulas.nodes import Fraction
from symcell.documents.formulas.parsing import parse
from symcell.documents.formulas.rows import LOW, height, tex
from symcell.documents.nodes import Factors, Letter, Run, Terms, Underbrace, is_timeless, shape_in_document
from symcell.documents.symbols import SymbolPrinter
from symcell.language.activations import Unit
from symcell.language.primitives import Primitive, transpose
from symcell.language.slopes import Whole, is_divisor
from symcell.language.symbols import Hole
from symcell.notation.order import fraction


class Notation(SymbolPrinter):
    """SymPy's LaTeX printer in the notation and order of a paper. `time` is the step of quantities that name no other."""

    def formula(self, e):
        """An expression as the tree of its printed parts, which layouts measure and break."""
        return parse(self.doprint(e), strict=False)

    def tex(self, e):
        """An expression in LaTeX: brackets as high as their contents, and no symbol with two superscripts."""
        return tex(self.formula(e))

    def shape(self, e):
        """The shape of an expression."""
        return shape_in_document(e, self.derivation)

    # Sums and products

    def _print_Add(self, e, order=None):
        if all(isinstance(s, Letter) and s.is_integer for s in e.free_symbols):
            return self.signed([self.doprint(a) for a in sorted(e.args, key=_time_order)])
        text = ""
        for a in self.paper.terms(e):
            subtracted = a.could_extract_minus_sign() and bool(text)
            text += (" - " if subtracted else " + " if text else "") + self._term(-a if subtracted else a)
        return text

    @staticmethod
    def signed(terms):
        """A sum of printed terms."""
        return terms[0] + "".join(f" - {a[1:]}" if a.startswith("-") else f" + {a}" for a in terms[1:])

    def _term(self, e):
        text = self.doprint(e)
        return self.brackets(text) if isinstance(e, Add) else text

    @staticmethod
    def brackets(text):
        """Round brackets as high as the text, but not as high as a brace under it."""
        return rf"\left({text}\right)"

    def _print_Mul(self, e):
        if e.could_extract_minus_sign():
            return "-" + self._term(-e)
        if not e.is_commutative:
            return self._linear_maps(e)
        above, below = fraction(_quotients_opened(e))
        if below and all(f.is_number for f in below) and any(isinstance(f, Function) for f in above):
            numbers, rest = ([f for f in above if f.is_number == wanted] for wanted in (True, False))
            return rf"\frac{{{self._side(numbers)}}}{{{self._side(below)}}} \, {self._odot(rest)}"
        if below:
            return rf"\frac{{{self._side(above)}}}{{{self._side(below)}}}"
        return self._odot(above)

    def _side(self, factors):
        """A numerator or denominator, where a sum needs no brackets."""
        if len(factors) == 1 and isinstance(factors[0], (Add, Whole)):
            return self.doprint(factors[0])
        return self._odot(factors) or "1"

    def _odot(self, factors):
        """Numbers and scalars side by side, then the other factors joined by the elementwise product."""
        factors = self.paper.factors(Mul(*factors, evaluate=False)) if len(factors) > 1 else list(factors)
        scalars = [f for f in factors if not self.shape(f)]
        units = [f for f in factors if f not in scalars]
        dots = r" \cdot " if len(scalars) > 1 and all(f.is_number for f in scalars) else r" \, "
        left = dots.join(self.parenthesize_factor(f) for f in scalars)
        right = r" \odot ".join(self.parenthesize_factor(f) for f in units)
        return rf"{left} \, {right}" if left and right else left or right

    def _linear_maps(self, e):
        numbers = [f for f in e.args if f.is_commutative]
        maps = [f for f in e.args if not f.is_commutative]
        return r" \, ".join([self.parenthesize_factor(f) for f in (*numbers, *maps)])

    def parenthesize_factor(self, e):
        """`e` as a factor: in brackets if it is a sum or an elementwise product."""
        if isinstance(e, Underbrace):
            return e.factor(self)
        text = self.doprint(e)
        return self.brackets(text) if isinstance(e, (Add, Mul, Factors, Run, Terms)) or self.is_open(e) else text

    def beside(self, e):
        """`e` before a symbol that multiplies it: a fraction needs no brackets."""
        nodes = self.formula(e)
        return tex(nodes) if len(nodes) == 1 and isinstance(nodes[0], Fraction) else self.parenthesize_factor(e)

    def raised(self, e):
        """`e` under a superscript: in brackets unless it is a symbol."""
        if isinstance(e, Underbrace):
            return e.braced(self, self.raised(e.args[0]))
        named = e.is_Symbol and not isinstance(e, Hole)
        return self.parenthesize_factor(e) if named or isinstance(e, Add) else self.brackets(self.doprint(e))

    def parenthesize(self, item, level, is_neg=False, strict=False):
        text = super().parenthesize(item, level, is_neg, strict)
        return self.brackets(text) if self.is_open(item) else text

    # Products of matrices

    def applied(self, a, v):
        """A matrix times a vector; where vectors are rows, the vector times the transposed matrix."""
        rows = self.style.vectors == "row" and len(self.shape(a)) == 2 and len(self.shape(v)) == 1
        factors = (v, transpose(a)) if rows else (a, v)
        left, right = map(self.parenthesize_factor, factors)
        words = any(text.startswith(("\\math", "\\text")) for text in (left, right))  # which would run into their neighbour
        return rf"{left} \, {right}" if words else f"{left} {right}"

    def outer_product(self, u, v):
        rows = self.style.vectors == "row" and len(self.shape(u)) == 1
        left, right = (self.raised(a) if flat == rows or isinstance(a, Primitive) else self.parenthesize_factor(a)
                       for a, flat in ((u, True), (v, False)))  # fmt: skip
        return rf"{left}^{{\top}} \, {right}" if rows else rf"{left} \, {right}^{{\top}}"

    def _print_Float(self, e):
        return super()._print_Float(e).replace(r"1.0 \cdot 10", "10")

    def _print_Rational(self, e):
        power = len(str(e.q)) - 1
        return f"10^{{-{power}}}" if e.p == 1 and power > 2 and e.q == 10**power else super()._print_Rational(e)

    def _print_Piecewise(self, e):
        """Iverson's bracket where the cases are 0 and another value; cases one below the other otherwise."""
        cases = [(value, condition) for value, condition in e.args]
        if len(cases) == 2 and S.Zero in (cases[0][0], cases[1][0]) and cases[1][1] == True:  # noqa: E712 (SymPy's)
            value, condition = cases[0] if cases[1][0] == 0 else (cases[1][0], Not(cases[0][1]))
            bracket = rf"\left[{self.doprint(condition)}\right]"
            units = self.shape(value) and any(self.shape(a) for r in condition.atoms(Relational) for a in r.args)
            if value in (1, -1):
                return bracket if value == 1 else f"-{bracket}"
            return bracket + (r" \odot " if units else r" \, ") + self.parenthesize_factor(value)
        return super()._print_Piecewise(e)

    def _print_Relational(self, e):
        """What has a value at every step stands on the left of a threshold."""
        timeless = [is_timeless(side, self.derivation) for side in e.args]
        return super()._print_Relational(e.reversed if timeless == [True, False] else e)

    def _print_Heaviside(self, e, exp=None):
        """Iverson's bracket if the value at 0 is 0; H with the value at 0 as its subscript otherwise."""
        of = self.doprint(e.args[0])
        at_zero = str(e.args[1]) if e.args[1].is_Rational else self.doprint(e.args[1])
        text = rf"\left[{of} > 0\right]" if e.args[1] == 0 else rf"\operatorname{{H}}_{{{at_zero}}}\left({of}\right)"
        return text + (f"^{{{exp}}}" if exp is not None else "")

    def _print_Pow(self, e):
        if len(self.shape(e.base)) > 1 and e.exp.is_integer and not e.exp.is_negative:  # unit by unit: no product of matrices
            return rf"{self.raised(e.base)}^{{\odot {self.doprint(e.exp)}}}"
        if isinstance(e.base, Unit) and e.exp.is_Integer and e.exp > 0:
            return rf"{self.doprint(e.base)}^{{{e.exp}}}"
        if isinstance(e.base, Primitive) and e.exp.is_Integer and e.exp > 0:
            return rf"\left({self.doprint(e.base)}\right)^{{{e.exp}}}"
        if is_divisor(e):
            return rf"\frac{{1}}{{{self.doprint(1 / e)}}}"
        return super()._print_Pow(e)

    def _print_ExpBase(self, e, exp=None):
        """exp(...) instead of a power of e where the exponent has braces or fractions in it."""
        of = e.args[0]
        text = f"{of.p}/{of.q}" if of.is_Rational and of.q != 1 else self.doprint(of)
        if height(parse(text, strict=False)) == LOW:
            return f"e^{{{text}}}" if exp is None else rf"\left(e^{{{text}}}\right)^{{{exp}}}"
        return r"\exp" + (f"^{{{exp}}}" if exp is not None else "") + self.brackets(text)

    def _print_Function(self, e, exp=None):
        if type(e) in _IN_SYMBOLS:
            text = self.doprint(_IN_SYMBOLS[type(e)](*e.args))
            if exp is not None or isinstance(e, expm1):
                text = self.brackets(text)
            return text if exp is None else f"{text}^{{{exp}}}"
        name = type(e).__name__.replace("_", r"\_")
        head = rf"\operatorname{{{name}}}" if isinstance(e, Unit) else self._hprint_Function(name)
        power = f"^{{{exp}}}" if exp is not None else ""
        return f"{head}{power}" + self.brackets(", ".join(self.doprint(a) for a in e.args))


def _quotients_opened(e):
    """A product with the factors of its quotients, so that a quotient of one is not a fraction in a fraction."""
    if not any(map(is_divisor, e.args)) or not any(isinstance(f, Whole) and f.args[0].is_Mul for f in e.args):
        return e
    return Mul(*[g for f in e.args for g in (Mul.make_args(f.args[0]) if isinstance(f, Whole) else (f,))], evaluate=False)


def _time_order(a):
    """The place of a term in t - k + 1."""
    return a.is_number, a.could_extract_minus_sign(), str(a)


# Functions that mathematics writes without a name.
_IN_SYMBOLS = {
    expm1: lambda z: exp(z) - 1,
    log1p: lambda z: log(1 + z),
    exp2: lambda z: 2**z,
    hypot: lambda x, y: sqrt(x**2 + y**2),
}
