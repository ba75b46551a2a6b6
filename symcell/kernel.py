"""Source -> Kernel: a generated module on disk, imported, with its face.

Modules live in a cache folder under a name that carries their content's hash, so that Numba's own cache finds them again and two
versions never mix. SYMCELL_CACHE_DIR moves it.
"""

import atexit
import hashlib
import importlib.util
import os
import shutil
import stat
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from symcell.errors import CellError
from symcell.files import write_atomically

_PACKAGE = "symcell_kernels"  # what loaded modules are named under; nothing else is in it

if TYPE_CHECKING:
    from symcell.language.declaration import Declaration
    from symcell.runtime.face import Gradients, Run
    from symcell.runtime.parameters import Frozen

Arrays = Mapping[str, ArrayLike]  # name -> array


class Kernel:
    """A cell's compiled passes for one dtype. Compiling happens at the first call, once for all sizes.

    A value of shape s is an array (T, B, *s) over a sequence and (B, *s) at one step."""

    def __init__(self, cell: "Declaration", module: ModuleType, dtype: str) -> None:
        self.cell, self.dtype = cell, dtype
        self.module: Any = module

    def init(self, /, seed: int = 0, **sizes: int) -> dict[str, np.ndarray]:
        """Random parameters, name -> array: init(n_x=8, n_h=16, seed=0), every size by its symbol."""
        return self.module.init(seed=seed, dtype=self.dtype, **sizes)

    def freeze(self, params: Arrays) -> "Frozen":
        """A copy of parameters that never changes, for a trained cell: name -> read-only array. forward and step take it as their
        `params`, and need not look whether it has changed. Raises CellError for wrong names, shapes and dtypes."""
        return self.module.freeze(params, self.dtype)

    def forward(
        self,
        params: Arrays,
        inputs: ArrayLike | Arrays,
        initial: Arrays | None = None,
        lengths: Sequence[int] | np.ndarray | None = None,
        threads: int | None = None,
        checkpoint: int | bool | None = None,
    ) -> "Run":
        """Run a sequence. inputs: (T, B, n_x), or name -> array; initial: state -> (B, n). Returns a run: `states` name ->
        (T, B, n), every state at every step; `final` name -> (B, n); `outputs`, the states that the cell shows.
        lengths: (B,) integers, how many steps each sample has; states behind them are zeros, `final` is the state after the last.
        Whatever inputs and cotangents hold behind them has no influence on anything.
        threads: at most so many, default NUMBA_NUM_THREADS. checkpoint: keep the states of every so many steps only (True: of
        about sqrt(T)); `backward` computes what is between them again.
        Raises CellError for wrong names, shapes and dtypes before anything runs."""
        return self.module.forward(params, inputs, initial, lengths, self.dtype, threads, checkpoint)

    def backward(
        self, run: "Run", cotangents: Arrays | None = None, final: Arrays | None = None, input_gradients: bool = True
    ) -> "Gradients":
        """Gradients: `params`, `inputs` and `initial`, name -> array, given the derivatives of the loss with respect to
        the states: cotangents, state -> (T, B, n), and final, state -> (B, n); what is left out is zero. Without
        `input_gradients`, `inputs` stays empty."""
        return self.module.backward(run, cotangents, final, input_gradients)

    def step(self, params: Arrays, inputs: ArrayLike | Arrays, state: Arrays | None = None) -> dict[str, np.ndarray]:
        """One step, for streaming: inputs (B, n_x), or name -> array; state: name -> (B, n), as `initial` of forward. Returns the
        new state. Between steps parameters may change their numbers in place, not their shapes. Raises CellError like forward."""
        return self.module.step(params, inputs, state, self.dtype)

    @property
    def source(self) -> str:
        """The generated module's text."""
        return Path(self.module.__file__).read_text("utf-8")

    def __repr__(self) -> str:
        return f"Kernel({self.cell.name!r}, {self.dtype})"


def load(cell, source, dtype):
    """Source -> Kernel."""
    if str(dtype) not in ("float32", "float64") and getattr(dtype, "__name__", None) not in ("float32", "float64"):
        raise CellError(f"cell {cell.name}: the dtype must be 'float32' or 'float64', found {dtype!r}")
    name = getattr(dtype, "__name__", None) or str(dtype)
    module = load_module(cell.name, source)
    module._real_dtype(name)  # which may be too narrow for a number of the cell
    return Kernel(cell, module, name)


_loading = threading.Lock()


def load_module(name, source):
    """The module of a generated source, imported from the cache folder. Its name there carries the hash of its text."""
    qualified = f"{name}_{hashlib.sha256(source.encode()).hexdigest()[:16]}"
    with _loading:  # until a module has been executed, no other thread may have it
        known = sys.modules.get(f"{_PACKAGE}.{qualified}")
        return known or _imported(f"{_PACKAGE}.{qualified}", _written(f"{qualified}.py", source.encode()))


def _written(name, content):
    """The path of a file in the cache folder that has this content."""
    path = cache_folder() / name
    if not path.exists() or path.read_bytes() != content:
        write_atomically(path, content)
    return path


def _imported(name, path):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # by this name Numba's cache finds it again
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def cache_folder():
    """SYMCELL_CACHE_DIR, else the user's cache, else (nothing writable) a temporary folder. `~` is the user's home."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join("~", ".cache")
    for place in (os.environ.get("SYMCELL_CACHE_DIR"), os.path.join(home, "symcell")):
        folder = os.path.expanduser(place or "~")
        if not place or folder.startswith("~"):  # not given, or in a home that is not known
            continue
        with suppress(OSError):
            os.makedirs(folder, exist_ok=True)
            if os.access(folder, os.W_OK):
                return Path(folder).absolute()
    return _temporary_folder()


def _temporary_folder():
    """A folder that only this user can write to: what lies there is executed. It is found again, unless somebody else made it."""
    own = os.getuid() if hasattr(os, "getuid") else None
    folder = Path(tempfile.gettempdir()) / f"symcell-{'cache' if own is None else own}"
    with suppress(FileExistsError):  # something that is no folder
        folder.mkdir(mode=0o700, exist_ok=True)
    found, of_others = folder.lstat(), stat.S_IWGRP | stat.S_IWOTH
    safe = stat.S_ISDIR(found.st_mode) and (own is None or (found.st_uid == own and not found.st_mode & of_others))
    return folder if safe else _private_folder()


@cache
def _private_folder():
    """A folder for this process alone, which removes it at its end."""
    folder = tempfile.mkdtemp(prefix="symcell-")
    atexit.register(_remove, folder, os.getpid())
    return Path(folder)


def _remove(folder, owner):
    if os.getpid() == owner:  # and not a process that it has forked
        shutil.rmtree(folder, ignore_errors=True)
