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
