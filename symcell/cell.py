"""A Cell: ordered equations, checked once, so that everything after can trust them."""

from symcell.errors import CellError
from symcell.language.declaration import checked_equations, declared_pairs, described
from symcell.language.reserved import RESERVED, YIELDING
from symcell.language.shapes import Sizes, resolved_shape
from symcell.language.symbols import Constant, Input, Param, Previous, State
from symcell.language.words import is_name


class Cell:
    """A recurrent cell: a name and a list of SymPy equations in the order in which a step computes them.

    `outputs` are the states shown outside (default: the state h, else the last); `reference` cites the source.
    Raises CellError, naming the cell and the equation, for whatever is not a cell.
    """

    def __init__(self, name, equations, outputs=None, reference=""):
        if not is_name(name) or len(name) > 100:
            raise CellError(f"a cell's name must be a Python identifier and no keyword, found {name!r}")
        self.name, self.reference = name, _one_line(reference)
        declared = declared_pairs(self, equations)
        self._shapes, self._sizes = {}, Sizes()
        try:
            self.equations = tuple(checked_equations(self, declared))
        except RecursionError:
            raise CellError(f"cell {name}: an equation is nested too deeply; give its parts names") from None
        self._settle_shapes()
        self.outputs = self._chosen_outputs(outputs)

    # What the equations speak of, in order of appearance.
    inputs = property(lambda self: self._of_kind(Input))
    states = property(lambda self: tuple(e.target for e in self.equations if isinstance(e.target, State)))
    params = property(lambda self: self._of_kind(Param))
    constants = property(lambda self: self._of_kind(Constant))
    intermediates = property(lambda self: tuple(e.target for e in self.equations if not isinstance(e.target, State)))

    def _of_kind(self, kind):
        return tuple(q for q in self._shapes if isinstance(q, kind))

    @property
    def sizes(self):
        """The names of the sizes that a call binds, in order of appearance."""
        found = {}
        for shape in self._shapes.values():
            for n in shape:
                found.update(dict.fromkeys(sorted(n.free_symbols, key=str)))
        return tuple(s.name for s in found)

    def shape(self, e):
        """The shape of a symbol of this cell, or of an expression of them: a tuple of symbolic sizes."""
        return resolved_shape(e, self._shape_of)

    def _shape_of(self, symbol):
        key = symbol.state if isinstance(symbol, Previous) else symbol
        if key not in self._shapes:
            raise CellError(f"cell {self.name}: {symbol} is no symbol of this cell")
        return self._shapes[key]

    def _settle_shapes(self):
        taken = {str(n) for s in self._shapes.values() for n in s} | {q.name for q in self._shapes}
        resolve = self._sizes.resolve
        self._sizes.name_the_rest(self._shapes, taken)
        self._shapes = {q: tuple(resolve(n) for n in s) for q, s in self._shapes.items()}
        for n in self.sizes:
            if n in RESERVED | YIELDING or n in ("seed", "dtype"):
                raise CellError(f"cell {self.name}: the size {n!r} has a name that the generated code uses; choose another")
        for q in (*self._shapes, *self.intermediates):
            if q.name in self.sizes:
                raise CellError(f"cell {self.name}: the name {q.name!r} stands for two things: {described(q)} and a size")
        for e in self.equations:
            unknown = sorted({s for s in e.rhs.free_symbols if s.is_integer and s.name not in self.sizes}, key=str)
            if unknown:
                raise CellError(f"cell {self.name}, equation {e.number} ({e.target} = ...): {unknown[0]} is never defined")

    def _chosen_outputs(self, outputs):
        if outputs is None:
            return tuple(s for s in self.states if s.name == "h") or self.states[-1:]
        outputs = tuple(outputs) if isinstance(outputs, (tuple, list)) else (outputs,)
        for s in outputs:
            if not isinstance(s, State):
                raise CellError(f"cell {self.name}: outputs are states, found {type(s).__name__} {s!r}")
            if s not in self.states:
                raise CellError(f"cell {self.name}: the output {s} is none of its states {_names(self.states)}")
        return outputs

    # What follows from the equations.

    def derive(self):
        """The whole Derivation: forward equations, adjoints and step Jacobians. It renders itself in a notebook."""
        from symcell.derivation.derive import derive

        return derive(self)

    def jacobian(self, new, prev):
        """d new / d prev over one step, all other previous states and the inputs held fixed; a SymPy expression.

        Both may be given by their names: `jacobian("c", "c_prev")`, or "c.prev". An elementwise derivative is an expression of
        units (`f` for the LSTM's cell state); where a matrix takes part it is a sum of non-commutative products of `diag(...)`
        and parameters. Raises CellError for what is no state."""
        return self.derive().jacobian(new, prev)

    def carousel(self, state):
        """The step Jacobian of a state, or of the state of that name, with respect to itself, and its product over k steps."""
        from symcell.derivation.jacobian import Carousel

        return Carousel(self.derive(), state)

    @property
    def structure(self):
        """What follows for the work of a step: its matrix products and their depth, what is hoisted out of it, and of each state
        whether its recurrence is linear, what its coefficients depend on, and whether it is a scan. See Structure."""
        from symcell.compiler import structure_of

        return structure_of(self)

    def compile(self, dtype="float32"):
        """Generated Numba kernels, loaded: a Kernel with init, freeze, forward, backward and step."""
        from symcell.compiler import compile_cell

        return compile_cell(self, dtype)

    def _repr_latex_(self):
        return self.derive()._repr_latex_()

    def __repr__(self):
        return f"Cell({self.name!r}: {'; '.join(map(str, self.equations))})"


def _one_line(text):
    """A text that can stand in a docstring and be written to a file."""
    return "".join(c if c.isprintable() else " " for c in str(text))


def _names(symbols):
    return ", ".join(s.name for s in symbols) or "(none)"
