"""Random expressions in symcell's language, of a wanted shape, over what is in scope.

Values stay tame: what may grow is bounded before it meets an exponential, divisors are at least a half, and what has steps
(floor, comparisons) stands off the values that arise by symmetry, by an odd constant.
"""

from hypothesis import assume
from sympy import (
    Abs,
    And,
    Integer,
    Max,
    Min,
    Mod,
    Not,
    Or,
    Piecewise,
    Rational,
    atan,
    cos,
    erf,
    exp,
    floor,
    log,
    sign,
    sin,
    sqrt,
    tanh,
)

from support.random_scope import DIVISORS, N_H, N_K, N_P, N_X, Scope
from symcell import (
    Param,
    affine,
    column,
    concat,
    cumsum,
    dot,
    elu,
    gelu,
    gelu_tanh,
    hard_sigmoid,
    hard_tanh,
    leaky_relu,
    matmul,
    mean,
    mish,
    outer,
    relu,
    repeat,
    row,
    sigmoid,
    silu,
    softmax,
    softplus,
    stop_gradient,
    total,
    variance,
)
from symcell.language.primitives import transpose

ODD = Rational(17, 100)
NUMBERS = (Integer(2), Rational(1, 2), -Integer(1), Rational(1, 3), ODD)

SQUASHES = (tanh, sigmoid, sin, hard_sigmoid, atan, erf, lambda e: e / (1 + e**2), lambda e: exp(-(e**2)))
ACTIVATIONS = (
    *SQUASHES, relu, leaky_relu, softplus, silu, elu, gelu, gelu_tanh, mish, hard_tanh, Abs, cos,
    lambda e: leaky_relu(e, ODD), lambda e: sqrt(1 + e**2), lambda e: log(1 + e**2), lambda e: exp(tanh(e)),
    lambda e: exp(-softplus(e)), lambda e: Max(e, ODD), lambda e: Min(e, tanh(e) / 2, 1), lambda e: sign(e - ODD) * e,
    lambda e: Piecewise((e, e > 0), (exp(Min(e, 0)) - 1, True)), lambda e: floor(3 * e + ODD) / 4, lambda e: Mod(e, ODD * 3),
    lambda e: stop_gradient(e) * e, lambda e: stop_gradient(relu(e)) - e / 2, lambda e: e**3 / 9, lambda e: 1 / (1 + Abs(e)),
)  # fmt: skip


def _extremum(function, *arguments):
    """SymPy refuses some arguments that it cannot tell to be real."""
    try:
        return function(*arguments)
    except ValueError as error:
        assume("not comparable" not in str(error))
        raise


