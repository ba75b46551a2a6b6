"""What PyTorch modules call the functions of one unit: bare names are those of symcell.targets.torch.functions."""

from sympy import (
    Abs,
    Heaviside,
    Max,
    Min,
    Mod,
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
    sign,
    sin,
    sinh,
    tan,
    tanh,
)  # fmt: skip
from sympy.codegen.cfunctions import exp2, expm1, hypot, log1p, log2, log10

from symcell.language.activations import sigmoid, softplus, stop_gradient
from symcell.targets.torch.slopes import times_relu_slope, times_sigmoid_slope, times_tanh_slope
from symcell.targets.vocabulary import Vocabulary

_BOTH = {
    exp: "exp", expm1: "expm1", log: "log", log1p: "log1p", log2: "log2", log10: "log10", sin: "sin", cos: "cos", tan: "tan",
    sinh: "sinh", cosh: "cosh", tanh: "tanh", asin: "asin", acos: "acos", atan: "atan", asinh: "asinh", acosh: "acosh",
    atanh: "atanh", erf: "erf", erfc: "erfc", floor: "floor", ceiling: "ceil",
}  # fmt: skip

WORDS = Vocabulary(
    functions={function: f"torch.{name}" for function, name in _BOTH.items()} | {
        exp2: "torch.exp2", sigmoid: "torch.sigmoid", softplus: "softplus", sign: "torch.sign", Abs: "torch.abs",
        Mod: "torch.remainder", Heaviside: "heaviside", hypot: "hypot", atan2: "arctan2", Max: "maximum", Min: "minimum",
        stop_gradient: "stop_gradient", times_sigmoid_slope: "times_sigmoid_slope", times_tanh_slope: "times_tanh_slope",
        times_relu_slope: "times_relu_slope",
    },
    square_root="torch.sqrt",
    choice="torch.where({}, {}, {})",
    joined=(" & ", " | "),
    negation="~{}",
    compared="({})",
    infinity="torch.inf",
    nan="torch.nan",
)  # fmt: skip

# The same of numbers: what sizes alone make.
OF_NUMBERS = Vocabulary(
    functions={function: f"math.{name}" for function, name in _BOTH.items()} | {
        Abs: "abs", Max: "max", Min: "min", hypot: "math.hypot", atan2: "math.atan2", exp2: "math.exp2",
    },
    square_root="math.sqrt",
    choice="({1} if {0} else {2})",
    joined=(" and ", " or "),
    negation="not {}",
    compared="({})",
    infinity="math.inf",
    nan="math.nan",
)  # fmt: skip
