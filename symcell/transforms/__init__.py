"""Cells from cells: each transform takes a Cell and returns a Cell, so that they compose."""

from symcell.transforms.layers import concat_inputs, residual, stack
from symcell.transforms.masks import recurrent_dropout, zoneout
from symcell.transforms.normalisation import layer_norm
from symcell.transforms.previous import resettable, time_gap
from symcell.transforms.weights import block_diagonal, low_rank

__all__ = [
    "block_diagonal",
    "concat_inputs",
    "layer_norm",
    "low_rank",
    "recurrent_dropout",
    "resettable",
    "residual",
    "stack",
    "time_gap",
    "zoneout",
]
