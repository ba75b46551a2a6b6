"""Replace formulas that overflow or lose digits by equivalent functions that do not: 1 / (1 + exp(-z)) is logistic(z).

A declaration keeps its equations as the user writes them. The derivation starts from the replacements, so that derivatives are
accurate too: that of the fraction above would be 0 times infinity for large arguments.
"""

from sympy import Add, Basic, Mul, Pow, S, erf, erfc, exp, log
from sympy.codegen.cfunctions import expm1, log1p

from symcell.language.activations import log_sigmoid, sigmoid, softplus
from symcell.language.inner_functions import logistic, quotient_tanh
from symcell.language.slopes import Whole


def stable(e):
    """Replace the formulas in `e` of logistic functions, exp(z) - 1, log(1 + z) and similar functions."""
    return _rewritten(e, {})


def _rewritten(e, known):
    """The same; `known` holds the results for subexpressions."""
    if not isinstance(e, Basic) or not e.args:
        return e
    if e not in known:
        args = [_rewritten(a, known) for a in e.args]
        whole = e if all(a is b for a, b in zip(args, e.args, strict=True)) else e.func(*args)
        rule = next((rule for kind, rule in _RULES.items() if isinstance(whole, kind)), None)
        known[e] = rule(whole) if rule else whole
    return known[e]


def _sum(e):
    """k exp(z) - k is k expm1(z), and k - k erf(z) is k erfc(z)."""
    for term in e.args:
        for f in Mul.make_args(term):
            if isinstance(f, (exp, erf)) and -term / f in e.args:
                others = [a for a in e.args if a not in (term, -term / f)]
                z = f.args[0]
                return Add(*others, term / f * (expm1(z) if isinstance(f, exp) else -erfc(z)))
    return e


def _power(e):
    """1 / (1 + exp(z)) is logistic(-z)."""
    above_one = e.base - 1
    if e.exp.is_Integer and e.exp.is_negative and isinstance(above_one, exp):
        return logistic(-above_one.args[0]) ** -e.exp
    return e


def _product(e):
    """exp(z) logistic(-z) is logistic(z), expm1(z) logistic(-z) is tanh(z / 2), and so is a quotient of sums of exponentials."""
    exponentials = [a for a in e.args if isinstance(a, exp)]
    if len(exponentials) > 1:  # SymPy writes exp(x) / exp(y) as a product, which overflows where both are small
        return e.xreplace({a: 1 / Whole(1 / a) for a in exponentials if a.args[0].could_extract_minus_sign()})
    for factor in e.args:
        base, power = factor.as_base_exp()
        if isinstance(base, logistic) and power.is_Integer:
            made = _of_logistic(-base.args[0], int(power))
        elif power == -1 and (pair := _two_exponentials(base)):
            made = _of_exponentials(*pair)
        else:
            continue
        for beside, together in made:
            if beside in e.args:
                return Mul(*[a for a in e.args if a not in (beside, factor)]) * together
    return e


def _of_logistic(z, power):
    """(factor, product): the factors that combine with logistic(-z)**power."""
    for k in range(power, 0, -1):
        yield exp(k * z), logistic(z) ** k * logistic(-z) ** (power - k)
        yield expm1(z) ** k, quotient_tanh(z / 2) ** k * logistic(-z) ** (power - k)


def _of_exponentials(a, b):
    """(factor, product): the factors that combine with 1 / (exp(a) + exp(b))."""
    yield exp(a) - exp(b), quotient_tanh((a - b) / 2)
    yield exp(b) - exp(a), -quotient_tanh((a - b) / 2)


def _two_exponentials(e):
    """The exponents of exp(a) + exp(b)."""
    return [a.args[0] for a in e.args] if e.is_Add and len(e.args) == 2 and all(isinstance(a, exp) for a in e.args) else None


def _logarithm(e):
    """log(1 + z) is log1p(z), that of a logistic function is log_sigmoid, and log(1 + exp(z)) is softplus(z)."""
    z = e.args[0]
    if isinstance(z, sigmoid):
        return log_sigmoid(z.args[0])
    if not z.is_Add or z.args[0] != S.One:
        return e
    rest = z - 1
    if isinstance(rest, exp):
        return softplus(rest.args[0])
    return log_sigmoid(-rest.args[1].args[0]) if isinstance(-rest, sigmoid) else log1p(rest)


_RULES = {Add: _sum, Mul: _product, Pow: _power, log: _logarithm}