class Expressions(Scope):
    """Expressions of every rank; `depth` is how much may stand under one another."""

    # Scalars.

    def scalar(self, depth):
        options = [self.known(()) and (lambda: self.pick(self.known(()))), self.parameter]
        if depth:
            options += [
                lambda: self.pick((mean, total, variance))(self.any_vector(depth - 1)[0]) / 2,
                lambda: self.inner(depth - 1),
                lambda: self.pick(ACTIVATIONS)(self.scalar(depth - 1)),
                lambda: self.scalar(depth - 1) * self.scalar(depth - 1),
                lambda: self.scalar(depth - 1) + self.pick(NUMBERS) * self.scalar(depth - 1),
                self.matrices() and (lambda: mean(mean(self.pick(self.matrices()), self.pick((0, 1))))),
                lambda: self.chosen(lambda d: self.scalar(d), depth),
            ]
        return self.pick([option for option in options if option])()

    def inner(self, depth):
        v, n = self.any_vector(depth)
        return tanh(dot(v, self.vector(n, depth)))

    # Vectors.

    def any_vector(self, depth):
        """A vector of some size that is in scope, and its size."""
        v, n = self.pick(self.vectors() or [(self.parameter(N_K), N_K)])
        return (v if not depth or self.chance(60) else self.vector(n, depth - 1)), n

    def product(self, n, depth):
        v, m = self.any_vector(depth)
        return matmul(self.weights(n, m), v)

    def sum_of_products(self, n, depth):
        terms = [self.product(n, depth) for _ in range(self.pick((1, 2, 3)))]
        if self.chance(60):
            terms.append(self.parameter(n, declared=self.chance(50)))
        return sum(terms[1:], terms[0])

    def affine(self, n, depth):
        """A sum of products whose parameters symcell names; one such call an equation needs no name."""
        operands = [self.any_vector(depth)[0] for _ in range(self.pick((1, 2)))]
        if self.chance(20) and self.known(()):
            operands.append(self.pick(self.known(())))
        name = self.named("a") if self.has_affine or self.chance(30) else None
        self.has_affine = True
        return affine(*dict.fromkeys(operands), bias=not self.chance(20), name=name)

    def vector(self, n, depth):
        leaves = [
            self.known((n,)) and (lambda: self.pick(self.known((n,)))),
            lambda: self.product(n, 0),
            lambda: self.parameter(n),
        ]
        grown = [] if not depth else [
            lambda: self.pick(SQUASHES)(self.sum_of_products(n, depth - 1)),
            lambda: self.pick(ACTIVATIONS)(self.affine(n, depth - 1)),
            lambda: self.vector(n, depth - 1) * self.vector(n, depth - 1),
            lambda: self.vector(n, depth - 1) + self.pick(NUMBERS) * self.vector(n, depth - 1),
            lambda: self.pick(ACTIVATIONS)(self.vector(n, depth - 1)),
            lambda: self.scalar(depth - 1) * self.vector(n, depth - 1),
            lambda: self.gated(n, depth - 1),
            lambda: self.chosen(lambda d: self.vector(n, d), depth),
            lambda: self.normed(n, depth - 1),
            lambda: self.pick((softmax, lambda e: cumsum(e) / n, lambda e: cumsum(softmax(e))))(self.vector(n, depth - 1)),
            lambda: self.from_matrix(n, depth - 1),
            lambda: self.rearranged(n, depth - 1),
            lambda: self.vector(n, depth - 1) / (Rational(1, 2) + self.vector(n, depth - 1) ** 2),
            lambda: sigmoid(self.parameter(n)) * self.vector(n, depth - 1),
        ]  # fmt: skip
        return self._of_units(self.pick([option for option in leaves + grown if option])(), n)

    def _of_units(self, e, *shape):
        """The expression; a parameter in place of one that cancels out, which is a number without axes."""
        return self.parameter(*shape) if e.is_number else e

    def gated(self, n, depth):
        gate = sigmoid(self.sum_of_products(n, depth))
        return gate * self.vector(n, depth) + (1 - gate) * self.vector(n, depth)

    def chosen(self, value, depth):
        """One of two values, by a comparison."""
        a, b, u, v = (value(d) for d in (depth - 1, depth - 1, 0, 0))
        above = u > v + ODD
        condition = self.pick((above, And(u > ODD, v < 1), Or(u > ODD, v > ODD), Not(And(u < ODD, v < ODD))))
        return self.pick((lambda: Piecewise((a, condition), (b, True)), lambda: _extremum(Max, a, b), lambda: _extremum(Min, a, b, ODD),
                          lambda: Piecewise((a, above), (b, u < -1), (a * b, True))))()  # fmt: skip

    def normed(self, n, depth):
        e = self.vector(n, depth)
        normal = (e - mean(e)) / sqrt(variance(e) + Rational(1, 10))
        return self.parameter(n) * normal + self.parameter(n) if self.chance(50) else normal

    def from_matrix(self, n, depth):
        """What a matrix of data, or a parameter of rank three, makes of a vector."""
        m = self.pick((N_K, N_P, N_H))
        M, v = self.matrix(n, m, depth), self.vector(m, depth)
        kinds = (lambda: matmul(M, v), lambda: matmul(transpose(self.matrix(m, n, depth)), v), lambda: mean(M, 1), lambda: variance(M, 1),
                 lambda: total(self.matrix(m, n, depth), 0) / m, lambda: tanh(matmul(matmul(self.parameter(n, m, N_X), self.vector(N_X, 0)), v)))  # fmt: skip
        return self.pick(kinds)()

    def rearranged(self, n, depth):
        """Concatenated, repeated, or multiplied block by block."""
        (u, p), (v, q) = self.any_vector(depth), self.any_vector(depth)
        kinds = [lambda: self.parameter(n, p + q, declared=self.chance(50)) @ concat(u, v)]
        if n in DIVISORS:
            k = self.pick(DIVISORS[n])
            kinds += [
                lambda: repeat(self.vector(n / k, depth), k),
                lambda: Param(self.named("R"), blocks=k) @ self.vector(n, depth),
            ]
        return self.pick(kinds)()

    # Matrices.

    def matrices(self):
        return [M for shape, symbols in self.scope.items() if len(shape) == 2 for M in symbols]

    def matrix(self, n, m, depth):
        known = self.known((n, m))
        leaves = [
            known and (lambda: self.pick(known)),
            lambda: outer(self.vector(n, 0), self.vector(m, 0)),
            lambda: self.parameter(n, m),
        ]
        grown = [] if not depth else [
            lambda: outer(self.vector(n, depth - 1), self.vector(m, depth - 1)),
            lambda: column(self.vector(n, depth - 1)) * self.matrix(n, m, depth - 1),
            lambda: row(self.vector(m, depth - 1)) * self.matrix(n, m, depth - 1),
            lambda: self.matrix(n, m, depth - 1) + self.pick((column(self.vector(n, 0)), row(self.vector(m, 0)))),
            lambda: self.matrix(n, m, depth - 1) - self.matrix(n, m, depth - 1) / 2,
            lambda: self.matrix(n, m, depth - 1) * self.matrix(n, m, depth - 1),
            lambda: self.scalar(depth - 1) * self.matrix(n, m, depth - 1),
            lambda: self.pick(ACTIVATIONS)(self.matrix(n, m, depth - 1)),
            lambda: self.pick((softmax, cumsum))(self.matrix(n, m, depth - 1), self.pick((1, 0, -1, -2))) / 2,
            lambda: transpose(self.matrix(m, n, depth - 1)),
            lambda: self.centred(n, m, depth - 1),
            lambda: matmul(self.weights(n, N_P), self.matrix(N_P, m, depth - 1)),
            lambda: matmul(self.parameter(n, m, N_X), self.vector(N_X, depth - 1)),
            lambda: self.delta_rule(n, m, depth - 1),
            lambda: self.chosen(lambda d: self.matrix(n, m, d), depth),
        ]  # fmt: skip
        return self._of_units(self.pick([option for option in leaves + grown if option])(), n, m)

    def centred(self, n, m, depth):
        """A matrix less its mean along an axis, over its deviation."""
        M, axis = self.matrix(n, m, depth), self.pick((1, 0))
        lift = column if axis else row
        return (M - lift(mean(M, axis))) / lift(sqrt(variance(M, axis) + Rational(1, 10)))

    def delta_rule(self, n, m, depth):
        M, k = self.matrix(n, m, depth), self.vector(m, depth)
        return M + outer(self.vector(n, 0) - matmul(M, tanh(k)), softmax(k))
