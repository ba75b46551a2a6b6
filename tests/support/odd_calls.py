"""One call of symcell's vocabulary with odd arguments, and one quantity with odd properties, in a cell around it."""

import sympy
from sympy import Eq, Symbol, oo, tanh

import symcell
from support.odd_values import JUNK, ODD_NAMES, ODD_SIZES
from symcell import Cell, Constant, Input, Param, State
from symcell.language.sizes import size

x, u, w = Input("x", "n_x"), Input("u", ()), Input("w", "n_h")
h, s, M = State("h", "n_h"), State("s", ()), State("M", ("n_h", "n_x"))
VALUES = (x, w, h.prev, u, s.prev, M.prev, Param("P"), Param("P", ()), Param("P", (2, 3, "n_x")), symcell.outer(w, x), symcell.column(w), symcell.row(x),
          x + 1, symcell.mean(x), h, Symbol("z"), 2 * w, symcell.affine(x), symcell.affine(x, name="q"), size("n_x"))  # fmt: skip
COUNTS = (*VALUES, *JUNK)
CALLS = {
    "repeat": (VALUES, (*JUNK, 1, 3, 2.0, sympy.Rational(1, 2), size("n_q"), x)), "identity": ((*ODD_SIZES, x),), "concat": (COUNTS, COUNTS),
    **dict.fromkeys(("total", "mean", "variance", "softmax", "cumsum"), (COUNTS, (*JUNK, 0, 1, 2, -2, -3, 1.0, "1", x))),
    **dict.fromkeys(("matmul", "dot", "outer"), (COUNTS, COUNTS)), **dict.fromkeys(("column", "row", "affine"), (COUNTS,)),
    **dict.fromkeys(("sigmoid", "relu", "hard_sigmoid", "softplus", "silu", "mish", "hard_tanh", "stop_gradient"), (COUNTS,)),
    "leaky_relu": (COUNTS, COUNTS), "elu": (COUNTS, COUNTS), "gelu": (COUNTS, (*JUNK, "tanh", "none")),
}  # fmt: skip


def odd_call(pick):
    """(text, a function that makes the cell): f(...) in an equation: bare, added to something, or under another call."""
    name = pick(list(CALLS))
    chosen = [pick(values) for values in CALLS[name]][: pick((2, 2, 1)) if name != "repeat" else 2]  # Python itself refuses repeat(v)
    around = pick(("{}", "tanh({})", "h.prev + {}", "h.prev * mean({})", "M.prev * {}", "total({}) * w", "{} @ x", "x.T @ {}"))
    target = h if pick((True, True, False)) else M

    def make():
        value = getattr(symcell, name)(*chosen)
        built = {"{}": lambda: value, "tanh({})": lambda: tanh(value), "h.prev + {}": lambda: h.prev + value, "M.prev * {}": lambda: M.prev * value,
                 "h.prev * mean({})": lambda: h.prev * symcell.mean(value), "total({}) * w": lambda: symcell.total(value) * w,
                 "{} @ x": lambda: symcell.matmul(value, x), "x.T @ {}": lambda: symcell.matmul(x, value)}[around]()  # fmt: skip
        return _cell_with(Eq(target, built, evaluate=False))

    return f"Eq({target}, {around.format(f'{name}({chosen})')})", make


def _cell_with(equation):
    """A cell of an odd equation, and whatever else makes it whole."""
    filling = {h: tanh(h.prev + w), s: s.prev / 2 + u, M: M.prev / 2 + symcell.outer(w, x)}
    z = Eq(Symbol("z"), tanh(w + symcell.mean(x) * u))
    needed = [Eq(state, rhs) for state, rhs in filling.items() if state not in (equation.lhs,) and not equation.rhs.has(state)]
    return Cell("random", [z, *needed, equation], outputs=[equation.lhs])


def odd_quantity(pick):
    """(text, a function that makes the cell): a quantity with an odd name, shape, number of blocks or initial value, used as such things are."""
    kind = pick((Input, Param, Constant, State))
    arguments = pick(
        (
            {"name": ODD_NAMES + JUNK},
            {"name": ("q",), "shape": ODD_SIZES},
            {"name": ("q",), "shape": [(a, b) for a in ODD_SIZES[:24] for b in ("n_h", 2)]},
        )
    )
    arguments = {key: pick(values) for key, values in arguments.items()}
    if kind is Param and pick((True, False)):
        arguments["blocks"] = pick((*ODD_SIZES, 1, 2, 3, 7, "n_b", *JUNK))
    if kind is State and pick((True, False)):
        arguments["initial"] = pick(
            (
                *JUNK,
                Param("q0"),
                Param("q0", ()),
                Param("q0", ("n_h", 2)),
                2 * Param("q0"),
                x,
                Constant("q0"),
                h,
                "0.5",
                10**400,
                -oo,
            )
        )
    use = pick(("bare", "product", "mean", "scaled"))

    def make():
        q = kind(**arguments)
        now = q.prev if kind is State else q
        term = {
            "bare": lambda: now,
            "product": lambda: symcell.matmul(now, w),
            "mean": lambda: symcell.mean(now),
            "scaled": lambda: tanh(now) * s.prev,
        }[use]()
        equations = [Eq(h, tanh(h.prev + w + u), evaluate=False), Eq(s, s.prev / 2 + u)]
        equations.append(Eq(q, tanh(term), evaluate=False) if kind is State else Eq(Symbol("odd"), term, evaluate=False))
        equations.append(
            Eq(
                State("out", "n_h"),
                h * (symcell.mean(Symbol("odd")) if use == "mean" and kind is not State else 1),
                evaluate=False,
            )
        )
        return Cell("random", equations)

    return f"{kind.__name__}({arguments}) used: {use}", make
