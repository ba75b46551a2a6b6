"""The project's figures, measured: lines to declare, seconds to derive and emit, to compile cold and to start from the cache,
and the speed beside torch.nn.LSTM where torch is installed. Run alone on a quiet machine: python benchmarks/figures.py
"""

import ast
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from symcell import cells
from symcell.compiler import source_of
from symcell.modules import generate

START = """
import time, sys
begin = time.perf_counter()
import importlib.util
spec = importlib.util.spec_from_file_location("module", sys.argv[1])
module = importlib.util.module_from_spec(spec)
sys.modules["module"] = module
spec.loader.exec_module(module)
import numpy as np
params = module.init(n_x=3, n_h=4)
run = module.forward(params, np.zeros((5, 2, 3), "float32"))
module.backward(run, {name: np.zeros_like(a) for name, a in run.states.items()})
print(time.perf_counter() - begin)
"""


def declared_lines():
    """Cell name -> the lines of its declaration, from the catalogue's own text."""
    lines = {}
    for path in Path(cells.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Cell":
                lines[node.args[0].value] = node.end_lineno - node.lineno + 1
    return lines


def seconds(function, *arguments):
    begin = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - begin


def start_seconds(path, cache):
    """Import and first forward and backward call in a fresh process."""
    command = [sys.executable, "-c", START, str(path)]
    return float(
        subprocess.run(command, env={**os.environ, "NUMBA_CACHE_DIR": cache}, capture_output=True, text=True, check=True).stdout
    )


def compile_figures(name):
    with tempfile.TemporaryDirectory() as folder:
        path = generate(cells.get(name), folder)
        cold = start_seconds(path, folder)
        return cold, statistics.median(start_seconds(path, folder) for _ in range(3))


def race_with_torch(T, B, N, rounds=15):
    """Medians of forward + backward and forward alone, symcell and torch in turn on one thread, in milliseconds."""
    import torch

    torch.set_num_threads(1)
    kernel, network = cells.lstm.compile("float32"), torch.nn.LSTM(N, N)
    random = np.random.default_rng(0)
    x, dh = (random.normal(size=(T, B, N)).astype("float32") for _ in range(2))
    params = kernel.init(n_x=N, n_h=N)
    x_torch, dh_torch = torch.tensor(x, requires_grad=True), torch.tensor(dh)

    def theirs():
        network(x_torch)[0].backward(dh_torch)

    def forward_of_theirs():
        with torch.no_grad():
            network(x_torch)

    runners = {
        "symcell": lambda: kernel.backward(kernel.forward(params, x), {"h": dh}),
        "torch": theirs,
        "symcell forward": lambda: kernel.forward(params, x),
        "torch forward": forward_of_theirs,
    }
    times = {name: [] for name in runners}
    for _ in range(rounds + 2):
        for name, runner in runners.items():
            times[name].append(1e3 * seconds(runner))
    return {name: statistics.median(t[2:]) for name, t in times.items()}


def main():
    print("lines to declare:", ", ".join(f"{name} {n}" for name, n in sorted(declared_lines().items())))
    print(f"derive + emit, lstm: {seconds(source_of, cells.lstm):.2f} s")
    print(f"derive + emit, the whole catalogue: {sum(seconds(source_of, cells.get(n)) for n in cells.names()):.2f} s")
    for name in ("lstm", "gru_reset_after"):
        cold, cached = compile_figures(name)
        print(f"{name}: cold import and first calls {cold:.2f} s, from the cache {cached:.2f} s")
    try:
        for T, B, N in ((100, 1, 32), (100, 32, 128), (100, 64, 256)):
            t = race_with_torch(T, B, N)
            whole, forward = t["torch"] / t["symcell"], t["torch forward"] / t["symcell forward"]
            print(
                f"lstm T={T} B={B} N={N}: "
                + ", ".join(f"{k} {v:.2f} ms" for k, v in t.items())
                + f"; torch / symcell {whole:.2f}, forward {forward:.2f}"
            )
    except ImportError:
        print("torch is not installed: no race")


if __name__ == "__main__":
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    main()
