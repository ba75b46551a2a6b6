"""The arithmetic that a cell's matrix products take, and with it the ratio that nobody can exceed on a machine: that of a kernel
which multiplies at the fastest rate of any library, and takes no time for anything else."""

from functools import cache
from math import prod

from sympy import Symbol

from benchmarks.race import RACES, cell_of, sizes_of
from symcell.language.primitives import matmul


@cache
def multiplications(race, N, inputs=None):
    """Those of one sample and step, in all products that are not of parameters alone."""
    cell = cell_of(RACES[race].cell)
    derivation, numbers = cell.derive(), {Symbol(n, integer=True, positive=True): k for n, k in sizes_of(cell, N, inputs).items()}
    factors = [(e, e.args[0]) for row in derivation.forward if not row.once for e in row.rhs.atoms(matmul)]
    shapes = [(*derivation.shape(e), derivation.shape(left)[-1]) for e, left in factors]
    return sum(prod(int(n.subs(numbers)) for n in shape) for shape in shapes)


def operations(row):
    """Multiplications and additions of a race's row: the adjoint of a product is two products."""
    passes = 3 if row["what"] == "both" else 1
    return 2 * passes * multiplications(row["race"], row["N"], row["I"]) * row["T"] * row["B"]


def highest_ratio(row, peak):
    """Against this rival, with `peak` operations in float32 a second and core; half as many in float64."""
    peak = peak / 2 if row["dtype"] == "float64" else peak
    return row["rival_ms"] / 1e3 * peak * row["threads"] / operations(row)
