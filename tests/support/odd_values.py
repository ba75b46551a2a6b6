"""Names, sizes and arguments that a declaration should not hold, or only just may."""

import numpy as np
import sympy
from sympy import Eq, Function, I, Matrix, Symbol, oo

from symcell.language.sizes import size

ODD_NAMES = (
    "", " ", "a b", "1x", "lambda", "None", "x'", "a-b", "a.b", "x\n", "ﬁ", "é", "α", "_", "__", "__class__", "__debug__", "__name__",
    "print", "self", "real", "range", "np", "t", "b", "j", "T", "B", "k", "one", "sizes", "params", "inputs", "states", "shapes", "carried", "given",
    "NAME", "PARAMS", "SIZES", "RECURRENT", "CONTENT_HASH", "Run", "forward", "forward_steps", "forward_before", "forward_step_row", "backward_steps",
    "backward_before", "_forward", "_backward", "_tile", "_polynomial", "_EXACT", "multiply", "tanh", "exp", "total", "erf", "float", "int", "match",
    "h_prev", "h_seq", "h_out", "dh", "dh_carried", "W_h", "U_h", "b_h", "n_h", "n_x", "z_h", "d", "dx_seq", "from_x", "from_h_prev", "x_seq", "N" * 400,
)  # fmt: skip
ODD_SIZES = ("n h", "lambda", "", 0, -1, 2.5, 1.0, True, None, "np", "range", "T", "B", "t", "j", "h", "x", "real", "params", "len", (), ("n",), I,
             size("n_x") - 7, size("n_x") / 3, 2 * size("n_h") + 1, size("n_x") ** 2, oo, "n_x", b"n", np.int64(3), np.float64(2), [3], {"n"})  # fmt: skip
JUNK = (None, "x", "", 2, 0, -1, 2.5, True, I, oo, sympy.nan, sympy.pi, Matrix([[1, 2]]), [1, 2], [], (), {}, object, np.ones(3), np.float64(2), b"x",
        sympy.true, Eq(Symbol("a"), 1), Symbol("a") > 0, Symbol("never"), Symbol("k", integer=True), sympy.Tuple(1, 2), Function("F"), len)  # fmt: skip
