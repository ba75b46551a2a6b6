"""NumPy implementation -> expression: traces a user's function by calling it once with objects that NumPy treats as arrays."""

from collections.abc import Callable
from numbers import Real
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from sympy import (
    Abs,
    Add,
    And,
    Eq,
    Ge,
    Gt,
    Heaviside,
    Le,
    Lt,
    Max,
    Min,
    Mod,
    Mul,
    Ne,
    Not,
    Or,
    Piecewise,
    Pow,
    Rational,
    S,
    acos,
    acosh,
    asin,
    asinh,
    atan,
    atan2,
    atanh,
    ceiling,
    cos,
    cosh,
    exp,
    floor,
    log,
    sign,
    sin,
    sinh,
    sqrt,
    sympify,
    tan,
    tanh,
)  # fmt: skip
from sympy.codegen.cfunctions import exp2, expm1, hypot, log1p, log2, log10

from symcell.errors import CellError


def traced(function, name, arguments):
    """The expression that a NumPy function computes from expressions. Raises CellError if it calls functions without a
    counterpart in SymPy, branches on values, or does not return an array."""
    try:
        found = function(*map(_Traced, arguments))
    except CellError as error:
        raise CellError(f"the NumPy implementation of {name} {error}; {_INSTEAD}") from None
    except Exception as error:  # a user's code may raise anything; the cause is kept
        raise CellError(f"the NumPy implementation of {name} takes arrays alone ({error}); {_INSTEAD}") from error
    if not isinstance(found, (_Traced, Real)):
        raise CellError(f"the NumPy implementation of {name} returned {type(found).__name__}, and no array; {_INSTEAD}")
    return _expression(found)


_INSTEAD = "give the class a method elementary(self), which returns the function of self.args as an expression"


class _Traced(NDArrayOperatorsMixin):
    """Stands for an array: NumPy's functions and Python's operators build expressions from it."""

    def __init__(self, expression):
        self.expression = expression

    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        if method != "__call__" or options or ufunc.__name__ not in _UFUNCS:
            raise CellError(f"calls np.{ufunc.__name__}, which has no counterpart in SymPy")
        return _Traced(_UFUNCS[ufunc.__name__](*map(_expression, inputs)))

    def __array_function__(self, function, types, arguments, options):
        if options or function.__name__ not in _OF_ARRAYS:
            raise CellError(f"calls np.{function.__name__}, which has no counterpart in SymPy")
        return _Traced(_OF_ARRAYS[function.__name__](*map(_expression, arguments)))

    def __bool__(self):
        raise CellError("chooses by the values; np.where(condition, a, b) chooses for each unit")

    def __float__(self):
        raise CellError("takes its argument for one number")


def _expression(a):
    """The expression of a traced array, or of a number, exactly."""
    if isinstance(a, _Traced):
        return a.expression
    if isinstance(a, (bool, np.bool_)):
        return S(bool(a))
    if isinstance(a, Real) and not (isinstance(a, (float, np.floating)) and not np.isfinite(a)):
        return Rational(float(a)) if isinstance(a, (float, np.floating)) else sympify(int(a))
    raise CellError(f"combines its argument with {a!r}")


def _cube_root(z):
    return sign(z) * Abs(z) ** Rational(1, 3)


def _where(condition, a, b):
    return Piecewise((a, condition), (b, True))


_OF_ARRAYS: dict[str, Callable[..., Any]] = {"where": _where, "clip": lambda z, low, high: Min(Max(z, low), high)}
_UFUNCS: dict[str, Callable[..., Any]] = {
    "add": Add, "subtract": lambda a, b: a - b, "multiply": Mul, "divide": lambda a, b: a / b, "power": Pow, "float_power": Pow,
    "negative": lambda a: -a, "positive": lambda a: a, "square": lambda a: a**2, "reciprocal": lambda a: 1 / a, "sqrt": sqrt,
    "cbrt": _cube_root, "floor_divide": lambda a, b: floor(a / b), "remainder": Mod, "clip": _OF_ARRAYS["clip"],
    "exp": exp, "expm1": expm1, "exp2": exp2, "log": log, "log1p": log1p, "log2": log2, "log10": log10, "hypot": hypot,
    "sin": sin, "cos": cos, "tan": tan, "arcsin": asin, "arccos": acos, "arctan": atan, "arctan2": atan2,
    "sinh": sinh, "cosh": cosh, "tanh": tanh, "arcsinh": asinh, "arccosh": acosh, "arctanh": atanh,
    "absolute": Abs, "fabs": Abs, "sign": sign, "floor": floor, "ceil": ceiling, "heaviside": Heaviside,
    "maximum": Max, "minimum": Min, "fmax": Max, "fmin": Min, "logaddexp": lambda a, b: Max(a, b) + log1p(exp(-Abs(a - b))),
    "greater": Gt, "greater_equal": Ge, "less": Lt, "less_equal": Le, "equal": Eq, "not_equal": Ne,
    "logical_and": And, "logical_or": Or, "logical_not": Not, "bitwise_and": And, "bitwise_or": Or, "invert": Not,
}  # fmt: skip
