"""The numbers in an expression, and whether the dtypes of a kernel can represent them."""

from sympy import Float, S, preorder_traversal

from symcell.errors import CellError
from symcell.language.primitives import Primitive

# The largest number of a dtype, and half its smallest, below which what is not 0 becomes 0.
_RANGES = {
    "float32": (Float("3.4028235677973366e38", 20), Float("7.0064923216240854e-46", 20)),
    "float64": (Float("1.797693134862315808e308", 20), Float("2.4703282292062327e-324", 20)),
}


def check_numbers(e):
    """Raise CellError for a number that no kernel can represent: NaN, infinity, or one beyond the range of float64."""
    for n in _numbers(e):
        if n is S.NaN:
            raise CellError("NaN stands in it; only real numbers are known")
        if n.is_infinite:
            raise CellError(f"the number {n} is infinite; use a large finite number, such as 1e30")
        if misfit := outside(n, "float64"):
            raise CellError(f"{misfit}; no dtype holds it")


def outside(e, dtype):
    """A message about the first number that is too large or too small for a dtype; "" if there is none."""
    largest, smallest = _RANGES[dtype]
    for n in _numbers(e):
        value = abs(n.evalf(20)) if n.is_finite else S.Zero
        if value.is_Float and value > largest:
            return f"the number {_short(n)} is beyond {dtype}, whose largest is {largest.evalf(3)}"
        if value.is_Float and 0 < value < smallest:
            return f"the number {_short(n)} is 0 in {dtype}"
    return ""


def _numbers(e):
    """The numeric subexpressions that are part of no larger one."""
    parts = preorder_traversal(e)
    for a in parts:
        if a.is_number and not a.has(Primitive):
            parts.skip()
            yield a


def _short(n):
    text = str(n)
    return text if len(text) < 40 else f"{n.evalf(5)}"
