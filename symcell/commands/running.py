"""Commands that run or write what is made of cells: generate, check, bench, demo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from symcell.commands.options import (
    Cells,
    Folder,
    Points,
    Seed,
    Target,
    Targets,
    Trained,
    loaded,
    needs,
    three_numbers,
    typer,
)
from symcell.commands.tables import comparisons, new_table, terminal


def generate(
    targets: Cells = None,
    output: Folder = Path("generated"),
    check: Annotated[bool, typer.Option("--check", help="Write nothing; list what is stale, missing or orphaned.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="The whole catalogue besides the targets given.")] = False,
    target: Annotated[str, typer.Option(help="numba; numpy: plain NumPy, to be read; torch: plain PyTorch.")] = "numba",
    standalone: Annotated[
        bool, typer.Option("--standalone", help="Copy the runtime beside the modules, which then need NumPy and Numba alone.")
    ] = False,
):
    """Modules with forward and backward passes: a file a cell. They import NumPy, Numba and symcell's runtime, no SymPy. They
    replace earlier ones, and no file that symcell did not write.

    Examples:

    - `symcell generate`
    - `symcell generate lstm examples/new_variant.py:variant -o kernels --standalone`
    - `symcell generate --check`
    """
    from symcell import cells
    from symcell.commands.targets import distinct
    from symcell.modules import generate_all, stale

    whole = everything or not targets
    chosen = distinct([*loaded(targets), *(cells.get(name) for name in cells.names() if whole)])
    if not check:
        for path in generate_all(chosen, output, target, standalone):
            print(path)
        return
    problems = stale(chosen, output, target, standalone)
    if not whole:  # the modules of other cells are no orphans of these
        problems = [p for p in problems if not p.startswith("orphaned")]
    print("\n".join(problems) or f"{output}: {len(chosen)} modules, all as generated now")
    if problems:
        raise typer.Exit(1)


def check(
    targets: Targets,
    dtype: Annotated[str, typer.Option(help="float64 or float32.")] = "float64",
    seed: Seed = 0,
    rows: Annotated[bool, typer.Option("--rows", help="Every comparison, not a line for all of one kind.")] = False,
):
    """A cell's kernels against the interpreted equations, the complex step and, where there is one, a hand-written reference.

    Exit status 1 if anything differs by more than its tolerance.

    Examples:

    - `symcell check lstm`
    - `symcell check gru examples/new_variant.py:variant --dtype float32 --seed 7`
    """
    from symcell.check import check as compare
    from symcell.commands.targets import reference_of

    passed = True
    for cell in loaded(targets):
        reference = reference_of(cell)
        report = compare(cell, dtype=dtype, seed=seed, reference=reference)
        terminal().print(comparisons(report, rows))
        by_hand = "" if reference is None else ", with the passes differentiated by hand among the rest"
        print(f"{report.cell} ({report.dtype}): {len(report.rows)} comparisons{by_hand}: {report.verdict}\n")
        passed = passed and report.passed
    if not passed:
        raise typer.Exit(1)


def bench(
    target: Target,
    dtype: Annotated[str, typer.Option(help="float32 or float64.")] = "float32",
    point: Points = None,
):
    """How fast a cell's kernels are on this machine: forward, forward with backward, one thread and all.

    Examples:

    - `symcell bench lstm`
    - `symcell bench examples/new_variant.py:variant --point 200,16,64 --point 50,1,512`
    """
    from rich.progress import track

    from symcell.bench import POINTS, speeds

    (cell,) = loaded([target])
    points = POINTS if point is None else [three_numbers(p) for p in point]
    columns = ("T", "B", "N", "threads", "forward", "forward + backward", "a step", "products")
    table = new_table(*columns, title=f"{cell.name}, {dtype}")
    measured = speeds(cell, points, dtype)
    for s in track(measured, "measuring", console=terminal(stderr=True), transient=True):
        times = f"{s.forward * 1e3:.2f} ms", f"{s.both * 1e3:.2f} ms", f"{s.both / s.T * 1e6:.1f} us", f"{s.rate / 1e9:.0f} GF/s"
        table.add_row(*map(str, (s.T, s.B, s.N, s.threads)), *times)
    terminal().print(table)


def demo(
    targets: Trained = None,
    output: Folder = Path("output"),
    seed: Seed = 0,
    epochs: Annotated[int, typer.Option(min=1, help="Of training row by row; pixel by pixel takes half as many.")] = 40,
):
    """The main job: derive, generate, check, and train on handwritten digits with the generated kernels.

    The results replace those of an earlier demo in the folder, and no other files.

    Examples:

    - `symcell demo`
    - `symcell demo lstm peephole_lstm my_cell.py:cell -o comparison`
    """
    needs("matplotlib", "sklearn")
    from symcell.commands.demo import run_demo

    if not run_demo(loaded(targets), output, terminal(), seed, epochs):
        raise typer.Exit(1)
