"""Where units meet: products, reductions, scans and changes of rank. One class a primitive, one method a question.

A primitive answers, about itself and its arguments:

    shape(shapes, sizes)      the shape of its value, unifying sizes on the way (None: any size, a broadcast axis)
    adjoint(bar, shape_of)    the adjoint of each argument, given its own adjoint `bar`
    tangent(k, t, shape_of)   its change for a change t of argument k (the default: it is linear in each)
    index(idx, at, shape_of)  its entry at `idx`, as an expression of entries of its arguments; or
    decomposition(shape_of)   the same value by simpler primitives, which a program computes in its place
    op                        how it combines entries, if it does: "sum", "max", "scan" or "scan back"
    evaluate(*arrays)         its value by NumPy, one sample at a time: the yardstick of `check`
    _latex(printer)           how a paper writes it
    rule                      the name of its adjoint rule, for the derivation

A new primitive is one new class in the file where its like stand, and its name where that is public.
"""

from inspect import signature
from typing import Any, Self

from sympy import Basic, Function, Mul, Symbol, default_sort_key
from sympy.core.operations import LatticeOp

from symcell.errors import CellError
from symcell.language.hints import not_taken
from symcell.language.protocols import Foreign
from symcell.language.sizes import shape_text
from symcell.language.writing import written


class Unevaluated:
    """For functions that have no number for a number: SymPy would look for one in mpmath, by the class's name."""

    __slots__ = ()

    @classmethod
    def _should_evalf(cls, arg):
        return -1


class Primitive(Foreign, Unevaluated, Function):
    """A function of whole vectors or matrices, which SymPy's `diff` must not touch."""

    def __new__(cls, *args: Any) -> Self:
        for a in args:
            if isinstance(a, (str, bool)) or not isinstance(a, (Basic, int, float)) or getattr(a, "is_Matrix", False):
                raise CellError(f"{cls.called or cls.__name__} takes expressions, found {not_taken(a)}")
        try:
            signature(cls.evaluate).bind(None, *args)
        except TypeError:
            raise CellError(f"{cls.__name__} takes {_counted(cls)}, found {len(args)}") from None
        return super().__new__(cls, *args)

    def evaluate(self, *arrays):
        raise NotImplementedError

    rule = ""
    called = ""  # in messages, where a user calls it otherwise
    view = False  # a mere renaming of indices: free, and read in place by the generated code
    op = ""  # a program gives what combines entries a statement of its own

    def fdiff(self, argindex=1):
        raise CellError(f"{written(self)} joins units, and has no derivative per unit; use Cell.jacobian")

    def decomposition(self, shape_of):
        """The same value by simpler primitives; None if there are none."""
        return None

    def tangent(self, k, t, shape_of):
        """The change of its value for a change `t` of argument k; most primitives are linear in each argument."""
        return self.func(*self.args[:k], t, *self.args[k + 1 :])

    def demand(self, condition, expected, shapes):
        """One clear sentence where the ranks of the arguments do not fit."""
        if not condition:
            name = self.called or type(self).__name__
            raise CellError(f"{name} takes {expected}, found {', '.join(map(shape_text, shapes))} in {written(self)}")


def _counted(cls):
    names = list(signature(cls.evaluate).parameters)[1:]
    return f"{len(names)} argument{'s' if len(names) != 1 else ''} ({', '.join(names)})"


class Entry(Unevaluated, Function):
    """The entry of a value at integer indices: what an equation looks like to a loop."""


class Masked(Unevaluated, Function):
    """Masked(mask, e): the entry `e`, but 0 where the entry `mask` is 0, whatever `e` is there."""


class Reduction(Unevaluated, Function):
    """Reduction(op, body, index, size): sum, max or running sum of `body` over an index."""


def counter():
    k = 0
    while True:
        k += 1
        yield k


_indices = counter()


def fresh_index():
    """A new loop index; the lowering renames it to a letter that reads well."""
    return Symbol(f"_k{next(_indices):09d}", integer=True, nonnegative=True)


def number_apart(e):
    """A product as (number, rest)."""
    factors = Mul.make_args(e)
    numbers = [a for a in factors if a.is_number]
    return Mul(*numbers), Mul(*[a for a in factors if a not in numbers])


def ordered_args(e):
    """The arguments of an expression in an order that is the same in every process: SymPy keeps those of Max, Min, And and Or
    as their hashes fall."""
    return sorted(e.args, key=default_sort_key) if isinstance(e, LatticeOp) else e.args
