"""What a random expression is made of: choices, the symbols in scope, parameters and matrices of weights."""

from hypothesis import strategies as st
from sympy import Integer, exp

from symcell import Constant, Param, identity, matmul
from symcell.language.sizes import size

N_H, N_P, N_K, N_X, N_Y = map(size, ("n_h", "n_p", "n_k", "n_x", "n_y"))
DIVISORS = {N_H: (2, 3)}  # what sizes may be divided by; see random_calls.SIZES


class Scope:
    """Makes choices by hypothesis' `draw`, over `scope`, shape -> the symbols in scope; every parameter is named anew, or shared."""

    def __init__(self, draw):
        self.draw, self.scope, self.shared, self.count, self.has_affine = draw, {}, {}, 0, False

    def add(self, symbol, shape):
        self.scope.setdefault(tuple(shape), []).append(symbol)

    def pick(self, options):
        """One of the options; shrinking goes to the first."""
        return options[self.draw(st.integers(0, len(options) - 1))]

    def chance(self, percent):
        return self.draw(st.integers(0, 99)) >= 100 - percent

    def named(self, letter):
        self.count += 1
        return f"{letter}{self.count}"

    def parameter(self, *shape, declared=True):
        """A parameter, sometimes an old one of the same shape, rarely a constant; `declared` False leaves its shape to be found."""
        known = self.shared.setdefault((shape, declared), [])
        if known and self.chance(25):
            return self.pick(known)
        kind = Constant if self.chance(8) else Param
        made = kind(self.named("P"), shape if declared else None)
        known.append(made)
        return made

    def known(self, shape):
        return self.scope.get(tuple(shape), [])

    def vectors(self):
        """(symbol, size) of every vector in scope."""
        return [(v, shape[0]) for shape, symbols in self.scope.items() if len(shape) == 1 for v in symbols]

    def weights(self, n, m):
        """A matrix before an @: given as it is, without a shape, transposed, of low rank, or an expression of parameters."""
        kind = self.pick(("declared", "inferred", "transposed", "low rank", "skew", "negative", "sum"))
        if kind == "inferred":
            return self.parameter(n, m, declared=False)
        if kind == "transposed":
            return self.parameter(m, n).T
        if kind == "low rank":
            return matmul(self.parameter(n, Integer(2)), self.parameter(Integer(2), m))
        if kind == "skew" and n == m:
            M = self.parameter(n, n)
            return M - M.T - self.parameter() * identity(n)
        if kind == "negative":
            return -exp(self.parameter(n, m)) / 3
        return self.parameter(n, m) + self.parameter(n, m) if kind == "sum" else self.parameter(n, m)
