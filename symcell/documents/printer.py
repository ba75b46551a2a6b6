"""The LaTeX notation of a cell: time as an index, a bar for the adjoint, a circled dot for the elementwise product."""

from functools import lru_cache

from sympy import Add, Mul, exp, log, sqrt
from sympy.codegen.cfunctions import exp2, expm1, hypot, log1p
from sympy.printing.latex import LatexPrinter

from symcell.documents.letters import letter, parts, verbatim
from symcell.documents.nodes import L, Terms, Underbrace, t
from symcell.language.activations import Unit
from symcell.language.primitives import Primitive
from symcell.language.slopes import is_divisor
from symcell.language.symbols import Adjoint, Constant, Param, Previous
from symcell.notation.order import PaperOrder, fraction


class Notation(LatexPrinter):
    """SymPy's LaTeX printer in the notation and order of a paper. `time` is the step of quantities that name no other."""

    def __init__(self, derivation, time=t):
        super().__init__({"ln_notation": False})
        self.time = time
        self.derivation, self.paper = derivation, PaperOrder(derivation)
        self.once = derivation.once
        self.verbatim = _look_alikes(tuple(q.name for q in derivation.shapes if q.name not in derivation.declaration.sizes))

    # Names

    def at(self, time):
        """The same notation at another time."""
        return Notation(self.derivation, time)

    def _print_Symbol(self, e, style="plain"):
        return self.name(e)

    _print_Quantity = _print_Adjoint = _print_Symbol

    def _print_Letter(self, e):
        """A letter of the document's own, other than the cell's."""
        taken = {q.name for q in self.derivation.shapes if isinstance(q, (Param, Constant)) or q in self.once}
        return next((a for a in e.alternatives if a not in taken), rf"{e.name}'")

    def name(self, e):
        """A symbol with its subscripts, time among them."""
        if isinstance(e, Adjoint):
            return self._adjoint(e)
        base, *subscripts = self._letters(e)
        return base + self._subscript(e, subscripts)

    def _adjoint(self, e):
        of = e.of
        base, *subscripts = self._letters(of)
        sent_back = e.kind == "carried" or isinstance(of, Previous)
        source = f"^{{{self.doprint(L)}}}" if e.kind == "cotangent" else "^{+}" if sent_back else ""
        return rf"\bar{{{base}}}" + self._subscript(of, subscripts) + source

    def _letters(self, e):
        """The parts of a name in LaTeX. A name that would look like an earlier one is printed as in Python."""
        name = getattr(e, "state", e).name
        return self.verbatim.get(name) or [letter(part) for part in parts(name)]

    def _subscript(self, e, subscripts):
        written = list(subscripts)
        if not (isinstance(e, (Param, Constant)) or e in self.once or e.is_integer):
            written.append(self.doprint(self.time - int(isinstance(e, Previous))).replace(" ", ""))
        text = ",".join(written)
        return "" if not text else f"_{text}" if len(text) == 1 else f"_{{{text}}}"

    # Sums and products

    def _print_Add(self, e, order=None):
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
        return rf"\bigl({text}\bigr)" if r"\underbrace" in text else rf"\left({text}\right)"

    def _print_Mul(self, e):
        if e.could_extract_minus_sign():
            return "-" + self._term(-e)
        if not e.is_commutative:
            return self._linear_maps(e)
        above, below = fraction(e)
        if below:
            return rf"\frac{{{self._side(above)}}}{{{self._side(below)}}}"
        return self._odot(above)

    def _side(self, factors):
        """A numerator or denominator, where a sum needs no brackets."""
        return self.doprint(factors[0]) if len(factors) == 1 and factors[0].is_Add else self._odot(factors) or "1"

    def _odot(self, factors):
        """Numbers and scalars side by side, then the other factors joined by the elementwise product."""
        factors = self.paper.factors(Mul(*factors, evaluate=False)) if len(factors) > 1 else list(factors)
        scalars = [f for f in factors if not self.derivation.shape(f)]
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
        return self.brackets(text) if isinstance(e, (Add, Mul, Terms)) else text

    def _print_Rational(self, e):
        power = len(str(e.q)) - 1
        return f"10^{{-{power}}}" if e.p == 1 and power > 2 and e.q == 10**power else super()._print_Rational(e)

    def _print_Heaviside(self, e, exp=None):
        """Iverson's bracket if the value at 0 is 0; H with the value at 0 as its subscript otherwise."""
        of, at_zero = map(self.doprint, e.args)
        text = rf"\left[{of} > 0\right]" if e.args[1] == 0 else rf"\operatorname{{H}}_{{{at_zero}}}\left({of}\right)"
        return text + (f"^{{{exp}}}" if exp is not None else "")

    def _print_Pow(self, e):
        if len(self.derivation.shape(e.base)) > 1 and e.exp.is_Integer and e.exp > 0:  # unit by unit: no product of matrices
            return rf"{self.parenthesize_factor(e.base)}^{{\odot {e.exp}}}"
        if isinstance(e.base, (Primitive, Unit)) and e.exp.is_Integer and e.exp > 0:
            return rf"\left({self.doprint(e.base)}\right)^{{{e.exp}}}"
        if is_divisor(e):
            return rf"\frac{{1}}{{{self.doprint(1 / e)}}}"
        return super()._print_Pow(e)

    def _print_ExpBase(self, e, exp=None):
        """exp(...) instead of a power of e where the exponent has braces or fractions in it."""
        text = self.doprint(e.args[0])
        if not any(high in text for high in (r"\underbrace", r"\frac")):
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


# Functions that mathematics writes without a name.
_IN_SYMBOLS = {
    expm1: lambda z: exp(z) - 1,
    log1p: lambda z: log(1 + z),
    exp2: lambda z: 2**z,
    hypot: lambda x, y: sqrt(x**2 + y**2),
}


@lru_cache(maxsize=64)  # one derivation is printed by many
def _look_alikes(names):
    """name -> LaTeX, for names that would look like an earlier one: the second of h_1 and h1."""
    seen, found = set(), {}
    for name in dict.fromkeys(names):
        letters = tuple(map(letter, parts(name)))
        if letters in seen:
            found[name] = [verbatim(name)]
        seen.add(letters)
    return found
