"""The symbols of a cell: inputs, states, parameters and constants.

A symbol stands for one unit of its vector (or matrix), so that `*` is elementwise and SymPy's own functions apply
to it. Shapes are tuples of symbolic sizes; `None` means "not declared: follows from use". A mapped axis, such as heads, is
known by its size; what is written for one head happens for each.
"""

from typing import Self

from sympy import Expr, Symbol

from symcell.errors import CellError, NoSuchAttribute
from symcell.language.identifiers import is_name
from symcell.language.protocols import Foreign
from symcell.language.sizes import Shape, Size, shape_tuple, size, symbolic


class Quantity(Foreign, Symbol):
    """A symbol with a role and, perhaps, a declared shape. `over` are its mapped axes: it has a value of its shape for each index
    there. Equal only to one of the same role, name, shape and axes."""

    __slots__ = ("_content", "declared", "over")
    role = "quantity"
    name: str
    declared: tuple[Expr, ...] | None
    over: tuple[Expr, ...]

    def __new__(cls, name: str, shape: Shape = None, over: Shape = None) -> Self:
        if not is_name(name):
            hint = "; SymPy spells the Greek letter 'lamda'" if name == "lambda" else ""
            raise CellError(f"the {cls.role} {name!r} needs a name that is a Python identifier and no keyword{hint}")
        self = Symbol.__xnew__(cls, name)
        self.declared = shape_tuple(shape, f"the {cls.role} {name}")
        self.over = shape_tuple(over, f"over= of the {cls.role} {name}") or ()
        if len(set(self.over)) < len(self.over):
            raise CellError(f"the {cls.role} {name} has the mapped axis {self.over[0]} twice; axes differ by their sizes' names")
        self._content = (name, cls.__name__, str(self.declared), str(self.over))
        return self

    def __getattr__(self, name):
        """Explain that only states have `prev`, their value one step earlier."""
        if name != "prev":
            return super().__getattr__(name)
        written = f"{self.state.name}.prev" if isinstance(self, Previous) else self.name
        hint = f"; keep its value in one, Eq(s, {written}), and read s.prev" if isinstance(self, (Input, Previous)) else ""
        raise NoSuchAttribute(f"the {self.role} {self.name} has no .prev: only states have one{hint}")

    def _hashable_content(self):
        return self._content

    def __getnewargs_ex__(self):
        return (self.name, self.declared), {"over": self.over}

    def __getstate__(self):
        return None


class Input(Quantity):
    """x_t, given at every step: an array (T, B, *shape). The shape defaults to a vector; `()` is a scalar."""

    __slots__ = ()
    role = "input"


class Param(Quantity):
    """A trainable parameter: an array of its shape. After `@` it is a matrix, used bare a vector, unless `shape` says
    otherwise; `blocks` makes the matrix block-diagonal, stored as (blocks, rows, columns). With `over` there is one for each
    index of a mapped axis, stored as (n_heads, *shape)."""

    __slots__ = ("blocks",)
    role = "parameter"

    def __new__(cls, name: str, shape: Shape = None, blocks: Size | None = None, over: Shape = None) -> Self:
        self = super().__new__(cls, name, shape, over)
        if blocks is not None and self.over:
            raise CellError(f"the parameter {name} has blocks and mapped axes; over= alone gives each its own matrix")
        self.blocks = None if blocks is None else size(blocks, f"the number of blocks of {name}")
        self._content += (str(self.blocks),)
        return self

    def __getnewargs_ex__(self):
        return (self.name, self.declared, self.blocks), {"over": self.over}


class Constant(Quantity):
    """Given like a parameter, but without a gradient."""

    __slots__ = ()
    role = "constant"


class State(Quantity):
    """h_t, carried from step to step; `h.prev` is h_{t-1}. `initial` is the value before the first step when a call
    gives none: a number, or a parameter of the state's shape, which then receives the gradient."""

    __slots__ = ("initial",)
    role = "state"

    def __new__(cls, name: str, shape: Shape = None, initial: Expr | float = 0, over: Shape = None) -> Self:
        self = super().__new__(cls, name, shape, over)
        self.initial = symbolic(initial)
        if self.initial is None:
            raise CellError(f"the initial value of {name} is a number or a Param, found {initial!r}")
        self._content += (str(self.initial),)
        return self

    def __getnewargs_ex__(self):
        return (self.name, self.declared, self.initial), {"over": self.over}

    @property
    def prev(self) -> "Previous":
        return Previous(self)


class Previous(Quantity):
    """A state one step earlier; made by `state.prev` only."""

    __slots__ = ("state",)
    role = "previous state"

    def __new__(cls, state: State) -> Self:
        self = super().__new__(cls, f"{state.name}_prev", state.declared, state.over)
        self.state = state
        self._content = state._content
        return self

    def __getnewargs_ex__(self):
        return (self.state,), {}


class Adjoint(Symbol):
    """The adjoint of a quantity q: the derivative of the loss L with respect to q.

    A state has two more: "cotangent", the cotangent from the loss, and "carried", the adjoint carried back from the next step."""

    __slots__ = ("kind", "of")

    def __new__(cls, of, kind="total"):
        self = Symbol.__xnew__(cls, f"d{of.name}" + ("" if kind == "total" else f"_{kind}"))
        self.of, self.kind = of, kind
        return self

    def _hashable_content(self):
        return (self.name, self.kind, type(self.of).__name__, str(self.of._hashable_content()))

    def __getnewargs_ex__(self):
        return (self.of, self.kind), {}

    def __getstate__(self):
        return None


class Hole(Symbol):
    """The argument of a linear map; `shape` is its shape."""

    __slots__ = ("shape",)

    def __new__(cls, shape):
        self = Symbol.__xnew__(cls, "hole")
        self.shape = shape
        return self

    def _hashable_content(self):
        return (self.name, str(self.shape), str(getattr(self.shape, "over", ())))

    def __getnewargs_ex__(self):
        return (self.shape,), {}

    def __getstate__(self):
        return None

    def _latex(self, printer):
        return r"\,\cdot\,"
