"""symcell: from the equations of a recurrent cell to its derivation and to fast, checked kernels.

What it offers is imported when it is first asked for: a generated kernel beside it needs no SymPy.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from symcell.cell import Cell
    from symcell.errors import CellError
    from symcell.language.activations import (
        exp2,
        expm1,
        hard_sigmoid,
        hypot,
        leaky_relu,
        log1p,
        log2,
        log10,
        log_sigmoid,
        relu,
        sigmoid,
        silu,
        softplus,
        stop_gradient,
    )
    from symcell.language.primitives import (
        affine,
        chunk,
        column,
        concat,
        cumsum,
        dot,
        flat,
        identity,
        matmul,
        mean,
        outer,
        part,
        repeat,
        row,
        softmax,
        total,
        variance,
    )
    from symcell.language.sizes import size
    from symcell.language.symbols import Constant, Input, Param, State
    from symcell.modules import generate

_ROOMS = {
    "cell": ("Cell",),
    "errors": ("CellError",),
    "language.activations": (
        "exp2", "expm1", "hard_sigmoid", "hypot", "leaky_relu", "log10", "log1p", "log2", "log_sigmoid", "relu", "sigmoid",
        "silu", "softplus", "stop_gradient",
    ),
    "language.primitives": (
        "affine", "chunk", "column", "concat", "cumsum", "dot", "flat", "identity", "matmul", "mean", "outer", "part", "repeat",
        "row", "softmax", "total", "variance",
    ),
    "language.sizes": ("size",),
    "language.symbols": ("Constant", "Input", "Param", "State"),
    "modules": ("generate",),
}  # fmt: skip
_HOMES = {name: room for room, names in _ROOMS.items() for name in names}

__version__ = "0.1.0"
__all__ = [
    "Cell",
    "CellError",
    "Constant",
    "Input",
    "Param",
    "State",
    "affine",
    "chunk",
    "column",
    "concat",
    "cumsum",
    "dot",
    "exp2",
    "expm1",
    "flat",
    "generate",
    "hard_sigmoid",
    "hypot",
    "identity",
    "leaky_relu",
    "log1p",
    "log2",
    "log10",
    "log_sigmoid",
    "matmul",
    "mean",
    "outer",
    "part",
    "relu",
    "repeat",
    "row",
    "sigmoid",
    "silu",
    "size",
    "softmax",
    "softplus",
    "stop_gradient",
    "total",
    "variance",
]


def __getattr__(name: str) -> Any:
    """A name of the public face, or a module of the package."""
    if name in _HOMES:
        value = globals()[name] = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
        return value
    if not name.startswith("_"):
        try:
            return import_module(f"{__name__}.{name}")
        except ModuleNotFoundError as error:
            if error.name != f"{__name__}.{name}":
                raise
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
