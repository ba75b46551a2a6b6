"""Forks while another thread compiles, computes or imports: the child has threads and locks of its own."""

import os

import pytest
from support.processes import run_watched

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the system does not fork")
CHILD = """
    import gc, os, signal, threading, time, warnings
    import numpy as np
    warnings.simplefilter("ignore")  # Python warns of forks beside threads
    def child(work):
        pid = os.fork()
        if pid == 0:
            signal.alarm(100)
            work()
            os._exit(7)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
"""


def test_a_fork_while_another_thread_computes_and_compiles():
    code = CHILD + """
    from symcell.generated import rnn
    from symcell.runtime import threads
    from symcell.runtime.jit import jit
    threads._WORTHWHILE = threads._WORTH_A_BARRIER = threads._WORTH_A_TEAM = 1
    params, x = rnn.init(n_x=3, n_h=64), np.ones((50, 1, 3), "float32")
    def call():
        return rnn.forward(params, x, threads=2).final["a"]
    expected, going = call(), True
    def compute():
        while going:
            call()
    def compile():
        while going:
            jit(lambda a: a + 1)(1)
    callers = [threading.Thread(target=f) for f in (compute, compile)]
    [t.start() for t in callers]
    for _ in range(4):
        def work():
            np.testing.assert_array_equal(call(), expected)
            assert jit(lambda a: a + 2)(1) == 3
            assert gc.isenabled()
        child(work)
        time.sleep(0.01)
    going = False
    [t.join() for t in callers]
    np.testing.assert_array_equal(call(), expected)
    print("done")
    """
    assert run_watched(code).strip() == "done"


def test_a_fork_waits_until_a_module_is_whole(tmp_path):
    code = CHILD + """
    from symcell.runtime.loading import load_module
    text = "import time\\ntime.sleep(0.5)\\nvalue = 3\\n"
    loading = threading.Thread(target=load_module, args=("slow", text))
    loading.start()
    time.sleep(0.1)
    def work():
        assert load_module("slow", text).value == 3 and load_module("other", "value = 4").value == 4
    child(work)
    loading.join()
    print("done")
    """
    assert run_watched(code, SYMCELL_CACHE_DIR=str(tmp_path)).strip() == "done"
