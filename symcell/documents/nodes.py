"""SymPy nodes for what SymPy has no name for: a quantity at another step, sums over steps and samples, products of several steps,
derivatives by their symbols, block matrices, spaces and norms.

Time is written as an expression of t, the step that an equation speaks of, and T, the last one. b counts the samples.
"""

from sympy import Function, Symbol, Tuple, preorder_traversal

from symcell.derivation.maps import rate
from symcell.language.primitives import Unevaluated
from symcell.language.symbols import Adjoint, Constant, Hole, Param


class Letter(Symbol):
    """A letter of the document's own; where the cell has a quantity without time of that name, the next alternative is printed."""

    __slots__ = ("alternatives",)

    def __new__(cls, *alternatives, **assumptions):
        self = Symbol.__xnew__(cls, alternatives[0], **assumptions)
        self.alternatives = alternatives
        return self

    def _hashable_content(self):
        return ("letter", *self.alternatives)

    def __getnewargs_ex__(self):
        return self.alternatives, self.assumptions0

    def __getstate__(self):
        return None


t, T, k = Letter("t", integer=True), Letter("T", "N", integer=True), Letter("k", "m", integer=True)
b, B = Letter("b", "s", integer=True), Letter("B", "S", integer=True)
L = Letter("L", "E")


class Node(Unevaluated, Function):
    """An expression that documents alone contain."""


class At(Node):
    """At(q, time): a quantity at another step than t."""

    def _latex(self, printer, exp=None):
        text = printer.at(self.args[1]).doprint(self.args[0])
        return text if exp is None else f"{text}^{{{exp}}}"


class Terms(Node):
    """A sum whose terms stay in their order."""

    def _latex(self, printer, exp=None):
        return printer.signed([printer.doprint(a) for a in self.args])


class Factors(Node):
    """A product whose factors stay in their order: elementwise if they commute, of linear maps otherwise."""

    def _latex(self, printer, exp=None):
        elementwise = self.is_commutative and any(printer.derivation.shape(a) for a in self.args)
        return (r" \odot " if elementwise else r" \, ").join(map(printer.parenthesize_factor, self.args))


class SumOver(Node):
    """SumOver(e, t, b): the sum of e over all steps and all samples, or over one of them."""

    def _latex(self, printer, exp=None):
        body = printer.parenthesize_factor(self.args[0])
        return rf"\sum_{{{', '.join(map(printer.doprint, self.args[1:]))}}} {body}"


class Underbrace(Node):
    """Underbrace(e, q): the value e, which is called q from there on."""

    def _latex(self, printer, exp=None):
        return self.braced(printer, printer.doprint(self.args[0]))

    def factor(self, printer):
        """The same as a factor, with the brackets inside of the brace."""
        return self.braced(printer, printer.parenthesize_factor(self.args[0]))

    def braced(self, printer, inside):
        return rf"{{\underbrace{{{inside}}}_{{{printer.doprint(self.args[1])}}}}}"  # in braces: a transpose stands behind it


class Listed(Node):
    """Several expressions with commas between them."""

    def _latex(self, printer, exp=None):
        return ", ".join(map(printer.doprint, self.args))


class Steps(Node):
    """Steps(first, last): t runs from the first to the last, in this order; Steps(e) is one step."""

    def _latex(self, printer, exp=None):
        ends = r", \dots, ".join(map(printer.doprint, self.args))
        return f"t = {ends}"


class Space(Node):
    """Space(shape, axes): the arrays of a shape, one for each index of the mapped axes."""

    def _latex(self, printer, exp=None):
        shape, over = self.args
        one = rf"\mathbb{{R}}^{{{_times(printer, shape)}}}" if shape else r"\mathbb{R}"
        return rf"\bigl({one}\bigr)^{{{_times(printer, over)}}}" if over else one


def _times(printer, sizes):
    return r" \times ".join(map(printer.doprint, sizes))


def at(e, time):
    """An expression with all that has a value at every step taken at another time."""
    if time == t:
        return e
    return e.xreplace({q: At(q, time) for q in _timed(e)})


def _timed(e):
    timeless = (Param, Constant, Hole)
    return {q for q in e.free_symbols if not isinstance(q, Letter) and not q.is_integer and not isinstance(getattr(q, "of", q), timeless)}


def subexpressions(e):
    return preorder_traversal(e)


__all__ = [
    "Adjoint",
    "At",
    "B",
    "Factors",
    "L",
    "Letter",
    "Listed",
    "Node",
    "Space",
    "Steps",
    "SumOver",
    "T",
    "Terms",
    "Tuple",
    "Underbrace",
    "at",
    "b",
    "k",
    "rate",
    "t",
]  # fmt: skip
