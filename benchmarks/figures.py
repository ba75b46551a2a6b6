"""The project's figures, a line a cell: lines to declare, products in a step, seconds to derive and emit, the module's size, and
with --compile the seconds to compile it cold and to start it from the cache. Run alone on a quiet machine:

    python benchmarks/figures.py [--compile] [CELL ...]
"""

import argparse
import ast
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from symcell import cells
from symcell.compiler import source_of
from symcell.modules import generate
from symcell.trials import random_sizes

START = """
import time, sys, json
begin = time.perf_counter()
import importlib.util
spec = importlib.util.spec_from_file_location("module", sys.argv[1])
module = importlib.util.module_from_spec(spec)
sys.modules["module"] = module
spec.loader.exec_module(module)
import numpy as np
sizes = json.loads(sys.argv[2])
params, shapes = module.init(**sizes), module.shapes(**sizes)
inputs = {name: np.ones((5, 2, *shapes[name]), "float32") for name in module.kernel.interface.inputs}
initial = {name: np.ones((2, *shapes[name]), "float32") for name in module.kernel.interface.states}
run = module.forward(params, inputs, initial)
module.backward(run, {name: np.zeros_like(a) for name, a in run.states.items()})
print(time.perf_counter() - begin)
"""


def declared_lines():
    """Cell name -> the lines of its declaration and of the helpers that it calls, from the catalogue's own text."""
    lines = {}
    for path in Path(cells.__file__).parent.glob("*.py"):
        tree = ast.parse(path.read_text())
        helpers = {node.name: _length(node) for node in tree.body if isinstance(node, ast.FunctionDef)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Cell":
                called = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)} & helpers.keys()
                lines[node.args[0].value] = _length(node) + sum(helpers[name] for name in called)
    return lines


def _length(node):
    return node.end_lineno - node.lineno + 1


def seconds(function, *arguments):
    begin = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - begin


def start_seconds(path, sizes, cache):
    """Import and first forward and backward call in a fresh process."""
    import json

    command = [sys.executable, "-c", START, str(path), json.dumps(sizes)]
    environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
    return float(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)


def compile_seconds(name):
    """(cold, from the cache)"""
    import numpy as np

    sizes = random_sizes(cells.get(name), np.random.default_rng(0))
    with tempfile.TemporaryDirectory() as folder:
        path = generate(cells.get(name), folder)
        cold = start_seconds(path, sizes, folder)
        return cold, statistics.median(start_seconds(path, sizes, folder) for _ in range(3))


def own_lines(source):
    """The lines of a module's kernels: what stands behind the runtime that all modules share."""
    return source.split("# The equations and their adjoints.")[1].split("\ndef init(")[0].count("\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cells", nargs="*", metavar="CELL")
    parser.add_argument("--compile", action="store_true", help="compile each module in a process of its own")
    options = parser.parse_args()
    names, lines = options.cells or cells.names(), declared_lines()
    table = Table("cell", "lines", "products in a step (deep)", "derive + emit", "module", "its kernels", "cold", "cached")
    total = 0.0
    for name in names:
        cell = cells.get(name)
        taken, source, found = seconds(source_of, cell.declaration), source_of(cell.declaration), cell.structure
        total += taken
        start = [f"{s:.1f} s" for s in compile_seconds(name)] if options.compile else ["", ""]
        step = f"{len(found.products)} ({found.depth})"
        row = (str(lines[name]), step, f"{taken:.2f} s", f"{len(source) / 1024:.0f} KiB", f"{own_lines(source)} lines", *start)
        table.add_row(name, *row)
        if options.compile:
            print(name, *row, file=sys.stderr)
    Console(width=130).print(table)
    print(f"derive + emit, {len(names)} cells: {total:.2f} s")


if __name__ == "__main__":
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    main()
