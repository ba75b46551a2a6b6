"""SymPy expression -> Python text. How a power, a quotient or a case is computed is chosen here: x ** 2.5 as x * x * sqrt(x).
What a symbol or an entry is called, and in what order terms and factors stand, the caller says."""

from sympy import (
    Abs,
    Add,
    And,
    Eq,
    Heaviside,
    Integer,
    Max,
    Min,
    Mod,
    Mul,
    Ne,
    Not,
    Or,
    Piecewise,
    S,
    acos,
    acosh,
    asin,
    asinh,
    atan,
    atan2,
    atanh,
    ceiling,
    cos,
    cosh,
    erf,
    erfc,
    exp,
    floor,
    log,
    nan,
    oo,
    sign,
    sin,
    sinh,
    tan,
    tanh,
    zoo,
)
from sympy.codegen.cfunctions import exp2, expm1, hypot, log1p, log2, log10
from sympy.core.relational import Relational

from symcell.errors import CellError
from symcell.language.activations import sigmoid, softplus
from symcell.language.functions import elementary
from symcell.language.primitives import Masked, ordered_args
from symcell.language.slopes import Whole, is_divisor

# What Numba modules call the functions of one unit: bare names are those of symcell.runtime.
_NAMES = {
    tanh: "tanh", sigmoid: "sigmoid", exp: "exp", expm1: "expm1", softplus: "softplus", sign: "sign", log: "np.log",
    log1p: "np.log1p", log2: "np.log2", log10: "np.log10", exp2: "np.exp2", hypot: "np.hypot", sin: "np.sin", cos: "np.cos",
    tan: "np.tan", sinh: "np.sinh", cosh: "np.cosh", asin: "np.arcsin", acos: "np.arccos", atan: "np.arctan",
    asinh: "np.arcsinh", acosh: "np.arccosh", atanh: "np.arctanh", atan2: "np.arctan2", erf: "erf", erfc: "erfc",
    floor: "np.floor", ceiling: "np.ceil", Abs: "np.abs", Heaviside: "heaviside", Mod: "remainder",
}  # fmt: skip


class PythonText:
    """Prints expressions of entries. The caller says what things are called: `entry(e)` is the text of an entry,
    `constant(number)` of a number of the kernel's type `real`, `name(symbol)` of an index or a size; `order` sorts."""

    def __init__(self, order, entry, constant, name, real):
        self.entry, self.constant, self.name, self.real, self.order = entry, constant, name, real, order

    def __call__(self, e):
        return self._print(elementary(e), 0)

    def _print(self, e, level):
        """Text of `e`, in parentheses where its operator binds less tightly than `level`."""
        text, own = self._text(e)
        return f"({text})" if own < level else text

    def _text(self, e):
        if e.is_number:
            return self.constant(e), 9
        if is_index(e):
            return f"{self.real}({index_text(e, self.name)})", 9
        if e.is_Add:
            return self._sum(e), 1
        if e.is_Mul:
            return self._product(e)
        if e.is_Pow:
            return self._power(e)
        if isinstance(e, Whole):
            text, own = self._text(e.args[0])
            return text, 0 if own < 9 else own
        return self._application(e), 9

    def _sum(self, e):
        terms = self.order.terms(e)
        text = self._print(terms[0], 1)
        for a in terms[1:]:
            negative = a.could_extract_minus_sign()
            text += (" - " if negative else " + ") + self._print(-a if negative else a, 2)
        return text

    def _product(self, e):
        if e.args[0].is_number and e.args[0].is_negative:
            positive = -e
            return "-" + self._print(positive, 2), 1
        above = [a for a in self.order.factors(e) if not is_divisor(a)]
        text = " * ".join(self._print(a, 2) for a in above) or self.constant(S.One)
        return text + "".join(self._division(a) for a in self.order.factors(e) if is_divisor(a)), 2

    def _division(self, divisor):
        """By a power, one factor after another: the power itself might overflow."""
        base, power = divisor.base, -divisor.exp
        if not self._is_multiplied_out(power):
            return f" / {self._print(base**power, 3)}"
        return "".join(f" / {a}" for a in self._multiplied_out(base, power))

    @staticmethod
    def _is_multiplied_out(power):
        return (2 * power).is_Integer and S.Half < power <= 4

    def _multiplied_out(self, base, power):
        """x, x and sqrt(x) for x ** 2.5"""
        root = [f"np.sqrt({self._print(base, 0)})"] * int(2 * power % 2)
        return [self._print(base, 3)] * int(power) + root

    def _power(self, e):
        base, power = e.args
        if power == S.Half:
            return f"np.sqrt({self._print(base, 0)})", 9
        if is_divisor(e):
            return self.constant(S.One) + self._division(e), 2
        if self._is_multiplied_out(power):
            return " * ".join(self._multiplied_out(base, power)), 2
        return f"{self._print(base, 9)} ** {self._print(power, 9)}", 3

    def _application(self, e):
        if isinstance(e, Piecewise):
            return self._piecewise(e)
        if isinstance(e, Masked):
            mask, zero = self._print(e.args[0], 1), self.constant(S.Zero)
            return f"({self._print(e.args[1], 0)} if {mask} != {zero} else {zero})"
        if isinstance(e, (Max, Min)):
            name = "maximum" if isinstance(e, Max) else "minimum"
            first, *rest = ordered_args(e)
            text = self._print(first, 0)
            for a in rest:
                text = f"{name}({text}, {self._print(a, 0)})"
            return text
        if isinstance(e, (Relational, And, Or, Not)):
            return self._condition(e)
        for kind, name in _NAMES.items():
            if isinstance(e, kind):
                return f"{name}({', '.join(self._print(a, 0) for a in e.args)})"
        return self.entry(e)

    def _piecewise(self, e):
        text = None
        for value, condition in reversed(e.args):
            if text is None:
                text = self._print(value, 0) if condition == True else None  # noqa: E712 (SymPy's true)
                text = text or f"({self._print(value, 0)} if {self._condition(condition)} else {self.constant(S.NaN)})"
            else:
                text = f"({self._print(value, 0)} if {self._condition(condition)} else {text})"
        return text

    def _condition(self, c):
        if isinstance(c, (And, Or)):
            word = " and " if isinstance(c, And) else " or "
            return "(" + word.join(sorted(self._condition(a) for a in c.args)) + ")"
        if isinstance(c, Not):
            return f"(not {self._condition(c.args[0])})"
        if isinstance(c, Relational) and all(a.is_Integer or is_index(a) for a in c.args):
            operator = {Eq: "==", Ne: "!="}.get(type(c), c.rel_op)
            return f"{index_text(c.lhs, self.name)} {operator} {index_text(c.rhs, self.name)}"
        if isinstance(c, Relational):
            operator = {Eq: "==", Ne: "!="}.get(type(c), c.rel_op)
            return f"{self._print(c.lhs, 1)} {operator} {self._print(c.rhs, 1)}"
        return str(c)


