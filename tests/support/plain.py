"""Generated modules as plain Python: they import a second copy of the runtime, of which nothing is compiled. An index out of bounds is
an error there, and memory holds NaN before something is written to it."""

import importlib
import importlib.util
import sys
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import ModuleType
from unittest.mock import patch

import numpy as np
from numba.core import config

import symcell.runtime
from support.random_calls import B as SAMPLES
from symcell.compiler import source_of
from symcell.kernel import Kernel

_NAME = "plain_runtime"


def plain_kernel(cell, dtype="float64", source=None):
    """The cell's kernel as plain Python. Its blocks have two steps, and all rows that may be padded are."""
    module = ModuleType(f"plain_{cell.name}")
    source = (source or source_of(cell.declaration)).replace("from symcell.runtime import", f"from {plain_runtime().__name__} import")
    exec(compile(source, f"<{cell.name}, generated>", "exec"), module.__dict__)
    return Kernel(cell, module, dtype)


@cache
def plain_runtime():
    """The runtime as it is where NUMBA_DISABLE_JIT is set, beside the compiled one."""
    others = sys.modules.pop("symcell_runtimes", None)  # a runtime of the same text would take its place
    path = Path(symcell.runtime.__file__)
    spec = importlib.util.spec_from_file_location(_NAME, path, submodule_search_locations=[str(path.parent)])
    runtime = sys.modules[_NAME] = importlib.util.module_from_spec(spec)
    try:
        with patch.object(config, "DISABLE_JIT", True):
            spec.loader.exec_module(runtime)
    finally:
        sys.modules.pop("symcell_runtimes")
        sys.modules.update({"symcell_runtimes": others} if others else {})
    runtime.threads._ROWS_IN_CACHE, runtime.packing._WAY = 2 * SAMPLES, 1
    return runtime


@contextmanager
def empty_is_nan():
    """Uninitialised memory holds NaN here, so that whatever reads it shows."""

    def filled(shape, dtype=float, **options):
        return np.full(shape, np.nan if np.dtype(dtype).kind == "f" else 77, dtype)

    with patch.object(np, "empty", filled):
        yield
