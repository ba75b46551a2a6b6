"""Conditions in normal form: comparisons of real values, joined by And, Or and Not."""

from sympy import And, Eq, Equivalent, Implies, Ne, Not, Or, S, Xor, im


def real_conditions(e):
    """`e` with Xor, Implies and Equivalent expanded, and without the test for an imaginary part that real_root adds."""
    e = e.replace(_asks_for_the_imaginary, lambda c: c.xreplace(dict.fromkeys(c.atoms(im), S.Zero)))
    e = e.replace(Xor, lambda *conditions: _parity(conditions))
    return e.replace(lambda c: isinstance(c, (Implies, Equivalent)), lambda c: c.to_nnf(simplify=False))


def _parity(conditions):
    """Whether an odd number of conditions holds. Halving keeps the length quadratic in their number."""
    if len(conditions) == 1:
        return conditions[0]
    half = len(conditions) // 2
    a, b = _parity(conditions[:half]), _parity(conditions[half:])
    return And(Or(a, b), Or(Not(a), Not(b)))


def _asks_for_the_imaginary(c):
    return isinstance(c, (Eq, Ne)) and c.has(im) and c.rhs == 0