def is_index(e):
    """Whether an expression speaks of indices and sizes only."""
    if e.is_Symbol or e.is_Integer:
        return bool(e.is_integer)
    if isinstance(e, (floor, Mod)):
        return all(is_index(part) for a in e.args for part in a.as_numer_denom())
    whole = isinstance(e, (Add, Mul)) or (e.is_Pow and e.exp.is_Integer and e.exp > 0)
    return whole and bool(e.free_symbols) and all(is_index(a) for a in e.args)


def index_text(e, name=str):
    """An integer expression of indices and sizes as Python text; quotients round down."""
    if e.is_Symbol or e.is_Integer:
        return name(e)
    if isinstance(e, floor):
        return index_text(e.args[0], name)
    if isinstance(e, Mod):
        return " % ".join(_tight(a, name) for a in e.args)
    numerator, denominator = e.as_numer_denom()
    if denominator != 1:
        return f"{_tight(numerator, name)} // {_tight(denominator, name)}"
    if e.is_Add:
        terms = sorted(e.args, key=lambda a: (a.could_extract_minus_sign(), a.is_number, str(a)))
        text = index_text(terms[0], name)
        for a in terms[1:]:
            negative = a.could_extract_minus_sign()
            text += (" - " if negative else " + ") + index_text(-a if negative else a, name)
        return text
    if e.is_Mul:
        return " * ".join(_tight(a, name) for a in e.args)
    if e.is_Pow and e.exp.is_Integer and e.exp > 0:
        return " * ".join([_tight(e.base, name)] * int(e.exp))
    raise CellError(f"no index expression: {e}")


def _tight(e, name):
    text = index_text(e, name)
    return text if e.is_Symbol or e.is_Integer else f"({text})"


def number_text(n):
    """A number as Python writes it, to the last digit of a double."""
    if n is oo or n is zoo:
        return "np.inf"
    if n is -oo:
        return "-np.inf"
    if n is nan:
        return "np.nan"
    if isinstance(n, Integer) and abs(n) < 2**53:
        return str(n)
    try:
        return repr(float(n)).replace("inf", "np.inf")
    except OverflowError:
        return "np.inf" if n > 0 else "-np.inf"
