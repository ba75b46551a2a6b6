"""Elementwise SymPy expression -> text of a target. How a power, a quotient or a case is computed is chosen here: x ** 2.5 as
x * x * sqrt(x). The words are the target's (symcell.targets.vocabulary)."""

from sympy import And, Eq, Max, Min, Ne, Not, Or, Piecewise, S
from sympy.core.relational import Relational
from sympy.logic.boolalg import BooleanAtom

from symcell.language.functions import elementary
from symcell.language.primitives import Masked, Primitive, ordered_args
from symcell.language.slopes import Whole, is_divisor
from symcell.targets.indices import index_text, is_index

# How tightly a text binds: a text goes into parentheses where it binds less tightly than its place demands.
LOOSE, SUM, MATRIX_PRODUCT, PRODUCT, POWER, ATOM = range(6)


class ElementwisePrinter:
    """Prints elementwise expressions in a target's `vocabulary`. The caller says the rest: `leaf(e)` is the text of a symbol, an
    entry or a primitive and how tightly it binds; `constant(number)` is the text of a number, `size(e)` that of a size among
    numbers, `name(symbol)` that of an index or a size among such; `order` sorts terms and factors; `like`, where a target asks
    for it, is a value that tells the precision."""

    def __init__(self, vocabulary, order, leaf, constant, size, name=str, like=""):
        self.words, self.order, self.like = vocabulary, order, like
        self.leaf, self.constant, self.size, self.name = leaf, constant, size, name
        self.called = set()  # the functions that printed text calls

    def __call__(self, e, level=LOOSE):
        """The text of an expression, in parentheses where it binds less tightly than `level`."""
        return self._print(elementary(e, tuple(self.words.functions)), level)

    def _print(self, e, level):
        text, own = self._text(e)
        return f"({text})" if own < level else text

    def _text(self, e):
        if e.is_number and not e.has(Primitive):
            return self.constant(e), ATOM
        if is_index(e):
            return self.size(e), ATOM
        if e.is_Add:
            return self._sum(e), SUM
        if e.is_Mul:
            return self._product(e)
        if e.is_Pow:
            return self._power(e)
        if isinstance(e, Whole):
            text, own = self._text(e.args[0])
            return text, LOOSE if own < ATOM else own
        return self._application(e)

    def _sum(self, e):
        terms = self.order.terms(e)
        text = self._print(terms[0], SUM)
        for a in terms[1:]:
            negative = a.could_extract_minus_sign()
            text += (" - " if negative else " + ") + self._print(-a if negative else a, MATRIX_PRODUCT)
        return text

    def _product(self, e):
        if e.args[0].is_number and e.args[0].is_negative:
            positive = -e
            return "-" + self._print(positive, PRODUCT), SUM
        above = [a for a in self.order.factors(e) if not is_divisor(a)]
        text = " * ".join(self._print(a, PRODUCT) for a in above) or self.constant(S.One)
        return text + "".join(self._division(a) for a in self.order.factors(e) if is_divisor(a)), PRODUCT

    def _division(self, divisor):
        """By a power, one factor after another: the power itself might overflow."""
        base, power = divisor.base, -divisor.exp
        if not self._is_multiplied_out(power):
            return f" / {self._print(base**power, POWER)}"
        return "".join(f" / {a}" for a in self._multiplied_out(base, power))

    @staticmethod
    def _is_multiplied_out(power):
        return (2 * power).is_Integer and S.Half < power <= 4

    def _multiplied_out(self, base, power):
        """x, x and sqrt(x) for x ** 2.5"""
        root = [self._root(base)] * int(2 * power % 2)
        return [self._print(base, POWER)] * int(power) + root

    def _power(self, e):
        base, power = e.args
        if power == S.Half:
            return self._root(base), ATOM
        if is_divisor(e):
            return self.constant(S.One) + self._division(e), PRODUCT
        if self._is_multiplied_out(power):
            return " * ".join(self._multiplied_out(base, power)), PRODUCT
        return self.words.power.format(self._print(base, ATOM), self._print(power, ATOM)), POWER

    def _root(self, base):
        self.called.add(self.words.square_root)
        return f"{self.words.square_root}({self._print(base, LOOSE)})"

    def _application(self, e):
        if isinstance(e, Piecewise):
            return self._piecewise(e), ATOM
        if isinstance(e, Masked):
            condition = f"{self._print(e.args[0], SUM)} != {self.constant(S.Zero)}"
            return self.words.choice.format(condition, self._print(e.args[1], LOOSE), self.constant(S.Zero)), ATOM
        if isinstance(e, (Relational, And, Or, Not)):
            return self._condition(e), ATOM
        name = self.words.function(e)
        if name is None:
            return self.leaf(e)
        self.called.add(name)
        first, *rest = (self._print(a, LOOSE) for a in ordered_args(e))
        if isinstance(e, (Max, Min)):
            for a in rest:
                first = f"{name}({first}, {a})"
            return first, ATOM
        return f"{name}({', '.join([first, *rest])})", ATOM

    def _piecewise(self, e):
        value, condition = e.args[-1]
        text = self._otherwise(e)
        if condition != True:  # noqa: E712 (SymPy's true)
            text = self.words.choice.format(self._condition(condition), text, self.constant(S.NaN))
        for value, condition in reversed(e.args[:-1]):
            chosen = self._print(value, LOOSE)
            text = self.words.choice.format(self._condition(condition), chosen, text)
        return text

    def _otherwise(self, e):
        """The last value of a Piecewise."""
        return self._print(e.args[-1][0], LOOSE)

    def _condition(self, c):
        if isinstance(c, (And, Or)):
            return f"({self.words.joined[isinstance(c, Or)].join(sorted(map(self._operand, c.args)))})"
        if isinstance(c, Not):
            return self.words.negation.format(self._operand(c.args[0]))
        if isinstance(c, BooleanAtom):
            return self.words.truth[c == False]  # noqa: E712 (SymPy's false)
        if not isinstance(c, Relational):
            return self.leaf(c)[0]
        operator = {Eq: "==", Ne: "!="}.get(type(c), c.rel_op)
        if all(a.is_Integer or is_index(a) for a in c.args):
            return f"{index_text(c.lhs, self.name)} {operator} {index_text(c.rhs, self.name)}"
        return f"{self._print(c.lhs, SUM)} {operator} {self._print(c.rhs, SUM)}"

    def _operand(self, c):
        """A condition beside others."""
        text = self._condition(c)
        return self.words.compared.format(text) if isinstance(c, Relational) else text
