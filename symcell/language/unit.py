"""Functions of one unit: what a new one says of itself, and what follows for it."""

from typing import Any, Self

from sympy import Expr, Function

from symcell.errors import CellError


class Unit(Function):
    """A function of one unit, which has a number for every number. A new one is one class:

        elementary()        the function by functions that are known already, accurate for all arguments
        fdiff(argindex)     its derivative, accurate for all arguments; the default is that of `elementary`
        bounds              (lowest, highest) of its values, where `elementary` does not show them
        evaluate(*arrays)   its value by NumPy, where that of `elementary` has another derivative at a kink; analytic between
                            kinks, since `check` differentiates it by complex numbers
        _latex(printer)     how a paper writes it; the default is its name

    A target calls the function by its name where it has one, and writes out `elementary` elsewhere."""

    nargs = 1
    bounds: tuple[Expr, Expr] | None = None

    def __new__(cls, *args: Any, **options: Any) -> Self:
        for a in args:
            if isinstance(a, bool) or not isinstance(a, (Expr, int, float)):  # SymPy would evaluate a text
                raise CellError(f"{cls.__name__} takes expressions, found {a!r}")
        return super().__new__(cls, *args, **options)

    def elementary(self) -> Expr:
        raise NotImplementedError

    def _eval_is_extended_real(self):
        return self.args[0].is_extended_real

    def _eval_evalf(self, prec):
        return self.elementary()._eval_evalf(prec)

    def _eval_rewrite(self, rule, args, **hints):
        return self.func(*args).elementary().rewrite(rule)


class Costly(Unit):
    """A function whose value is worth keeping: computing it takes longer than reading it."""
