"""Interval arithmetic: bounds of elementwise expressions that hold for all inputs and parameters. A gate lies between 0 and 1."""

from itertools import product
from math import prod

from sympy import (
    Abs,
    Add,
    Heaviside,
    Max,
    Min,
    Mul,
    Piecewise,
    Pow,
    S,
    cos,
    erf,
    exp,
    expand_mul,
    sign,
    sin,
    tanh,
)

from symcell.language.equations import written_length
from symcell.language.primitives import Primitive, cumsum, softmax, total
from symcell.language.slopes import Whole, is_divisor
from symcell.language.unit import Unit

_ANYWHERE, _UNIT, _AROUND_ZERO, _POSITIVE = (-S.Infinity, S.Infinity), (S.Zero, S.One), (-S.One, S.One), (S.Zero, S.Infinity)
_MARKS = -S.Infinity, -S.One, S.Zero, S.One, S.Infinity  # that other bounds are rounded to
_LARGEST = 10**20  # above and below the line of a bound that is not rounded
_MOST_ATOMS = 8  # of a sum whose corners are all looked at
_MOST_TERMS = 64  # of a sum that is multiplied out for that
_MOST_MAXIMA = 3  # that are taken apart in one sum
_LONGEST = 100  # symbols and operations of what is spelled out: proofs are short, and a chain of rows spelled out is not


def is_gate(e, derivation):
    """Whether `e` lies between 0 and 1 for all inputs and parameters."""
    lowest, highest = derivation.ranges.of(e)
    return bool(lowest >= 0 and highest <= 1)


class Ranges:
    """Bounds (lowest, highest), which need not be tight. The target of a forward row has the bounds of its right side."""

    def __init__(self, derivation):
        self.derivation = derivation
        self.rows = {r.target: r.rhs for r in derivation.forward}
        self.known = {}

    def of(self, e):
        if e not in self.known:
            self.known[e] = (e, e) if e.is_number else _simple(*self._bounds(e))
        return self.known[e]

    def _bounds(self, e):
        if e in self.rows:
            return self.of(self.rows[e])
        rule = next((rule for kind, rule in _RULES if isinstance(e, kind)), None)
        return _ANYWHERE if rule is None else rule(self, e)

    def of_primitive(self, e):
        return self.of(e.args[0]) if e.preserves_bounds else _ANYWHERE

    def of_unit(self, e):
        return e.bounds or self.of(e.elementary())

    def of_exponential(self, e):
        lowest, highest = self.of(e.args[0])
        return exp(lowest), exp(highest)

    def of_partial_sum(self, e):
        """A partial sum of a softmax, whose entries add up to 1."""
        summed, *axis = e.args
        summed = self.rows.get(summed, summed)
        return _UNIT if isinstance(summed, softmax) and list(summed.args[1:]) == axis else _ANYWHERE

    def of_cases(self, e):
        return _hull([self.of(value) for value, _ in e.args])

    def of_extremum(self, e):
        choose = max if isinstance(e, Max) else min
        return tuple(choose(ends) for ends in zip(*map(self.of, e.args), strict=True))

    def of_power(self, e):
        lowest, highest = self.of(e.base)
        if not (e.exp.is_Integer and e.exp > 0):
            least, most = self.of(e.exp)
            shrinks = (lowest >= 0 and highest <= 1 and least >= 0) or (lowest >= 1 and most <= 0)
            return _UNIT if shrinks else _ANYWHERE
        ends = lowest**e.exp, highest**e.exp
        turns = e.exp % 2 == 0 and lowest < 0 < highest
        return (S.Zero if turns else min(ends)), max(ends)

    def of_product(self, e):
        if self._is_a_share(*map(Mul._from_args, _sides(e))):
            return _UNIT
        bounds = S.One, S.One
        for factor in e.args:
            bounds = _hull([(_times(a, b),) for a, b in product(bounds, self.of(factor))])
        return bounds

    def _is_a_share(self, part, whole):
        """Whether this is a share of a nonnegative total, such as f / (f + i)."""
        return whole != 1 and self.of(part)[0] >= 0 and self.of(whole - part)[0] >= 0

    def of_sum(self, e):
        """The tightest of three: term by term; at the corners (f w + 1 - w is a gate if f and w are); and a - Max(a, b) <= 0."""
        spelled_out = self.spelled_out(e)
        if spelled_out != e:
            return self.of(spelled_out)
        lows, highs = zip(*map(self.of, e.args), strict=True)
        lowest, highest = self._corners(e)
        maxima = [-a for a in e.args if isinstance(-a, Max)]
        below = [self.of(e + a - b)[1] for a in maxima for b in a.args] if len(maxima) <= _MOST_MAXIMA else []
        return max(lowest, Add(*lows)), min(highest, Add(*highs), *below)

    def spelled_out(self, e):
        """Replace names of sums, products and extrema by their right sides while the result is short, so that equal terms look
        equal."""
        while named := {q: self.rows[q] for q in e.free_symbols if isinstance(self.rows.get(q), (Add, Mul, Max))}:
            if written_length(e, named) > _LONGEST:
                break
            e = e.xreplace(named)
        return e

    def _corners(self, e):
        """Bounds at the corners: a sum that is multiplied out is linear in each of its atoms, where powers are atoms."""
        if _terms_multiplied_out(e) > _MOST_TERMS:
            return _ANYWHERE
        e = expand_mul(e)
        atoms = list(dict.fromkeys(a for term in Add.make_args(e) for a in Mul.make_args(term) if not a.is_number))
        ranges = [self.of(a) for a in atoms]
        if len(atoms) > _MOST_ATOMS or any(end.is_infinite for ends in ranges for end in ends):
            return _ANYWHERE
        return _hull([(e.xreplace(dict(zip(atoms, corner, strict=True))),) for corner in product(*ranges)])


