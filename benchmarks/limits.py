"""What is not a race against somebody's cell: the matrix products' share, threads, a single step, scans against memory, compiling,
memory, long sequences. Every function returns rows, a dict each, with what was `measured` and `wanted`."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path
from unittest.mock import patch

import numpy as np

from benchmarks.clock import block, interleaved, ratio
from benchmarks.contestants import Onnx, Problem, Symcell, Torch
from benchmarks.machine import copy_bandwidth, median_seconds, product_speed
from benchmarks.race import POINTS, UNEQUAL, cell_of, sizes_of


def _row(table, what, measured, wanted, at_least=True, note=""):
    passed = measured >= wanted if at_least else measured <= wanted
    print(f"{table:12} {what:44} {measured:10.3f} of {wanted} {'' if passed else '  <--'} {note}", file=sys.stderr, flush=True)
    return {"table": table, "what": what, "measured": measured, "wanted": wanted, "at_least": at_least, "passed": passed, "note": note}


def products(threads):
    """The matrix products alone, by the faster of NumPy and torch, against the whole of an LSTM's forward and backward."""
    cell = cell_of("lstm")
    for T, B, N in POINTS:
        if B >= 32 and N >= 128:
            problem = Problem(cell, T, B, sizes_of(cell, N), threads=threads)
            own = Symcell(problem, *problem.arrays())
            whole = statistics.median(block(own.both) for _ in range(5))
            yield _row("products", f"products / whole, T{T} B{B} N{N}", sum(product_speed(T, B, N, N, 4)) / whole, 0.75)


def threads(_):
    """Two threads against one."""
    cell = cell_of("lstm")
    for T, B, N in POINTS:
        if B >= 32 and N >= 128:
            calls = {}
            for count in (1, 2):
                problem = Problem(cell, T, B, sizes_of(cell, N), threads=count)
                calls[str(count)] = Symcell(problem, *problem.arrays()).both
            times = interleaved(calls)
            yield _row("threads", f"one thread / two, T{T} B{B} N{N}", ratio(times, "1", "2"), 1.6)


def step(_):
    """One step of an LSTM of 32 units, called from Python."""
    import torch

    cell = cell_of("lstm")
    problem = Problem(cell, 1, 1, sizes_of(cell, 32))
    params, x, initial, cotangent = problem.arrays()
    kernel, rival = cell.compile(), torch.nn.LSTMCell(32, 32)
    torch.set_num_threads(1)
    x_t, x_torch, state = x[0], torch.from_numpy(x[0]), tuple(torch.from_numpy(initial[s]) for s in "hc")
    onnx = Onnx(problem, params, x, initial, cotangent)

    def repeated(call):
        def many():
            for _ in range(500):
                call()
        return many

    with torch.no_grad():
        stream = kernel.stream(params)
        calls = {"symcell": repeated(lambda: stream.step(x_t)), "torch": repeated(lambda: rival(x_torch, state)),
                 "onnxruntime": repeated(onnx.step)}  # fmt: skip
        times = interleaved(calls, 3.0)
    note = ", ".join(f"{name} {statistics.median(t) * 2e3:.2f} us" for name, t in times.items())
    yield _row("step", "torch.nn.LSTMCell / symcell's stream", ratio(times, "torch"), 10, note=note)
    yield _row("step", "onnxruntime / symcell's stream", ratio(times, "onnxruntime"), 5)


def scans(threads):
    """The sweeps of a forward pass, its products left out, against copying memory: bytes of what they keep, states, tape and inputs."""
    bandwidth = copy_bandwidth()
    for name in ("mingru", "qrnn", "sru_v1"):
        cell = cell_of(name)
        problem = Problem(cell, 1000, 8, sizes_of(cell, 512), threads=threads)
        module = cell.compile().module
        own = Symcell(problem, *problem.arrays())
        own.forward()  # so that its memory holds what products make
        with patch.object(module, "products_of", _idle):
            run = own.forward()
            moved = sum(a.nbytes for a in (*run.tape.values(), *run.states.values(), *run._call.inputs.values()))
            del run
            seconds = median_seconds(own.forward)
        note = f"{moved / seconds / 1e9:.1f} of {bandwidth / 1e9:.1f} GB/s"
        yield _row("scans", f"{name}: bytes a second / copying", moved / seconds / bandwidth, 0.5, note=note)


