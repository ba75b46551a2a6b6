"""A smoke test over the supported Pythons, each with the newest and the oldest packages that pyproject.toml names.

    python tests/matrix.py                  every Python of the classifiers that is on the PATH (python3.11, python3.12 ...)
    python tests/matrix.py 3.13 --end oldest

A cell of the matrix is a virtual environment of its own below output/matrix/: symcell installed as a user installs it, every
command of the command line, and a small share of the tests. Pythons that are not there are named. A log of each cell lies
beside its environment; the exit status is 1 if any cell failed.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PYTHONS = [c.rsplit(" ", 1)[1] for c in PROJECT["classifiers"] if re.fullmatch(r"Programming Language :: Python :: 3\.\d+", c)]
ENDS = ("newest", "oldest")
SHOWN = ("numpy", "numba", "sympy", "typer", "matplotlib")  # packages whose versions the table has

COMMANDS = (
    "--version",
    "--help",
    "list",
    "show lstm",
    "derive lstm --document -o lstm.tex",
    "derive gru --beside lstm",
    "generate rnn -o kernels",
    "generate rnn -o kernels --check",
    "generate rnn -o alone --standalone",
    "check rnn",
    "bench rnn --point 3,2,5",
    "plot rnn --steps 6 -o rnn.png",
    "demo rnn --epochs 1 -o demo",
)
TESTS = (
    "tests/test_readme.py",  # its examples run
    "tests/test_files.py",
    "tests/test_documents.py",
    "tests/test_plots.py",
    "tests/test_cell_errors.py",
    "tests/test_lengths.py::test_no_samples",  # imports Hypothesis
    "tests/test_cli.py::test_every_command_has_help_with_an_example",
    "tests/test_cli.py::test_unknown_names",
    "tests/test_parameters.py::test_an_array_that_is_reshaped_in_place_is_checked_again",
    "tests/test_internals.py",  # what Numba does not document
    "tests/test_cache.py::test_products_are_compiled_once_and_found_by_the_next_process",
    "tests/test_benchmarks.py::test_rivals_agree[lstm]",  # against JAX
)


def oldest():
    """The constraints under which pip installs the oldest packages that pyproject.toml names: its lower bounds."""
    groups = [PROJECT["dependencies"], *(PROJECT["optional-dependencies"][extra] for extra in ("cli", "diagrams", "pages", "demo", "examples", "test"))]
    bounds = [re.fullmatch(r"([\w-]+)>=([\w.]+)", requirement) for group in groups for requirement in group]
    return [f"{found[1]}=={found[2]}" for found in bounds if found]


def interpreter(version):
    """The Python of a version that the PATH has, or None."""
    found = shutil.which(f"python{version}")
    if found and subprocess.run([found, "-c", ""], capture_output=True).returncode == 0:
        return found
    return None


class Cell:
    """One Python with one end of the dependencies; every step's output goes to a log."""

    def __init__(self, version, end, folder):
        self.name, self.end, self.python = f"python{version}, {end}", end, interpreter(version)
        self.folder = folder / f"{version}-{end}"
        self.log = folder / f"{version}-{end}.log"
        self.bin = self.folder / "env" / ("Scripts" if os.name == "nt" else "bin")

    def row(self):
        """What the table says of it: the outcome, the seconds and the versions."""
        begin = time.perf_counter()
        self.log.write_text("", encoding="utf-8")
        outcome = next((f"FAILED: {what}" for what, passed in self.steps() if not passed), "passed")
        return self.name, outcome, f"{time.perf_counter() - begin:.0f}", *self.versions()

    def steps(self):
        """(what is done, whether it went well), one by one."""
        work = self.folder / "work"
        work.mkdir(parents=True, exist_ok=True)
        yield "the environment", self.run([self.python, "-m", "venv", "--clear", self.folder / "env"], work)
        install = [self.bin / "python", "-m", "pip", "install", "-q", f"{ROOT}[test]"]
        if self.end == "oldest":
            constraints = work / "oldest.txt"
            constraints.write_text("\n".join(oldest()), encoding="utf-8")
            install += ["-c", constraints]
        yield "the installation", self.run(install, work)
        for command in COMMANDS:
            yield f"symcell {command}", self.run([self.bin / "symcell", *command.split()], work)
        yield "python -m symcell", self.run([self.bin / "python", "-m", "symcell", "list"], work)
        yield "the tests", self.run([self.bin / "python", "-m", "pytest", "-p", "no:cacheprovider", *TESTS], ROOT)

    def run(self, command, folder):
        """Whether a command exits with 0; its caches are the cell's own."""
        caches = {"NUMBA_CACHE_DIR": str(self.folder / "numba"), "SYMCELL_CACHE_DIR": str(self.folder / "kernels")}
        with open(self.log, "a", encoding="utf-8") as log:
            print("\n$", *command, file=log, flush=True)
            return subprocess.run(command, cwd=folder, env=os.environ | caches, stdout=log, stderr=log).returncode == 0

    def versions(self):
        code = "import importlib.metadata as m, sys\nfor n in sys.argv[1:]: print(m.version(n))"
        done = subprocess.run([self.bin / "python", "-c", code, *SHOWN], capture_output=True, text=True)
        return done.stdout.split()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("pythons", nargs="*", default=PYTHONS, metavar="VERSION", help=f"default: {' '.join(PYTHONS)}")
    parser.add_argument("--end", action="append", choices=ENDS, help="of the dependencies; default: both")
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "output" / "matrix", help="the folder of the environments")
    options = parser.parse_args()
    folder = options.output.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    rows = [("", "", "seconds", *SHOWN)]
    for version in options.pythons:
        for end in options.end or ENDS:
            cell = Cell(version, end, folder)
            rows.append(cell.row() if cell.python else (cell.name, "skipped: no such Python on the PATH"))
            print(*rows[-1], sep="  ", flush=True)
    print("\n" + table(rows))
    sys.exit(any("FAILED" in row[1] for row in rows))


def table(rows):
    """The rows in columns."""
    widths = [max(len(row[k]) for row in rows if len(row) > k) for k in range(len(rows[0]))]
    return "\n".join("  ".join(text.ljust(w) for text, w in zip(row, widths, strict=False)).rstrip() for row in rows)


if __name__ == "__main__":
    main()
