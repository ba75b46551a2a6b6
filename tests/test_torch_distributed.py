"""Two processes on the loopback address train a model with a Layer as one process does."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")


@pytest.mark.skipif(not torch.distributed.is_available(), reason="this PyTorch has no torch.distributed")
def test_gradients_and_parameters_are_those_of_one_process():
    here = Path(__file__).parent
    found = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--rdzv-backend", "c10d",
         "--rdzv-endpoint", "127.0.0.1:0", "--local-addr", "127.0.0.1", here / "support" / "torch_processes.py"],
        cwd=here, capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    rows = re.findall(r"^(ddp|fsdp|example) (\S+) (\S+)$", found.stdout, re.MULTILINE)
    differences = {kind: [float(d) for d in numbers] for kind, *numbers in rows}
    assert differences.keys() == {"ddp", "fsdp", "example"}
    assert all(0 <= d < 1e-13 for found in differences.values() for d in found)
