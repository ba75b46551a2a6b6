"""Source -> Kernel: a generated module, imported, with its face. A PlainKernel is the same of a NumPy module."""

from collections.abc import Mapping
from functools import lru_cache
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike

import symcell.runtime as runtime
from symcell.errors import CellError
from symcell.runtime.loading import load_module, text_of

if TYPE_CHECKING:
    from symcell.language.declaration import Declaration

Arrays = Mapping[str, np.ndarray]


class Kernel(runtime.Kernel):
    """A cell's compiled passes for one dtype: init, freeze, forward, backward, step and stream are those of runtime.Kernel.
    `cell` is the Cell that it was compiled from.

    A copy by pickle carries the module's text; where it arrives it is compiled again, unless the cache there has it."""

    def __init__(self, declaration: "Declaration", module: ModuleType, dtype: str) -> None:
        found: runtime.Kernel = module.kernel
        super().__init__(module.__name__, found.interface, *found.passes.functions, dtype)
        self.declaration, self.dtype, self.module = declaration, dtype, module
        self.cell: Any = declaration  # a Cell puts itself here

    @property
    def source(self) -> str:
        """The generated module's text."""
        return text_of(self.module) or ""

    def __repr__(self) -> str:
        return f"Kernel({self.declaration.name!r}, {self.dtype})"

    def __reduce__(self) -> tuple[Any, ...]:
        return load, (self.declaration, self.source, self.dtype), {"cell": self.cell}


class PlainKernel:
    """A cell's passes in NumPy, in the dtype of their arguments. Nothing is compiled. Arguments and results are those of a
    Kernel; all raise ValueError for wrong names and shapes. Sizes that no array tells, such as a number of heads, are those of
    the last init."""

    def __init__(self, declaration: "Declaration", source: str) -> None:
        self.declaration, self._sizes = declaration, dict[str, int]()
        self._module = ModuleType(f"{declaration.name}_numpy")
        exec(_code(declaration.name, source), self._module.__dict__)

    def init(self, seed: int = 0, **sizes: int) -> dict[str, np.ndarray]:
        """Random parameters in float64, name -> array, for every size by its symbol: init(n_x=8, n_h=16)."""
        self._sizes = sizes
        found: dict[str, np.ndarray] = self._module.init(seed, **sizes)
        return found

    def forward(self, params: Arrays, inputs: Arrays, initial: Arrays | None = None) -> Any:
        """A run with states: name -> (T, B, *shape), final and outputs. inputs: (T, B, *shape), by name; initial: state -> (B,
        *shape)."""
        return self._module.forward(params, inputs, initial, sizes=self._sizes)

    def backward(self, run: Any, cotangents: Arrays | None = None, final: Arrays | None = None) -> Any:
        """Gradients with params, inputs and initial, each name -> array. cotangents: state -> (T, B, *shape); final: state -> (B,
        *shape); what is left out is zero."""
        return self._module.backward(run, cotangents, final)

    def __repr__(self) -> str:
        return f"PlainKernel({self.declaration.name!r})"


@lru_cache(maxsize=16)
def _code(name, source):
    return compile(source, f"<{name}, for NumPy>", "exec")


def load(declaration: "Declaration", source: str, dtype: DTypeLike) -> Kernel:
    """Source -> Kernel."""
    name = getattr(dtype, "__name__", None) or str(dtype)
    if name not in ("float32", "float64"):
        raise CellError(f"cell {declaration.name}: the dtype must be 'float32' or 'float64', found {dtype!r}")
    return Kernel(declaration, load_module(declaration.name, source), name)
