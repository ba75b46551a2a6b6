"""Conditions as the rest of symcell knows them: comparisons of real values, joined by And, Or and Not."""

from sympy import Eq, Equivalent, Implies, Ne, S, Xor, im


def real_conditions(e):
    """`e` with Xor, Implies and Equivalent written out, and without real_root's question whether a value is real."""
    e = e.replace(_asks_for_the_imaginary, lambda c: c.xreplace(dict.fromkeys(c.atoms(im), S.Zero)))
    return e.replace(lambda c: isinstance(c, (Xor, Implies, Equivalent)), lambda c: c.to_nnf(simplify=False))


def _asks_for_the_imaginary(c):
    return isinstance(c, (Eq, Ne)) and c.has(im) and c.rhs == 0
