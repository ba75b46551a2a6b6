"""Names from Python, NumPy, SymPy and PyTorch that do not apply to the vectors of a cell, each with what to write instead."""

import sympy
from sympy import preorder_traversal

from symcell.errors import CellError, NoSuchOperation

_PRODUCT = "W @ x is a matrix product, dot(u, v) an inner product, u * v elementwise"
_SUM = "total(e) is the sum over units"
_LARGEST = "Max(a, b) is elementwise; there is no maximum over units, softmax(e) comes nearest"
_SMALLEST = "Min(a, b) is elementwise; there is no minimum over units"
_TRANSPOSE = "W.T is the transpose"
_JOINED = "concat(u, v) puts one vector after another"
_PART = "part(v, start, length) is a run of a vector's entries, chunk(v, k, n) the part with number k of n"
_MATRIX = "a matrix is a Param, a Constant or a State of two sizes, and @ its product"
_INVERSE = "1 / W is elementwise; there is no matrix inverse"
_FLAT = "flat(S) makes a vector of a matrix"
_REAL = "every value is real, unless a quantity has dtype=complex; then re(e), im(e) and conjugate(e) are SymPy's"
_NORM = "sqrt(dot(v, v)) is the norm of a vector"
_CASES = "Piecewise((a, condition), (b, True)) chooses for each unit"
_CALCULUS = "write the result out"
_OWN_FUNCTION = (
    "a function of your own is a Python function that returns an expression, or a class of sympy.Function with a method "
    "elementary(self)"
)
FIXED = "fixed numbers are a Constant, whose array a call gives"

