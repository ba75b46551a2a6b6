"""The parts of Numba that it does not document: each is there, and does what runtime/internals.py says, in the versions that were
tried."""

import ast
import ctypes
import os
import pickle
import re
import sys
from importlib import import_module, resources

import numba
import numpy as np
import pytest
from numba import njit, types

from symcell import cells
from symcell.runtime import internals
from symcell.runtime.cache import Cache

jit = import_module("symcell.runtime.jit")
# The versions of Numba with which these tests passed. One of a later minor version need not have these parts: try it, and add it.
TRIED = ("0.62.1", "0.68.1")


def minor(version):
    return version.rsplit(".", 1)[0]


def test_the_installed_numba_was_tried():
    if minor(numba.__version__) not in {minor(version) for version in TRIED}:
        pytest.skip(f"Numba {numba.__version__} has not been tried: tests/test_internals.py has {', '.join(TRIED)}; "
                    "if the other tests of this file pass, add it")  # fmt: skip


def test_the_versions_that_were_tried_are_those_of_the_docstring_and_of_the_package():
    oldest, newest = re.search(r"Numba (\d+\.\d+) to (\d+\.\d+) have them", internals.__doc__).groups()
    assert {oldest, newest} <= {minor(version) for version in TRIED}


def test_only_this_file_takes_what_numba_does_not_document():
    """Others import `numba` itself, its types, extending and errors, and cgutils, which extending's users are told to use."""
    public = {"numba", "numba.extending", "numba.core.errors", "numba.types"}
    for file in resources.files("symcell.runtime").iterdir():
        if file.name.endswith(".py") and file.name != "internals.py":
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                if isinstance(node, ast.ImportFrom) and not node.level and node.module.startswith(("numba", "llvmlite")):
                    names = {a.name for a in node.names}
                    assert node.module in public or (node.module == "numba.core" and names <= {"cgutils", "errors"}), (file.name, node.module, names)


def test_llvms_language_is_that_of_numba():
    assert internals.ir.VectorType(internals.ir.FloatType(), 8).count == 8


def test_the_settings_and_the_processor():
    assert internals.config.NUMBA_NUM_THREADS >= 1 and not internals.config.DISABLE_JIT
    assert isinstance(internals.cpu_features(), str)


def test_code_is_compiled_for_the_features_that_the_settings_choose(monkeypatch):
    monkeypatch.setattr(internals.config, "CPU_FEATURES", "+sse2")
    assert internals.cpu_features() == "+sse2"


def test_the_wrapper_of_a_kernel_counts_no_references():
    def first(a):
        return a[0]

    counting, plain = njit(first), njit(**internals.NO_REFERENCE_COUNTS)(first)
    for function in (counting, plain):
        assert function(np.ones(2)) == 1
    texts = ["".join(function.inspect_llvm().values()) for function in (counting, plain)]
    assert "NRT_" in texts[0] and "NRT_incref" not in texts[1] and "NRT_decref" not in texts[1]


def test_arguments_of_row_functions_are_distinct():
    """LLVM is told so, and makes vectors without asking whether arrays overlap."""

    def scale(x, y):
        for k in range(x.size):
            y[k] = 2 * x[k]

    said = []
    for options in ({}, {"pipeline_class": internals.DistinctArguments}):
        function = njit(**options)(scale)
        function(np.ones(3), np.ones(3))
        (text,) = function.inspect_llvm().values()
        said.append(re.search(r"define [^\n]*scale[^\n]*", text)[0].count("noalias"))
    assert said[1] > said[0]


def test_calls_with_different_literals_share_one_compilation():
    inner = internals.share_literals(njit(lambda a, n: a[0] + n))
    outer = njit(lambda a, n: inner(a, 0) + inner(a, 1) + inner(a, n))
    assert outer(np.ones(2), 5) == 9
    assert len(inner.signatures) == 1


def test_a_dispatcher_asks_the_cache_that_it_is_given(tmp_path):
    class Noted:
        def __init__(self):
            self.asked, self.saved = [], []

        def load_overload(self, signature, context):
            self.asked.append(signature)

        def save_overload(self, signature, compiled):
            self.saved.append(compiled)

        cache_path = str(tmp_path)

    function, cache = njit(lambda x: x + 1), Noted()
    internals.use_cache(function, cache)
    assert function(1) == 2 and len(cache.asked) == len(cache.saved) == 1
    assert isinstance(jit._cached(cells.rnn.compile().module.forward_pass.py_func)._cache, Cache)


def test_what_is_serialised_is_restored_and_computes_the_same():
    function = njit(lambda x: 3 * x + 1)
    assert function(2.0) == 7
    ((signature, compiled),) = function.overloads.items()
    found = pickle.loads(pickle.dumps(internals.serialised(compiled), -1))
    restored = internals.restored(compiled.target_context, found)
    assert restored.signature.args == signature
    again = njit(lambda x: 3 * x + 1)
    again.add_overload(restored)
    assert again(2.0) == 7


def test_what_refers_to_this_process_is_not_serialised():
    there = ctypes.pythonapi.Py_IsInitialized
    there.argtypes, there.restype = [], ctypes.c_int
    function = njit(lambda: there())
    assert function() == 1
    (compiled,) = function.overloads.values()
    assert internals.serialised(compiled) is None


def test_the_processor_is_part_of_what_code_is_for():
    function = njit(lambda x: x)
    function(1)
    (compiled,) = function.overloads.values()
    target = internals.processor(compiled.target_context)
    assert len(target) == 3 and all(isinstance(part, str) for part in target)


def test_a_function_is_compiled_to_an_address_that_stays_valid():
    alive, address = internals.compiled_to_address(lambda x: x + 1, (types.int64,), {"nogil": True})
    assert address != 0 and internals.compiled_to_address(alive, (types.int64,), {})[1] == address


def test_the_lock_of_the_compiler_may_be_taken_by_one_thread_again():
    lock = internals.compiler_lock()
    with lock, lock:
        assert njit(lambda x: x)(1) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:os.fork.. was called:RuntimeWarning")  # of JAX, which the child leaves alone
def test_a_forked_process_compiles():
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        os._exit(7 if njit(lambda x: x + 5)(1) == 6 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
