"""The command line: list, show, derive, generate, check, bench, plot, demo.

A target is a catalogue name, or path/to/file.py:variable. What a command needs is imported when it runs.
"""

from __future__ import annotations

import functools
import sys
from pathlib import Path
from typing import Annotated

from symcell.errors import CellError
from symcell.tables import carousels, comparisons, freest, new_table, plain, products, quantities, recurrences, terminal

try:
    import typer
except ImportError:  # the extra `cli` brings it; main() says so
    typer = None  # type: ignore[assignment]
else:
    Target = Annotated[str, typer.Argument(metavar="TARGET", help="A catalogue name, or path/to/file.py:variable.")]
    Targets = Annotated[list[str], typer.Argument(metavar="TARGET", help="Catalogue names, or path/to/file.py:variable.")]
    Cells = Annotated[list[str] | None, typer.Argument(metavar="TARGET", help="Which cells; default: the whole catalogue.")]
    Trained = Annotated[list[str] | None, typer.Argument(
        metavar="TARGET", help="Which cells; default: a source checkout's example variant, rnn, gru and lstm.")]
    File = Annotated[Path | None, typer.Option("-o", "--output", help="The file to write.")]
    Folder = Annotated[Path, typer.Option("-o", "--output", help="The folder to write to.")]
    Seed = Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Of all that is random.")]


def main():
    """The entry point. Exit status: 0, or 1 if something did not pass, or 2 if something cannot be done as asked."""
    if typer is None:
        print(f"symcell: the command line needs more packages: {_install('cli')}", file=sys.stderr)
        sys.exit(2)
    application()()


def application():
    """The Typer application."""
    app = typer.Typer(help=_HELP, no_args_is_help=True, rich_markup_mode="markdown", add_completion=False)
    for name, command in _COMMANDS.items():
        app.command(name)(_reporting(command))
    return app


def _reporting(command):
    """What a user can mend is one red line and exit status 2, without a traceback."""

    @functools.wraps(command)
    def run(*args, **kwargs):
        try:
            command(*args, **kwargs)
        except BrokenPipeError:
            raise  # whoever read has read enough; Typer knows what to do
        except (CellError, OSError, MemoryError) as error:
            message = plain(" ".join(str(error).split()))
            terminal(stderr=True).print(f"[bold red]error:[/] [red]{message}[/]", soft_wrap=True)
            raise typer.Exit(2) from None

    return run


def list_cells():
    """The catalogue, a line a cell.

    Example:

    - `symcell list`
    """
    from rich.text import Text

    from symcell import cells

    table = new_table()
    for column in ("name", "eqs", "inputs", "states", "params", "carousel"):
        table.add_column(column, no_wrap=True)
    table.add_column("reference")
    for name in cells.names():
        cell = cells.get(name)
        inputs, states = (" ".join(q.name for q in group) for group in (cell.inputs, cell.states))
        reference = Text(cell.reference, no_wrap=True, overflow="ellipsis")
        table.add_row(name, str(len(cell.equations)), inputs, states, str(len(cell.params)), freest(cell), reference)
    terminal().print(table)


def show(target: Target):
    """A cell: its equations, the shape of every quantity, what a step takes, its states' recurrences and carousels.

    Examples:

    - `symcell show lstm`
    - `symcell show examples/new_variant.py:variant`
    """
    from symcell.documents.plain import equation_lines

    (cell,) = _loaded([target])
    console, derivation = terminal(), cell.derive()
    console.print(f"[bold]{cell.name}[/]  {plain(cell.reference)}\n", soft_wrap=True)
    for number, line in equation_lines(derivation).items():
        console.print(f"  ({number})  {line}", markup=False, soft_wrap=True)
    console.print(quantities(derivation), products(cell), recurrences(cell), carousels(cell))


def derive(
    target: Target,
    document: Annotated[bool, typer.Option("--document", help="A whole LaTeX document, not a fragment to paste.")] = False,
    beside: Annotated[str | None, typer.Option(help="Another cell: the equations of both in two columns, gate by gate.")] = None,
    output: File = None,
):
    """The derivation as LaTeX: forward equations, shapes, adjoints with their rules, carousels.

    Examples:

    - `symcell derive lstm`
    - `symcell derive gru --document -o gru.tex`
    - `symcell derive gru --beside lstm`
    """
    from symcell.documents.beside import beside_latex
    from symcell.files import write_atomically

    cell, *other = _loaded([target, *([beside] if beside else [])])
    text = beside_latex(cell, *other, document=document) if other else cell.derive().latex(document)
    print(text if output is None else write_atomically(output, text.rstrip("\n") + "\n"))


