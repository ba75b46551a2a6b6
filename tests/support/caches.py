"""Where what was compiled for tests is kept."""

import mmap
from importlib.util import find_spec
from pathlib import Path

_FLAG = "xla_cpu_use_fusion_emitters"  # the emitters take two thirds of the time in which JAX compiles a small function


def of_jax(folder):
    """Environment variables with which JAX keeps every operation that it compiles, however small. It compiles each once for each
    shape, of which random cells have many: so that is done once for all processes and runs, and without most optimisations, which
    take longer than what is computed here."""
    return {
        "JAX_COMPILATION_CACHE_DIR": str(folder),
        "JAX_DISABLE_MOST_OPTIMIZATIONS": "true",
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    } | ({"XLA_FLAGS": f"--{_FLAG}=false"} if _knows(_FLAG) else {})


def _knows(flag):
    """Whether the installed XLA has a flag: it ends a process that names another one."""
    found = find_spec("jaxlib")
    return found is not None and any(_holds(path, flag.encode()) for path in Path(found.origin).parent.glob("*.so*"))


def _holds(path, text):
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(text) >= 0
