"""SymPy nodes for what SymPy has no name for: a quantity at another step, sums over steps and samples, products of several steps,
derivatives by their symbols, block matrices, spaces and norms.

Time is written as an expression of t, the step that an equation speaks of, and T, the last one. b counts the samples.
"""

from functools import reduce
from operator import mul as multiply

from sympy import Function, Symbol

from symcell.derivation.maps import rate
from symcell.documents.letters import verbatim
from symcell.language.primitives import Unevaluated
from symcell.language.shapes import resolved_shape
from symcell.language.sizes import Dims
from symcell.language.symbols import Constant, Hole, Param


class Letter(Symbol):
    """A letter of the document's own; where the cell has a quantity without time of that name, the next alternative is printed.
    It stands for a number, or for an array of a shape."""

    __slots__ = ("alternatives", "shape")

    def __new__(cls, *alternatives, shape=(), **assumptions):
        self = Symbol.__xnew__(cls, alternatives[0], **assumptions)
        self.alternatives, self.shape = alternatives, shape if isinstance(shape, Dims) else Dims(shape)
        return self

    def _hashable_content(self):
        return ("letter", *self.alternatives, str(self.shape), str(self.shape.over))

    def __getnewargs_ex__(self):
        return self.alternatives, {"shape": self.shape} | self.assumptions0

    def __getstate__(self):
        return None


class TimedLetter(Letter):
    """A letter of the document's own for what has a value at every step, such as the Jacobian of a step."""

    __slots__ = ()


t, T, k, j = (Letter(*letters, integer=True) for letters in (("t",), ("T", "N"), ("k", "l", "p"), ("j", "i", "q")))
b, B = Letter("b", "m", "r", "p", "q", integer=True), Letter("B", "M", "P", integer=True)
L, bound = Letter("L", "E"), Letter("gamma", "rho")
J = TimedLetter("J", "D", "Q", commutative=False)
state = TimedLetter("s", "q", "r", "y")


class Node(Unevaluated, Function):
    """An expression that documents alone contain."""


class At(Node):
    """At(q, time): a quantity at another step than t."""

    def _latex(self, printer, exp=None):
        text = printer.at(self.args[1]).doprint(self.args[0])
        return text if exp is None else f"{text}^{{{exp}}}"


class Terms(Node):
    """A sum whose terms stay in their order."""

    def evaluate(self, *arrays):
        return sum(arrays)

    def _latex(self, printer, exp=None):
        return printer.signed([printer.doprint(a) for a in self.args])


class Factors(Node):
    """A product whose factors stay in their order: elementwise if they commute, of linear maps otherwise."""

    def evaluate(self, *arrays):
        return reduce(multiply, arrays)

    def _latex(self, printer, exp=None):
        return _times(self.args, printer).join(map(printer.parenthesize_factor, self.args))


def _times(factors, printer):
    """The sign between factors: that of the elementwise product if they are vectors, and none between numbers or linear maps."""
    numbers = any(not a.is_commutative or a.has(TimedLetter, Norm, LargestEntry) for a in factors)
    return r" \, " if numbers or not any(printer.shape(a) for a in factors) else r" \odot "


class SumOver(Node):
    """SumOver(e, t, b): the sum of e over all steps and all samples, or over one of them."""

    def _latex(self, printer, exp=None):
        body = self.args[0]
        sign = "-" if body.is_Mul and body.could_extract_minus_sign() else ""
        body = -body if sign else body
        text = printer.doprint(body) if body.is_Mul else printer.parenthesize_factor(body)
        return rf"{sign}\sum\nolimits_{{{', '.join(map(printer.doprint, self.args[1:]))}}} {text}"


class Run(Node):
    """Run(e, first, second, last): the product of e over steps, from the first to the last, going back in time."""

    def factors(self):
        e, *times = self.args
        return [at(e, time) for time in times]

    def _latex(self, printer, exp=None):
        inside = printer.doprint if self.args[0].is_Mul and not self.is_commutative else printer.parenthesize_factor
        first, second, last = map(inside, self.factors())
        return _times(self.factors(), printer).join([first, second, r"\cdots", last])


class SumFrom(Node):
    """SumFrom(e, j, first, last): the sum of e over an index."""

    def _latex(self, printer, exp=None):
        e, index, first, last = self.args
        ends = rf"\sum_{{{printer.doprint(index)} = {printer.doprint(first)}}}^{{{printer.doprint(last)}}}"
        return f"{ends} {printer.parenthesize_factor(e)}"


class Transposed(Node):
    """The transpose of a linear map."""

    is_commutative = False

    def _latex(self, printer, exp=None):
        of = self.args[0]
        text = printer.doprint(of)
        return (printer.brackets(text) if isinstance(of, (Run, Factors, rate)) else text) + r"^{\top}"


