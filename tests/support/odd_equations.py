"""One thing of a well-formed cell changed: (equations, pick, options of Cell) -> equations."""

import numpy as np
import sympy
from sympy import Eq, Function, I, Integral, Matrix, Piecewise, Symbol, oo, tanh, zoo

from support.odd_values import JUNK, ODD_NAMES
from symcell import Constant, Input, Param, State, sigmoid
from symcell.language.primitives import Affine
from symcell.language.sizes import size
from symcell.language.symbols import Quantity


def _position(equations, pick):
    return pick(range(len(equations)))


def _with(equations, k, rhs):
    return [*equations[:k], Eq(equations[k].lhs, rhs, evaluate=False), *equations[k + 1 :]]


def _dropped(equations, pick, options):
    k = _position(equations, pick)
    return equations[:k] + equations[k + 1 :]


def _doubled(equations, pick, options):
    k, place = _position(equations, pick), _position(equations, pick)
    return [*equations[:place], equations[k], *equations[place:]]


def _reordered(equations, pick, options):
    k = _position(equations, pick)
    return [*equations[:k], *equations[k + 1 :], equations[k]]


def _swapped_sides(equations, pick, options):
    k = _position(equations, pick)
    return [*equations[:k], Eq(equations[k].rhs, equations[k].lhs, evaluate=False), *equations[k + 1 :]]


def _another_symbol(equations, pick, options):
    """A symbol of an equation replaced by one of another kind, shape or name, there or everywhere."""
    k = _position(equations, pick)
    symbols = sorted(equations[k].rhs.free_symbols | {equations[k].lhs}, key=str)
    old = pick(symbols)
    others = [
        Symbol("never"),
        Symbol(old.name),
        Symbol(old.name, integer=True, positive=True),
        Param(old.name),
        Constant(old.name),
        Input(old.name),
    ]
    others += [
        Input("x", "n_z"),
        Input("x", ()),
        State("never").prev,
        State("h", ("n_h", "n_k")).prev,
        Param("M", ("n_a", "n_b")),
        sympy.Integer(1),
    ]
    new = pick([*others, *symbols])
    everywhere = pick((False, True))
    return [e.xreplace({old: new}) if everywhere or j == k else e for j, e in enumerate(equations)]


def _another_name(equations, pick, options):
    """A symbol renamed everywhere, to what may be a name of the generated code, or no name."""
    symbols = sorted(
        {s for e in equations for s in e.free_symbols if isinstance(s, (Param, Input)) or not isinstance(s, Quantity)}, key=str
    )
    old, name = pick(symbols), pick(ODD_NAMES)
    new = type(old)(name, old.declared) if isinstance(old, Quantity) else Symbol(name)
    return [e.xreplace({old: new}) for e in equations]


def _odd_item(equations, pick, options):
    k, junk = (
        _position(equations, pick),
        pick((*JUNK, Eq(Symbol("z"), Eq(Symbol("a"), 1), evaluate=False), equations, tanh(equations[0].rhs))),
    )
    return [*equations[:k], junk, *equations[k:]]


def _odd_right_side(equations, pick, options):
    k = _position(equations, pick)
    e = equations[k].rhs
    a = Symbol("a")
    odd = (
        lambda: e * I, lambda: e + zoo, lambda: e * oo, lambda: e + sympy.nan, lambda: Function("F")(e), lambda: Integral(e, (a, 0, 1)),
        lambda: sympy.Derivative(e, equations[k].lhs, evaluate=False), lambda: sympy.Sum(e, (Symbol("k", integer=True), 0, 3)),
        lambda: sympy.gamma(e), lambda: sympy.re(e), lambda: sympy.besselj(1, e), lambda: Eq(a, e), lambda: e > 0, lambda: pick(JUNK),
        lambda: Matrix([[e]]), lambda: sympy.Lambda(a, e), lambda: sympy.Subs(e, a, 1), lambda: sympy.factorial(e), lambda: sympy.LambertW(e),
        lambda: Piecewise((e, a > 0), (0, True)), lambda: Piecewise((e, e > 0)), lambda: Piecewise((e, sympy.Contains(e, sympy.Interval(0, 1))), (0, True)),
        lambda: e * size("n_x"), lambda: e / size("n_q"), lambda: e ** size("n_x"), lambda: Piecewise((e, size("n_x") > 3), (-e, True)),
        lambda: e * Symbol("k", integer=True), lambda: e + sympy.MatrixSymbol("A", 2, 2)[0, 0], lambda: sympy.Rational(10**40, 3) * e,
        lambda: e * sympy.sqrt(-2), lambda: sympy.log(-1) * e, lambda: e * sympy.Float("1e-400"), lambda: (-8) ** sympy.Rational(1, 3) * e,
        lambda: _nested(e, 60), lambda: Affine(e), lambda: sympy.UnevaluatedExpr(e), lambda: sympy.Add(e, e, evaluate=False), lambda: sympy.sinc(e),
        lambda: e.transpose(), lambda: e.T, lambda: np.mean(e), lambda: np.dot(e, e), lambda: e @ e, lambda: e.adjoint(), lambda: sympy.real_root(e, 3),
        lambda: sympy.Transpose(e), lambda: sympy.MatMul(e, a), lambda: Piecewise((e, sympy.Xor(e > 0, e > 1)), (0, True)), lambda: e * 10**400, lambda: e * 1e50,
        lambda: sympy.polygamma(0, e), lambda: sympy.DiracDelta(e), lambda: sympy.cbrt(1 + e**2), lambda: sympy.Mod(e, 0.7),
    )  # fmt: skip
    return _with(equations, k, pick(odd)())


def _nested(e, depth):
    for _ in range(depth):
        e = sigmoid(e + 1)  # SymPy looks into a tanh of a sum, at a cost that doubles with each
    return e


def _odd_list(equations, pick, options):
    return pick(
        ([], None, equations[0], "h = x", 3, {}, tuple(equations), set(equations), [equations], Eq, sympy.Tuple(*equations))
    )


def _odd_option(equations, pick, options):
    group, values = pick((
        ("name", (*ODD_NAMES, None, 3, b"a", Symbol("a"))), ("reference", (None, 3, "ü\\n\"\"\"", '"""\nimport os', "\\", "{hash}", "x" * 5000)),
        ("outputs", (*JUNK, equations[0].lhs.name, [equations[0].lhs.name], [equations[0].lhs], [equations[-1].lhs] * 2, [Symbol("never")], [State("h", 3)])),
    ))  # fmt: skip
    options[group] = pick(values)
    return equations


MUTATIONS = (_dropped, _doubled, _reordered, _swapped_sides, _another_symbol, _another_symbol, _another_name, _another_name,
             _odd_item, _odd_right_side, _odd_right_side, _odd_right_side, _odd_list, _odd_option)  # fmt: skip
