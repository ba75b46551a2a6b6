"""Linear recurrences of complex numbers: diagonal state spaces, discretised by zero-order hold, and rotations that forget."""

from sympy import Eq, I, exp, im, re, symbols

from symcell import Cell, Constant, Input, Param, State, affine, column, concat, sigmoid, silu, total
from symcell.cells.compositions import layer_norm

x, y, h = Input("x"), State("y", "n_y"), State("h", dtype=complex)
B, C, D = Param("B", dtype=complex), Param("C", dtype=complex), Param("D")
Lambda, Lambda_bar, A, A_bar, phi = symbols("Lambda Lambda_bar A A_bar phi")

lru = Cell("lru", [
    Eq(Lambda, exp(-exp(Param("nu")) + I * exp(Param("theta")))),
    Eq(h, Lambda * h.prev + exp(Param("log_gamma")) * (B @ x)),
    Eq(y, re(C @ h) + D * x),
], outputs=[y], reference="Orvieto et al., Resurrecting recurrent neural networks for long sequences, ICML 2023, "
                          "arXiv:2303.06349",
   names={"x": "u", "h_re": r"x_{\mathrm{re}}", "h_im": r"x_{\mathrm{im}}"}
         | {"nu": r"\nu^{\log}", "theta": r"\theta^{\log}", "log_gamma": r"\gamma^{\log}"})

eigenvalues = Param("Lambda", dtype=complex)

s5 = Cell("s5", [
    Eq(Lambda_bar, exp(eigenvalues * exp(Param("log_Delta")))),
    Eq(phi, (Lambda_bar - 1) / eigenvalues),
    Eq(h, Lambda_bar * h.prev + phi * (B @ x)),
    Eq(y, 2 * re(C @ h) + D * x),
], outputs=[y], reference="Smith, Warrington, Linderman, Simplified state space layers for sequence modeling, ICLR 2023, "
                          "arXiv:2208.04933 (half of the conjugate pairs, hence the 2; phi B is the paper's discretised B)",
   names={"x": "u", "h_re": r"x_{\mathrm{re}}", "h_im": r"x_{\mathrm{im}}"})

n = ("n_x", "n_s")
S, y_s4d = State("h", n, dtype=complex), State("y", "n_x")

s4d = Cell("s4d", [
    Eq(A, -exp(Param("log_a", n)) + I * Param("omega", n)),
    Eq(A_bar, exp(A * column(exp(Param("log_Delta"))))),
    Eq(S, A_bar * S.prev + (A_bar - 1) / A * column(x)),
    Eq(y_s4d, 2 * re(total(Param("C", n, dtype=complex) * S)) + D * x),
], outputs=[y_s4d], reference="Gu, Gupta, Goel, Re, On the parameterization and initialization of diagonal state space models, "
                              "NeurIPS 2022, arXiv:2206.11893 (zero-order hold; n_s complex numbers for each channel)",
   names={"x": "u", "h_re": r"x_{\mathrm{re}}", "h_im": r"x_{\mathrm{im}}"})

c, l, o = symbols("c l o")
gamma = Constant("gamma", "n_h")

hgrn = Cell("hgrn", [
    Eq(c, silu(affine(x, name="c_re")) + I * silu(affine(x, name="c_im"))),
    Eq(l, gamma + (1 - gamma) * sigmoid(affine(x))),
    Eq(h, l * exp(I * Param("theta")) * h.prev + (1 - l) * c),
    Eq(o, silu(affine(x))),
    Eq(y, Param("W_y") @ layer_norm(o * concat(re(h), im(h)), Param("g"), Param("b"))),
], outputs=[y], reference="Qin, Yang, Zhong, Hierarchically gated recurrent neural network for sequence modeling, NeurIPS 2023, "
                          "arXiv:2311.04823 (doubtful: the gate stands before the norm; gamma is the layer's bound)",
   names={"l": r"\lambda"})
