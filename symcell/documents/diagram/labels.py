"""What stands in the boxes of a diagram: functions of one value as short LaTeX, sigma, 1 - or 4 sigma - 2."""

from sympy import Abs, Add, Expr, Function, Max, Min, Mul, Piecewise, Pow, S, default_sort_key, preorder_traversal

from symcell.documents.diagram.affine import HOLE
from symcell.documents.diagram.text import length
from symcell.documents.nodes import t
from symcell.documents.printer import Notation
from symcell.documents.style import style_of
from symcell.language.activations import log_sigmoid, sigmoid, stop_gradient
from symcell.language.primitives import dot, matmul, mean, outer, total, variance
from symcell.language.unit import Unit

_LONGEST = 9  # letters in a box
_SIGNS = {
    sigmoid: r"\sigma", log_sigmoid: r"\log \sigma", total: r"\Sigma", outer: r"\otimes", matmul: r"\cdot", dot: r"\cdot",
    stop_gradient: r"\mathrm{stop}", Piecewise: r"\mathrm{cases}", Max: r"\max", Min: r"\min", Abs: r"|\cdot|",
}  # fmt: skip


class Labels:
    """The names and functions of one derivation in its notation. The only place that knows how documents print."""

    def __init__(self, derivation, back=0, notation=None):
        self.printer = Notation(derivation, style_of(notation), t - back)

    def name(self, symbol: Expr) -> str:
        """A quantity as documents print it."""
        return self.printer.name(symbol)

    def value(self, e: Expr) -> str:
        """A value that is computed once a sequence: its formula if it is short."""
        text = self.printer.doprint(e)
        return text if length(text) <= _LONGEST and r"\frac" not in text else r"\ldots"

    def function(self, e: Expr) -> str:
        """A function of HOLE. What is long is called by its outermost function."""
        text = self._composed(e)
        for end, short in ((r"-\cdot", "-"), (r"\,\cdot", "")):
            if text.endswith(end):
                text = text.removesuffix(end) + short
                text = text if short else rf"{{\times}}{text}"
        return text if length(text) <= _LONGEST else self._outermost(e)

    def _composed(self, e):
        if e == HOLE:
            return r"\cdot"
        held = [a for a in e.args if not a.has(HOLE)]
        moving = [a for a in e.args if a.has(HOLE)]
        if is_norm(e) or len(moving) != 1:
            return self._outermost(e)
        inner = self._composed(moving[0])
        if isinstance(e, Add):
            return self._sum(Add(*held), moving[0], inner)
        if isinstance(e, Mul):
            factor = self.printer.parenthesize_factor(Mul(*held))
            inner = f"({inner})" if isinstance(moving[0], Add) else inner
            return f"-{inner}" if factor == "-1" else rf"{factor}\,{inner}"
        if isinstance(e, Pow) and e.base == HOLE:
            return rf"(\cdot)^{{{self.printer.doprint(e.exp)}}}"
        bare = moving[0] == HOLE or isinstance(moving[0], Function)
        inner = "" if moving[0] == HOLE else inner if bare else f"({inner})"
        return rf"{function_sign(e)}\,{inner}" if inner else function_sign(e)

    def _sum(self, held, moving, inner):
        text = self.printer.doprint(held)
        if moving.could_extract_minus_sign():
            return f"{text}-{self._composed(-moving)}"
        return f"{inner}{text}" if text.startswith("-") else f"{text}+{inner}" if held.is_number else f"{inner}+{text}"

    def _outermost(self, e):
        if is_norm(e):
            return r"\mathrm{norm}"
        functions = [a for a in preorder_traversal(e, keys=default_sort_key) if isinstance(a, Function) and a.has(HOLE)]
        return function_sign(functions[0]) if functions else r"\mathrm{scale}"


def function_sign(e: Expr) -> str:
    """The sign or the name of a function, as LaTeX."""
    name = type(e).__name__
    return _SIGNS.get(type(e)) or rf"\mathrm{{{name.lower() if isinstance(e, Unit) else name}}}".replace("_", r"\_")


def is_norm(e: Expr) -> bool:
    """Whether a function divides by the root of a mean or a sum of squares."""
    roots = [a.base for a in e.atoms(Pow) if a.exp in (-S.Half, -S.One)]
    return any(b.has(variance, mean, total) and b.has(HOLE) for b in roots) and e.count(HOLE) > 1
