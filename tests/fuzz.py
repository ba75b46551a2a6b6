"""Many random cells, well-formed, malformed and oddly named: python -m tests.fuzz --cells 2000 --malformed 1000 --seed N [--jobs J]

Cells come in batches, each a run of hypothesis with a seed of its own, so that a failure ends (and shrinks) one batch only.
Most kernels run as plain Python, every tenth batch is compiled, and every tenth is in single precision as well.
"""

import argparse
import multiprocessing
import os
import signal
import sys
import tempfile
import time
import traceback
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # where tests/support/ is found, as in pytest

from support import caches

BATCH = 50
SHRINKING = 60.0  # seconds
HANGING = 240  # seconds that one cell may take
_CACHE = Path(tempfile.gettempdir()) / "symcell-fuzz"
_SURROUNDINGS = caches.of_jax(_CACHE / "jax") | {"SYMCELL_CACHE_DIR": str(_CACHE / "kernels"), "OMP_NUM_THREADS": "1"}


@dataclass(frozen=True)
class Batch:
    """Some cells of one kind: plain, single, compiled, malformed, or with names that modules use."""

    kind: str
    seed: int
    count: int


def batches(cells, malformed, names, seed):
    """All that is to be run, in an order that mixes the kinds."""
    kinds = [("compiled" if k % 10 == 3 else "single" if k % 10 == 7 else "plain") for k in range(-(-cells // BATCH))]
    sizes = _split(cells) + _split(malformed) + _split(names)
    kinds += ["malformed"] * len(_split(malformed)) + ["names"] * len(_split(names))
    return [Batch(kind, seed * 100_003 + k, n) for k, (kind, n) in enumerate(zip(kinds, sizes, strict=True))]


def _split(total):
    return [min(BATCH, total - start) for start in range(0, total, BATCH)]


def run(batch):
    """(batch, how many were tried, origin of a failure -> its text)."""
    from hypothesis import HealthCheck, Phase, given, seed, settings
    from hypothesis.errors import UnsatisfiedAssumption

    strategy, examine = _task(batch.kind)
    shrinks = batch.kind not in ("malformed", "names")  # those are short, and fail in many ways: all are looked at
    tried, failed, patience = 0, {}, float("inf")

    @seed(batch.seed)
    @settings(max_examples=batch.count, phases=[Phase.generate, Phase.shrink], deadline=None, database=None, print_blob=False,
              report_multiple_bugs=False, suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(strategy)
    def examined(example):
        nonlocal tried, patience
        if time.monotonic() > patience and repr(example) not in map(repr, (e for e, _ in failed.values())):
            return  # small enough
        try:
            tried += 1
            with _limited():
                examine(example)
        except UnsatisfiedAssumption:
            tried -= 1
            raise
        except Exception as error:
            patience = min(patience, time.monotonic() + SHRINKING) if shrinks else patience
            origin = _origin(error)
            if shrinks or origin not in failed or len(repr(example)) < len(repr(failed[origin][0])):
                failed[origin] = (example, error)
            if shrinks:
                raise

    try:
        examined()
    except Exception as error:
        failed = failed or {_origin(error): ("(hypothesis itself)", error)}
    return batch, tried, {origin: _described(batch, *failure) for origin, failure in failed.items()}


@contextmanager
def _limited():
    """What never ends is a failure as well."""

    def stop(number, frame):
        raise TimeoutError(f"not done in {HANGING} seconds")

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(HANGING)
    try:
        yield
    finally:
        signal.alarm(0)


def _origin(error):
    """What tells one failure from another: its kind, and the last place in symcell that it went through."""
    frames = traceback.extract_tb(error.__traceback__)
    inside = [f for f in frames if "symcell" in Path(f.filename).parts] or frames
    return f"{type(error).__name__} at {inside[-1].filename}:{inside[-1].lineno} ({inside[-1].name})"


def _task(kind):
    """A strategy, and what to do with what it makes."""
    from hypothesis import strategies
    from support.agreement import assert_agreement
    from support.malformed_cells import assert_refused_or_right, malformed_declarations
    from support.random_cells import declarations
    from support.random_names import assert_names_yield, random_names

    dtypes = ("float64", "float32") if kind == "single" else ("float64",)
    if kind == "malformed":
        return malformed_declarations(), assert_refused_or_right
    if kind == "names":
        return strategies.integers(0, 2**32), lambda seed: assert_names_yield(random_names(seed))
    return declarations(), lambda d: assert_agreement(d.cell(), d.seed, d.left_out, kind == "compiled", dtypes)


def _described(batch, example, error):
    """The shrunk declaration, and where the error came from."""
    return f"--- a {batch.kind} cell (batch seed {batch.seed})\n{example!r}\n{_origin(error)}\n{type(error).__name__}: {str(error)[:1500]}"


@contextmanager
def _progress(total):
    """A bar, where rich is installed; a function that is told how many more are done."""
    try:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
    except ImportError:
        yield lambda count: None
        return
    with Progress(TextColumn("cells"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()) as bar:
        task = bar.add_task("cells", total=total)
        yield lambda count: bar.advance(task, count)


def fuzz(cells, malformed, names, seed, jobs):
    """Run everything; returns the failures, origin -> text, each printed once; and how many of each kind were tried."""
    failures, tried = {}, {}
    # A fresh process every few batches: what JAX has compiled takes gigabytes by then, and SymPy's caches only grow.
    context = multiprocessing.get_context("spawn")
    with context.Pool(jobs, maxtasksperchild=4) as pool, _progress(cells + malformed + names) as advance:
        for batch, count, failed in pool.imap_unordered(run, batches(cells, malformed, names, seed)):
            tried[batch.kind] = tried.get(batch.kind, 0) + count
            advance(batch.count)
            for origin, text in failed.items():
                if failures.setdefault(origin, text) is text:
                    print(text, flush=True)
    return failures, tried


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=2000, help="well-formed cells")
    parser.add_argument("--malformed", type=int, default=1000, help="malformed cells")
    parser.add_argument("--names", type=int, default=500, help="cells called by names that generated modules use")
    parser.add_argument("--seed", type=int, default=None, help="what decides which; drawn and printed if not given")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    asked = parser.parse_args()
    seed = int.from_bytes(os.urandom(3), "big") if asked.seed is None else asked.seed
    for name, value in _SURROUNDINGS.items():
        os.environ.setdefault(name, value)
    print(f"seed {seed}: {asked.cells} well-formed cells, {asked.malformed} malformed, {asked.names} with odd names", flush=True)
    failures, tried = fuzz(asked.cells, asked.malformed, asked.names, seed, asked.jobs)
    counts = ", ".join(f"{n} {kind}" for kind, n in sorted(tried.items()))
    print(f"seed {seed}: tried {counts}; {f'{len(failures)} kinds of failure' if failures else 'all agree'}")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
