"""What a cell is written in: symbols, sizes, functions of one unit, primitives, and the rules of a declaration."""

from symcell.language import (
    assumptions,  # noqa: F401  (answers what SymPy asks about hyperbolic functions)
    expressions,  # noqa: F401  (gives `@` and `.T` to SymPy's own expressions)
)
