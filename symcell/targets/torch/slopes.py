"""v s (1 - s) and v (1 - s^2) as one operation each: what a gate sends back, where s is its value."""

from sympy import Add, Function, Mul

from symcell.program.program import values_in


class times_sigmoid_slope(Function):
    """times_sigmoid_slope(v, s): v s (1 - s)"""


class times_tanh_slope(Function):
    """times_tanh_slope(v, s): v (1 - s^2)"""


def with_slopes(e, stacking):
    """The expression of a value of all steps, with its slopes as operations. All of them have the shape of the expression."""
    if not values_in(e) or e.is_Symbol:
        return e
    e = e.func(*[with_slopes(a, stacking) for a in e.args]) if isinstance(e, (Add, Mul)) else e
    for s in sorted(values_in(e) - stacking.shared, key=str) if isinstance(e, Mul) else ():
        for factors, function in (((s, 1 - s), times_sigmoid_slope), ((1 - s**2,), times_tanh_slope)):
            rest = Mul(*[a for a in e.args if a not in factors])
            if set(factors) <= set(e.args) and _is_like(rest, s, stacking):
                return function(with_slopes(rest, stacking), s)
    return e


def _is_like(e, s, stacking):
    """Whether an expression has the shape of a value, and as that one of its own at each step."""
    return not values_in(e) <= stacking.shared and stacking.shape(e) == stacking.shape(s)
