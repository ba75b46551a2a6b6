"""Programs that tests run in processes of their own."""

import os
import subprocess
import sys
import textwrap


def run_python(code, **environment):
    """What a program prints; its stacks, if it hangs."""
    code = "import faulthandler\nfaulthandler.dump_traceback_later(120, exit=True)\n" + textwrap.dedent(code)
    env = {**os.environ, "NUMBA_NUM_THREADS": "2", **environment}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout
