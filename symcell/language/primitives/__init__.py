"""Primitives: operations that combine the units of vectors. See `base` for how to add one."""

from symcell.language.primitives.base import (
    Entry,
    Masked,
    Primitive,
    Reduction,
    Unevaluated,
    number_apart,
    ordered_args,
)
from symcell.language.primitives.layout import flat, fold, identity, repeat, reshape, swap
from symcell.language.primitives.mapped import Mapping, across, divide, each, merge, split, sum_over_axes
from symcell.language.primitives.products import contract, dot, is_product_of, matmul, outer, transpose
from symcell.language.primitives.reductions import Along, broadcast, column, fill, largest, mean, row, total, variance
from symcell.language.primitives.scans import cumsum, softmax
from symcell.language.primitives.slices import chunk, concat, part, place
from symcell.language.primitives.weights import Affine, Convolution, affine, convolve

__all__ = [
    "Affine",
    "Along",
    "Convolution",
    "Entry",
    "Mapping",
    "Masked",
    "Primitive",
    "Reduction",
    "Unevaluated",
    "across",
    "affine",
    "broadcast",
    "chunk",
    "column",
    "concat",
    "contract",
    "convolve",
    "cumsum",
    "divide",
    "dot",
    "each",
    "fill",
    "flat",
    "fold",
    "identity",
    "is_product_of",
    "largest",
    "matmul",
    "mean",
    "merge",
    "number_apart",
    "ordered_args",
    "outer",
    "part",
    "place",
    "repeat",
    "reshape",
    "row",
    "softmax",
    "split",
    "sum_over_axes",
    "swap",
    "total",
    "transpose",
    "variance",
]
