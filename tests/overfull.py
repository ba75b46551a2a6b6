"""Every document of the catalogue and of random cells at three widths: `python tests/overfull.py [RANDOM CELLS]`. It takes minutes."""

import sys
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings
from support.random_cells import declarations
from support.typeset import WIDTHS, overfull

from symcell import CellError, cells


def random_cells(count):
    found = []

    @settings(max_examples=count, derandomize=True, database=None, deadline=None, phases=(Phase.generate,), suppress_health_check=list(HealthCheck))
    @given(declarations())
    def collect(declaration):
        try:
            found.append(declaration.cell())
        except CellError as error:  # of a declaration that is none
            print(error)

    collect()
    return found


def main(count=200):
    wide = 0
    for name, chosen in (("catalogue", [cells.get(n) for n in cells.names()]), ("random", random_cells(count))):
        for width in WIDTHS:
            with tempfile.TemporaryDirectory() as folder:
                found = overfull(chosen, width, Path(folder))
            wide += len(found)
            print(f"{name}, {width:g} pt: {sum(map(len, found.values()))} lines too wide in {len(found)} of {len(chosen)} cells", found or "")
    return int(wide > 0)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
