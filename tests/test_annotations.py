"""The types of the package, which mypy checks: a test, so that it runs beside others."""

import subprocess
import sys
from pathlib import Path


def test_mypy_finds_nothing():
    run = subprocess.run([sys.executable, "-m", "mypy"], cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