def _terms_multiplied_out(e):
    """The number of terms of the longest sum in an expression after multiplying out."""
    counts = [_terms_multiplied_out(a) for a in e.args]
    if isinstance(e, Mul):
        return prod(counts)
    return sum(counts) if isinstance(e, Add) else max(counts, default=1)


def _sides(e):
    """The factors of the numerator and of the denominator."""
    below = [a for a in e.args if is_divisor(a)]
    return [a for a in e.args if a not in below], [1 / a for a in below]


def _simple(lowest, highest):
    """The same bounds, or wider ones if they are long: expressions such as exp(-exp(-1)) are slow to compare."""
    if not _is_short(lowest):
        lowest = max(mark for mark in _MARKS if mark <= lowest)
    if not _is_short(highest):
        highest = min(mark for mark in _MARKS if mark >= highest)
    return lowest, highest


def _is_short(bound):
    return bound.is_Float or bound.is_infinite or (bound.is_Rational and max(abs(bound.p), bound.q) < _LARGEST)


def _hull(ranges):
    """The smallest interval that contains all of the intervals."""
    ends = [end for ends in ranges for end in ends]
    return min(ends), max(ends)


def _times(a, b):
    """A product of bounds, where 0 times infinity is 0."""
    return S.Zero if a == 0 or b == 0 else a * b


_RULES = [
    (Unit, Ranges.of_unit),
    ((Heaviside, softmax), lambda ranges, e: _UNIT),
    ((tanh, sin, cos, erf, sign), lambda ranges, e: _AROUND_ZERO),
    (Abs, lambda ranges, e: _POSITIVE),
    (Whole, lambda ranges, e: ranges.of(e.args[0])),
    ((total, cumsum), Ranges.of_partial_sum),
    (Primitive, Ranges.of_primitive),
    (exp, Ranges.of_exponential),
    (Piecewise, Ranges.of_cases),
    ((Max, Min), Ranges.of_extremum),
    (Pow, Ranges.of_power),
    (Mul, Ranges.of_product),
    (Add, Ranges.of_sum),
]
