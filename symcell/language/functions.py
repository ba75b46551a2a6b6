"""Functions of one unit: those that every target has a name for, and how to write the others by them."""

from functools import lru_cache

from sympy import (
    ITE,
    Abs,
    Add,
    And,
    Dummy,
    Function,
    Heaviside,
    Max,
    Min,
    Mod,
    Mul,
    Not,
    Or,
    Piecewise,
    Pow,
    Symbol,
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
    erf,
    erfc,
    exp,
    floor,
    log,
    preorder_traversal,
    sign,
    sin,
    sinh,
    tan,
    tanh,
)  # fmt: skip
from sympy.codegen.cfunctions import exp2, expm1, hypot, log1p, log2, log10
from sympy.core.function import Application
from sympy.core.relational import Relational
from sympy.functions.elementary.piecewise import ExprCondPair
from sympy.logic.boolalg import BooleanAtom

from symcell.errors import CellError
from symcell.language.activations import log_sigmoid, sigmoid, silu, softplus
from symcell.language.definitions import definition
from symcell.language.primitives import Entry, Masked, Primitive
from symcell.language.slopes import partial
from symcell.language.unit import Costly

# The functions of one unit that every target has a name for.
FUNCTIONS = (
    tanh, sigmoid, exp, expm1, softplus, sign, log, log1p, log2, log10, exp2, hypot, sin, cos, tan, sinh, cosh, asin, acos, atan,
    asinh, acosh, atanh, atan2, erf, erfc, floor, ceiling, Abs, Heaviside, Mod,
)  # fmt: skip

# Functions worth computing once and keeping; the others cost no more than a load.
COSTLY = (*(f for f in FUNCTIONS if f not in (sign, floor, ceiling, Abs, Heaviside)), Costly)
VECTORS = (tanh, sigmoid, silu, softplus, exp, expm1)  # those of them that take little more than a load

# What holds expressions together, and needs no name.
_FRAME = (Add, Mul, Pow, Symbol, Piecewise, ExprCondPair, Relational, And, Or, Not, ITE, BooleanAtom, Entry)


def elementary(e, named=FUNCTIONS):
    """Replace the functions that a target has no name for by their definitions. `named`: those that it has a name for."""
    known = (*named, Max, Min, Piecewise, ExprCondPair, Primitive, Entry, Masked)
    e = e.xreplace({f: log_sigmoid(f.args[0].args[0]) for f in e.atoms(log) if isinstance(f.args[0], sigmoid)})
    while True:
        others = [f for f in e.atoms(Function, ITE) if not isinstance(f, known)]
        found = {f: g for f in others if (g := definition(f)) is not None}
        if not found:
            return e
        e = e.xreplace(found)


def check_printable(e):
    """Raise CellError unless every target can print the expression and the derivative of each function in it."""
    for a in preorder_traversal(e):
        if a.is_number and a.args and a.is_extended_real is False:
            raise CellError(f"{a} is no real number")
        if isinstance(a, Primitive):
            _check_primitive(type(a))
        if isinstance(a, (Primitive, *_FRAME)) or (a.is_number and a.is_extended_real and not a.args):
            continue
        if not isinstance(a, Application):
            raise CellError(f"{a} is no real number" if a.is_number and not a.args else _unknown(type(a)))
        _check_function(a.func, tuple(b if b.is_number else None for b in a.args))


def _check_primitive(kind):
    if kind.index is Primitive.index and kind.decomposition is Primitive.decomposition:
        raise CellError(f"nothing tells how to compute {kind.__name__}: its class needs a method index, or decomposition")


@lru_cache(maxsize=1024)
def _check_function(function, arguments):
    """The same for one function. `arguments`: its arguments that are numbers, and None in place of the others."""
    application = function(*[Dummy(f"u{k}") if b is None else b for k, b in enumerate(arguments)])
    for e in (application, *(partial(application, u) for u in application.args if u.is_Symbol)):
        for f in elementary(e).atoms(Application):
            if not isinstance(f, (*FUNCTIONS, Max, Min, Piecewise, And, Or, Not)):
                raise CellError(_unknown(type(f), "" if isinstance(f, function) else function.__name__))


def _unknown(kind, origin=""):
    needed = f", needed for {origin} or its derivative" if origin else ""
    known = "they support elementary functions, erf, Max, Min, Mod and Piecewise"
    of_a_user = "" if kind.__module__.startswith("sympy.") else _DEFINED
    return f"kernels do not support {kind.__name__}{needed}; {known}{of_a_user}"


_DEFINED = ", and functions whose class has a method elementary(self), or as _imp_ a NumPy implementation"
