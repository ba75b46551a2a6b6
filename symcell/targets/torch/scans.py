"""Linear recurrences of single entries: what the values of the step before are multiplied by, and what is added."""

from sympy import Add, Integer, Mul, Piecewise

from symcell.language.primitives import Masked
from symcell.program.program import Assign, values_in
from symcell.targets.torch.slopes import Slope


def scan_of(unit, carried, once):
    """(a, b) with late = a early + b, if the statements of a loop are a linear recurrence of single entries. Of two values that
    are the parts of a complex one, (re a, im a, re b, im b). None if they are something else. `once`: symbol -> expression of
    what parameters alone make, which tells whether two factors are the same."""
    if not isinstance(unit[0], Assign) or unit[0].kind != "scan" or len(carried) > 2:
        return None
    exprs, made, before = {}, {t for s in unit for t in s.targets}, [early for early, _ in carried]
    for s in unit:
        written = s.expr.replace(lambda e: isinstance(e, Slope), lambda e: e.written)
        exprs[s.target] = written.xreplace({q: exprs[q] for q in s.sources if q in exprs})
    rows = [_coefficients(exprs[late], before) for _, late in carried]
    if not all(rows) or any(values_in(e) & {*made, *before} for row in rows for e in row):
        return None
    if len(rows) == 1:
        return rows[0]
    (a, minus_b, re), (b, a_again, im) = rows
    is_complex = _in_full(a - a_again, once) == 0 == _in_full(b + minus_b, once)
    return (a, b, re, im) if is_complex else None


def _in_full(e, once):
    """The expression, written by parameters."""
    while found := {q: once[q] for q in e.free_symbols & once.keys()}:
        e = e.xreplace(found)
    return e.expand()


def _coefficients(e, variables):
    """The factors of variables in an expression, and what is added; None if it is not linear, or combines entries."""
    if not e.free_symbols.intersection(variables):
        return (*[Integer(0)] * len(variables), e)
    if e.is_Symbol:
        return (*[Integer(int(e == v)) for v in variables], Integer(0))
    if isinstance(e, Add):
        return _each(Add, [_coefficients(a, variables) for a in e.args])
    varying = [a for a in e.args if a.free_symbols.intersection(variables)]
    if isinstance(e, Mul) and len(varying) == 1:
        others = Mul(*[a for a in e.args if a not in varying])
        return _each(lambda a: a * others, [_coefficients(varying[0], variables)])
    if isinstance(e, Piecewise) and not any(c.free_symbols.intersection(variables) for _, c in e.args):
        conditions = [condition for _, condition in e.args]
        cases = [_coefficients(value, variables) for value, _ in e.args]
        return _each(lambda *values: Piecewise(*zip(values, conditions, strict=True)), cases)
    if isinstance(e, Masked) and varying == [e.args[1]]:
        return _each(lambda a: a and Masked(e.args[0], a), [_coefficients(e.args[1], variables)])
    return None


def _each(function, parts):
    """A function of the coefficients of all parts, one after another; None if a part has none."""
    return tuple(function(*of_all) for of_all in zip(*parts, strict=True)) if all(parts) else None
