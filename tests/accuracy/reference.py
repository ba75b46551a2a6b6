"""What symcell is compared with, kept beside the tests, since it takes minutes to compute: exact values and derivatives, and
PyTorch's errors against them (`python -m benchmarks.accuracy` writes both)."""

from functools import cache
from pathlib import Path

import numpy as np

from . import measure

FILE = Path(__file__).with_name("reference.npz")
_STEPS = 4  # of PyTorch's error, rounded up, to a doubling
_LOST, _NOT_FINITE = 254, 255
_SHORT = 20  # bits of a double that tell float32 nothing


def packed(error):
    """Errors as bytes, on a scale of powers of two."""
    with np.errstate(invalid="ignore"):
        steps = np.ceil(_STEPS * np.log2(1 + error))
    return np.where(error == measure.NOT_FINITE, _NOT_FINITE, np.where(error >= measure.LOST, _LOST, steps)).astype(np.uint8)


def unpacked(codes):
    error = 2.0 ** (codes / _STEPS) - 1
    return np.where(codes == _LOST, measure.LOST, np.where(codes == _NOT_FINITE, measure.NOT_FINITE, error))


def write(truths, torch_errors, version):
    """Both: dtype -> name -> array; and PyTorch's version."""
    arrays = {"version": np.array(version)}
    for dtype, of_name in truths.items():
        flat = np.concatenate([a.ravel() for a in of_name.values()]).view(np.uint64)
        arrays[f"{dtype} names"] = np.array(list(of_name))
        arrays[f"{dtype} truth"] = (flat >> _SHORT << _SHORT if dtype == "float32" else flat).view(np.float64)
        arrays[f"{dtype} torch"] = np.concatenate([packed(torch_errors[dtype][name]).ravel() for name in of_name])
    np.savez_compressed(FILE, **arrays)


def torch_version():
    with np.load(FILE) as arrays:
        return str(arrays["version"])


@cache
def read(dtype):
    """name -> (exact values and derivatives, PyTorch's errors), as `measure.computed` shapes them."""
    with np.load(FILE) as arrays:
        names, truth, codes = (arrays[f"{dtype} {what}"] for what in ("names", "truth", "torch"))
    found, start = {}, 0
    for name in map(str, names):
        given = measure.arguments_of(name, dtype)
        shape = (1 + len(given), *given[0].shape)
        end = start + int(np.prod(shape))
        found[name] = truth[start:end].reshape(shape), unpacked(codes[start:end]).reshape(shape)
        start = end
    if start != len(truth):
        raise ValueError("reference.npz is of other arguments; python -m benchmarks.accuracy writes it anew")
    return found
