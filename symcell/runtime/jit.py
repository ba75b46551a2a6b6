"""How the functions of a generated module are compiled: `jit`, `fused`, `unfused`, `exact_jit` and `inlined`."""

import gc
from contextlib import contextmanager
from zlib import crc32

from numba import njit, types
from numba.core import cgutils, config
from numba.core.caching import FunctionCache
from numba.core.compiler import Compiler

ir = cgutils.ir  # LLVM's language, for the few functions that are written in it

# Never nnan or ninf: NaN and infinity must go through. Nor arcp: 1 / sqrt(x) would begin with an estimate, which is NaN for 0,
# infinity and subnormal numbers.
# With the default error model, loops that divide stay scalar.
# References are not counted (nrt): kernels make no arrays, and for each one that they are given, counting takes locked
# instructions at every call.
_OPTIONS = {
    "error_model": "numpy", "nogil": True, "fastmath": {"contract", "reassoc", "nsz"},
    "no_cfunc_wrapper": True, "_nrt": False,
}  # fmt: skip
# For what kernels call, and Python does not.
_INSIDE = {"forceinline": True, "no_cpython_wrapper": True}


class _DistinctArguments(Compiler):
    """Numba's compiler with LLVM's `noalias` (C's `restrict`) on every array argument."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.state.flags.noalias = True


def _named(function):
    """The function, named after its module and that one's CONTENT_HASH as well, if there is one.

    Cache files and symbols carry this name: functions of one name from two versions of a module never mix. Nor do those of one
    file that is imported by two names: what is cached refers to the module by the name it had then, which may lead nowhere.
    """
    content_hash = function.__globals__.get("CONTENT_HASH")
    if content_hash and not function.__qualname__.endswith(content_hash):
        function.__qualname__ += f"_{crc32(str(function.__module__).encode()):08x}_{content_hash}"
    return function


def _for_any_number(dispatcher):
    """Calls with 0 and calls with n share one compilation: Numba would make one for each literal argument."""
    if not hasattr(dispatcher, "get_call_template"):
        return dispatcher  # nothing is compiled: NUMBA_DISABLE_JIT
    find = dispatcher.get_call_template

    def get_call_template(arguments, keywords):
        return find([types.unliteral(a) for a in arguments], {k: types.unliteral(a) for k, a in keywords.items()})

    dispatcher.get_call_template = get_call_template
    return dispatcher


@contextmanager
def _no_collection():
    """A compiler makes many objects and few cycles: to look for garbage among them would take an eighth of its time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _without_collection(dispatcher):
    """The dispatcher, compiling without the garbage collector."""
    if not hasattr(dispatcher, "compile"):
        return dispatcher
    compiled = dispatcher.compile

    def compile(signature):
        with _no_collection():
            return compiled(signature)

    dispatcher.compile = compile
    return dispatcher


class _Cache(FunctionCache):
    """Numba's cache on disk, which reads what it has without getting the whole compiler ready first, and SciPy, if there is one:
    that would take longer than everything else. Whoever compiles gets it ready himself."""

    def load_overload(self, signature, target):
        with self._guard_against_spurious_io_errors():
            return self._load_overload(signature, target)


def _cached_if_possible(compiled, function):
    """What compiles a function, with a cache, unless none could be written or read back."""
    if function.__module__ in config.sys.modules:  # nothing could be read back for what no import finds
        try:
            compiled._cache = _Cache(function)
        except RuntimeError as error:
            if "no locator" not in str(error):
                raise
    return compiled


def jit(function):
    """Compile a kernel; cached on disk if its module was imported by name, into that module's folder or NUMBA_CACHE_DIR."""
    dispatcher = njit(**_OPTIONS)(_named(function))
    return _without_collection(_for_any_number(_cached_if_possible(dispatcher, function)))


def pointed(function, kinds):
    """Compile a function that kernels call by its address, without reassociation; cached like a kernel. Returns what keeps it
    alive, and the address."""
    options = _OPTIONS | {"fastmath": {"contract"}, "no_cpython_wrapper": True}
    compiled = _without_collection(_cached_if_possible(njit(**options)(_named(function)), function))
    compiled.compile(kinds)
    found = compiled.overloads[kinds]
    return compiled, found.library.get_pointer_to_function(found.fndesc.llvm_func_name)


def fused(function):
    """Compile the elementwise part of a step: inlined in its kernel, vectorised without checks for aliases.

    No array that it writes may overlap another argument: two steps' rows of one array are two arguments. Nothing is reassociated:
    (a - b) / c in place of a / c - b / c would lose digits.
    """
    return _elementwise(function, {"contract"})


def unfused(function):
    """The same where products are subtracted. Each is rounded first: a fused multiply-add would make x * x - x * x a number below
    0, which has no root."""
    return _elementwise(function, set())


def _elementwise(function, fastmath):
    options = _OPTIONS | _INSIDE | {"fastmath": fastmath}
    return njit(pipeline_class=_DistinctArguments, **options)(_named(function))


def inlined(function):
    """A helper whose statements are compiled with those of what calls it, and never by themselves, which would take longer."""
    return njit(inline="always")(function)


def exact_jit(function):
    """Compile a helper, inlined in its kernel, without reassociation, which would undo a compensated sum."""
    return _for_any_number(njit(**(_OPTIONS | _INSIDE | {"fastmath": {"contract"}}))(_named(function)))
