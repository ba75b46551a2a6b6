"""What the machine is, and what it can do at most: arithmetic, and copying."""

import platform
import statistics
import time
from importlib import metadata

import numpy as np


def description():
    """Name -> text."""
    return {
        "processor": _processor(),
        "system": platform.platform(),
        "Python": platform.python_version(),
        **{name: _version(name) for name in ("numpy", "numba", "llvmlite", "torch", "jax", "onnxruntime", "symcell")},
    }


def _processor():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            fields = dict(line.split(":", 1) for line in file.read().split("\n\n")[0].split("\n") if ":" in line)
        fields = {name.strip(): value.strip() for name, value in fields.items()}
        vectors = next((v for v in ("avx512f", "avx2", "avx") if v in fields.get("flags", "").split()), "")
        return f"{fields.get('model name', '?')}, family {fields.get('cpu family', '?')} model {fields.get('model', '?')}, {vectors}"
    except OSError:
        return platform.processor() or platform.machine()


def _version(name):
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "-"


def median_seconds(call, times=7):
    call()
    found = []
    for _ in range(times):
        begin = time.perf_counter()
        call()
        found.append(time.perf_counter() - begin)
    return statistics.median(found)


def product_speed(T, B, n_x, n_h, gates, dtype="float32"):
    """Seconds of an LSTM-like cell's matrix products alone, forward and backward, by the faster of NumPy and torch: the inputs' at
    once, the recurrent ones step by step, the weight gradients at once."""
    import torch

    random = np.random.default_rng(0)
    x, z, h = (random.normal(size=(T * B, n)).astype(dtype) for n in (n_x, gates * n_h, n_h))
    W, U = (random.normal(size=(gates * n_h, n)).astype(dtype) for n in (n_x, n_h))
    h_t, z_t = h[:B].copy(), z[:B].copy()

    def products(mm, t):
        forward, backward = [], []
        forward.append(lambda: mm(x_, W_.T))
        forward += [lambda: mm(h_t_, U_.T)] * T
        backward += [lambda: mm(z_t_, U_)] * T
        backward += [lambda: mm(z_, W_), lambda: mm(z_.T, x_), lambda: mm(z_.T, h_)]
        x_, z_, h_, W_, U_, h_t_, z_t_ = map(t, (x, z, h, W, U, h_t, z_t))

        def run(calls):
            for call in calls:
                call()

        return median_seconds(lambda: run(forward), 5), median_seconds(lambda: run(backward), 5)

    with torch.no_grad():
        found = [products(np.matmul, np.asarray), products(torch.mm, torch.from_numpy)]
    return tuple(map(min, zip(*found, strict=True)))


def peak(threads, dtype="float32"):
    """The highest rate of arithmetic that any product reached, in operations a second and thread: multiplications and additions.
    NumPy's, torch's and symcell's, the last with one thread."""
    import torch

    best = 0.0
    for n in (512, 1024, 2048):
        a, b = (np.random.default_rng(0).normal(size=(n, n)).astype(dtype) for _ in range(2))
        ta, tb = torch.from_numpy(a), torch.from_numpy(b)
        seconds = threads * min(median_seconds(lambda a=a, b=b: a @ b, 5), median_seconds(lambda a=ta, b=tb: a @ b, 5))
        best = max(best, 2 * n**3 / min(seconds, _own_product(a[:480], b)))
    return best


def _own_product(rows, weights):
    """Seconds of symcell's product, taken for as many rows as there are columns."""
    from numba import njit

    from symcell.runtime.dispatch import multiply, products_of
    from symcell.runtime.packing import empty_panels, pack
    from symcell.runtime.threads import ALONE

    panels, out = empty_panels(weights.dtype, w=weights.shape)["w"], np.empty((1, *rows.shape), rows.dtype)
    pack(weights, 0, weights.shape[1], True, panels, 0, 0, 0, 1)

    @njit
    def run(products, rows, panels, out, team):
        multiply(products, rows, 0, panels, out, 0, 0, rows.shape[1], 0, team)

    arguments = products_of(weights.dtype), rows[None], panels, out, ALONE
    return median_seconds(lambda: run(*arguments), 5) * len(weights) / len(rows)


def copy_bandwidth(size=1 << 27):
    """Bytes a second that are read and written by copying an array that no cache holds, both counted."""
    source, target = np.ones(size // 4, np.float32), np.zeros(size // 4, np.float32)
    return 2 * size / median_seconds(lambda: np.copyto(target, source))
