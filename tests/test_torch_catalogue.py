"""Gradients of the catalogue's cells through symcell.torch.Layer. Of the whole catalogue, and of second order: see
support.torch_gradients."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.calls import VARIED

pytest.importorskip("torch")


def test_gradients_of_cells_of_many_kinds_are_those_of_differences():
    environment = os.environ | {"NUMBA_DISABLE_JIT": "1"}
    found = subprocess.run(
        [sys.executable, "-m", "support.torch_gradients", *VARIED], cwd=Path(__file__).parent, env=environment,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert found.returncode == 0, found.stdout + found.stderr
    assert found.stdout.splitlines() == [f"{name} ok" for name in VARIED]