class Applied(Node):
    """Applied(A, v): the value of a linear map."""

    is_commutative = True

    def _latex(self, printer, exp=None):
        return r" \, ".join(map(printer.parenthesize_factor, self.args))


class total_rate(rate):
    """The derivative of one quantity by another through all that lies between."""

    def _latex(self, printer, exp=None):
        of, by = map(printer.doprint, self.args)
        return rf"\frac{{\mathrm{{d}} {of}}}{{\mathrm{{d}} {by}}}"


class Held(Node):
    """Held(rate, q ...): a derivative with some quantities held fixed."""

    is_commutative = False

    def _latex(self, printer, exp=None):
        of, *fixed = map(printer.doprint, self.args)
        return rf"\left. {of} \right|_{{{', '.join(fixed)}}}"


class Stacked(Node):
    """Several vectors as one."""

    def _latex(self, printer, exp=None):
        return r"\begin{pmatrix} " + r" \\ ".join(map(printer.doprint, self.args)) + r" \end{pmatrix}"


class Blocks(Node):
    """Blocks(row ...): a matrix of blocks, given as Tuples of linear maps, some of which are 0."""

    is_commutative = False

    def _latex(self, printer, exp=None):
        rows = [" & ".join(map(printer.doprint, row)) for row in self.args]
        return r"\begin{pmatrix} " + r" \\ ".join(rows) + r" \end{pmatrix}"


class Norm(Node):
    """The spectral norm of a linear map; the Euclidean norm of a vector."""

    is_commutative = True

    def _latex(self, printer, exp=None):
        return rf"\left\| {printer.doprint(self.args[0])} \right\|" + (f"^{{{exp}}}" if exp else "")


class LargestEntry(Node):
    """The largest absolute value of the entries."""

    is_commutative = True

    def _latex(self, printer, exp=None):
        return rf"\left\| {printer.doprint(self.args[0])} \right\|_{{\infty}}" + (f"^{{{exp}}}" if exp else "")


class Inner(Node):
    """The inner product of two arrays of any shape."""

    def _latex(self, printer, exp=None):
        return rf"\left\langle {', '.join(map(printer.doprint, self.args))} \right\rangle"


class DifferentialOf(Node):
    """The differential of a quantity."""

    def _latex(self, printer, exp=None):
        return rf"\mathrm{{d}}{printer.doprint(self.args[0])}"


class Underbrace(Node):
    """Underbrace(e, q): the value e, which is called q from there on."""

    def evaluate(self, e, q):
        return e

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


class InCode(Node):
    """The name of a quantity as code has it."""

    def _latex(self, printer, exp=None):
        return verbatim(self.args[0].name)


class Steps(Node):
    """Steps(first, last): t runs from the first to the last, in this order; Steps(first, last, b): another letter does."""

    def _latex(self, printer, exp=None):
        first, last, letter = map(printer.doprint, (*self.args, t)[:3])
        return rf"{letter} = {first}, \dots, {last}"


class Space(Node):
    """Space(shape, axes): the arrays of a shape, one for each index of the mapped axes."""

    def _latex(self, printer, exp=None):
        shape, over = self.args
        one = rf"\mathbb{{R}}^{{{_sizes(printer, shape)}}}" if shape else r"\mathbb{R}"
        if not over:
            return one
        heads = _sizes(printer, over)
        return rf"\left({one}\right)^{{{heads}}}" if shape else rf"{one}^{{{heads}}}"


def _sizes(printer, sizes):
    return r" \times ".join(_size(printer, *n.as_numer_denom()) for n in sizes)


def _size(printer, above, below):
    """A quotient in one line: sizes stand in exponents."""
    if below == 1:
        return printer.doprint(above)
    return f"{printer.parenthesize_factor(above)} / {printer.parenthesize_factor(below)}"


def shape_in_document(e, derivation):
    """The shape of an expression of the cell's symbols and of letters of the document's own."""
    if e.has(Norm, LargestEntry, Inner):
        return Dims()

    def shape_of(q):
        q = getattr(q, "of", q)
        return q.shape if isinstance(q, (Letter, Hole)) else derivation.shapes[q]

    return resolved_shape(e, shape_of)


def at(e, time):
    """An expression with all that has a value at every step taken at another time."""
    if time == t:
        return e
    return e.xreplace({q: At(q, time) for q in _timed(e)})


def is_timeless(e, derivation):
    """Whether an expression is the same at every step."""
    return all(getattr(q, "of", q) in derivation.once for q in _timed(e))


def _timed(e):
    timeless = (Param, Constant, Hole)
    symbols = {q for q in e.free_symbols if isinstance(q, TimedLetter) or not isinstance(q, Letter)}
    return {q for q in symbols if not q.is_integer and not isinstance(getattr(q, "of", q), timeless)}
