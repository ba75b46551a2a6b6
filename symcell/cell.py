"""A Cell: ordered equations, checked once, so that everything after can trust them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from sympy import Eq, Expr, Symbol

from symcell.errors import CellError
from symcell.language.declaration import declare
from symcell.language.registry import shape_of_symbol
from symcell.language.shapes import resolved_shape
from symcell.language.sizes import symbolic
from symcell.language.symbols import Constant, Input, Param, State
from symcell.language.words import is_name

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from symcell.derivation.derive import Derivation
    from symcell.derivation.jacobian import Carousel
    from symcell.kernel import Kernel
    from symcell.language.equations import Equation
    from symcell.structure import Structure


class Cell:
    """A recurrent cell: a name and a list of SymPy equations in the order in which a step computes them.

    `outputs` are the states shown outside (default: the state h, else the last); `reference` cites the source.
    Raises CellError, naming the cell and the equation, for whatever is not a cell.
    """

    def __init__(
        self, name: str, equations: Iterable[Eq], outputs: State | Sequence[State] | None = None, reference: str = ""
    ) -> None:
        if not is_name(name) or len(name) > 100:
            raise CellError(f"a cell's name must be a Python identifier and no keyword, found {name!r}")
        self.name, self.reference = name, _one_line(reference)
        self._declaration = declare(name, equations)
        self.outputs = self._chosen_outputs(outputs)

    # What the equations say, in order of appearance.

    @property
    def equations(self) -> "tuple[Equation, ...]":
        return self._declaration.equations

    @property
    def shapes(self) -> Mapping[Symbol, tuple[Expr, ...]]:
        return self._declaration.shapes

    @property
    def sizes(self) -> tuple[str, ...]:
        """The names of those that a call binds."""
        return self._declaration.sizes

    @property
    def joined(self) -> Mapping[Input, str]:
        """For each input whose size was unified with another, the equation that did it."""
        return self._declaration.joined

    @property
    def inputs(self) -> tuple[Input, ...]:
        return self._of_kind(Input)

    @property
    def states(self) -> tuple[State, ...]:
        return tuple(e.target for e in self.equations if isinstance(e.target, State))

    @property
    def params(self) -> tuple[Param, ...]:
        return self._of_kind(Param)

    @property
    def constants(self) -> tuple[Constant, ...]:
        return self._of_kind(Constant)

    @property
    def intermediates(self) -> tuple[Symbol, ...]:
        return tuple(e.target for e in self.equations if not isinstance(e.target, State))

    def _of_kind(self, kind):
        return tuple(q for q in self.shapes if isinstance(q, kind))

    def shape(self, e: Expr | str) -> tuple[Expr, ...]:
        """The shape of a symbol of this cell, or of the one of that name, or of an expression of them: a tuple of symbolic sizes.
        Raises CellError for what is none of these."""
        found = self._by_name().get(e) if isinstance(e, str) else symbolic(e)
        if not isinstance(found, Expr):
            raise CellError(f"cell {self.name}: shape takes one of its symbols, or its name, or an expression, found {e!r}")
        return resolved_shape(found, lambda symbol: shape_of_symbol(symbol, self.shapes, self.name))

    def _by_name(self):
        previous = (s.prev for s in self.states)
        return {q.name: q for q in (*self.shapes, *previous)} | {f"{s.name}.prev": s.prev for s in self.states}

    def _chosen_outputs(self, outputs):
        if outputs is None:
            return tuple(s for s in self.states if s.name == "h") or self.states[-1:]
        outputs = tuple(outputs) if isinstance(outputs, (tuple, list)) else (outputs,)
        for s in outputs:
            if not isinstance(s, State):
                known = any(s == t.name for t in self.states)
                hint = "; pass the State itself" if known else f"; a citation is reference={s!r}" if isinstance(s, str) else ""
                raise CellError(f"cell {self.name}: outputs are states, found {type(s).__name__} {s!r}{hint}")
            if s not in self.states:
                raise CellError(f"cell {self.name}: the output {s} is none of its states {_names(self.states)}")
        return outputs

    # What follows from the equations.

    def derive(self) -> "Derivation":
        """The whole Derivation: forward equations, adjoints and step Jacobians. It renders itself in a notebook."""
        from symcell.derivation.derive import derive

        return derive(self)

    def jacobian(self, new: Symbol | str, prev: Symbol | str) -> Expr:
        """d new / d prev over one step, all other previous states and the inputs held fixed; a SymPy expression.

        Both may be given by their names: `jacobian("c", "c_prev")`, or "c.prev". An elementwise derivative is an expression of
        units (`f` for the LSTM's cell state); where a matrix takes part it is a sum of non-commutative products of `diag(...)`
        and parameters. Raises CellError for what is no state."""
        return self.derive().jacobian(new, prev)

    def carousel(self, state: State | str) -> "Carousel":
        """The step Jacobian of a state, or of the state of that name, with respect to itself, and its product over k steps.
        Raises CellError for what is no state."""
        from symcell.derivation.jacobian import Carousel

        return Carousel(self.derive(), state)  # type: ignore[arg-type]  # which finds it by its name

    @property
    def structure(self) -> "Structure":
        """What follows for the work of a step: its matrix products and their depth, what is hoisted out of it, and of each state
        whether its recurrence is linear, what its coefficients depend on, and whether it is a scan. See Structure."""
        from symcell.compiler import structure_of

        return structure_of(self)

    def compile(self, dtype: "DTypeLike" = "float32") -> "Kernel":
        """Generated Numba kernels, loaded: a Kernel with init, freeze, forward, backward, step and stream.

        `dtype` is that of all its arrays, "float32" or "float64". Raises CellError for another, and for a cell of which no kernel
        can be made: one without an input, say, which would tell the number of steps and samples."""
        from symcell.compiler import compile_cell

        return compile_cell(self, dtype)

    def _repr_latex_(self) -> str:
        return self.derive()._repr_latex_()

    def __repr__(self) -> str:
        return f"Cell({self.name!r}: {'; '.join(map(str, self.equations))})"


def _one_line(text):
    """A text that can stand in a docstring and be written to a file."""
    return "".join(c if c.isprintable() else " " for c in str(text))


def _names(symbols):
    return ", ".join(s.name for s in symbols) or "(none)"
