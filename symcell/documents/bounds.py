"""Upper bounds of the norms of step Jacobians, from the norms of their matrices and the ranges of their elementwise factors."""

from sympy import Abs, Add, Max, Mul

from symcell.derivation.maps import columns, covector, diag, matrix, transposed_map, vector
from symcell.derivation.ranges import Ranges
from symcell.documents.nodes import LargestEntry, Norm


def norm_bound(e, derivation):
    """A bound of the spectral norm of a sum of products of linear maps. A factor whose entries have a known range counts with their
    largest value; a matrix counts with its norm."""
    return _bound(e, Ranges(derivation))


def _bound(e, ranges):
    if e.is_number:
        return Abs(e)
    if e.is_Add:
        return Add(*[_bound(a, ranges) for a in e.args])
    if e.is_Mul:
        return Mul(*[_bound(a, ranges) for a in e.args])
    if e.is_Pow and not e.is_commutative:
        return _bound(e.base, ranges) ** e.exp
    if isinstance(e, diag) or e.is_commutative:
        return _largest(e.args[0] if isinstance(e, diag) else e, ranges)
    if isinstance(e, (matrix, columns, transposed_map)):
        return Norm(matrix(e.args[0]))
    if isinstance(e, (vector, covector)):
        return Norm(vector(e.args[0]))
    return Norm(e)


def _largest(e, ranges):
    """The largest absolute value of an elementwise factor: a number where the range is known."""
    lowest, highest = ranges.of(e)
    largest = Max(Abs(lowest), Abs(highest))
    if largest.is_finite:
        return largest
    if not e.is_Mul:
        return LargestEntry(e)
    known = [(a, _largest(a, ranges)) for a in e.args]
    numbers = Mul(*[n for _, n in known if n.is_number])
    rest = Mul(*[a for a, n in known if not n.is_number])
    return numbers * LargestEntry(rest)
