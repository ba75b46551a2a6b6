from symcell.activations import hard_sigmoid, leaky_relu, relu, sigmoid, silu, softplus, stop_gradient
from symcell.cell import Cell
from symcell.errors import CellError
from symcell.primitives import (
    affine, column, concat, cumsum, dot, identity, matmul, mean, outer, repeat, row, softmax, total, variance,
)
from symcell.symbols import Constant, Input, Param, State
