"""How functions are compiled: kernels (`jit`), functions called by address (`compile_to_address`), the elementwise part of a
step (`fused`, `unfused`), helpers (`exact_jit`, `inlined`) and what is written in LLVM's language (`intrinsic`).

Under NUMBA_DISABLE_JIT nothing is compiled, and each stays the Python function that it was.
"""

import gc
import sys
from collections.abc import Callable
from typing import Any
from zlib import crc32

import numba.extending
from numba import njit

from .cache import Cache, text_hash
from .internals import (
    NO_REFERENCE_COUNTS,
    DistinctArguments,
    compiled_to_address,
    compiler_lock,
    config,
    share_literals,
    use_cache,
)
from .version import source_hash
from .workers import uninterrupted

DISABLED = bool(config.DISABLE_JIT)

# Never nnan or ninf: NaN and infinity must go through. Nor arcp: 1 / sqrt(x) would begin with an estimate, which is NaN for 0,
# infinity and subnormal numbers.
# With the default error model, loops that divide stay scalar.
_OPTIONS: dict[str, Any] = {
    "error_model": "numpy", "nogil": True, "fastmath": {"contract", "reassoc", "nsz"}, "no_cfunc_wrapper": True,
    **NO_REFERENCE_COUNTS,
}  # fmt: skip
# For what kernels call, and Python does not.
_INSIDE = {"forceinline": True, "no_cpython_wrapper": True}


def _named(function: Callable) -> Callable:
    """The function, named after its module and the texts of that and of the runtime.

    Compiled code carries this name: functions of one name from two versions of a module never mix. Nor do those of one file that
    is imported by two names: compiled code refers to the module by the name that it had then, which may lead nowhere."""
    origin = f"{crc32(function.__module__.encode()):08x}_{text_hash(function)}_{source_hash()}"
    if not function.__qualname__.endswith(origin):
        function.__qualname__ += f"_{origin}"
    return function


def _compiling_safely(dispatcher: Any) -> Any:
    """The dispatcher, compiling where no interrupt ends it half-way: Numba would refuse the function from then on."""
    compiled = dispatcher.compile

    def compile(signature: Any) -> Any:
        if compiler_lock().is_locked():  # by this thread, which compiles what calls the function
            return compiled(signature)
        return uninterrupted(_without_collection, compiled, signature)

    dispatcher.compile = compile
    return dispatcher


def _without_collection(compiled: Callable, signature: Any) -> Any:
    """Compile without the garbage collector: a compiler makes many objects and few cycles, and looking for them takes an eighth
    of its time. The lock is held, so that one thread at a time does so, and that no fork comes between."""
    with compiler_lock():
        enabled = gc.isenabled()
        gc.disable()
        try:
            return compiled(signature)
        finally:
            if enabled:
                gc.enable()


def _cached(function: Callable, **options: Any) -> Any:
    """A dispatcher with a cache, if the code could be read back: its module has a file and can be imported."""
    dispatcher = _compiling_safely(njit(**options)(_named(function)))
    if function.__module__ in sys.modules and text_hash(function):
        use_cache(dispatcher, Cache(function))
    return dispatcher


def jit(function: Callable) -> Any:
    """Compile a kernel for each dtype when it is first called; compiled code is kept in the cache."""
    return function if DISABLED else share_literals(_cached(function, **_OPTIONS))


def compile_to_address(function: Callable, kinds: tuple) -> tuple[Any, int]:
    """Compile a function that kernels call by its address, without reassociation; cached like a kernel. Returns what keeps it
    alive, and the address."""
    options = _OPTIONS | {"fastmath": {"contract"}, "no_cpython_wrapper": True}
    return compiled_to_address(_cached(function, **options), kinds, options)


def fused(function: Callable) -> Any:
    """Compile the elementwise part of a step: inlined in its kernel, vectorised without checks for aliases.

    No array that it writes may overlap another argument: two steps' rows of one array are two arguments. Nothing is reassociated:
    (a - b) / c in place of a / c - b / c would lose digits."""
    return _elementwise(function, {"contract"})


def unfused(function: Callable) -> Any:
    """The same where products are subtracted. Each is rounded first: a fused multiply-add would make x * x - x * x a number below
    0, which has no root."""
    return _elementwise(function, set())


def _elementwise(function: Callable, fastmath: set[str]) -> Any:
    options = _OPTIONS | _INSIDE | {"fastmath": fastmath}
    return function if DISABLED else njit(pipeline_class=DistinctArguments, **options)(_named(function))


def inlined(function: Callable) -> Any:
    """A helper whose statements are compiled with those of what calls it, and never by themselves, which would take longer."""
    return function if DISABLED else njit(inline="always")(function)


def exact_jit(function: Callable) -> Any:
    """Compile a helper, inlined in its kernel, without reassociation, which would undo a compensated sum."""
    if DISABLED:
        return function
    return share_literals(njit(**(_OPTIONS | _INSIDE | {"fastmath": {"contract"}}))(_named(function)))


def intrinsic(plain: Callable | None = None) -> Callable[[Callable], Any]:
    """A function that is written in LLVM's language, and the Python function that says the same where nothing is compiled."""
    return lambda function: plain if DISABLED else numba.extending.intrinsic(function)
