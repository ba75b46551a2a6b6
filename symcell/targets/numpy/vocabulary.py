"""What NumPy modules call the functions of one unit: bare names are those of symcell.targets.numpy.functions."""

from sympy import Heaviside, Max, Min, Mod, erf, erfc, exp, sign, tanh
from sympy.codegen.cfunctions import expm1

from symcell.language.activations import sigmoid, softplus
from symcell.targets.vocabulary import Vocabulary, numpy_functions

WORDS = Vocabulary(
    functions=numpy_functions("np") | {
        tanh: "np.tanh", sigmoid: "sigmoid", exp: "np.exp", expm1: "np.expm1", softplus: "softplus", sign: "np.sign", erf: "erf",
        erfc: "erfc", Heaviside: "np.heaviside", Mod: "np.mod", Max: "np.maximum", Min: "np.minimum",
    },
    square_root="np.sqrt",
    choice="np.where({}, {}, {})",
    joined=(" & ", " | "),
    negation="~{}",
    compared="({})",
)  # fmt: skip
