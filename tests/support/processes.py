"""Python in a process of its own, which has the environment of the tests."""

import os
import subprocess
import sys
import textwrap


def run_python(code, *arguments, **environment):
    """What a program prints; it must succeed."""
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | environment)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def run_watched(code, **environment):
    """The same with two threads; a program that hangs shows its stacks."""
    watch = "import faulthandler\nfaulthandler.dump_traceback_later(120, exit=True)\n"
    return run_python(watch + textwrap.dedent(code), **{"NUMBA_NUM_THREADS": "2", **environment})
