"""A declaration as a Python script that makes it again: what is printed of a cell that fails."""

from sympy import Symbol
from sympy.printing.str import StrPrinter

from symcell.language.symbols import Previous, Quantity

_HEADER = """\
from sympy import *

from symcell import *
from symcell.language.primitives import broadcast, transpose
from symcell.language.primitives.blocks import block_diagonal
from symcell.language.sizes import size
"""


class _PythonText(StrPrinter):
    """Calls as a user writes them, and exact fractions."""

    def _print_Affine(self, e):
        if len(e.args) < 4:  # made by hand, and no declaration
            return f"Affine({self.stringify(e.args, ', ')})"
        label, _, bias, *operands = e.args
        name = f", name={str(label)!r}" if str(label) else ""
        return f"affine({self.stringify(operands, ', ')}{'' if bias else ', bias=False'}{name})"

    def _print_Rational(self, e):
        return f"Rational({e.p}, {e.q})"

    _print_Half = _print_Rational

    def _print_Previous(self, e):
        return f"{e.state.name}.prev"


def script_of(declaration):
    """Python text: the symbols, the equations and the cell."""
    text = _PythonText({"full_prec": False}).doprint
    lines = [f"{q.name} = {_made(q, text)}" for q in _symbols(declaration.equations)]
    lines += ["equations = [", *(f"    Eq({e.lhs}, {text(e.rhs)}, evaluate=False)," for e in declaration.equations), "]"]
    lines.append(f'cell = Cell("random", equations, outputs=[{", ".join(map(str, declaration.outputs))}])')
    called = f"# called with seed {declaration.seed}, without initial values of {', '.join(declaration.left_out) or 'nothing'}"
    return "\n".join([_HEADER, *lines, called])


def _symbols(equations):
    """Every symbol of the equations once: parameters first, since states may begin with them."""
    atoms = {s for e in equations for side in (e.lhs, e.rhs) for s in side.atoms(Symbol)}
    atoms = {s.state if isinstance(s, Previous) else s for s in atoms if not s.is_integer}
    atoms |= {s.initial for s in atoms if hasattr(s, "initial") and s.initial.is_Symbol}
    return sorted(atoms, key=lambda s: (hasattr(s, "initial"), not isinstance(s, Quantity), s.name))


def _made(q, text):
    if not isinstance(q, Quantity):
        return f"Symbol({q.name!r})"
    options = [repr(q.name)]
    if q.declared is not None:
        sizes = [repr(str(n)) if n.is_Symbol else str(n) if n.is_Integer else _size_text(n) for n in q.declared]
        options.append(f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})")
    if getattr(q, "blocks", None) is not None:
        options.append(f"blocks={q.blocks}")
    if getattr(q, "initial", 0) != 0:
        options.append(f"initial={text(q.initial)}")
    return f"{type(q).__name__}({', '.join(options)})"


def _size_text(n):
    return str(n.xreplace({s: Symbol(f"size({s.name!r})") for s in n.free_symbols}))
