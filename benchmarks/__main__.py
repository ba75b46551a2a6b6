"""python -m benchmarks: the race and the limits, as tables, JSON and a picture. Run alone on a quiet machine.

    python -m benchmarks                                 everything: about half an hour
    python -m benchmarks --only lstm step --threads 1    some tables
    python -m benchmarks --seconds 1 --points 0 3        quicker, and rougher

Tables that are not measured again stay as they are in the folder's results.json.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

_SINGLE = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def main():
    options = _options()
    if options.worker:
        _work(options)
        return
    from benchmarks import limits, race, report

    found, earlier = {"machine": None, "peak": None, "race": [], "limits": [], "layer": []}, options.output / "results.json"
    if options.only and earlier.is_file():
        found |= json.loads(earlier.read_text())
    for name in options.only or [*race.RACES, *limits.TABLES, "layer"]:
        kind = "race" if name in race.RACES else "layer" if name == "layer" else "limits"
        for threads in options.threads:
            if name in limits.TABLES and name not in limits.BOTH and threads != options.threads[-1]:
                continue
            part = _in_a_process_of_its_own(name, threads, options)
            found |= {k: part[k] for k in ("machine", "peak")}
            several = kind == "race" or name in limits.BOTH  # of the other limits there is one measurement
            replaced = _measured_again(kind, name, part["rows"], threads if several else None)
            found[kind] = [r for r in found[kind] if not replaced(r)] + part["rows"]
    report.write(found, options.output)


def _measured_again(kind, name, rows, threads):
    """Says of an earlier row whether it is measured again: the table's of these threads, or the layer's at these points."""
    if kind == "layer":
        places = [[r[k] for k in ("threads", *"TBIN")] for r in rows]
        return lambda r: [r[k] for k in ("threads", *"TBIN")] in places
    key = "race" if kind == "race" else "table"
    return lambda r: r[key] == name and threads in (None, r["threads"])


def _options():
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="TABLE", help="races and limits by name; default: all")
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--seconds", type=float, default=4.0, help="for each comparison")
    parser.add_argument("--points", nargs="+", type=int, help="which points of a race, counted from 0; default: all")
    parser.add_argument("-o", "--output", type=Path, default=Path("output/bench"), help="folder for results.json and race.png")
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    return parser.parse_args()


def _in_a_process_of_its_own(name, threads, options):
    """Every library decides about its threads when it starts: one process for each number of them, on so many processors."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.json"
        command = [sys.executable, "-m", "benchmarks", "--worker", name, str(path), "--threads", str(threads),
                   "--seconds", str(options.seconds)]  # fmt: skip
        command += ["--points", *map(str, options.points)] if options.points else []
        environment = {**os.environ, **dict.fromkeys(_SINGLE, str(threads))}
        done = subprocess.run(command, env=environment, cwd=Path(__file__).parent.parent)
        if done.returncode:
            sys.exit(f"benchmarks: the table {name} failed")
        return json.loads(path.read_text())


def _work(options):
    (name, path), (threads,) = options.worker, options.threads
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    from benchmarks import layer, limits, machine, race

    if name == "layer":
        rows = layer.run(threads, options.seconds, options.points)
    elif name in race.RACES:
        rows = race.run(name, threads, options.seconds, options.points)
    elif name in limits.TABLES:
        rows = limits.run(name, threads)
    else:
        sys.exit(f"benchmarks: no table {name}; there are {', '.join([*race.RACES, *limits.TABLES, 'layer'])}")
    text = json.dumps({"machine": machine.description(), "peak": machine.peak(threads), "rows": rows})
    Path(path).write_text(text)


if __name__ == "__main__":
    main()
