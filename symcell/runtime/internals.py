"""Parts of Numba that it does not document, each with its reason and what happens without it.

Numba 0.62 to 0.68 have them; tests/test_internals.py names the versions that were tried and uses each part.
"""

import atexit
import os
from collections.abc import Callable
from typing import Any

from numba import njit, types
from numba.core import cgutils, codegen
from numba.core import config as _config
from numba.core.caching import CompileResultCacheImpl
from numba.core.compiler import Compiler
from numba.core.compiler_lock import global_compiler_lock

# LLVM's language, for the functions that are written in it; otherwise llvmlite would be a dependency of its own.
ir: Any = cgutils.ir

# Kernels make no arrays, so references need not be counted: for each array that a kernel is given, counting takes locked
# instructions at every call. Without this option calls take longer.
NO_REFERENCE_COUNTS = {"_nrt": False}


# Numba's settings, which it makes of the environment when it is imported.
config: Any = _config


def cpu_features() -> str:
    """The instruction sets that code is compiled for; without them, tiles would be as wide as the oldest processors allow."""
    return codegen.get_host_cpu_features() if config.CPU_FEATURES is None else config.CPU_FEATURES


class DistinctArguments(Compiler):
    """The compiler with LLVM's `noalias` (C's `restrict`) on every array argument: without it, LLVM checks at every call of a row
    function whether its arrays overlap."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.state.flags.noalias = True


def share_literals(dispatcher: Any) -> Any:
    """Let calls with 0 and calls with n share one compilation; without it, Numba makes one for each literal argument."""
    find = dispatcher.get_call_template

    def get_call_template(arguments: Any, keywords: Any) -> Any:
        return find([types.unliteral(a) for a in arguments], {k: types.unliteral(a) for k, a in keywords.items()})

    dispatcher.get_call_template = get_call_template
    return dispatcher


def use_cache(dispatcher: Any, cache: Any) -> None:
    """Let a dispatcher look for compiled code in a cache of another kind than Numba's own; without it, nothing is cached."""
    dispatcher._cache = cache


_as_numba_does: Any = CompileResultCacheImpl


def serialised(compiled: Any) -> Any:
    """What can be pickled of a compiled function; None if it refers to this process."""
    return None if compiled.library.has_dynamic_globals or compiled.lifted else _as_numba_does.reduce(None, compiled)


def restored(context: Any, found: Any) -> Any:
    """The compiled function of what was pickled."""
    return _as_numba_does.rebuild(None, context, found)


def processor(context: Any) -> tuple[str, ...]:
    """The target, processor and instruction sets that a context compiles for: code is of use to no other."""
    return context.codegen().magic_tuple()


def compiled_to_address(function: Callable, kinds: tuple, options: dict) -> tuple[Any, int]:
    """A function compiled for arguments of these types, and the address of its code: kernels call it there, and need not be
    optimised together with it. Without this, every kernel would contain all products. The first keeps the code alive."""
    dispatcher: Any = function if hasattr(function, "compile") else njit(**options)(function)
    dispatcher.compile(kinds)
    found = dispatcher.overloads[kinds]
    return dispatcher, found.library.get_pointer_to_function(found.fndesc.llvm_func_name)


def compiler_lock() -> Any:
    """The lock that Numba compiles under."""
    return global_compiler_lock


# A fork waits until no thread compiles: the child would never get the lock, and might find LLVM in the middle of something.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=global_compiler_lock.acquire, after_in_parent=global_compiler_lock.release,
        after_in_child=global_compiler_lock.release,
    )
# Nor does a process end while one compiles: LLVM would lose the ground it stands on.
atexit.register(global_compiler_lock.acquire)
