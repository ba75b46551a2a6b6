"""Operators that symcell adds to SymPy's expressions, because the sums, products and functions of a cell are SymPy's own:

    a @ b, a.T           products and transposes of vectors and matrices, which SymPy leaves undefined for them
    a @ 3, a[0], list(a), a.sum()   refused as Python refuses them, with what to write instead
    a.transpose(), transpose(a)   the same, where SymPy takes what is commutative for a number
    MatMul(a, b)         refused without a matrix of SymPy's, where SymPy would multiply elementwise
    np.mean(a), ...      refused where NumPy would take a vector for one number; else as before
    np.tanh(a), ...      refused where NumPy finds no such method; else as before
    math.tanh(a), max(a, b)   refused as SymPy refuses them, with what to write instead

SymPy's own matrices, numbers, and what does not commute keep their operations.
"""

import numpy as np
from sympy import Expr, MatMul, MatrixBase, MatrixExpr, conjugate
from sympy.core.relational import Relational

from symcell.errors import NoSuchAttribute, NoSuchOperation
from symcell.language.hints import ATTRIBUTES, instead_of, not_taken
from symcell.language.primitives.products import matmul, transpose
from symcell.language.protocols import Foreign, answer_numpy

_transpose_of_sympy, _eval_transpose_of_sympy, _eval_adjoint_of_sympy = Expr.transpose, Expr._eval_transpose, Expr._eval_adjoint
_product_of_matrices, _float_of_sympy = MatMul.__new__, Expr.__float__


def _multiplied(a, b):
    """a @ b of two expressions. NotImplemented for other operands, unless one of the two is a symbol or primitive of a cell."""
    plain = all(isinstance(e, Expr) and not isinstance(e, MatrixExpr) for e in (a, b))
    return matmul(a, b) if plain or isinstance(a, Foreign) or isinstance(b, Foreign) else NotImplemented


def _product_from_left(a, b):
    """a @ b, where Python would ask b next. Nobody else multiplies what has no such method."""
    found = _multiplied(a, b)
    if found is NotImplemented and (isinstance(b, MatrixBase) or not hasattr(type(b), "__rmatmul__")):
        raise _no_product(b)
    return found


def _product_from_right(b, a):
    """a @ b, where a could not answer."""
    found = _multiplied(a, b)
    if found is NotImplemented and not isinstance(a, MatrixExpr):
        raise _no_product(a)
    return found


def _no_product(other):
    return NoSuchOperation(f"@ joins two vectors or matrices of a cell, found {not_taken(other)}")


def _entry(e, key):
    """Called by Python's iteration too."""
    if not (_may_be_of_a_cell(e) or e.atoms(Foreign)):
        raise TypeError(f"{type(e).__name__!r} object is not subscriptable")
    return Foreign.__getitem__(e, key)


def _iterable(e):
    """What SymPy asks of an object with `__getitem__`. Classes with one of their own answer for themselves."""
    if type(e).__getitem__ is not _entry or hasattr(type(e), "__iter__"):
        raise AttributeError("_iterable")
    return False


class _Absent:
    """An attribute that expressions lack: an AttributeError, with what to write instead."""

    def __init__(self, name, hint):
        self.name, self.hint = name, hint

    def __get__(self, e, kind):
        missing = f"{kind.__name__!r} object has no attribute {self.name!r}"
        if e is None or not (e.args or e.is_Symbol):  # a class, or a number
            raise AttributeError(missing)
        raise NoSuchAttribute(f"{missing}; {self.hint}")


def _transposed(e):
    if not isinstance(e, Foreign) and (e.is_number or isinstance(e, MatrixExpr)):
        raise AttributeError(f"{type(e).__name__!r} object has no attribute 'T'")
    return transpose(e)


def _may_be_of_a_cell(e):
    """Whether an expression may stand for a vector or a matrix of a cell."""
    return isinstance(e, Expr) and bool(e.is_commutative and e.free_symbols) and not e.has(MatrixExpr, MatrixBase)


def _transpose(e):
    return transpose(e) if _may_be_of_a_cell(e) else _transpose_of_sympy(e)


def _eval_transpose(e):
    return transpose(e) if isinstance(e, Foreign) or _may_be_of_a_cell(e) else _eval_transpose_of_sympy(e)


def _eval_adjoint(e):
    """The adjoint of a number is its conjugate; SymPy would transpose it too."""
    number = _may_be_of_a_cell(e) and not (e.atoms(Foreign) or e.is_hermitian or e.is_antihermitian)
    return conjugate(e) if number else _eval_adjoint_of_sympy(e)


def _new_product(cls, *factors, **options):
    matrices = any(getattr(e, "is_Matrix", False) for e in factors)
    if not matrices and len([e for e in factors if _may_be_of_a_cell(e)]) > 1:
        raise NoSuchOperation(f"MatMul({', '.join(map(str, factors))}) takes SymPy's matrices; {instead_of('dot')}")
    return _product_of_matrices(cls, *factors, **options)


def _answer_ufunc(e, ufunc, method, *inputs, **options):
    """NumPy's elementwise functions of an expression. NumPy calls a method of the function's name, which SymPy lacks."""
    of_a_cell = any(isinstance(a, Expr) and a.atoms(Foreign) for a in inputs)
    if of_a_cell or (method == "reduce" and _may_be_of_a_cell(inputs[0])):
        return Foreign.__array_ufunc__(e, ufunc, method, *inputs, **options)
    arrays = [np.array(a, dtype=object) if isinstance(a, Expr) else a for a in inputs]
    try:
        return getattr(ufunc, method)(*arrays, **options)
    except (TypeError, ValueError):
        if not any(map(_may_be_of_a_cell, inputs)):
            raise
    return Foreign.__array_ufunc__(e, ufunc, method, *inputs, **options)


def _float(e):
    try:
        return _float_of_sympy(e)
    except TypeError:
        if not _may_be_of_a_cell(e):
            raise
    return Foreign.__float__(e)


class _NoTruth:
    """A message that is formatted when it is read: SymPy raises the error often, and rarely reads the message."""

    def __init__(self, condition):
        self.condition = condition

    def __str__(self):
        written = f"cannot determine truth value of Relational: {self.condition}"
        return f"{written}; {instead_of('where')}, Max(a, b) or Min(a, b) takes the larger or smaller of two"


def _bool(condition):
    """Called by Python's max, min, if and while."""
    raise NoSuchOperation(_NoTruth(condition))


Expr.__matmul__ = _product_from_left
Expr.__rmatmul__ = _product_from_right
Expr.__getitem__ = _entry
Expr._iterable = property(_iterable)
for _name, _hint in ATTRIBUTES.items():
    if not hasattr(Expr, _name):
        setattr(Expr, _name, _Absent(_name, _hint))
Expr.T = property(_transposed)
Expr.transpose = _transpose
Expr._eval_transpose = _eval_transpose
Expr._eval_adjoint = _eval_adjoint
MatMul.__new__ = _new_product
Expr.__array_function__ = answer_numpy
Expr.__array_ufunc__ = _answer_ufunc
Expr.__float__ = _float
Relational.__bool__ = _bool
