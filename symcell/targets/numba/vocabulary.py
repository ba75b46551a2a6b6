"""What Numba modules call the functions of one unit: bare names are those of symcell.runtime."""

from sympy import Heaviside, Max, Min, Mod, erf, erfc, exp, sign, tanh
from sympy.codegen.cfunctions import expm1

from symcell.language.activations import sigmoid, softplus
from symcell.targets.vocabulary import Vocabulary, numpy_functions

NUMBA = Vocabulary(
    functions=numpy_functions("np") | {
        tanh: "tanh", sigmoid: "sigmoid", exp: "exp", expm1: "expm1", softplus: "softplus", sign: "sign",
        erf: "erf", erfc: "erfc", Heaviside: "heaviside", Mod: "remainder", Max: "maximum", Min: "minimum",
    },
    square_root="np.sqrt",
    choice="({1} if {0} else {2})",
    joined=(" and ", " or "),
    negation="(not {})",
)  # fmt: skip
