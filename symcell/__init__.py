"""symcell: from the equations of a recurrent cell to its derivation and to fast, checked kernels.

What it offers is imported when it is first asked for: a generated kernel beside it needs no SymPy.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from symcell.cell import Cell as Cell
    from symcell.differences import difference as difference
    from symcell.equivalence import equivalent as equivalent
    from symcell.errors import CellError as CellError
    from symcell.language.activations import *  # noqa: F403
    from symcell.language.delays import *  # noqa: F403
    from symcell.language.piecewise_linear import *  # noqa: F403
    from symcell.language.primitives.layout import *  # noqa: F403
    from symcell.language.primitives.mapped import *  # noqa: F403
    from symcell.language.primitives.products import *  # noqa: F403
    from symcell.language.primitives.reductions import *  # noqa: F403
    from symcell.language.primitives.scans import *  # noqa: F403
    from symcell.language.primitives.slices import *  # noqa: F403
    from symcell.language.primitives.weights import *  # noqa: F403
    from symcell.language.sizes import size as size
    from symcell.language.smooth_rectifiers import *  # noqa: F403
    from symcell.language.symbols import Constant as Constant
    from symcell.language.symbols import Input as Input
    from symcell.language.symbols import Param as Param
    from symcell.language.symbols import State as State
    from symcell.modules import generate as generate
    from symcell.site.book import book as book

__version__ = "0.1.0"

# What is offered by name; and the modules that offer all that their own `__all__` lists.
_HOMES = {
    "Cell": "cell",
    "CellError": "errors",
    **dict.fromkeys(("Constant", "Input", "Param", "State"), "language.symbols"),
    "book": "site.book",
    "difference": "differences",
    "equivalent": "equivalence",
    "generate": "modules",
    "size": "language.sizes",
}
_VOCABULARY = (
    "language.activations",
    "language.delays",
    "language.piecewise_linear",
    "language.smooth_rectifiers",
    *(f"language.primitives.{name}" for name in ("layout", "mapped", "products", "reductions", "scans", "slices", "weights")),
)


def __getattr__(name: str) -> Any:
    """A name of the public face, or a module of the package."""
    if name == "__all__":
        return sorted({*_HOMES, *_vocabulary()})
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name in _HOMES:
        found = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    else:
        found = _module(name) or _vocabulary().get(name)
    if found is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return globals().setdefault(name, found)


def _module(name: str) -> Any:
    """The module of the package of that name, if there is one."""
    try:
        return import_module(f"{__name__}.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"{__name__}.{name}":
            raise
        return None


def _vocabulary() -> dict[str, Any]:
    modules = [import_module(f"{__name__}.{home}") for home in _VOCABULARY]
    return {name: getattr(module, name) for module in modules for name in module.__all__}


def __dir__() -> list[str]:
    return sorted({*globals(), *__getattr__("__all__")})
