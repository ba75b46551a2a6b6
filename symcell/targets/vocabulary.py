"""How a target writes elementwise expressions: one table of names and patterns, which ElementwisePrinter reads."""

from collections.abc import Mapping
from dataclasses import dataclass

from sympy import (
    Abs,
    Integer,
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
    floor,
    log,
    nan,
    oo,
    sin,
    sinh,
    tan,
    zoo,
)
from sympy.codegen.cfunctions import exp2, hypot, log1p, log2, log10

# What NumPy calls some functions, and Numba and JAX after it.
_NUMPY_NAMES = {
    log: "log", log1p: "log1p", log2: "log2", log10: "log10", exp2: "exp2", hypot: "hypot", sin: "sin", cos: "cos", tan: "tan",
    sinh: "sinh", cosh: "cosh", asin: "arcsin", acos: "arccos", atan: "arctan", asinh: "arcsinh", acosh: "arccosh",
    atanh: "arctanh", atan2: "arctan2", floor: "floor", ceiling: "ceil", Abs: "abs",
}  # fmt: skip


def numpy_functions(module):
    """The functions that a module has under NumPy's names: SymPy class -> text."""
    return {function: f"{module}.{name}" for function, name in _NUMPY_NAMES.items()}


@dataclass(frozen=True)
class Vocabulary:
    """The words of one target. Patterns are filled in by position.

    functions: SymPy class -> the name that is called; those of Max and Min take two arguments
    square_root: the name that is called
    choice: a pattern of condition, value, and the value otherwise
    joined: the words between conditions, for And and Or
    compared: the pattern of a comparison that stands beside others
    power: a pattern of base and exponent"""

    functions: Mapping[type, str]
    square_root: str
    choice: str
    joined: tuple[str, str]
    negation: str
    compared: str = "{}"
    power: str = "{} ** {}"
    truth: tuple[str, str] = ("True", "False")
    infinity: str = "np.inf"
    nan: str = "np.nan"

    def function(self, e):
        """The name of the function that an expression applies; None for one without a name."""
        return next((name for kind, name in self.functions.items() if isinstance(e, kind)), None)

    def number(self, n):
        """A number, to the last digit of a double."""
        if n is nan:
            return self.nan
        if isinstance(n, Integer) and abs(n) < 2**53:
            return str(n)
        try:
            value = float("inf") if n in (oo, zoo) else float(n)
        except OverflowError:
            value = float("inf") if n > 0 else -float("inf")
        return repr(value).replace("inf", self.infinity)
