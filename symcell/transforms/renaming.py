"""Symbols of a cell under other names and with other sizes."""

from collections.abc import Callable, Iterable, Mapping

from sympy import Basic, Expr, Symbol

from symcell.cell import Cell
from symcell.language.symbols import Param, Quantity, State


def renamed(
    cell: Cell, quantities: Iterable[Symbol], name: Callable[[str], str], sizes: Mapping[Expr, Expr]
) -> dict[Basic, Basic]:
    """The symbols, the previous values of states among them, and the sizes -> what stands for them. Every quantity declares the
    shape that it has in the cell, in the new sizes."""
    new: dict[Basic, Basic] = dict(sizes)
    for q in sorted(quantities, key=lambda q: isinstance(q, State)):  # states last: they may begin at a parameter
        shape = cell.shapes[q].map(lambda n: n.xreplace(sizes))
        if isinstance(q, State):
            state = State(name(q.name), shape, q.initial.xreplace(new), shape.over)
            new |= {q: state, q.prev: state.prev}
        elif isinstance(q, Param):
            new[q] = Param(name(q.name), shape, None if q.blocks is None else q.blocks.xreplace(sizes), shape.over)
        elif isinstance(q, Quantity):
            new[q] = type(q)(name(q.name), shape, shape.over)
        else:
            new[q] = Symbol(name(q.name), **q.assumptions0)
    return new


def resized(cell: Cell, sizes: Mapping[Expr, Expr]) -> dict[Basic, Basic]:
    """The symbols that declare one of the sizes, and the sizes -> what stands for them. Other shapes follow from use."""
    declaring = [
        q
        for q in cell.shapes
        if (isinstance(q, State) or getattr(q, "declared", None) is not None)
        and any(n.free_symbols & sizes.keys() for n in cell.shape(q))
    ]
    return renamed(cell, declaring, str, sizes)
