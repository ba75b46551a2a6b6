"""The terms of a sum as a mathematician writes them: quotients joined, equal terms added, common factors outside."""

from collections import Counter

from sympy import Add, Mul, Piecewise, S

from symcell.derivation.maps import linear
from symcell.documents.nodes import Terms
from symcell.language.primitives import concat, matmul, outer, place
from symcell.language.slopes import Whole
from symcell.language.symbols import Hole


def written_sum(terms, shape_of):
    """A sum of terms in their order."""
    terms = [n * e for e, n in Counter(map(as_written, terms)).items()]  # what comes twice is said once
    terms = sorted(_grouped(terms), key=_is_subtracted)
    return _concatenation(terms, shape_of) or _factored(terms)


def as_written(e):
    """Join quotients that kernels compute in several steps, (u / v) / v is u / v**2; and take the sign out of brackets that are
    -1 or 0."""
    if not e.has(Whole, Piecewise):
        return e
    if isinstance(e, Whole):
        return as_written(e.args[0])
    parts = [as_written(a) for a in e.args]
    if isinstance(e, Piecewise) and {value for value, _ in e.args} == {S.NegativeOne, S.Zero}:
        return -Piecewise(*[(-value, condition) for value, condition in e.args])
    return e.func(*parts)


def joined(e):
    """Neighbouring linear maps without a name as one: what one makes of the argument stands in the place of the other's."""
    if e.is_Add:
        return e.func(*map(joined, e.args))
    if not e.is_Mul or e.is_commutative:
        return e
    factors = []
    for factor in e.args:
        if factors and isinstance(factor, linear) and isinstance(factors[-1], linear):
            outer_map = factors.pop().args[0]
            factor = linear(outer_map.xreplace(dict.fromkeys(outer_map.atoms(Hole), factor.args[0])))
        factors.append(factor)
    return Mul(*factors)


def _concatenation(terms, shape_of):
    """The terms as one concatenation, if each is a part of it, in its place."""
    if len(terms) < 2 or not all(isinstance(a, place) for a in terms):
        return None
    end, parts = S.Zero, []
    while len(parts) < len(terms):
        found = [a.args[0] for a in terms if a.args[1] == end]
        if len(found) != 1:
            return None
        parts.append(found[0])
        end += shape_of(found[0])[0]
    return concat(*parts) if end == terms[0].args[2] else None


def _grouped(terms):
    """Products by the same matrix, and outer products with the same vector, joined: A u + A v = A (u + v)."""
    by_shared = {}
    for a in terms:
        by_shared.setdefault(_shared(a), []).append(a)
    joined = []
    for shared, found in by_shared.items():
        if shared is None or len(found) == 1:
            joined += found
        else:
            kind, position, _ = shared
            rest = Terms(*[a.args[1 - position] for a in found])
            joined.append(kind(found[0].args[0], rest) if position == 0 else kind(rest, found[0].args[1]))
    return joined


def _shared(a):
    """What a product may have in common with others: its matrix, or its second vector."""
    if isinstance(a, matmul):
        return matmul, 0, a.args[0]
    return (outer, 1, a.args[1]) if isinstance(a, outer) else None


def _factored(terms):
    """The sum with the factors that all terms have outside."""
    if len(terms) == 1:
        return terms[0]
    common = [f for f in Mul.make_args(terms[0]) if not f.is_number and all(f in Mul.make_args(a) for a in terms[1:])]
    if not common or any(isinstance(a, Add) for a in terms):
        return Terms(*terms)
    rest = sorted((Mul(*[f for f in Mul.make_args(a) if f not in common]) for a in terms), key=_is_subtracted)
    sign = -1 if _is_subtracted(rest[0]) else 1  # then all of them are
    return Mul(sign, *common, Terms(*[sign * a for a in rest]))


def _is_subtracted(e):
    """Whether a term has a minus sign. Those stand behind the others."""
    return bool(e.could_extract_minus_sign())
