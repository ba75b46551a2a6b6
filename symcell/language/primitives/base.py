"""Primitives combine units: products, reductions, scans and changes of rank. Each is one class, which defines:

    shape(shapes, sizes)      the shape of its value, unifying sizes on the way (None: any size, a broadcast axis)
    adjoint(bar, shape_of)    the adjoint of each argument, given its own adjoint `bar`
    axes(over)                the mapped axes of its value, given those of its arguments (default: the same)
    tangent(k, t, shape_of)   its tangent for a tangent t of argument k (default: the primitive is linear in each argument)
    index(idx, at, shape_of)  its entry at `idx`, as an expression of entries of its arguments (mapped axes are indexed by
                              `at` itself); or
    decomposition(shape_of)   the same value by simpler primitives, which a program computes in its place
    op                        how it combines entries, if it does: "sum", "max", "scan" or "scan back"
    evaluate(*arrays)         its value in NumPy for one sample, which `check` compares kernels with
    _latex(printer)           its LaTeX (default: the name of the class)
    rule                      the name of its adjoint rule, which documents print
    view                      whether it only renames indices, so that generated code reads its argument in place
    preserves_bounds          whether its entries lie within the bounds of those of its first argument

Add a primitive as one class, in the module of similar ones. `__all__` of that module lists the public names.
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
    """A function without a numerical value, which SymPy would otherwise look up in mpmath by the name of the class."""

    __slots__ = ()

    @classmethod
    def _should_evalf(cls, arg):
        return -1


class Primitive(Foreign, Unevaluated, Function):
    """A function of whole vectors or matrices, which SymPy's `diff` must not differentiate."""

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
    called = ""  # its name in messages, where a user knows it by another one
    view = False
    preserves_bounds = False
    op = ""

    def axes(self, over):
        """The mapped axes of its value, given those of its arguments together."""
        return over

    def fdiff(self, argindex=1):
        raise CellError(f"{written(self)} joins units, and has no derivative per unit; use Cell.jacobian")

    def decomposition(self, shape_of):
        """The same value by simpler primitives; None if there are none."""
        return None

    def index(self, idx, at, shape_of):
        """Its entry at `idx`: what targets compute, unless they know the primitive by name."""
        raise CellError(f"nothing tells how to compute {written(self)}: its class needs a method index, or decomposition")

    def tangent(self, k, t, shape_of):
        """Its tangent for a tangent `t` of argument k; most primitives are linear in each argument."""
        return self.func(*self.args[:k], t, *self.args[k + 1 :])

    def demand(self, condition, expected, shapes):
        """Raise CellError where the ranks of the arguments are wrong."""
        if not condition:
            name = self.called or type(self).__name__
            raise CellError(f"{name} takes {expected}, found {', '.join(map(shape_text, shapes))} in {written(self)}")


def _counted(cls):
    names = list(signature(cls.evaluate).parameters)[1:]
    return f"{len(names)} argument{'s' if len(names) != 1 else ''} ({', '.join(names)})"


class Entry(Unevaluated, Function):
    """Entry(value, *indices): one entry of a value, as a loop reads it."""


class Masked(Unevaluated, Function):
    """Masked(mask, e): 0 where `mask` is 0, even if `e` is NaN there, and `e` elsewhere."""


class Reduction(Unevaluated, Function):
    """Reduction(op, body, index, size): the sum, maximum or running sum of `body` over an index."""


def counter():
    k = 0
    while True:
        k += 1
        yield k


_indices = counter()


def fresh_index():
    """A new loop index, which lowering renames to a letter."""
    return Symbol(f"_k{next(_indices):09d}", integer=True, nonnegative=True)


def number_apart(e):
    """A product as (number, rest)."""
    factors = Mul.make_args(e)
    numbers = [a for a in factors if a.is_number]
    return Mul(*numbers), Mul(*[a for a in factors if a not in numbers])


def ordered_args(e):
    """The arguments of an expression in the same order in every process; SymPy orders those of Max, Min, And and Or by hash."""
    return sorted(e.args, key=default_sort_key) if isinstance(e, LatticeOp) else e.args
