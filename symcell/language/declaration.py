"""A Declaration: the validated equations of a cell. Everything after it trusts them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from sympy import Expr, Symbol

from symcell.errors import CellError
from symcell.language.equations import Equation
from symcell.language.registry import shape_of_symbol
from symcell.language.shapes import resolved_shape
from symcell.language.sizes import Dims, symbolic
from symcell.language.symbols import Constant, Input, Param, State


@dataclass(frozen=True, eq=False, repr=False)
class Declaration:
    """The equations of one cell, made by `declare`; equal only to itself.

    `shapes`: symbol -> its own shape and its mapped axes, in order of appearance; `sizes`: the names of the sizes that a call
    binds; `joined`: for each input whose size was unified with another one, the equation that did it; `outputs`: the states that
    are shown outside; `names`: the name of a quantity -> its LaTeX, where documents are to print another one."""

    name: str
    equations: tuple[Equation, ...]
    shapes: Mapping[Symbol, Dims]
    sizes: tuple[str, ...]
    joined: Mapping[Input, str]
    outputs: tuple[State, ...]
    reference: str = ""
    names: Mapping[str, str] = field(default_factory=dict)

    def named(self, names: Mapping[str, str]) -> Self:
        """The same with those of the `names` that belong to it: what is made from a cell keeps the cell's notation."""
        return replace(self, names={n: text for n, text in names.items() if n in self.nameable})

    @property
    def nameable(self) -> set[str]:
        """What documents name: the quantities, and for each equation z_ and its left side, the argument of its function."""
        return {q.name for q in self.shapes} | {f"z_{e.target.name}" for e in self.equations}

    @property
    def inputs(self) -> tuple[Input, ...]:
        return tuple(q for q in self.shapes if isinstance(q, Input))

    @property
    def states(self) -> tuple[State, ...]:
        return tuple(e.target for e in self.equations if isinstance(e.target, State))

    @property
    def params(self) -> tuple[Param, ...]:
        return tuple(q for q in self.shapes if isinstance(q, Param))

    @property
    def constants(self) -> tuple[Constant, ...]:
        return tuple(q for q in self.shapes if isinstance(q, Constant))

    @property
    def intermediates(self) -> tuple[Symbol, ...]:
        return tuple(e.target for e in self.equations if not isinstance(e.target, State))

    def shape(self, e: Expr | str) -> tuple[Expr, ...]:
        """The shape of a symbol of this cell, or of the one of that name, or of an expression of them: a tuple of symbolic sizes,
        its mapped axes first. Raises CellError for what is none of these."""
        return self.dims(e).whole

    def dims(self, e: Expr | str) -> Dims:
        """The same as its own shape, which has its mapped axes beside it."""
        found = self._by_name().get(e) if isinstance(e, str) else symbolic(e)
        if not isinstance(found, Expr):
            raise CellError(f"cell {self.name}: shape takes one of its symbols, or its name, or an expression, found {e!r}")
        return resolved_shape(found, lambda symbol: shape_of_symbol(symbol, self.shapes, self.name))

    def _by_name(self) -> dict[str, Symbol]:
        previous = [s.prev for s in self.states]
        return {q.name: q for q in (*self.shapes, *previous)} | {f"{q.state.name}.prev": q for q in previous}

    def __repr__(self) -> str:
        return f"Declaration({self.name!r}: {'; '.join(map(str, self.equations))})"
