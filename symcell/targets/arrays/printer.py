"""Array expression -> text in the words of a library, for one step and for all steps alike: values have any number of axes
before their own."""

from functools import partial

from sympy import Integer

from symcell.language.primitives import (
    Primitive,
    across,
    broadcast,
    contract,
    cumsum,
    divide,
    each,
    identity,
    largest,
    matmul,
    merge,
    outer,
    part,
    repeat,
    reshape,
    swap,
    total,
    transpose,
)
from symcell.language.primitives.scans import cumsum_back
from symcell.language.shapes import resolved_shape
from symcell.language.sizes import Dims, axes_of
from symcell.program.primitives import beside, columns, stacked
from symcell.program.program import values_in
from symcell.targets.arrays.entries import Entries
from symcell.targets.indices import index_text, is_index
from symcell.targets.layout import tuple_text
from symcell.targets.printer import ATOM, LOOSE, MATRIX_PRODUCT, POWER


class ArrayPrinter:
    """Prints the expressions of a program in the words of a `library`. The caller says the rest: `value(symbol)` is the text of a
    value, `size(symbol)` the name of a size, `like` a value that is there already."""

    def __init__(self, library, program, order, value, size, like=""):
        self.library, self.program, self.order, self.value, self.size, self.like = library, program, order, value, size, like
        self.called = set()  # the functions that the texts call

    def __call__(self, e, level=LOOSE, over=()):
        """The text of an expression, with the mapped axes in `over` beside its own."""
        shape = self.shape(e)
        leaf = partial(self._leaf, Dims(shape, axes_of([shape, Dims((), over)])))
        return self.elementwise(e, level, leaf, self._number_of_size, self._name)

    def elementwise(self, e, level, leaf, number_of_size, name):
        """The text of an elementwise expression, of which the caller prints the leaves, sizes and indices."""
        words = self.library.vocabulary
        printer = self.library.printer(words, self.order, leaf, words.number, number_of_size, name, self.like)
        text = printer(e, level)
        self.called.update(printer.called)
        return text

    def word(self, name, *parts):
        """One of the library's patterns, filled in."""
        pattern = getattr(self.library, name)
        self.called.add(pattern.partition("(")[0])
        return pattern.format(*map(self.index, parts), like=self.like)

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

    def _leaf(self, shape, e):
        """A symbol or a primitive in an expression of a shape: it gets the axes of its neighbours that it has not."""
        text, level = self._primitive(e) if isinstance(e, Primitive) else (self._in_order(e), ATOM)
        own = self.shape(e)
        axes = [":" if n in own.over else "None" for n in shape.over] + [":" if own else "None"] * len(shape)
        if "None" not in axes or (self.is_once(e) and not own.whole):
            return text, level
        if self.is_once(e) and not own.over and own:  # NumPy adds axes before its own
            return text, level
        return f"{text}[..., {', '.join(axes)}]", ATOM

    def _in_order(self, q):
        """A value, its mapped axes in alphabetical order."""
        return self.moved(self.value(q), self.shape(q), self.program.shapes[q].over, axes_of([self.shape(q)]))

    def moved(self, text, own, over, wanted):
        """A text whose mapped axes are `over`, in the order `wanted`."""
        if over == wanted:
            return text
        rank = len(own) + len(over)
        found, places = [over.index(n) - rank for n in wanted], [k - rank for k in range(len(wanted))]
        return self.library.moved.format(text, tuple_text(map(str, found)), tuple_text(map(str, places)))

    # Primitives

    def _primitive(self, e):
        if type(e) in _METHODS:
            return self._method(e)
        if write := next((_PATTERNS[kind] for kind in type(e).__mro__ if kind in _PATTERNS), None):
            return write(self, e)
        is_ours = type(e).__module__.startswith("symcell.") and type(e).__name__ in self.library.functions
        return (self._call(type(e).__name__, e.args) if is_ours else Entries(self, e).text()), ATOM

    def _call(self, name, arguments):
        """The call of a function that modules are written with."""
        self.called.add(name)
        over = self._over(arguments)
        return f"{name}({', '.join(self._argument(a, over) for a in arguments)})"

    def _argument(self, a, over=()):
        is_size = not values_in(a) and a.is_integer is not False and all(map(is_index, a.as_numer_denom()))
        return self.index(a) if is_size else self(a, over=over)

    def _over(self, arguments):
        """The mapped axes of some expressions together."""
        return axes_of(map(self.shape, arguments))

    def _matmul(self, e):
        a, v = e.args
        rank, transposed = len(self.shape(a)), isinstance(a, transpose)
        if self._over(e.args):
            joined, rest = _LETTERS[rank - 1], _LETTERS[rank : rank + len(self.shape(v)) - 1]
            return self._einsum(_LETTERS[: rank - 1] + rest, (a, _LETTERS[:rank]), (v, joined + rest))
        if len(self.shape(v)) == 2:
            return f"{self(a, POWER)} @ {self(v, POWER)}", MATRIX_PRODUCT
        if rank == 2 and self.is_once(a):  # it stands behind its vectors, which are rows
            return f"{self(v, POWER)} @ {self(transpose(a), ATOM)}", MATRIX_PRODUCT
        axes = _LETTERS[:rank]
        if transposed:
            return self._einsum(axes[:-1], (a.args[0], axes[::-1]), (v, axes[-1]))
        return self._einsum(axes[:-1], (a, axes), (v, axes[-1]))

    def _contract(self, e):
        a, y = e.args
        axes = _LETTERS[: len(self.shape(a))]
        return self._einsum(axes[-1], (a, axes), (y, axes[:-1]))

    def _outer(self, e):
        u, v = e.args
        rank, axes = len(self.shape(u)), _LETTERS[: len(self.shape(e))]
        if len(axes) == 2:
            return self._call("outer", e.args), ATOM
        return self._einsum(axes, (u, axes[:rank]), (v, axes[rank:]))

    def _einsum(self, result, *operands):
        """A product by axes: the letters of the result, and of each operand; those of mapped axes are added."""
        heads = dict(zip(self._over([a for a, _ in operands]), _HEADS, strict=False))
        parts = ["..." + "".join(heads[n] for n in axes_of([self.shape(a)])) + letters for a, letters in operands]
        subscripts = f"{','.join(parts)}->...{''.join(heads.values())}{result}"
        return self.library.einsum.format(subscripts, ", ".join(self(a) for a, _ in operands)), ATOM

    def _transpose(self, e):
        return f"{self(e.args[0], ATOM)}.{'T' if len(self.shape(e).whole) == 2 and self.is_once(e) else 'mT'}", ATOM

    def _swap(self, e):
        a, *axes = e.args
        rank = len(self.shape(a))
        return self.library.swapped.format(self(a), *(int(k) % rank - rank for k in axes)), ATOM

    def _reshape(self, e):
        a, *sizes = e.args
        return self._call("reshape", (a, Integer(len(self.shape(a))), *sizes)), ATOM

    # Mapped axes

    def _divide(self, e):
        u, axis = e.args
        text = self._call("divided", (u, axis, Integer(-len(self.shape(u)))))
        over = (*axes_of([self.shape(u)]), axis)
        return self.moved(text, self.shape(e), over, axes_of([Dims((), over)])), ATOM

    def _each(self, e):
        u, axis = e.args
        over = (*axes_of([self.shape(u)]), axis)
        return self.moved(self(u, ATOM), (), over, axes_of([Dims((), over)])), ATOM

    def _merge(self, e):
        a, axis = e.args
        shape, text = self.shape(a), self._axis_last(a, axis)
        if not shape:
            return text, ATOM
        self.called.add("joined")
        return f"joined({text}, {-len(shape) - 1})", ATOM

    def _stacked(self, e):
        return self._axis_last(*e.args), ATOM

    def _axis_last(self, a, axis):
        """A value with a mapped axis moved behind the others."""
        shape = self.shape(a)
        over = axes_of([shape])
        return self.moved(self(a, ATOM), shape, over, (*(n for n in over if n != axis), axis))

    def _across(self, e):
        a, axis = e.args
        shape = self.shape(a)
        return self.reduced(self(a, ATOM), "sum", axes_of([shape]).index(axis) - len(shape.whole)), ATOM

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
        return self.reduced(self(a, ATOM), _METHODS[type(e)], self._axis(e, len(self.shape(a)))), ATOM

    def reduced(self, text, op, axis):
        """A reduction or a running sum of a value along an axis."""
        return self.library.reduced[op].format(text, axis)

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


_LETTERS, _HEADS = "jklmpq", "HGFEDC"
_METHODS = {total: "sum", largest: "max", cumsum: "scan"}
_PATTERNS = {
    matmul: ArrayPrinter._matmul,
    contract: ArrayPrinter._contract,
    outer: ArrayPrinter._outer,
    transpose: ArrayPrinter._transpose,
    part: ArrayPrinter._part,
    columns: ArrayPrinter._part,
    beside: lambda printer, e: (printer._call("concat", e.args), ATOM),
    repeat: lambda printer, e: (printer.library.repeated.format(printer(e.args[0]), printer.index(e.args[1])), ATOM),
    identity: lambda printer, e: (printer.word("identity", e.args[0]), ATOM),
    broadcast: ArrayPrinter._broadcast,
    swap: ArrayPrinter._swap,
    reshape: ArrayPrinter._reshape,
    divide: ArrayPrinter._divide,
    each: ArrayPrinter._each,
    merge: ArrayPrinter._merge,
    stacked: ArrayPrinter._stacked,
    across: ArrayPrinter._across,
    cumsum_back: ArrayPrinter._along,
}