@cache
def _idle(real):
    """The addresses of products that do nothing: a function in C may be given more than it takes."""
    from numba import cfunc, types

    def nothing():
        pass

    _kept.append(cfunc(types.void())(nothing))
    return np.array([_kept[-1].address] * 2, np.int64)


_kept = []  # compiled functions, which live as long as somebody may call their addresses

_START = """
import sys, time
begin = time.perf_counter()
import importlib.util, json
spec = importlib.util.spec_from_file_location("timed", sys.argv[1])
module = importlib.util.module_from_spec(spec)
sys.modules["timed"] = module
spec.loader.exec_module(module)
import numpy as np
sizes = json.loads(sys.argv[2])
def call(T, B, **sizes):
    params, shapes = module.init(**sizes), module.kernel.interface.shapes(**sizes)
    inputs = {name: np.ones((T, B, *shapes[name]), "float32") for name in module.kernel.interface.inputs}
    initial = {name: np.ones((B, *shapes[name]), "float32") for name in module.kernel.interface.states}
    run = module.forward(params, inputs, initial)
    module.backward(run, {name: np.zeros_like(a) for name, a in run.states.items()})
call(5, 2, **sizes)
first = time.perf_counter() - begin
begin = time.perf_counter()
call(9, 3, **{name: n * 2 for name, n in sizes.items()})
print(first, time.perf_counter() - begin)
"""


def irregular(_):
    """Two threads, a call half a second after the last one, as in a training loop that does other work between; beside calls that
    follow one another."""
    import torch

    cell, (T, B, inputs, N) = cell_of("lstm"), UNEQUAL[1]
    problem = Problem(cell, T, B, sizes_of(cell, N, inputs), threads=2)
    arrays = problem.arrays()
    own, rival = Symcell(problem, *arrays), Torch(problem, *arrays)
    torch.set_num_threads(2)
    times = {name: statistics.median(_after_a_pause(call) for _ in range(12)) for name, call in (("own", own.both), ("rival", rival.both))}
    steady = block(own.both)
    note = f"after a pause {times['own'] * 1e3:.1f} ms, steadily {steady * 1e3:.1f} ms, torch after a pause {times['rival'] * 1e3:.1f} ms"
    yield _row("irregular", f"after a pause / steadily, T{T} B{B} I{inputs} N{N}", times["own"] / steady, 1.2, at_least=False, note=note)
    yield _row("irregular", "torch / symcell, both after a pause", times["rival"] / times["own"], 1.0)


def _after_a_pause(call):
    """The seconds of a call that comes half a second after the last one."""
    time.sleep(0.5)
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def compiling(_):
    """A fresh process that imports a generated module and calls forward and backward: cold, and from the cache."""
    from symcell.modules import generate

    for name in ("lstm", "gru_reset_after", "peephole_lstm", "layer_norm_lstm", "slstm", "mamba"):
        cell = cell_of(name)
        sizes = json.dumps(dict.fromkeys(cell.sizes, 4))
        with tempfile.TemporaryDirectory() as folder:
            path = generate(cell, folder)
            found = []
            for _ in range(4):
                environment = {**os.environ, "SYMCELL_CACHE_DIR": folder}
                done = subprocess.run([sys.executable, "-c", _START, str(path), sizes], env=environment, capture_output=True,
                                      text=True, check=True)  # fmt: skip
                found.append([float(s) for s in done.stdout.split()])
        yield _row("compiling", f"{name}: cold, seconds", found[0][0], 5.0, at_least=False)
        yield _row("compiling", f"{name}: from the cache, seconds", statistics.median(f for f, _ in found[1:]), 0.5, at_least=False)
        yield _row("compiling", f"{name}: with other sizes, seconds", found[0][1], 0.05, at_least=False)


