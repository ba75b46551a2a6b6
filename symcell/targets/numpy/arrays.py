"""Array expression -> NumPy text, for one step and for all steps alike: values have any number of axes before their own."""

from functools import partial

from sympy import Integer
from sympy.core.function import Application

from symcell.language.functions import elementary
from symcell.language.primitives import (
    Primitive,
    broadcast,
    contract,
    cumsum,
    identity,
    largest,
    matmul,
    outer,
    part,
    repeat,
    total,
    transpose,
)
from symcell.language.primitives.scans import cumsum_back
from symcell.language.shapes import resolved_shape
from symcell.program.primitives import beside, columns
from symcell.program.program import values_in
from symcell.targets.indices import index_text
from symcell.targets.numpy.entries import Entries
from symcell.targets.numpy.sources import FUNCTIONS
from symcell.targets.numpy.vocabulary import NUMPY
from symcell.targets.printer import ATOM, LOOSE, MATRIX_PRODUCT, POWER, ElementwisePrinter


class ArrayPrinter:
    """Prints the expressions of a program. The caller says the rest: `value(symbol)` is the text of a value, `size(symbol)` the
    name of a size."""

    def __init__(self, program, order, value, size):
        self.program, self.order, self.value, self.size = program, order, value, size
        self.called = set()  # the functions that the texts call

    def __call__(self, e, level=LOOSE):
        self.called.update(NUMPY.function(f) for f in elementary(e, tuple(NUMPY.functions)).atoms(Application))
        leaf = partial(self._leaf, len(self.shape(e)))
        return ElementwisePrinter(NUMPY, self.order, leaf, NUMPY.number, self._number_of_size, self._name)(e, level)

    def shape(self, e):
        return resolved_shape(e, self.program.shapes.__getitem__)

    def is_once(self, e):
        """Whether all steps and samples share a value."""
        return all(q.is_integer or q in self.program.once for q in e.free_symbols)

    def index(self, n):
        """The text of a size, or of an expression of sizes."""
        return index_text(n, self._name)

    def _name(self, n):
        return self.size(n) if n.is_Symbol else str(n)

    def _number_of_size(self, n):
        return self.index(n) if n.is_Symbol else f"({self.index(n)})"

    def _leaf(self, rank, e):
        """A symbol or a primitive in an expression of a rank: a scalar of each sample gets the axes of its neighbours."""
        text, level = self._primitive(e) if isinstance(e, Primitive) else (self.value(e), ATOM)
        if not rank or self.shape(e) or self.is_once(e):
            return text, level
        return f"{text}[..., {', '.join(['None'] * rank)}]", ATOM

    # Primitives

    def _primitive(self, e):
        if type(e) in _METHODS:
            return self._method(e)
        if write := next((_PATTERNS[kind] for kind in type(e).__mro__ if kind in _PATTERNS), None):
            return write(self, e)
        is_ours = type(e).__module__.startswith("symcell.") and type(e).__name__ in FUNCTIONS
        return (self._call(type(e).__name__, e.args) if is_ours else Entries(self, e).text()), ATOM

    def _call(self, name, arguments):
        """The call of a function of symcell.targets.numpy.functions."""
        self.called.add(name)
        return f"{name}({', '.join(map(self._argument, arguments))})"

    def _argument(self, a):
        return self(a) if values_in(a) or a.is_integer is False else self.index(a)

    def _matmul(self, e):
        a, v = e.args
        rank, transposed = len(self.shape(a)), isinstance(a, transpose)
        if len(self.shape(v)) == 2:
            return f"{self(a, POWER)} @ {self(v, POWER)}", MATRIX_PRODUCT
        if rank == 2 and self.is_once(a):  # it stands behind its vectors, which are rows
            return f"{self(v, POWER)} @ {self(transpose(a), ATOM)}", MATRIX_PRODUCT
        axes = _LETTERS[:rank]
        if transposed:
            return self._einsum(f"...{axes[::-1]},...{axes[-1]}->...{axes[:-1]}", a.args[0], v)
        return self._einsum(f"...{axes},...{axes[-1]}->...{axes[:-1]}", a, v)

    def _contract(self, e):
        axes = _LETTERS[: len(self.shape(e.args[0]))]
        return self._einsum(f"...{axes},...{axes[:-1]}->...{axes[-1]}", *e.args)

    def _outer(self, e):
        rank, axes = len(self.shape(e.args[0])), _LETTERS[: len(self.shape(e))]
        if len(axes) == 2:
            return self._call("outer", e.args), ATOM
        return self._einsum(f"...{axes[:rank]},...{axes[rank:]}->...{axes}", *e.args)

    def _einsum(self, subscripts, *operands):
        return f'np.einsum("{subscripts}", {", ".join(map(self, operands))})', ATOM

    def _transpose(self, e):
        return f"{self(e.args[0], ATOM)}.{'T' if self.is_once(e) else 'mT'}", ATOM

    def _part(self, e):
        v, start, length = e.args
        first = "" if start == 0 else f"{self.index(start)} "
        return f"{self(v, ATOM)}[..., {first}: {self.index(start + length)}]", ATOM

    def _axis(self, e, rank):
        """The axis of a primitive, counted from the last one."""
        return e.position(rank) - rank

    def _method(self, e):
        """A reduction, or a running sum: a method of arrays."""
        a = e.args[0]
        return f"{self(a, ATOM)}.{_METHODS[type(e)]}(axis={self._axis(e, len(self.shape(a)))})", ATOM

    def _along(self, e):
        """A function along an axis."""
        a = e.args[0]
        return self._call(type(e).__name__, (a, Integer(self._axis(e, len(self.shape(a)))))), ATOM

    def _broadcast(self, e):
        a, _, *n = e.args
        axis = self._axis(e, len(self.shape(a)) + 1)
        if n:
            return self._call("broadcast", (a, Integer(axis), *n)), ATOM
        return f"{self(a, ATOM)}[..., {', '.join(['None', *[':'] * (-axis - 1)])}]", ATOM


_LETTERS = "jklmpq"
_METHODS = {total: "sum", largest: "max", cumsum: "cumsum"}
_PATTERNS = {
    matmul: ArrayPrinter._matmul,
    contract: ArrayPrinter._contract,
    outer: ArrayPrinter._outer,
    transpose: ArrayPrinter._transpose,
    part: ArrayPrinter._part,
    columns: ArrayPrinter._part,
    beside: lambda printer, e: (printer._call("concat", e.args), ATOM),
    repeat: lambda printer, e: (f"np.repeat({printer(e.args[0])}, {printer.index(e.args[1])}, axis=-1)", ATOM),
    identity: lambda printer, e: (f"np.eye({printer.index(e.args[0])}, dtype=dtype)", ATOM),
    broadcast: ArrayPrinter._broadcast,
    cumsum_back: ArrayPrinter._along,
}
