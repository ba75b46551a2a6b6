"""A Cell: the public face of a declaration and of everything that is derived from it."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

from sympy import Eq, Expr, Symbol

from symcell.compiler import compile_declaration, plain_kernel, structure_of
from symcell.documents.style import Notated, check_names
from symcell.kernel import Kernel, PlainKernel
from symcell.language.declaration import Declaration
from symcell.language.declare import declare
from symcell.language.equations import Equation
from symcell.language.sizes import Dims
from symcell.language.symbols import Constant, Input, Param, State
from symcell.language.variant import vary
from symcell.rendered import RenderedCarousel, RenderedDerivation
from symcell.structure import Structure

if TYPE_CHECKING:
    from numpy.typing import DTypeLike


class Cell:
    r"""A recurrent cell: a name and a list of SymPy equations in the order in which a step computes them.

    `outputs` are the states shown outside (default: the state h, else the last); `reference` cites the source; `names`: the name
    of a quantity -> the LaTeX that documents print for it, as {"g": r"\tilde c"}, where the source writes another symbol.
    Raises CellError, naming the cell and the equation, for whatever is not a cell."""

    declaration: Declaration  # what the rest of symcell reads

    def __init__(
        self, name: str, equations: Iterable[Eq], outputs: State | Sequence[State] | None = None, reference: str = "",
        names: Mapping[str, str] = MappingProxyType({}),
    ) -> None:  # fmt: skip
        declaration = declare(name, equations, outputs, reference)
        check_names(declaration, names)
        self.declaration = declaration.named(names)

    @classmethod
    def of(cls, declaration: Declaration) -> Self:
        """The Cell of a declaration."""
        self = cls.__new__(cls)
        self.declaration = declaration
        return self

    def variant(
        self,
        name: str,
        replace: Mapping[Symbol | str, Expr | float] = MappingProxyType({}),
        add: Iterable[Eq] = (),
        drop: Iterable[Symbol | str] = (),
        outputs: State | str | Sequence[State | str] | None = None,
        reference: str = "",
    ) -> Self:
        """Another cell, made from this one: `lstm.variant("coupled", {i: 1 - f})`.

        `replace` maps a quantity, by its symbol or name, to its new expression or number; `add` has further equations, `drop` the
        quantities that lose theirs; `outputs` are the states shown outside (default: as here). Affine makes parameters named
        after the equation, as in a Cell; all others stay as they are. A State as a key takes the place of what had its name. What
        stays keeps its name in documents.

        Every equation stays where it is unless an earlier one reads it now. Equations that the change leaves unread go, states
        among them unless they are outputs, and their parameters with them. An intermediate that becomes a number is written into
        the equations that read it. The reference says what the cell was made from.

        Raises CellError, naming the cell and the quantity, for what is no quantity of this cell, for a dropped one that is still
        read, a new one that nothing reads, a cycle, and for whatever else is not a cell."""
        return self.of(vary(self.declaration, name, replace, add, drop, outputs, reference))

    # What the equations say, in order of appearance.

    @property
    def name(self) -> str:
        return self.declaration.name

    @property
    def reference(self) -> str:
        return self.declaration.reference

    @property
    def names(self) -> Mapping[str, str]:
        """The name of a quantity -> its LaTeX, where documents print another symbol than code has."""
        return self.declaration.names

    @property
    def equations(self) -> tuple[Equation, ...]:
        return self.declaration.equations

    @property
    def outputs(self) -> tuple[State, ...]:
        return self.declaration.outputs

    @property
    def shapes(self) -> Mapping[Symbol, Dims]:
        """Symbol -> the sizes of its own axes; `.over` are its mapped axes, and `.whole` is the shape of its array."""
        return self.declaration.shapes

    @property
    def sizes(self) -> tuple[str, ...]:
        """The names of the sizes that a call binds."""
        return self.declaration.sizes

    @property
    def joined(self) -> Mapping[Input, str]:
        """Input -> the equation that unified its size with another one."""
        return self.declaration.joined

    @property
    def inputs(self) -> tuple[Input, ...]:
        return self.declaration.inputs

    @property
    def states(self) -> tuple[State, ...]:
        return self.declaration.states

    @property
    def params(self) -> tuple[Param, ...]:
        return self.declaration.params

    @property
    def constants(self) -> tuple[Constant, ...]:
        return self.declaration.constants

    @property
    def intermediates(self) -> tuple[Symbol, ...]:
        return self.declaration.intermediates

    def shape(self, e: Expr | str) -> tuple[Expr, ...]:
        """The shape of a symbol of this cell, or of the one of that name, or of an expression of them: a tuple of symbolic sizes,
        its mapped axes first. Raises CellError for what is none of these."""
        return self.declaration.shape(e)

    # What follows from the equations.

    def derive(self) -> RenderedDerivation:
        """The whole Derivation: forward equations, adjoints and step Jacobians. It renders itself in a notebook."""
        return self._derivation

    @cached_property
    def _derivation(self) -> RenderedDerivation:
        return RenderedDerivation.of(self.declaration)

    def jacobian(self, new: Symbol | str, prev: Symbol | str) -> Expr:
        """d new / d prev over one step, all other previous states and the inputs held fixed; a SymPy expression.

        Both may be given by their names: `jacobian("c", "c_prev")`, or "c.prev". An elementwise derivative is an expression of
        units (`f` for the LSTM's cell state); where a matrix takes part it is a sum of non-commutative products of `diag(...)`
        and parameters. Raises CellError for what is no state."""
        return self.derive().jacobian(new, prev)

    def carousel(self, state: State | str) -> RenderedCarousel:
        """The step Jacobian of a state, or of the state of that name, with respect to itself, and its product over k steps.
        Raises CellError for what is no state."""
        return RenderedCarousel(self.derive(), state)  # type: ignore[arg-type]  # which finds it by its name

    def diagram(self, steps: int = 1, notation: Notated = None) -> str:
        """The cell as a picture, drawn from its equations: the text of an SVG file, for light and dark pages.

        Inputs stand at the bottom, previous states enter at the left, new ones leave at the right; the path of a state that is
        kept is stressed. `steps` stand side by side, the last of them t. `notation`: a Style, or a preset by its name.
        Raises CellError unless there is a step, for a notation that there is not, and where igraph or SciPy are missing."""
        from symcell.documents.diagram import diagram_svg

        return diagram_svg(self.derive(), steps, notation)

    @property
    def structure(self) -> Structure:
        """The work of a step: its matrix products and their depth, the products hoisted out of it, and for each state whether its
        recurrence is linear, what its coefficients depend on, and whether it is a scan. See Structure."""
        return structure_of(self.declaration)

    def compile(self, dtype: "DTypeLike" = "float32") -> Kernel:
        """Generated Numba kernels, loaded: a Kernel with init, freeze, forward, backward, step and stream.

        `dtype`, "float32" or "float64", is that of all its arrays. Raises CellError for another one, and for a cell that has no
        kernel, such as one without an input, which determines the number of steps and samples."""
        kernel = compile_declaration(self.declaration, dtype)
        kernel.cell = self
        return kernel

    def plain(self) -> PlainKernel:
        """The cell's passes in NumPy, at once and without a compilation: a PlainKernel with init, forward and backward, for small
        cells and short sequences. Raises CellError for a cell without an input."""
        return plain_kernel(self.declaration)

    def _repr_latex_(self) -> str:
        return self.derive()._repr_latex_()

    def __repr__(self) -> str:
        return f"Cell({self.name!r}: {'; '.join(map(str, self.equations))})"
