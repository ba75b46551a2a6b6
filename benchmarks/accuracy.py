"""How exact symcell's functions and their derivatives are, beside PyTorch's: `python -m benchmarks.accuracy`.

Writes tests/accuracy/reference.npz (exact values and derivatives of every case, and PyTorch's errors), which takes minutes,
and tests/accuracy/table.md, the worst errors of both. `--table` writes the table alone."""

import argparse
import importlib.metadata
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from tests.accuracy import measure, reference, words
from tests.accuracy.cases import CASES, GROUPS, OF_VECTORS

DTYPES = ("float32", "float64")
TABLE = Path(reference.FILE).with_name("table.md")


def of_torch(name, dtype):
    """What PyTorch finds for a case: its composite, and autograd's derivatives."""
    import torch

    given = [torch.tensor(a, requires_grad=True) for a in measure.arguments_of(name, dtype)]
    value = CASES[name](words.of_torch(), *given)
    if name in OF_VECTORS:
        value = value.expand(given[0].shape)
    total = (value[:, 0] if name in OF_VECTORS else value).sum()
    slopes = torch.autograd.grad(total, given, allow_unused=True) if total.requires_grad else [None] * len(given)
    arrays = [np.zeros(a.shape, dtype) if s is None else s.numpy() for a, s in zip(given, slopes, strict=True)]
    return np.stack([value.detach().numpy(), *arrays])


def referred(name, dtype):
    """The exact values and derivatives of a case, and PyTorch's errors."""
    truth = measure.exact(name, dtype)
    return truth, np.stack([measure.errors(a, t, dtype) for a, t in zip(of_torch(name, dtype), truth, strict=True)])


def write_reference(jobs):
    truths, errors = {d: {} for d in DTYPES}, {d: {} for d in DTYPES}
    with ProcessPoolExecutor(jobs) as pool:
        for dtype in DTYPES:
            for name, (truth, error) in zip(CASES, pool.map(referred, CASES, [dtype] * len(CASES)), strict=True):
                truths[dtype][name], errors[dtype][name] = truth, error
                print(f"{dtype} {name}", flush=True)
    reference.write(truths, errors, importlib.metadata.version("torch"))


def figures(errors):
    """The worst error where a digit is right, and how many numbers have none or are not finite."""
    wrong = int((errors >= measure.LOST).sum())
    return f"{np.where(errors < measure.LOST, errors, 0).max():.3g}" + (f" ({wrong})" if wrong else "")


def row(name, found):
    """A line of the table: symcell's and PyTorch's figures, of values and of derivatives, in both precisions."""
    cells = []
    for dtype in DTYPES:
        truth, theirs = reference.read(dtype)[name]
        ours = None if name not in found[dtype] else measure.errors(found[dtype][name], truth, dtype)
        for part in (slice(0, 1), slice(1, None)):
            cells += ["refused" if ours is None else figures(ours[part]), figures(theirs[part])]
    return f"| `{name}` | " + " | ".join(cells) + " |"


HEAD = """# Worst errors, in units in the last place

Over the whole range of each precision, against arithmetic of several hundred digits, of symcell and of the same composition in PyTorch
({version}) with its autograd; in brackets, how many values or derivatives have no digit right, or are not finite and should be.
`python -m benchmarks.accuracy` writes this table; the tests compare region by region.

| | float32 value | PyTorch | derivative | PyTorch | float64 value | PyTorch | derivative | PyTorch |
|---|---|---|---|---|---|---|---|---|
"""


def write_table():
    found = {dtype: {} for dtype in DTYPES}
    for dtype in DTYPES:
        for chunk in measure.chunks(measure.accepted(CASES)):
            found[dtype] |= measure.computed(chunk, dtype)
    lines = [f"| *{group}* |||||||||\n" + "\n".join(row(name, found) for name in names) for group, names in GROUPS.items()]
    TABLE.write_text(HEAD.format(version=reference.torch_version()) + "\n".join(lines) + "\n", encoding="utf-8")
    print(TABLE.read_text(encoding="utf-8"))


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__)
    parser.add_argument("--table", action="store_true", help="the table alone, with the reference that is there")
    parser.add_argument("--jobs", type=int, default=2)
    chosen = parser.parse_args()
    if not chosen.table:
        write_reference(chosen.jobs)
    write_table()


if __name__ == "__main__":
    main()
