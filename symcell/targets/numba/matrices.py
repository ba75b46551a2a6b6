"""Sums that are products of two matrices of one sample: the runtime has a product for these, faster than loops over entries."""

from itertools import permutations
from typing import NamedTuple

from sympy import Expr, Integer

from symcell.language.primitives import Entry


class Factors(NamedTuple):
    """The entries of both matrices, and whether each is read as its transpose."""

    left: Expr
    left_transposed: bool
    right: Expr
    right_transposed: bool


def factors_of(s, loops):
    """The Factors of a reduction with these loops, if out[j, l] is the sum over k of left[j, k] * right[k, l]; else None."""
    pair = s.expr.args if s.expr.is_Mul else ()
    if s.op != "sum" or len(s.over) != 1 or len(loops) != 2 or len(pair) != 2 or not all(isinstance(e, Entry) for e in pair):
        return None
    (j, l), ((k, _),) = (index for index, _ in loops), s.over
    if s.position[-2:] != (j, l):
        return None
    for left, right in permutations(pair):
        others = {*left.args[1:-2], *right.args[1:-2], *s.position[:-2]}
        matrices = {*left.args[-2:]} == {j, k} and {*right.args[-2:]} == {k, l}
        if matrices and len(left.args) > 2 and len(right.args) > 2 and not others & {j, k, l}:
            return Factors(left, left.args[-2:] == (k, j), right, right.args[-2:] == (l, k))
    return None


def place_of(indices, shape):
    """Where the matrix of some heads begins in an array of this shape, and its own shape."""
    place = Integer(0)
    for index, n in zip(indices, shape, strict=False):
        place = place * n + index
    rows, columns = shape[-2:]
    return place * rows * columns, (rows, columns)
