"""The reverse sweep: forward rows -> adjoint rows, and the rule behind each of their terms.

It walks the forward rows backwards once. A row passes its adjoint on to the symbols of its right side: through elementwise
expressions by the chain rule, through a primitive by the primitive's own rule. Nothing here depends on a particular cell.
"""

from collections import defaultdict
from dataclasses import dataclass

from sympy import Add, Expr, Function, Mul, Pow, S, Symbol

from symcell.language.primitives import Primitive, number_apart, ordered_args, sum_over_axes, total
from symcell.language.slopes import Whole, partial
from symcell.language.symbols import Adjoint, Constant, Param, Previous, State

# The rules of the first terms of a sweep, and of zero adjoints. These terms come from no equation.
SEEDS = ("given", "carried back from the next step")
ZEROS = NO_GRADIENT, NOT_READ = ("no gradient", "not read")


@dataclass(frozen=True)
class Term:
    """One summand of an adjoint: the rule that made it, the equation that it came from, and the row: that of the quantity `source`,
    None for what comes from no row."""

    expr: Expr
    rule: str
    equation: int
    source: Symbol | None = None


@dataclass(frozen=True)
class AdjointRow:
    """The adjoint of one quantity: the sum of its terms, and if `summed` over all steps and samples.

    The gradient of a parameter as the initial value of a state comes from before the first step, and is none of its terms."""

    target: Adjoint
    terms: tuple[Term, ...]
    shape: tuple
    summed: bool = False

    @property
    def rhs(self) -> Expr:
        return Add(*[t.expr for t in self.terms])


def recurrent_states(forward):
    """The states whose previous value some equation reads."""
    read = {q.state for r in forward for q in r.rhs.free_symbols if isinstance(q, Previous)}
    return [r.target for r in forward if r.target in read]


def reverse_sweep(derivation):
    """The adjoint rows: one for each quantity, after those of the quantities that read it."""
    forward = derivation.forward
    terms = seeds(forward)
    for row in reversed(forward):
        if row.target not in terms:
            continue  # nothing that is shown depends on it
        yield _adjoint_row(derivation, row.target, terms, summed=False)
        for leaf, term in contributions(derivation, row):
            terms[leaf].append(term)
    recurrent = recurrent_states(forward)
    for state in reversed(recurrent):
        terms.setdefault(state.prev, [_zero(state.prev, forward)])
        yield _adjoint_row(derivation, state.prev, terms, summed=False)
    for q in (*derivation.declaration.inputs, *derivation.declaration.params):
        terms.setdefault(q, [_zero(q, forward)])
        yield _adjoint_row(derivation, q, terms, summed=isinstance(q, Param))


def seeds(forward):
    """The first terms of the sweep: the cotangent of each state, and the adjoint carried back from the next step."""
    terms = defaultdict(list)
    recurrent = recurrent_states(forward)
    for row in forward:
        if isinstance(row.target, State):
            terms[row.target].append(Term(Adjoint(row.target, "cotangent"), SEEDS[0], row.equation))
            if row.target in recurrent:
                terms[row.target].append(Term(Adjoint(row.target, "carried"), SEEDS[1], row.equation))
    return terms


def _zero(q, forward):
    """The zero adjoint of a quantity that no equation reads, or that has no gradient in those that do."""
    read = any(q in row.rhs.free_symbols for row in forward)
    return Term(S.Zero, NO_GRADIENT if read else NOT_READ, 0)


def _adjoint_row(derivation, q, terms, summed):
    once = q in derivation.once
    in_order = sorted(terms[q], key=lambda t: (t.rule not in SEEDS, t.equation))  # the equations' own order reads best
    return AdjointRow(Adjoint(q), tuple(in_order), derivation.shapes[q], summed or once)


def contributions(derivation, row):
    """The terms that the adjoint of a row contributes to the symbols on its right side: (symbol, Term)."""
    bar = Adjoint(row.target)
    if row.filled:
        bar = _total_over(bar, len(row.shape), derivation)
    bar = _summed_to(bar, derivation.shape(row.rhs).over, derivation)
    values = known_values(derivation.forward)
    for leaf, expr, rule in pull_back(row.rhs, bar, derivation):
        expr = expr.xreplace(values)
        if expr != 0 and not isinstance(leaf, Constant):
            yield leaf, Term(expr, rule, row.equation, row.target)


def known_values(forward):
    """Expressions that forward rows have computed: sigmoid(z_f) is f, and the quotient c / n is h."""
    rows = [r for r in forward if not r.filled]
    functions = {r.rhs: r.target for r in rows if isinstance(r.rhs, Function)}
    quotients = [r for r in rows if isinstance(r.rhs, (Mul, Pow))]
    signs = [-1 if r.rhs.could_extract_minus_sign() else 1 for r in quotients]
    return functions | {Whole(sign * r.rhs): sign * r.target for r, sign in zip(quotients, signs, strict=True)}


def pull_back(e, bar, derivation, rule="sum rule"):
    """(symbol, adjoint, rule) for every symbol in `e`, given the adjoint `bar` of `e`."""
    if e.is_Symbol:
        if not e.is_integer:
            yield e, _summed_to(bar, derivation.shape(e).over, derivation), rule
    elif isinstance(e, Primitive):
        number, bar = number_apart(bar)  # adjoints are linear: a number stays outside of products
        for argument, its_bar in e.adjoint(bar, derivation.shape):
            yield from pull_back(argument, number * its_bar, derivation, e.rule)
    else:
        rank = len(derivation.shape(e))
        for leaf in leaves(e):
            slope = partial(e, leaf)
            if slope == 0:
                continue
            its_bar = bar * slope if derivation.shape(leaf) else _total_over(bar * slope, rank, derivation)
            yield from pull_back(leaf, its_bar, derivation, _rule_of(e, leaf, slope))


def leaves(e):
    """The symbols and primitives in an elementwise expression, each once, in a fixed order."""
    if e.is_Symbol or isinstance(e, Primitive):
        return [e]
    return list(dict.fromkeys(leaf for a in ordered_args(e) if isinstance(a, Expr) or a.args for leaf in leaves(a)))


def _total_over(e, rank, derivation):
    """The sum of a product over all units. Scalar factors stay outside."""
    shared = [a for a in Mul.make_args(e) if not derivation.shape(a)] if rank else []
    units = Mul(*[a for a in Mul.make_args(e) if a not in shared])
    for _ in range(rank):
        units = total(units)
    return Mul(*shared, units)


def _summed_to(bar, over, derivation):
    """The sum of an adjoint over the mapped axes that its quantity lacks, which has those in `over`: the quantity is shared."""
    return sum_over_axes(bar, [n for n in derivation.shape(bar).over if n not in over])


def _rule_of(e, leaf, slope):
    """The textbook name of the rule for the derivative of an elementwise expression by a leaf."""
    if _through_a_function(e, leaf):
        return "chain rule"
    return "sum rule" if slope.is_number else "product rule"


def _through_a_function(e, leaf):
    """Whether the derivative passes through a function; in o tanh(c), that by c does, and that by o does not."""
    whole_power = isinstance(e, Pow) and e.exp.is_Integer and e.exp > 0
    if isinstance(e, (Add, Mul)) or whole_power:
        return any(_through_a_function(a, leaf) for a in e.args)
    return e != leaf and partial(e, leaf) != 0
