"""What a cell is written in: symbols, sizes, functions of one unit, primitives, and the rules of a declaration."""

from symcell.language import reality  # noqa: F401  (SymPy's questions to hyperbolic functions are answered there)
