"""The symbols of a cell: inputs, states, parameters and constants.

A symbol stands for one unit of its vector (or matrix), so that `*` is elementwise and SymPy's own functions apply
to it. Shapes are tuples of symbolic sizes; `None` means "not declared: follows from use". A mapped axis, such as heads, is
known by its size; what is written for one head happens for each. With `dtype=complex` a symbol is a complex number, which a cell
holds as two real quantities: h_re and h_im for h (see `complex_values`).
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

    __slots__ = ("_content", "complex", "declared", "over")
    role = "quantity"
    name: str
    declared: tuple[Expr, ...] | None
    over: tuple[Expr, ...]
    complex: bool

    def __new__(cls, name: str, shape: Shape = None, over: Shape = None, *, dtype: type = float) -> Self:
        if not is_name(name):
            hint = "; SymPy spells the Greek letter 'lamda'" if name == "lambda" else ""
            raise CellError(f"the {cls.role} {name!r} needs a name that is a Python identifier and no keyword{hint}")
        self = Symbol.__xnew__(cls, name)
        if dtype not in (float, complex):
            raise CellError(f"the dtype of the {cls.role} {name} is float or complex, found {dtype!r}; compile takes precisions")
        self.declared, self.complex = shape_tuple(shape, f"the {cls.role} {name}"), dtype is complex
        self.over = shape_tuple(over, f"over= of the {cls.role} {name}") or ()
        if len(set(self.over)) < len(self.over):
            raise CellError(f"the {cls.role} {name} has the mapped axis {self.over[0]} twice; axes differ by their sizes' names")
        self._content = (name, cls.__name__, str(self.declared), str(self.over), *(("complex",) if self.complex else ()))
        return self

    def part(self, which: str) -> "Quantity":
        """The real quantity that is the real part, "re", or the imaginary part, "im", of a complex one."""
        return type(self)(f"{self.name}_{which}", self.declared, over=self.over)

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
        return (self.name, self.declared), self._options()

    def _options(self):
        return {"over": self.over} | ({"dtype": complex} if self.complex else {})

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

    def __new__(
        cls, name: str, shape: Shape = None, blocks: Size | None = None, over: Shape = None, *, dtype: type = float
    ) -> Self:
        self = super().__new__(cls, name, shape, over, dtype=dtype)
        if blocks is not None and self.over:
            raise CellError(f"the parameter {name} has blocks and mapped axes; over= alone gives each its own matrix")
        self.blocks = None if blocks is None else size(blocks, f"the number of blocks of {name}")
        self._content += (str(self.blocks),)
        return self

    def __getnewargs_ex__(self):
        return (self.name, self.declared, self.blocks), self._options()

    def part(self, which: str) -> "Param":
        return type(self)(f"{self.name}_{which}", self.declared, self.blocks, self.over)


class Constant(Quantity):
    """Given like a parameter, but without a gradient."""

    __slots__ = ()
    role = "constant"


class State(Quantity):
    """h_t, carried from step to step; `h.prev` is h_{t-1}. `initial` is the value before the first step when a call
    gives none: a number, or a parameter of the state's shape, which then receives the gradient."""

    __slots__ = ("initial",)
    role = "state"

    def __new__(
        cls, name: str, shape: Shape = None, initial: Expr | complex = 0, over: Shape = None, *, dtype: type = float
    ) -> Self:
        self = super().__new__(cls, name, shape, over, dtype=dtype)
        self.initial = symbolic(initial)
        if self.initial is None:
            raise CellError(f"the initial value of {name} is a number or a Param, found {initial!r}")
        self._content += (str(self.initial),)
        return self

    def __getnewargs_ex__(self):
        return (self.name, self.declared, self.initial), self._options()

    def part(self, which: str) -> "State":
        return type(self)(f"{self.name}_{which}", self.declared, self._initial_part(which), self.over)

    def _initial_part(self, which):
        start = self.initial
        if not isinstance(start, Quantity):
            return start.as_real_imag()[which == "im"]
        return start.part(which) if start.complex else start if which == "re" else 0

    @property
    def prev(self) -> "Previous":
        return Previous(self)


class Previous(Quantity):
    """A state one step earlier; made by `state.prev` only."""

    __slots__ = ("state",)
    role = "previous state"

    def __new__(cls, state: State) -> Self:
        dtype = complex if state.complex else float
        self = super().__new__(cls, f"{state.name}_prev", state.declared, state.over, dtype=dtype)
        self.state = state
        self._content = state._content
        return self

    def __getnewargs_ex__(self):
        return (self.state,), {}

    def part(self, which: str) -> "Previous":
        return self.state.part(which).prev


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
