"""symcell: from the equations of a recurrent cell to its derivation and to fast, checked kernels."""

from symcell.cell import Cell
from symcell.errors import CellError
from symcell.language.activations import hard_sigmoid, leaky_relu, log_sigmoid, relu, sigmoid, silu, softplus, stop_gradient
from symcell.language.primitives import (
    affine,
    chunk,
    column,
    concat,
    cumsum,
    dot,
    flat,
    identity,
    matmul,
    mean,
    outer,
    part,
    repeat,
    row,
    softmax,
    total,
    variance,
)
from symcell.language.sizes import size
from symcell.language.symbols import Constant, Input, Param, State
from symcell.modules import generate

__version__ = "0.1.0"
__all__ = [
    "Cell",
    "CellError",
    "Constant",
    "Input",
    "Param",
    "State",
    "affine",
    "chunk",
    "column",
    "concat",
    "cumsum",
    "dot",
    "flat",
    "generate",
    "hard_sigmoid",
    "identity",
    "leaky_relu",
    "log_sigmoid",
    "matmul",
    "mean",
    "outer",
    "part",
    "relu",
    "repeat",
    "row",
    "sigmoid",
    "silu",
    "size",
    "softmax",
    "softplus",
    "stop_gradient",
    "total",
    "variance",
]
