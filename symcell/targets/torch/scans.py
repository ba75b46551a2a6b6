"""Linear recurrences of single entries: what the value of the step before is multiplied by, and what is added."""

from sympy import Add, Integer, Mul, Piecewise

from symcell.language.primitives import Masked
from symcell.program.program import Assign, values_in


def scan_of(program, unit, carried):
    """(a, b) with late = a early + b, if the statements of a loop are a linear recurrence of single entries; else None. Neither
    depends on the recurrence."""
    if not isinstance(unit[0], Assign) or unit[0].kind != "scan" or len(carried) != 1:
        return None
    early, late = carried[0]
    exprs, made = {}, {t for s in unit for t in s.targets}
    for s in unit:
        exprs[s.target] = s.expr.xreplace({q: exprs[q] for q in s.sources if q in exprs})
    found = _coefficients(exprs[late], early)
    return found if found and not any(values_in(e) & (made | {early}) for e in found) else None


def _coefficients(e, v):
    """(a, b) with e = a v + b; None if e is something else, or combines entries."""
    if e == v:
        return Integer(1), Integer(0)
    if v not in e.free_symbols:
        return Integer(0), e
    parts = [_coefficients(a, v) for a in e.args] if isinstance(e, (Add, Mul)) else []
    if parts and all(parts):
        slopes, rests = zip(*parts, strict=True)
        if isinstance(e, Add):
            return Add(*slopes), Add(*rests)
        others = Mul(*[a for a in e.args if v not in a.free_symbols])
        linear = [part for part, a in zip(parts, e.args, strict=True) if v in a.free_symbols]
        return (linear[0][0] * others, linear[0][1] * others) if len(linear) == 1 else None
    if isinstance(e, Piecewise) and not any(v in condition.free_symbols for _, condition in e.args):
        cases = [_coefficients(value, v) for value, _ in e.args]
        conditions = [condition for _, condition in e.args]
        return tuple(Piecewise(*zip(c, conditions, strict=True)) for c in zip(*cases, strict=True)) if all(cases) else None
    if isinstance(e, Masked) and v not in e.args[0].free_symbols:
        part = _coefficients(e.args[1], v)
        return part and tuple(a if a == 0 else Masked(e.args[0], a) for a in part)
    return None
