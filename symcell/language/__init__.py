"""The vocabulary of a cell and the rules of its declaration: symbols, sizes, functions of one unit, primitives."""

from symcell.language import (
    assumptions,  # noqa: F401  (answers what SymPy asks about hyperbolic functions)
    expressions,  # noqa: F401  (gives `@` and `.T` to SymPy's own expressions)
)