# Functions of NumPy and PyTorch, and methods of their arrays.
_ARRAYS = {
    **dict.fromkeys(("dot", "inner", "vdot", "tensordot", "einsum", "vecdot", "matmul", "multi_dot", "cross", "matvec", "mm",
                     "mv", "bmm", "linear"), _PRODUCT),
    **dict.fromkeys(("sum", "nansum"), _SUM),
    **dict.fromkeys(("mean", "average", "nanmean", "median"), "mean(e) is the mean over units"),
    **dict.fromkeys(("var", "nanvar"), "variance(e) is the variance over units"),
    **dict.fromkeys(("std", "nanstd"), "sqrt(variance(e)) is the standard deviation over units"),
    **dict.fromkeys(("max", "amax", "nanmax", "argmax", "ptp"), _LARGEST),
    **dict.fromkeys(("min", "amin", "nanmin", "argmin"), _SMALLEST),
    **dict.fromkeys(("maximum", "fmax"), "Max(a, b) is the larger of two"),
    **dict.fromkeys(("minimum", "fmin"), "Min(a, b) is the smaller of two"),
    **dict.fromkeys(("clip", "clamp"), "Min(Max(e, low), high) clips"),
    **dict.fromkeys(("prod", "nanprod", "cumprod"), "exp(total(log(e))) is the product of positive units"),
    "cumsum": "use symcell's cumsum(e)",
    **dict.fromkeys(("transpose", "permute_dims", "swapaxes", "moveaxis", "permute", "t", "mT"), _TRANSPOSE),
    **dict.fromkeys(("concatenate", "concat", "stack", "hstack", "vstack", "append", "cat", "block"), _JOINED),
    **dict.fromkeys(("split", "array_split", "take", "chunk", "narrow", "index_select"), _PART),
    "outer": "use symcell's outer(u, v)",
    "kron": "flat(outer(u, v)) is the Kronecker product of two vectors",
    "repeat": "use symcell's repeat(v, k)",
    "where": _CASES,
    "select": _CASES,
    **dict.fromkeys(("norm", "vector_norm", "matrix_norm"), _NORM),
    **dict.fromkeys(("inv", "inverse", "pinv", "solve"), _INVERSE),
    **dict.fromkeys(("trace", "det"), _MATRIX),
    "diag": "v * e scales the units of e by those of v",
    **dict.fromkeys(("ravel", "flatten", "reshape", "view", "squeeze", "expand_dims", "unsqueeze"), _FLAT),
    **dict.fromkeys(("shape", "ndim", "size"), "shapes are symbolic: cell.shape(e)"),
    **dict.fromkeys(("real", "imag", "conj", "conjugate"), _REAL),
    "detach": "stop_gradient(e) is the identity, without an adjoint",
    "softmax": "use symcell's softmax(e)",
    "astype": "numbers are float32 or float64, as the kernel is compiled",
    "square": "v**2 is elementwise",
    "reciprocal": "1 / v is elementwise",
    "negative": "write -v",
    **dict.fromkeys(("power", "float_power", "pow"), "v**p is elementwise"),
    **dict.fromkeys(("rint", "round", "around"), "floor(e + Rational(1, 2)) is the nearest whole number"),
    **dict.fromkeys(("logaddexp", "logsumexp"), "softplus(e) is log(1 + exp(e))"),
    **{name: f"use symcell's {name}" for name in (
        "exp2", "expm1", "hypot", "log1p", "log2", "log10", "elu", "gelu", "leaky_relu", "mish", "relu", "sigmoid", "silu",
        "softplus",
    )},
    "hardtanh": "use symcell's hard_tanh",
    "hardsigmoid": "use symcell's hard_sigmoid",
    "logsigmoid": "use symcell's log_sigmoid",
}  # fmt: skip
# Methods and attributes of arrays, and of states.
ATTRIBUTES = {
    **_ARRAYS,
    **{name: f"write {name}(e)" for name in ("tanh", "exp", "log", "sin", "cos", "sqrt", "sign", "floor")},
    "abs": "write Abs(e)",
    "prev": "only states have one: h = State('h')",
}
# Functions for which NumPy and PyTorch have another name than SymPy.
_RENAMED = {
    "absolute": "Abs", "abs": "Abs", "fabs": "Abs", "ceil": "ceiling", "heaviside": "Heaviside", "mod": "Mod", "remainder": "Mod",
    "fmod": "Mod", "arctan2": "atan2", **{f"arc{f}": f"a{f}" for f in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
}  # fmt: skip
# Those with which NumPy silently treats an expression as one number.
_SILENT = {"flip", "sort", "nan_to_num", "count_nonzero", "any", "all", "copy", *_ARRAYS} - {"shape", "ndim", "size"}

# Classes of SymPy, by name.
_SYMPY = {
    "Sum": _SUM,
    "Product": "exp(total(log(e))) is the product of positive units",
    **dict.fromkeys(("Integral", "Derivative", "Limit", "Subs", "Order"), _CALCULUS),
    **dict.fromkeys(("re", "conjugate", "adjoint", "polar_lift", "unpolarify", "exp_polar"), _REAL),
    "im": "every value is real, and this would be 0; a quantity may have dtype=complex",
    "arg": "every value is real; atan2(y, x) is the angle of two",
    **dict.fromkeys(("transpose", "Transpose", "Adjoint"), _TRANSPOSE),
    **dict.fromkeys(("Inverse", "MatPow"), _INVERSE),
    **dict.fromkeys(("MatMul", "MatAdd", "MatrixSymbol", "MatrixElement", "Identity", "ZeroMatrix", "OneMatrix", "BlockMatrix",
                     "DiagMatrix", "Trace", "Determinant", "IndexedBase", "Indexed", "Idx"), _MATRIX),
    **dict.fromkeys(("ImmutableDenseMatrix", "MutableDenseMatrix", "ImmutableDenseNDimArray", "MutableDenseNDimArray"),
                    FIXED),
    "HadamardProduct": "u * v is elementwise",
    "DotProduct": _PRODUCT,
    "KroneckerProduct": "flat(outer(u, v)) is the Kronecker product of two vectors",
    "KroneckerDelta": "Piecewise((1, Eq(a, b)), (0, True)) is 1 where two are equal",
    "DiracDelta": "it is no function; Heaviside is the step, and its derivative is 0",
    "UnevaluatedExpr": "an equation of its own gives a part a name",
    "Contains": "write it with comparisons, as in (a >= 0) & (a <= 1)",
    **dict.fromkeys(("Lambda", "AppliedUndef"), _OWN_FUNCTION),
}  # fmt: skip


def check_vocabulary(e):
    """Raise CellError for a class of SymPy's that has no meaning in a cell, with what to write instead."""
    for a in preorder_traversal(e):
        for kind in type(a).__mro__[:2]:
            if kind.__name__ in _SYMPY and kind.__module__.startswith("sympy."):
                raise CellError(f"a cell has no {type(a).__name__}, as in {a}; {_SYMPY[kind.__name__]}")


def not_taken(a):
    """A value that is no expression of a cell, as a message shows it, with what to write instead if that is known."""
    known = [_SYMPY[kind.__name__] for kind in type(a).__mro__ if kind.__name__ in _SYMPY]
    if known:
        return f"SymPy's {type(a).__name__}; {known[0]}"
    return f"a {type(a).__name__}; {FIXED}" if hasattr(a, "dtype") else repr(a)


def instead_of(name):
    """What to write instead of a function or method of arrays; "" if nothing is known."""
    return _ARRAYS.get(name, "")


def is_silent(name):
    """Whether the NumPy function of that name would silently treat an expression as one number."""
    return name in _SILENT


def not_of_arrays(word, name):
    """The error of a function of arrays that was called with expressions of a cell. `word`: its name as written, np.mean."""
    own = _RENAMED.get(name, name)
    known = f"write SymPy's {own}" if hasattr(sympy, own) else "a cell has no such function"
    return NoSuchOperation(f"{word} takes arrays, and found a cell's expression; {instead_of(name) or known}")
