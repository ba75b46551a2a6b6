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
from symcell.language.primitives.layout import flat, fold, identity, repeat
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
    "Masked",
    "Primitive",
    "Reduction",
    "Unevaluated",
    "affine",
    "broadcast",
    "chunk",
    "column",
    "concat",
    "contract",
    "convolve",
    "cumsum",
    "dot",
    "fill",
    "flat",
    "fold",
    "identity",
    "is_product_of",
    "largest",
    "matmul",
    "mean",
    "number_apart",
    "ordered_args",
    "outer",
    "part",
    "place",
    "repeat",
    "row",
    "softmax",
    "total",
    "transpose",
    "variance",
]