def tape(_):
    """Numbers kept for the backward pass, for each unit and step."""
    from symcell.compiler import program_of

    for name, by_hand, module in (("lstm", 6, "LSTM"), ("gru_reset_after", 5, "GRU"), ("rnn", 1, "RNN")):
        kept = program_of(cell_of(name).declaration).tape
        note = f"{', '.join(q.name for q in kept)}; by hand one keeps {by_hand}: gates, candidates, states, and what a gate is times; "
        note += f"torch.nn.{module} keeps {_torch_reserve(module):.1f}"
        yield _row("tape", f"{name}: numbers a unit and step", len(kept), by_hand, at_least=False, note=note)


def _torch_reserve(module, T=100, B=3, N=32):
    """Numbers that torch's module keeps for its backward pass beside its parameters and inputs, for each unit and step."""
    import torch

    layer, x, kept = getattr(torch.nn, module)(N, N), torch.randn(T, B, N, requires_grad=True), {}

    def keep(tensor):
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        layer(x)
    for given in (x, *layer.parameters()):
        kept.pop(given.untyped_storage().data_ptr(), None)
    return sum(kept.values()) / 4 / (T * B * N)


_LONG = """
import resource, sys, time
import numpy as np
from symcell import cells
T, checkpoint = int(sys.argv[1]), sys.argv[2] == "checkpoint" or None
kernel = cells.lstm.compile()
params = kernel.init(n_x=64, n_h=64)
def train(T):
    x = np.random.default_rng(0).standard_normal((T, 1, 64), dtype="float32")
    begin = time.perf_counter()
    run = kernel.forward(params, x, checkpoint=checkpoint)
    grads = kernel.backward(run, final={"h": np.ones((1, 64), "float32")}, input_gradients=False)
    for name in params:
        params[name] -= 1e-6 * grads.params[name]
    return time.perf_counter() - begin
train(300)
seconds = min(train(T) for _ in range(1 if T > 200_000 else 3))
print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def _long(T, way):
    done = subprocess.run([sys.executable, "-c", _LONG, str(T), way], capture_output=True, text=True, check=True,
                          cwd=Path(__file__).parent.parent)  # fmt: skip
    seconds, megabytes = map(float, done.stdout.split())
    return seconds, megabytes


def long(_):
    """One training step of an LSTM, N=64, B=1, over very long sequences; memory is that of the whole process, inputs included."""
    million, memory = _long(1_000_000, "checkpoint")
    yield _row("long", "T=1,000,000 with checkpoints: peak MB", memory, 500, at_least=False, note=f"{million:.1f} s; inputs are 256 MB")
    plain, plain_memory = _long(100_000, "plain")
    again, less = _long(100_000, "checkpoint")
    yield _row("long", "T=100,000: checkpoints / plain, time", again / plain, 1.4, at_least=False,
               note=f"{again:.2f} s and {less:.0f} MB, {plain:.2f} s and {plain_memory:.0f} MB")
    for way in ("plain", "checkpoint"):
        times = {T: _long(T, way) for T in (100, 1_000, 10_000, 100_000)}
        note = "; ".join(f"T={T}: {s / T * 1e6:.2f} us a step, {m:.0f} MB" for T, (s, m) in times.items())
        slopes = times[100_000][0] / 100_000 / (times[10_000][0] / 10_000)
        yield _row("long", f"{way}: time a step, T=100,000 / T=10,000", slopes, 1.25, at_least=False, note=note)


TABLES = {f.__name__: f for f in (products, threads, step, irregular, scans, compiling, tape, long)}
BOTH = ("products", "scans")  # tables that are measured with one thread and with two


def run(name, count):
    return [row | {"threads": count} for row in TABLES[name](count)]
