"""Expressions in messages, as a user writes them: W @ x, W.T, h.prev."""

from sympy.printing.precedence import PRECEDENCE
from sympy.printing.str import StrPrinter


class _AsWritten(StrPrinter):
    """SymPy finds the methods by the names of the classes that they print."""

    def _print_Previous(self, e):
        return f"{e.state.name}.prev"

    def _print_matmul(self, e):
        return " @ ".join(self.parenthesize(a, PRECEDENCE["Pow"]) for a in e.args)

    def _print_transpose(self, e):
        return f"{self.parenthesize(e.args[0], PRECEDENCE['Pow'])}.T"

    def _print_Along(self, e):
        return f"{type(e).__name__}({self.stringify(e.args[:1] if e.args[1] == -1 else e.args, ', ')})"

    def parenthesize(self, item, level, strict=False):
        text = super().parenthesize(item, level, strict)
        return f"({text})" if type(item).__name__ == "matmul" and level >= PRECEDENCE["Mul"] else text


def written(e, longest=200):
    """An expression as a user writes it, shortened if it is long."""
    return _beginning(_AsWritten().doprint(e), longest)


def written_factor(e, longest=200):
    """The same, in parentheses where a `*` after it would bind more tightly."""
    return _beginning(_AsWritten().parenthesize(e, PRECEDENCE["Mul"]), longest)


def _beginning(text, longest):
    return text if len(text) <= longest else f"{text[:longest]} ..."
