"""A Draft: the equations of a cell while a transform rewrites them."""

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TypeAlias

from sympy import Basic, Eq, Expr, Symbol

from symcell.cell import Cell
from symcell.errors import CellError
from symcell.language.identifiers import is_name, unused
from symcell.language.registry import described
from symcell.language.sizes import Dims
from symcell.language.symbols import Input, Param, State

Quantities: TypeAlias = Symbol | str | Sequence[Symbol | str]  # as a caller names them


class Draft:
    """The equations of `cell` as pairs of a symbol and its definition, every affine written out; `transform` and `source`, a
    citation, are for messages and for the reference of the cell that they become."""

    def __init__(self, cell: Cell, transform: str, source: str = "") -> None:
        if not isinstance(cell, Cell):
            raise CellError(f"{transform} takes a Cell, found {type(cell).__name__}")
        self.cell, self.transform, self.source = cell, transform, source
        self.pairs: list[tuple[Symbol, Expr]] = [(e.target, e.rhs) for e in cell.equations]
        self.owners = {q.name: q for q in (*cell.shapes, *(s.prev for s in cell.states))}
        self.taken = {*self.owners, *cell.sizes}

    def error(self, text: str) -> CellError:
        return CellError(f"cell {self.cell.name}: {self.transform} {text}")

    def dims(self, e: Expr) -> Dims:
        """The own shape of a quantity of the cell, or of an expression, and its mapped axes."""
        return self.cell.declaration.dims(e)

    # Names

    def fresh(self, name: str) -> str:
        """An unused name for a quantity of the transform's own."""
        return unused(name, self.taken)

    def given(self, name: str, argument: str) -> str:
        """The name of an input that a call will give; `argument` is the transform's argument that chooses it. Raises CellError if
        it is taken."""
        if not is_name(name):
            raise self.error(f"names an input by a Python identifier, found {name!r}; choose another with {argument}=")
        if name in self.taken:
            owner = described(self.owners[name]) if name in self.owners else f"the size {name}"
            raise self.error(f"adds the input {name}, a name that {owner} has; choose another with {argument}=")
        self.taken.add(name)
        return name

    # What the cell has

    def quantities(self, named: Quantities, kinds: str, known: Iterable[Symbol]) -> list[Symbol]:
        """The quantities that a caller names, each a symbol or its name. Raises CellError for what is not among `known`."""
        by_name = {q.name: q for q in known}
        found = []
        for q in named if isinstance(named, (list, tuple)) else [named]:
            symbol = by_name.get(str(q))
            if symbol is None or not (isinstance(q, str) or q == symbol):
                raise self.error(f"takes {kinds} ({', '.join(by_name) or 'the cell has none'}), found {q!r}")
            found.append(symbol)
        if not found:
            raise self.error(f"takes one name or more, of {kinds} ({', '.join(by_name)}), found {named!r}")
        return list(dict.fromkeys(found))

    def states(self, named: Quantities | None) -> list[State]:
        """The states that a caller names; by default those that are carried: a step reads their previous value."""
        if named is not None:
            return self.quantities(named, "states of the cell", self.cell.states)
        carried = [s for s in self.cell.states if any(s.prev in rhs.free_symbols for _, rhs in self.pairs)]
        if not carried:
            raise self.error("needs a state whose previous value a step reads, as h.prev, and found none")
        return carried

    def main_inputs(self) -> list[Input]:
        """The input that is meant where one is: the one called x, or the only one; none where there is no such."""
        inputs = self.cell.inputs
        return [x for x in inputs if x.name == "x" or len(inputs) == 1]

    def main_input(self) -> Input:
        """The same. Raises CellError where there is none."""
        if not self.main_inputs():
            names = ", ".join(x.name for x in self.cell.inputs) or "none"
            raise self.error(f"needs one input, or one among several that is called x, found {names}")
        return self.main_inputs()[0]

    def matching(self, patterns: str | Sequence[str]) -> list[Param]:
        """The matrices among the parameters whose names match a pattern such as "U_*". Raises CellError if there are none."""
        begins = {s.initial for s in self.cell.states}
        matrices = [q for q in self.cell.params if len(self.dims(q)) == 2 and q.blocks is None and q not in begins]
        several = [patterns] if isinstance(patterns, str) else list(patterns)
        if not several:
            raise self.error(f"takes one pattern or more, as 'U_*', found {patterns!r}")
        for pattern in several:
            if not isinstance(pattern, str) or not any(fnmatchcase(q.name, pattern) for q in matrices):
                names = ", ".join(q.name for q in matrices) or "none"
                raise self.error(f"takes patterns that match parameters of two axes ({names}), found {pattern!r}")
        return [q for q in matrices if any(fnmatchcase(q.name, pattern) for pattern in several)]

    # Rewriting

    def replace(self, values: Mapping[Basic, Basic]) -> None:
        """Put expressions in place of symbols in all right sides."""
        self.pairs = [(target, rhs.xreplace(values)) for target, rhs in self.pairs]

    def reached_from(self, targets: Iterable[Symbol]) -> set[Symbol]:
        """The targets of the equations that the given ones need within the step, themselves among them."""
        reached = set(targets)
        for target, rhs in reversed(self.pairs):
            if target in reached:
                reached |= rhs.free_symbols
        return {target for target, _ in self.pairs if target in reached}

    def finished(self, name: str | None, outputs: Sequence[State] | None = None) -> Cell:
        """The cell of the rewritten equations, which shows the same states unless `outputs` says otherwise. Quantities keep
        their names in documents."""
        source = f" ({self.source})" if self.source else ""
        said = f": {self.cell.reference}" if self.cell.reference else ""
        made = Cell(
            f"{self.cell.name}_{self.transform}" if name is None else name,
            [Eq(target, rhs, evaluate=False) for target, rhs in self.pairs],
            outputs=self.cell.outputs if outputs is None else outputs,
            reference=f"{self.transform}{source} of {self.cell.name}{said}",
        )
        return Cell.of(made.declaration.named(self.cell.names))
