"""The functions of one unit that symcell knows: those that every target has a name for, and what is written out before."""

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
    S,
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
)
from sympy.codegen.cfunctions import exp2, expm1, hypot, log1p, log2, log10
from sympy.core.function import Application
from sympy.core.relational import Relational
from sympy.functions.elementary.piecewise import ExprCondPair
from sympy.logic.boolalg import BooleanAtom

from symcell.errors import CellError
from symcell.language.activations import (
    Unit,
    hard_sigmoid,
    leaky_relu,
    log_sigmoid,
    quotient_tanh,
    relu,
    sigmoid,
    silu,
    sinc_slope,
    softplus,
    stop_gradient,
)
from symcell.language.primitives import Entry, Masked, Primitive
from symcell.language.rewrites import REWRITES
from symcell.language.slopes import partial

# The functions of one unit that every target has a name for.
FUNCTIONS = (
    tanh, sigmoid, exp, expm1, softplus, sign, log, log1p, log2, log10, exp2, hypot, sin, cos, tan, sinh, cosh, asin, acos, atan,
    asinh, acosh, atanh, atan2, erf, erfc, floor, ceiling, Abs, Heaviside, Mod,
)  # fmt: skip

# Functions worth computing once and keeping; the others cost no more than a load.
COSTLY = (*(f for f in FUNCTIONS if f not in (sign, floor, ceiling, Abs, Heaviside)), silu)
VECTORS = (tanh, sigmoid, silu, softplus, exp, expm1)  # those of them that take little more than a load

# What holds expressions together, and needs no name.
_FRAME = (Add, Mul, Pow, Symbol, Piecewise, ExprCondPair, Relational, And, Or, Not, ITE, BooleanAtom, Entry)

# Written out by elementary functions before printing.
_WRITTEN_OUT = (quotient_tanh, relu, leaky_relu, hard_sigmoid, log_sigmoid, silu, sinc_slope, stop_gradient, ITE)


def elementary(e):
    """`e` with the functions that have no name in the generated code written out."""
    e = e.xreplace({f: log_sigmoid(f.args[0].args[0]) for f in e.atoms(log) if isinstance(f.args[0], sigmoid)})
    while found := e.atoms(*_WRITTEN_OUT):
        e = e.xreplace({f: _written_out(f) for f in found})
    known = (*FUNCTIONS, *_WRITTEN_OUT, Max, Min, Piecewise, ExprCondPair, Primitive, Entry, Masked)
    strangers = {f for f in e.atoms(Function) if not isinstance(f, known)}
    for f in sorted(strangers, key=str):
        rewritten = _rewritten(f)
        if rewritten is not None:
            return elementary(e.xreplace({f: rewritten}))
    return e


def _written_out(f):
    z = f.args[0]
    if isinstance(f, ITE):
        return Or(And(z, f.args[1]), And(Not(z), f.args[2]))
    if isinstance(f, silu):
        return z * sigmoid(z)
    if isinstance(f, log_sigmoid):
        return -softplus(-z)
    return f.elementary()


def _rewritten(f):
    """A function unknown here, by known ones: sech, coth, sinc and their like, else as SymPy or its author writes it."""
    if type(f) in REWRITES:
        return REWRITES[type(f)](*f.args)
    for target in (exp, Piecewise, sin, floor, atan):
        g = f.rewrite(target, deep=False)
        if g != f and not g.has(type(f), S.ImaginaryUnit):
            return g
    return None


def check_printable(e):
    """Raise CellError unless the expression, and the derivative of every function in it, can be printed."""
    for a in preorder_traversal(e):
        if a.is_number and a.args and a.is_extended_real is False:
            raise CellError(f"{a} is no real number")
        if isinstance(a, (Primitive, Unit, *_FRAME)) or (a.is_number and a.is_extended_real and not a.args):
            continue
        if not isinstance(a, Application):
            raise CellError(f"{a} is no real number" if a.is_number and not a.args else _unknown(type(a).__name__))
        placeholders = [b if b.is_number else Dummy(f"u{k}") for k, b in enumerate(a.args)]
        application = a.func(*placeholders)
        for expression in (application, *(partial(application, p) for p in placeholders if p.is_Symbol)):
            _check_known(expression, a)


def _check_known(expression, origin):
    for f in elementary(expression).atoms(Application):
        if not isinstance(f, (*FUNCTIONS, Max, Min, Piecewise, And, Or, Not)):
            needed = "" if isinstance(f, origin.func) else f", needed for {origin.func.__name__} or its derivative"
            raise CellError(_unknown(f"{type(f).__name__}{needed}"))


def _unknown(what):
    return f"kernels do not support {what}; they support elementary functions, erf, Max, Min, Mod and Piecewise"
