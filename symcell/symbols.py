"""What a cell is written in: inputs, states, parameters and constants, as SymPy symbols.

A symbol stands for one unit of its vector (or matrix), so that `*` is elementwise and SymPy's own functions apply
to it. Shapes are tuples of symbolic sizes; `None` means "not declared: follows from use".
"""

import keyword

from sympy import Expr, Integer, Symbol, sympify

from symcell.errors import CellError
from symcell.primitives import Products


def size(value):
    """A size as SymPy sees it: `"n_h"` becomes a positive integer symbol, 4 the number 4."""
    if isinstance(value, str):
        if not value.isidentifier() or keyword.iskeyword(value):
            raise CellError(f"the size {value!r} is no identifier; write it like 'n_h'")
        return Symbol(value, integer=True, positive=True)
    value = sympify(value)
    if isinstance(value, Integer) and value < 1:
        raise CellError(f"a size is at least 1, found {value}")
    if not isinstance(value, Expr) or value.is_integer is False:
        raise CellError(f"a size is a name, a positive integer or an expression of sizes, found {value!r}")
    return value


def shape_tuple(shape):
    """`"n"`, `4`, `("n", "m")` or `()` as a tuple of sizes; `None` stays `None`."""
    if shape is None:
        return None
    return tuple(size(s) for s in (shape if isinstance(shape, (tuple, list)) else (shape,)))


class Quantity(Products, Symbol):
    """A symbol with a role and, perhaps, a declared shape. Equal only to one of the same role, name and shape."""

    __slots__ = ("declared",)
    role = "quantity"

    def __new__(cls, name, shape=None):
        if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name):
            raise CellError(f"the {cls.role} {name!r} needs a name that is a Python identifier and no keyword")
        self = Symbol.__xnew__(cls, name)
        self.declared = shape_tuple(shape)
        return self

    def _hashable_content(self):
        return (self.name, type(self).__name__, str(self.declared))

    def __getnewargs_ex__(self):
        return (self.name, self.declared), {}

    def __getstate__(self):
        return None


class Input(Quantity):
    """x_t, given at every step: an array (T, B, *shape). The shape defaults to a vector; `()` is a scalar."""

    __slots__ = ()
    role = "input"


class Param(Quantity):
    """A trainable parameter: an array of its shape. After `@` it is a matrix, used bare a vector, unless `shape` says
    otherwise; `blocks` makes a square-blocked diagonal of a matrix, stored as (blocks, rows, columns)."""

    __slots__ = ("blocks",)
    role = "parameter"

    def __new__(cls, name, shape=None, blocks=None):
        self = super().__new__(cls, name, shape)
        self.blocks = None if blocks is None else size(blocks)
        return self

    def _hashable_content(self):
        return super()._hashable_content() + (str(self.blocks),)

    def __getnewargs_ex__(self):
        return (self.name, self.declared, self.blocks), {}


class Constant(Quantity):
    """Given like a parameter, but without a gradient."""

    __slots__ = ()
    role = "constant"


class State(Quantity):
    """h_t, carried from step to step; `h.prev` is h_{t-1}. `initial` is the value before the first step when a call
    gives none: a number, or a parameter of the state's shape, which then receives the gradient."""

    __slots__ = ("initial",)
    role = "state"

    def __new__(cls, name, shape=None, initial=0):
        self = super().__new__(cls, name, shape)
        self.initial = sympify(initial)
        return self

    def _hashable_content(self):
        return super()._hashable_content() + (str(self.initial),)

    def __getnewargs_ex__(self):
        return (self.name, self.declared, self.initial), {}

    @property
    def prev(self):
        return Previous(self)


class Previous(Quantity):
    """A state one step earlier; made by `state.prev` only."""

    __slots__ = ("state",)
    role = "previous state"

    def __new__(cls, state):
        self = super().__new__(cls, f"{state.name}_prev", state.declared)
        self.state = state
        return self

    def __getnewargs_ex__(self):
        return (self.state,), {}


class Adjoint(Symbol):
    """The adjoint of a quantity q: the derivative of the loss L with respect to q.

    Of a state there are two more: "given", what the loss sends it directly, and "later", what the next step sends back."""

    __slots__ = ("of", "kind")

    def __new__(cls, of, kind="total"):
        self = Symbol.__xnew__(cls, f"d{of.name}" + ("" if kind == "total" else f"_{kind}"))
        self.of, self.kind = of, kind
        return self

    def _hashable_content(self):
        return (self.name, self.kind)

    def __getnewargs_ex__(self):
        return (self.of, self.kind), {}

    def __getstate__(self):
        return None
