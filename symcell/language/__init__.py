"""What a cell is written in: symbols, sizes, functions of one unit, primitives, and the rules of a declaration."""
