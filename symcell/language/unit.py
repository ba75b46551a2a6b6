"""The base class of functions of one unit."""

from typing import Any, Self

from sympy import Expr, Function

from symcell.errors import CellError


class Unit(Function):
    """A function of one unit that is finite for all finite arguments. A new function is one class, which defines

        elementary()        the function in terms of known functions, accurate for all arguments

    and, where the default is not accurate or not known:

        fdiff(argindex)     its derivative (default: that of `elementary`)
        bounds              (lowest, highest) of its values (default: what interval arithmetic finds for `elementary`)
        evaluate(*arrays)   its value in NumPy (default: that of `elementary`), for functions with a fixed derivative at a kink;
                            analytic between kinks, since `check` uses the complex step
        _latex(printer)     its LaTeX (default: its name)

    A target that has a name for the function calls it; the others print `elementary`."""

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
    """A function whose value is worth storing, because computing it again takes longer than reading it."""


class Slope(Costly):
    """The derivative of a function, as a function of its own. Documents print gelu_slope as gelu' in place of a long formula."""

    def _latex(self, printer, exp=None):
        power = f"^{{{exp}}}" if exp else ""
        name = type(self).__name__.removesuffix("_slope").replace("_", r"\_")
        return rf"\operatorname{{{name}}}'{power}" + printer.brackets(printer.doprint(self.args[0]))
