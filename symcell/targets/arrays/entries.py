"""A primitive that a library has no function for, by its entries: the primitive's `index` says what its entry at some indices
is, and arrays of all indices take the place of these."""

from sympy import Symbol

from symcell.language.primitives import Entry, Primitive, Reduction
from symcell.language.sizes import axes_of
from symcell.program.program import values_in
from symcell.targets.indices import index_text
from symcell.targets.printer import ATOM


class Entries:
    """The entries of one primitive. All index arrays have one rank: an axis for each axis of the primitive's value, then one for
    each axis that it reduces. `array` prints the values that have the entries."""

    def __init__(self, array, e):
        self.array, self.over = array, axes_of([array.shape(e)])
        self.own = [Symbol(f"j{k}", integer=True, nonnegative=True) for k in range(len(array.shape(e)))]
        self.body, self.reductions = e.index(tuple(self.own), _entry, array.shape), []
        self.sizes = dict(zip(self.own, array.shape(e), strict=True))
        while isinstance(self.body, Reduction):
            op, self.body, j, n = self.body.args
            self.reductions.append((str(op), j))
            self.sizes.setdefault(j, n)
        self.rank = len(self.sizes)

    def text(self):
        """The text of the primitive's value."""
        text = self.array.elementwise(self.body, ATOM, self._leaf, self._number, self._index)
        if not self.sizes.keys() <= self.body.free_symbols:  # the entries are the same along an axis
            sizes = ", ".join(map(self.array.index, self.sizes.values()))
            text = self.array.library.spread.format(text, sizes, like=self.array.like)
            self.array.called.add("spread")
        for op, j in reversed(self.reductions):
            text = self._reduced(text, op, self._axis(j))
        return text

    def _reduced(self, text, op, axis):
        if op == "scan back":
            return self._call("cumsum_back", text, str(axis))
        return self.array.reduced(text, op, axis)

    def _axis(self, j):
        """The axis of an index, counted from the last one; axes are reduced from the last one on."""
        return self.own.index(j) - len(self.own) if j in self.own else -1

    def _leaf(self, e):
        value, *indices = e.args
        text = self.array(value, ATOM, self.over)
        if indices:
            return self._call("entries", text, *map(self._indices, indices)), ATOM
        shared = self.array.is_once(value) and not self.array.shape(value).over
        return text if shared or not self.rank else f"{text}[..., {', '.join(['None'] * self.rank)}]", ATOM

    def _call(self, name, *arguments):
        self.array.called.add(name)
        return f"{name}({', '.join(arguments)})"

    def _indices(self, e):
        """The indices along one axis of a value: an array."""
        text = index_text(e, self._index)
        return text if e.free_symbols & self.sizes.keys() else f"{'[' * self.rank}{text}{']' * self.rank}"

    def _index(self, n):
        """The array of all numbers that an index takes, along its axis; or the text of a size."""
        if n not in self.sizes:
            return self.array.index(n)
        axes = ", ".join(":" if j == n else "None" for j in self.sizes)
        return self.array.word("numbers", self.sizes[n]) + f"[{axes}]" * (self.rank > 1)

    def _number(self, n):
        """An expression of indices and sizes among numbers."""
        text = f"({index_text(n, self._index)})"
        return self.array.library.cast.format(text, like=self.array.like) if n.free_symbols & self.sizes.keys() else text


def _entry(e, indices):
    """An argument's entry; a number and a size are the same everywhere."""
    return Entry(e, *indices) if values_in(e) or e.has(Primitive) else e
