"""The vocabulary of the cases, three times: for symcell, for PyTorch (imported when asked for), for exact numbers.

A case is a function f(w, x) or f(w, x, y) that takes its words from w, so that what is compared is one text."""

from types import SimpleNamespace

import numpy as np
import sympy
from mpmath import mp, mpf
from sympy import (
    acos,
    acosh,
    acot,
    acoth,
    acsc,
    acsch,
    asec,
    asech,
    asin,
    asinh,
    atan,
    atan2,
    atanh,
    ceiling,
    cos,
    cosh,
    cot,
    coth,
    csc,
    csch,
    erf,
    erfc,
    exp,
    floor,
    frac,
    log,
    sec,
    sech,
    sign,
    sin,
    sinc,
    sinh,
    sqrt,
    tan,
    tanh,
)
from sympy.codegen.cfunctions import exp2, expm1, hypot, log1p, log2, log10

from symcell import (
    cumsum,
    dot,
    hard_sigmoid,
    leaky_relu,
    log_sigmoid,
    mean,
    relu,
    sigmoid,
    silu,
    softmax,
    softplus,
    total,
    variance,
)

from . import exact

OF_SYMPY = (
    exp, log, sqrt, sin, cos, tan, sec, csc, cot, asin, acos, atan, acot, asec, acsc, sinh, cosh, tanh, sech, csch, coth,
    asinh, acosh, atanh, asech, acsch, acoth, erf, erfc, sinc, sign, floor, ceiling, frac, atan2, expm1, log1p, log2, log10, exp2,
    hypot,
)  # fmt: skip
OF_SYMCELL = (sigmoid, relu, leaky_relu, hard_sigmoid, softplus, log_sigmoid, silu, total, mean, variance, softmax, cumsum, dot)


def of_symcell():
    """SymPy's own functions, and symcell's."""
    return SimpleNamespace(
        **{f.__name__: f for f in (*OF_SYMPY, *OF_SYMCELL)},
        abs=sympy.Abs,
        maximum=sympy.Max,
        minimum=sympy.Min,
        modulo=sympy.Mod,
        heaviside=lambda x: sympy.Heaviside(x, 0),
        where=lambda condition, a, b: sympy.Piecewise((a, condition), (b, True)),
        ratio=sympy.Rational,
        root=sympy.sqrt,
        pi=sympy.pi,
    )


def _vectors(scalar):
    """What works along a vector of jets, as a NumPy array of objects."""
    unit = np.frompyfunc(scalar.exp, 1, 1)

    def softmax(x):
        e = unit(x - max(x).value)
        return e / e.sum()

    def mean(x):
        return x.sum() / len(x)

    return {
        "total": lambda x: x.sum(), "mean": mean, "softmax": softmax, "cumsum": np.cumsum, "dot": lambda x, y: (x * y).sum(),
        "variance": lambda x: mean((x - mean(x)) * (x - mean(x))),
    }  # fmt: skip


def _elementwise(f):
    """A function of jets that takes arrays of them too."""
    return lambda *arguments: np.frompyfunc(f, len(arguments), 1)(*arguments)


def of_exact():
    """Functions of jets."""
    units = dict(exact.FUNCTIONS)
    heaviside = exact.function(lambda x: mpf(x > 0), lambda x, v: mpf(0))
    scalar = SimpleNamespace(
        **units,
        maximum=exact.maximum,
        minimum=lambda a, b: -exact.maximum(-a, -b),
        modulo=exact.modulo,
        atan2=exact.atan2,
        hypot=exact.hypot,
        heaviside=heaviside,
        relu=lambda x: x if x > 0 else x * 0,
        leaky_relu=lambda x, slope=None: x if x > 0 else x * (mpf(1) / 100 if slope is None else slope),
        hard_sigmoid=lambda x: x * 0 if x <= -3 else x * 0 + 1 if x >= 3 else x / 6 + mpf(1) / 2,
        silu=lambda x: x * units["sigmoid"](x),
        where=lambda condition, a, b: a if condition else b,
    )
    words = {n: _elementwise(f) for n, f in vars(scalar).items()}
    return SimpleNamespace(
        **words, **_vectors(scalar), ratio=lambda p, q: mpf(p) / q, root=lambda n: mp.sqrt(n), stop_gradient=lambda x: x, pi=mp.pi
    )


def of_torch():
    """PyTorch's functions, and what its users write for those that it lacks."""
    import math

    import torch
    from torch.nn import functional as F

    def number(v, like):
        return v if isinstance(v, torch.Tensor) else torch.full_like(like, float(v))

    def pair(f):
        return lambda a, b: f(a, number(b, a)) if isinstance(a, torch.Tensor) else f(number(a, b), b)

    names = "exp log sqrt sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh erf erfc sign floor frac sigmoid expm1 log1p log2 log10 exp2 abs"
    units = {n: getattr(torch, n) for n in names.split()} | {"frac": lambda x: x - torch.floor(x)}
    return SimpleNamespace(
        **units,
        ceiling=torch.ceil,
        sec=lambda x: 1 / torch.cos(x),
        csc=lambda x: 1 / torch.sin(x),
        cot=lambda x: 1 / torch.tan(x),
        acot=lambda x: torch.atan(1 / x),
        asec=lambda x: torch.acos(1 / x),
        acsc=lambda x: torch.asin(1 / x),
        sech=lambda x: 1 / torch.cosh(x),
        csch=lambda x: 1 / torch.sinh(x),
        coth=lambda x: 1 / torch.tanh(x),
        asech=lambda x: torch.acosh(1 / x),
        acsch=lambda x: torch.asinh(1 / x),
        acoth=lambda x: torch.atanh(1 / x),
        sinc=lambda x: torch.where(x == 0, torch.ones_like(x), torch.sin(x) / torch.where(x == 0, torch.ones_like(x), x)),
        relu=torch.relu,
        leaky_relu=lambda x, slope=None: F.leaky_relu(x, 0.01) if slope is None else torch.where(x > 0, x, slope * x),
        hard_sigmoid=F.hardsigmoid,
        softplus=F.softplus,
        log_sigmoid=F.logsigmoid,
        silu=F.silu,
        heaviside=lambda x: torch.where(x > 0, x * 0 + 1, x * 0),
        maximum=pair(torch.maximum),
        minimum=pair(torch.minimum),
        modulo=torch.remainder,
        hypot=torch.hypot,
        atan2=pair(torch.atan2),
        where=torch.where,
        total=lambda x: x.sum(-1, keepdim=True),
        mean=lambda x: x.mean(-1, keepdim=True),
        variance=lambda x: x.var(-1, unbiased=False, keepdim=True),
        softmax=lambda x: torch.softmax(x, -1),
        cumsum=lambda x: torch.cumsum(x, -1),
        dot=lambda x, y: (x * y).sum(-1, keepdim=True),
        stop_gradient=lambda x: x.detach(),
        ratio=lambda p, q: p / q,
        root=math.sqrt,
        pi=math.pi,
    )
