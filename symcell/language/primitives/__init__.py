"""Where units meet. A new primitive is one new class in the file where its like stand, and nothing else."""

from symcell.language.primitives.base import Entry, Primitive, Products, Reduction, Unevaluated, ordered_args
from symcell.language.primitives.layout import chunk, concat, flat, fold, identity, part, place, repeat
from symcell.language.primitives.products import Affine, affine, contract, dot, is_product_of, matmul, outer, transpose
from symcell.language.primitives.reductions import (
    Along,
    column,
    cumsum,
    fill,
    largest,
    mean,
    row,
    softmax,
    spread,
    total,
    variance,
)

__all__ = [
    "Affine",
    "Along",
    "Entry",
    "Primitive",
    "Products",
    "Reduction",
    "Unevaluated",
    "affine",
    "chunk",
    "column",
    "concat",
    "contract",
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
    "ordered_args",
    "outer",
    "part",
    "place",
    "repeat",
    "row",
    "softmax",
    "spread",
    "total",
    "transpose",
    "variance",
]
