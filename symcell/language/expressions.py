"""What symcell adds to SymPy's expressions, since a cell's plain symbols, sums, products and functions are SymPy's own:

    a @ b, a.T           products and transposes of vectors and matrices, which SymPy leaves undefined for them
    transpose(e)         of an expression with symbols of a cell: a matrix's, where SymPy takes it for a number
    MatMul(W, x)         refused for symbols of a cell, where SymPy would multiply elementwise
    np.mean(e), ...      refused where NumPy would take a vector for one number; else as before

SymPy's own matrices, and expressions that meet them, keep their operations.
"""

from sympy import Expr, MatMul, MatrixExpr

from symcell.errors import NoSuchOperation
from symcell.language.foreign import Foreign, answer_numpy
from symcell.language.hints import instead_of
from symcell.language.primitives.products import matmul, transpose


def _multiplied(a, b):
    """a @ b of two expressions; another class decides of itself."""
    plain = all(isinstance(e, Expr) and not isinstance(e, MatrixExpr) for e in (a, b))
    return matmul(a, b) if plain else NotImplemented


def _transposed(e):
    if e.is_number or isinstance(e, MatrixExpr):
        raise AttributeError(f"{type(e).__name__!r} object has no attribute 'T'")
    return transpose(e)


_transpose_of_numbers, _product_of_matrices = Expr._eval_transpose, MatMul.__new__


def _eval_transpose(e):
    return transpose(e) if e.atoms(Foreign) else _transpose_of_numbers(e)


def _new_product(cls, *factors, **options):
    of_a_cell = any(isinstance(e, Expr) and e.atoms(Foreign) for e in factors)
    if of_a_cell and not any(getattr(e, "is_Matrix", False) for e in factors):
        raise NoSuchOperation(f"MatMul({', '.join(map(str, factors))}) takes SymPy's matrices; {instead_of('dot')}")
    return _product_of_matrices(cls, *factors, **options)


Expr.__matmul__ = _multiplied
Expr.__rmatmul__ = lambda b, a: _multiplied(a, b)
Expr.T = property(_transposed)
Expr._eval_transpose = _eval_transpose
MatMul.__new__ = _new_product
Expr.__array_function__ = answer_numpy