def generate(
    targets: Cells = None,
    output: Folder = Path("generated"),
    check: Annotated[bool, typer.Option("--check", help="Write nothing; list what is stale, missing or orphaned.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="The whole catalogue besides the targets given.")] = False,
):
    """Standalone modules, which import NumPy and Numba only: a file a cell.

    Examples:

    - `symcell generate`
    - `symcell generate lstm examples/new_variant.py:variant -o kernels`
    - `symcell generate --check`
    """
    from symcell import cells
    from symcell.modules import generate_all, stale
    from symcell.targets import distinct

    whole = everything or not targets
    chosen = distinct([*_loaded(targets), *(cells.get(name) for name in cells.names() if whole)])
    if not check:
        for path in generate_all(chosen, output):
            print(path)
        return
    problems = stale(chosen, output)
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
    from symcell.targets import reference_of

    passed = True
    for cell in _loaded(targets):
        reference = reference_of(cell)
        report = compare(cell, dtype=dtype, seed=seed, reference=reference)
        terminal().print(comparisons(report, rows))
        by_hand = "" if reference is None else ", with the passes differentiated by hand among the rest"
        verdict = "all agree" if report.passed else f"{len(report.failures)} FAIL"
        print(f"{report.cell} ({report.dtype}): {len(report.rows)} comparisons{by_hand}: {verdict}\n")
        passed = passed and report.passed
    if not passed:
        raise typer.Exit(1)


def bench(
    target: Target,
    dtype: Annotated[str, typer.Option(help="float32 or float64.")] = "float32",
    point: Annotated[
        list[str] | None, typer.Option(metavar="T,B,N", help="Steps, samples, and every size; may be repeated.")] = None,
):
    """How fast a cell's kernels are on this machine: forward, forward with backward, one thread and all.

    Examples:

    - `symcell bench lstm`
    - `symcell bench examples/new_variant.py:variant --point 200,16,64 --point 50,1,512`
    """
    from rich.progress import track

    from symcell.bench import POINTS, speeds

    (cell,) = _loaded([target])
    points = POINTS if point is None else [_three_numbers(p) for p in point]
    columns = ("T", "B", "N", "threads", "forward", "forward + backward", "a step", "products")
    table = new_table(*columns, title=f"{cell.name}, {dtype}")
    measured = speeds(cell, points, dtype)
    for s in track(measured, "measuring", console=terminal(stderr=True), transient=True):
        times = f"{s.forward * 1e3:.2f} ms", f"{s.both * 1e3:.2f} ms", f"{s.both / s.T * 1e6:.1f} us", f"{s.rate / 1e9:.0f} GF/s"
        table.add_row(*map(str, (s.T, s.B, s.N, s.threads)), *times)
    terminal().print(table)


def plot(
    target: Target,
    output: File = None,
    steps: Annotated[int, typer.Option(min=2, help="How far back.")] = 64,
    hidden: Annotated[int, typer.Option(min=1, help="Every size but the input's, which is 8.")] = 32,
    seed: Seed = 0,
):
    """The gradient's norm against its distance from the loss at random parameters, the carousel's product beside it.

    Without -o the picture takes the cell's name.

    Examples:

    - `symcell plot lstm`
    - `symcell plot examples/new_variant.py:variant -o variant.png --steps 100`
    """
    _needs("matplotlib")
    from symcell.documents.plots import draw, measure_at_random, picture_path, sizes_at_random

    (cell,) = _loaded([target])
    path = picture_path(output or f"{cell.name}.png")
    unbroken = "{}\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}{}".format
    sizes = ", ".join(unbroken(name, n) for name, n in sizes_at_random(cell, hidden).items())
    title = f"{cell.name}: random parameters, inputs and cotangents (seed {seed}{'; ' if sizes else ''}{sizes})"
    print(draw({"": measure_at_random(cell, steps, hidden, seed)}, path, title))


def demo(
    targets: Trained = None,
    output: Folder = Path("output"),
    seed: Seed = 0,
    epochs: Annotated[int, typer.Option(min=1, help="Of training row by row; pixel by pixel takes half as many.")] = 40,
):
    """The main job: derive, generate, check, and train on handwritten digits with the generated kernels.

    Examples:

    - `symcell demo`
    - `symcell demo lstm peephole_lstm my_cell.py:cell -o comparison`
    """
    _needs("matplotlib", "sklearn")
    from symcell.demo import run_demo

    if not run_demo(_loaded(targets), output, terminal(), seed, epochs):
        raise typer.Exit(1)


_HELP = """From the equations of a recurrent cell to its derivation and to fast, checked kernels.

A TARGET is a name of the catalogue (`symcell list`), or the variable of a Python file: `examples/new_variant.py:variant`.
"""

_COMMANDS = {
    "list": list_cells, "show": show, "derive": derive, "generate": generate, "check": check, "bench": bench, "plot": plot,
    "demo": demo,
}


# What the commands share.


def _loaded(targets):
    from symcell.targets import load_target

    return [load_target(t) for t in targets or ()]


def _three_numbers(text):
    try:
        T, B, N = map(int, text.split(","))
    except ValueError:
        T = B = N = 0
    if min(T, B, N) < 1:
        raise CellError(f"--point takes three positive numbers T,B,N, like 100,32,128; found {text!r}")
    return T, B, N


def _needs(*packages):
    from importlib.util import find_spec

    if any(find_spec(p) is None for p in packages):
        raise CellError(f"this command needs more packages: {_install('demo')}")


def _install(extra):
    """How to get an extra; no package index has symcell."""
    return f'pip install -e ".[{extra}]" in the folder of its sources'


if __name__ == "__main__":
    main()
