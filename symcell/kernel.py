"""Source -> Kernel: a generated module on disk, imported, with its face.

Modules live in a cache folder under a name that carries their content's hash, so that Numba's own cache finds them again and two
versions never mix. SYMCELL_CACHE_DIR moves it.
"""

import importlib.util
import os
import stat
import sys
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

from symcell.errors import CellError
from symcell.files import write_atomically


class Kernel:
    """A cell's compiled passes for one dtype. Compiling happens at the first call, once for all sizes.

    A value of shape s is an array (T, B, *s) over a sequence and (B, *s) at one step."""

    def __init__(self, cell, module, dtype):
        self.cell, self.module, self.dtype = cell, module, dtype

    def init(self, seed=0, **sizes):
        """Random parameters, name -> array: init(n_x=8, n_h=16, seed=0), every size by its symbol."""
        return self.module.init(seed=seed, dtype=self.dtype, **sizes)

    def freeze(self, params):
        """A copy of parameters that never changes, for a trained cell: name -> read-only array. forward and step take it as their
        `params`, and need not look whether it has changed. Raises CellError for wrong names, shapes and dtypes."""
        return self.module.freeze(params, self.dtype)

    def forward(self, params, inputs, initial=None, lengths=None, threads=None, checkpoint=None):
        """Run a sequence. inputs: (T, B, n_x), or name -> array; initial: state -> (B, n). Returns a run: `states` name ->
        (T, B, n), every state at every step; `final` name -> (B, n); `outputs`, the states that the cell shows.
        lengths: (B,) integers, how many steps each sample has; states behind them are zeros, `final` is the state after the last.
        Whatever inputs and cotangents hold behind them has no influence on anything.
        threads: at most so many, default NUMBA_NUM_THREADS. checkpoint: keep the states of every so many steps only (True: of
        about sqrt(T)); `backward` computes what is between them again.
        Raises CellError for wrong names, shapes and dtypes before anything runs."""
        return self.module.forward(params, inputs, initial, lengths, self.dtype, threads, checkpoint)

    def backward(self, run, cotangents=None, final=None, input_gradients=True):
        """Gradients: `params`, `inputs` and `initial`, name -> array, given the derivatives of the loss with respect to
        the states: cotangents, state -> (T, B, n), and final, state -> (B, n); what is left out is zero. Without
        `input_gradients`, `inputs` stays empty."""
        return self.module.backward(run, cotangents, final, input_gradients)

    def step(self, params, inputs, state=None):
        """One step, for streaming: inputs (B, n_x), or name -> array; state: name -> (B, n), as `initial` of forward. Returns the
        new state. Between steps parameters may change their numbers in place, not their shapes. Raises CellError like forward."""
        return self.module.step(params, inputs, state, self.dtype)

    @property
    def source(self):
        """The generated module's text."""
        return Path(self.module.__file__).read_text("utf-8")

    def __repr__(self):
        return f"Kernel({self.cell.name!r}, {self.dtype})"


def load(cell, source, dtype):
    """Source -> Kernel."""
    if str(dtype) not in ("float32", "float64") and getattr(dtype, "__name__", None) not in ("float32", "float64"):
        raise CellError(f"cell {cell.name}: the dtype must be 'float32' or 'float64', found {dtype!r}")
    name = getattr(dtype, "__name__", None) or str(dtype)
    return Kernel(cell, load_module(cell.name, source), name)


def load_module(name, source):
    """The module of a generated source, imported from the cache folder."""
    content = source.split('CONTENT_HASH = "', 1)[1].split('"', 1)[0]
    qualified = f"{name}_{content}"
    known = sys.modules.get(f"symcell_kernels.{qualified}")
    if known is not None:
        return known
    path = cache_folder() / f"{qualified}.py"
    if not path.exists() or path.read_text("utf-8") != source:
        write_atomically(path, source)
    spec = importlib.util.spec_from_file_location(f"symcell_kernels.{qualified}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # by this name Numba's cache finds it again
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[spec.name]
        raise
    module.CellError = CellError  # callers of symcell catch symcell's error
    return module


def cache_folder():
    """SYMCELL_CACHE_DIR, else the user's cache, else (nothing writable) a temporary folder."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    for folder in (os.environ.get("SYMCELL_CACHE_DIR"), Path(home) / "symcell"):
        if folder:
            try:
                Path(folder).mkdir(parents=True, exist_ok=True)
            except OSError:
                continue
            if os.access(folder, os.W_OK):
                return Path(folder)
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
    return Path(tempfile.mkdtemp(prefix="symcell-"))
