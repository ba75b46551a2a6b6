"""v s (1 - s), v (1 - s^2) and v where z > 0 as one operation each: what a gate sends back, where s is its value, or z what it is
the relu of."""

from sympy import Add, Function, Heaviside, Mul

from symcell.program.program import values_in


class Slope(Function):
    """A value times the slope of a function of one unit; `written` is the same as a product."""


class times_relu_slope(Slope):
    """times_relu_slope(v, z): v Heaviside(z, 0)"""

    @property
    def written(self):
        v, z = self.args
        return v * Heaviside(z, 0)


class times_sigmoid_slope(Slope):
    """times_sigmoid_slope(v, s): v s (1 - s)"""

    @property
    def written(self):
        v, s = self.args
        return v * s * (1 - s)


class times_tanh_slope(Slope):
    """times_tanh_slope(v, s): v (1 - s^2)"""

    @property
    def written(self):
        v, s = self.args
        return v * (1 - s**2)


def with_slopes(e, stacking):
    """The expression of a value of all steps, with its slopes as operations. All of them have the shape of the expression."""
    if not values_in(e) or e.is_Symbol:
        return e
    e = e.func(*[with_slopes(a, stacking) for a in e.args]) if isinstance(e, (Add, Mul)) else e
    for factors, function, s in _slopes(e, stacking) if isinstance(e, Mul) else ():
        rest = Mul(*[a for a in e.args if a not in factors])
        if set(factors) <= set(e.args) and _is_like(rest, s, stacking):
            return function(with_slopes(rest, stacking), s)
    return e


def _slopes(e, stacking):
    """What a product's factors may be: the slope, the function that multiplies by it, and what it is the slope at."""
    for s in sorted(values_in(e) - stacking.shared, key=str):
        yield (s, 1 - s), times_sigmoid_slope, s
        yield (1 - s**2,), times_tanh_slope, s
    for step in [a for a in e.args if isinstance(a, Heaviside) and a.args[1] == 0]:
        yield (step,), times_relu_slope, step.args[0]


def _is_like(e, s, stacking):
    """Whether two expressions have the same shape, and values of their own at each step."""
    return not any(values_in(a) <= stacking.shared for a in (e, s)) and stacking.shape(e) == stacking.shape(s)
