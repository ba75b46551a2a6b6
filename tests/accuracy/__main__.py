"""Every case in both precisions, beside PyTorch's: `python -m tests.accuracy [--dtype float32] [--only text ...]`."""

import argparse
import sys

from . import compare, measure
from .cases import CASES


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.accuracy", description=__doc__)
    parser.add_argument("--dtype", choices=["float32", "float64"], action="append", help="both unless given")
    parser.add_argument("--only", nargs="+", metavar="TEXT", help="cases whose name has one of these texts in it")
    parser.add_argument("--factor", type=float, default=compare.FACTOR, help="how much larger a worst error may be; default %(default)s")
    chosen = parser.parse_args()
    wanted = [name for name in CASES if not chosen.only or any(text in name for text in chosen.only)]
    names = measure.accepted(wanted)
    for name in wanted:
        if name not in names:
            print(f"{name}: refused")
    count = 0
    for dtype in chosen.dtype or ["float32", "float64"]:
        for chunk in measure.chunks(names):
            for excess in compare.compared(measure.computed(chunk, dtype), dtype, chosen.factor):
                print(excess)
                count += 1
    print(f"{len(names)} cases, {count} regions worse than PyTorch's")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
