"""Upper bounds of the norms of step Jacobians, from the norms of their matrices and the ranges of their elementwise factors."""

from sympy import Abs, Add, Max, Mul

from symcell.derivation.maps import LinearMap, columns, diag, matrix
from symcell.documents.nodes import LargestEntry, Norm


def norm_bound(e, derivation):
    """A bound of the spectral norm of a sum of products of matrices and elementwise maps; None where there are other maps. A
    factor whose entries have a known range counts with their largest value; a matrix counts with its norm."""
    if e.atoms(LinearMap) - e.atoms(diag, matrix, columns):
        return None
    return _bound(e, derivation.ranges)


def _bound(e, ranges):
    if e.is_number and e.is_commutative:
        return Abs(e)
    if e.is_Add and not e.is_commutative:
        return Add(*[_bound(a, ranges) for a in e.args])
    if e.is_Mul and not e.is_commutative:
        return Mul(*[_bound(a, ranges) for a in e.args])
    if e.is_Pow and not e.is_commutative:
        return _bound(e.base, ranges) ** e.exp
    if isinstance(e, (matrix, columns)):
        return Norm(matrix(e.args[0]))
    return _largest(e.args[0] if isinstance(e, diag) else e, ranges)


def _largest(e, ranges):
    """The largest absolute value of an elementwise factor: a number where the range is known."""
    lowest, highest = ranges.of(e)
    largest = Max(Abs(lowest), Abs(highest))
    if largest.is_finite:
        return largest
    if not e.is_Mul:
        return LargestEntry(e) if ranges.derivation.shape(e) else Abs(e)
    known = [(a, _largest(a, ranges)) for a in e.args]
    numbers = Mul(*[n for _, n in known if n.is_number])
    rest = Mul(*[a for a, n in known if not n.is_number])
    return numbers * (LargestEntry(rest) if ranges.derivation.shape(rest) else Abs(rest))
