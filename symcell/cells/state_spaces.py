"""Linear recurrences of complex numbers, discretised from a differential equation or not."""

from sympy import Eq, cos, exp, sin

from symcell import Cell, Input, Param, State
from symcell.cells.compositions import Pair

x, y = Input("x"), State("y", "n_y")

nu, theta, log_gain = exp(Param("nu", "n_h")), exp(Param("theta", "n_h")), Param("log_gamma")
h_complex = Pair(State("h_re"), State("h_im"))
eigenvalue = exp(-nu) * Pair(cos(theta), sin(theta))
B, C = Pair(Param("B_re"), Param("B_im")), Pair(Param("C_re"), Param("C_im"))
h_new = eigenvalue * h_complex.prev + exp(log_gain) * (B @ x)

lru = Cell("lru", [
    Eq(h_complex.real, h_new.real),
    Eq(h_complex.imaginary, h_new.imaginary),
    Eq(y, (C @ h_complex).real + Param("D") * x),
], outputs=[y], reference="Orvieto et al., Resurrecting recurrent neural networks for long sequences, ICML 2023, "
                          "arXiv:2303.06349")
