"""Functions of one unit that SymPy lacks, and six from its module for code generation. See also `piecewise_linear` and
`smooth_rectifiers`. To add a function, write one class (see Unit), and add its name to `__all__`."""

from sympy import S, exp, log
from sympy.codegen.cfunctions import exp2 as exp2
from sympy.codegen.cfunctions import expm1 as expm1
from sympy.codegen.cfunctions import hypot as hypot
from sympy.codegen.cfunctions import log1p as log1p
from sympy.codegen.cfunctions import log2 as log2
from sympy.codegen.cfunctions import log10 as log10

from symcell.language.unit import Costly, Unit

__all__ = [
    "exp2",
    "expm1",
    "hypot",
    "log1p",
    "log2",
    "log10",
    "log_sigmoid",
    "sigmoid",
    "silu",
    "softplus",
    "stop_gradient",
]


class sigmoid(Costly):
    """1 / (1 + exp(-z)), the logistic function; its derivative is sigmoid (1 - sigmoid)."""

    bounds = (S.Zero, S.One)

    def elementary(self):
        return 1 / (1 + exp(-self.args[0]))

    def fdiff(self, argindex=1):
        return self * (1 - self)

    def _latex(self, printer, exp=None):
        power = f"^{{{exp}}}" if exp else ""
        return rf"\sigma{power}" + printer.brackets(printer.doprint(self.args[0]))


class softplus(Costly):
    """log(1 + exp(z)), which neither overflows nor loses digits; its derivative is sigmoid(z)."""

    bounds = (S.Zero, S.Infinity)

    def elementary(self):
        return log(1 + exp(self.args[0]))

    def fdiff(self, argindex=1):
        return sigmoid(self.args[0])


class log_sigmoid(Unit):
    """log(sigmoid(z)), which does not underflow where sigmoid does; its derivative is sigmoid(-z)."""

    def elementary(self):
        return -softplus(-self.args[0])

    def fdiff(self, argindex=1):
        return sigmoid(-self.args[0])

    def _latex(self, printer, exp=None):
        text = r"\log \sigma" + printer.brackets(printer.doprint(self.args[0]))
        return rf"\left({text}\right)^{{{exp}}}" if exp else text


class silu(Costly):
    """z sigmoid(z), also known as swish."""

    def elementary(self):
        return self.args[0] * sigmoid(self.args[0])

    def fdiff(self, argindex=1):
        s = sigmoid(self.args[0])
        return s + self * (1 - s)


class stop_gradient(Unit):
    """The identity forward; no adjoint passes back."""

    def elementary(self):
        return self.args[0]

    def fdiff(self, argindex=1):
        return S.Zero

    def evaluate(self, z):
        return z.real
