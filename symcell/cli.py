"""The command line: list, show, derive, generate, check, plot, demo.

A target is a catalogue name, or path/to/file.py:variable. What a command needs is imported when it runs.
"""

from __future__ import annotations

import functools
import os
import sys
from pathlib import Path
from typing import Annotated

from symcell.errors import CellError

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
    Seed = Annotated[int, typer.Option(help="Of all that is random.")]


def main():
    """The entry point. Exit status: 0, or 1 if something did not pass, or 2 if something cannot be done as asked."""
    if typer is None:
        print('symcell: the command line needs more packages: pip install "symcell[cli]"', file=sys.stderr)
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
        except (CellError, OSError) as error:
            message = _plain(" ".join(str(error).split()))
            _console(stderr=True).print(f"[bold red]error:[/] [red]{message}[/]", soft_wrap=True)
            raise typer.Exit(2) from None

    return run


def list_cells():
    """The catalogue, a line a cell.

    Example:

    - `symcell list`
    """
    from rich.text import Text

    from symcell import cells

    table = _table()
    for column in ("name", "eqs", "inputs", "states", "params", "carousel"):
        table.add_column(column, no_wrap=True)
    table.add_column("reference")
    for name in cells.names():
        cell = cells.get(name)
        inputs, states = (" ".join(q.name for q in group) for group in (cell.inputs, cell.states))
        reference = Text(cell.reference, no_wrap=True, overflow="ellipsis")
        table.add_row(name, str(len(cell.equations)), inputs, states, str(len(cell.params)), _freest(cell), reference)
    _console().print(table)


def show(target: Target):
    """A cell: its equations, the shape of every quantity, its states' carousels.

    Examples:

    - `symcell show lstm`
    - `symcell show examples/new_variant.py:variant`
    """
    from symcell.documents.plain import equation_lines

    (cell,) = _loaded([target])
    console, derivation = _console(), cell.derive()
    console.print(f"[bold]{cell.name}[/]  {_plain(cell.reference)}\n", soft_wrap=True)
    for number, line in equation_lines(derivation).items():
        console.print(f"  ({number})  {line}", markup=False, soft_wrap=True)
    console.print(_quantities(derivation), _carousels(cell))


def derive(
    target: Target,
    document: Annotated[bool, typer.Option("--document", help="A whole LaTeX document, not a fragment to paste.")] = False,
    output: File = None,
):
    """The derivation as LaTeX: forward equations, shapes, adjoints with their rules, carousels.

    Examples:

    - `symcell derive lstm`
    - `symcell derive gru --document -o gru.tex`
    """
    from symcell.files import write_atomically

    (cell,) = _loaded([target])
    text = cell.derive().latex(document)
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
    from symcell.modules import generate as write_module
    from symcell.modules import stale
    from symcell.targets import distinct

    whole = everything or not targets
    chosen = distinct([*_loaded(targets), *(cells.get(name) for name in cells.names() if whole)])
    if not check:
        for cell in chosen:
            print(write_module(cell, output))
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
        _console().print(_comparisons(report, rows))
        by_hand = "" if reference is None else ", with the passes differentiated by hand among the rest"
        verdict = "all agree" if report.passed else f"{len(report.failures)} FAIL"
        print(f"{report.cell} ({report.dtype}): {len(report.rows)} comparisons{by_hand}: {verdict}\n")
        passed = passed and report.passed
    if not passed:
        raise typer.Exit(1)


def plot(
    target: Target,
    output: File = None,
    steps: Annotated[int, typer.Option(min=2, help="How far back.")] = 64,
    hidden: Annotated[int, typer.Option(min=1, help="Every size but the input's.")] = 32,
    seed: Seed = 0,
):
    """The gradient's norm against its distance from the loss at random parameters, the carousel's product beside it.

    Without -o the picture takes the cell's name.

    Examples:

    - `symcell plot lstm`
    - `symcell plot examples/new_variant.py:variant -o variant.png --steps 100`
    """
    _needs("matplotlib")
    from symcell.documents.plots import draw, measure_at_random
    from symcell.train import sizes_of

    (cell,) = _loaded([target])
    sizes = ", ".join(f"{name} = {n}" for name, n in sizes_of(cell, 8, hidden).items())
    title = f"{cell.name}: random parameters, inputs and cotangents (seed {seed}{'; ' if sizes else ''}{sizes})"
    print(draw({"": measure_at_random(cell, steps, hidden, seed)}, output or f"{cell.name}.png", title))


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

    if not run_demo(_loaded(targets), output, _console(), seed, epochs):
        raise typer.Exit(1)


_HELP = """From the equations of a recurrent cell to its derivation and to fast, checked kernels.

A TARGET is a name of the catalogue (`symcell list`), or the variable of a Python file: `examples/new_variant.py:variant`.
"""

_COMMANDS = {
    "list": list_cells, "show": show, "derive": derive, "generate": generate, "check": check, "plot": plot, "demo": demo,
}


# What the commands share.


def _loaded(targets):
    from symcell.targets import load_target

    return [load_target(t) for t in targets or ()]


def _needs(*packages):
    from importlib.util import find_spec

    if any(find_spec(p) is None for p in packages):
        raise CellError('this command needs more packages: pip install "symcell[demo]"')


def _console(stderr=False):
    """Rich's console; what goes to a file or a pipe is wider than Rich's 80 columns."""
    from rich.console import Console

    console = Console(stderr=stderr, highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = 130
    return console


def _table(*columns, title=None):
    from rich import box
    from rich.table import Table

    return Table(*columns, title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)


def _plain(text):
    """Text that Rich is not to read as markup."""
    from rich.markup import escape

    return escape(str(text))


def _freest(cell):
    """The state whose carousel is the freest, and the kind of it."""
    from symcell.documents.plots import carousels

    return next((f"{c.state}: {c.kind}" for c in carousels(cell)), "none")


def _quantities(derivation):
    """What there is, and its shape: a row for all of one kind and shape."""
    from symcell.language.shapes import shape_text

    rows = {}
    for q, kind, stepwise in _kinds(derivation):
        rows.setdefault((kind, stepwise, tuple(derivation.shape(q))), []).append(q.name)
    table = _table("kind", "names", "shape", "over a sequence of batches")
    for (kind, stepwise, shape), names in rows.items():
        batch = f"({', '.join(('T', 'B', *map(str, shape)))})" if stepwise else ""
        table.add_row(kind, " ".join(names), _plain(shape_text(shape)), _plain(batch))
    return table


def _kinds(derivation):
    """(quantity, what it is, whether it has a value at every step)."""
    cell = derivation.cell
    yield from ((x, "input", True) for x in cell.inputs)
    yield from ((s, "output state" if s in cell.outputs else "state", True) for s in cell.states)
    rows = [r for r in derivation.forward if r.target not in cell.states]
    yield from ((r.target, "once a sequence" if r.once else "intermediate", not r.once) for r in rows)
    yield from ((p, "parameter", False) for p in cell.params)
    yield from ((k, "constant", False) for k in cell.constants)


def _carousels(cell):
    from symcell.documents.plots import carousels, factor_text

    table = _table("carousel", "kind", "one step, the other previous states held fixed", "the total adds ways through")
    for c in carousels(cell):
        step = f"d {c.state}[t] / d {c.state}[t-1] = {factor_text(c)}"
        table.add_row(c.state.name, c.kind, _plain(step), " ".join(map(str, c.detours)))
    return table


def _comparisons(report, every_row):
    """A line a kind of comparison, its worst row; and every row that failed."""
    groups = {}
    for row in report.rows:
        groups.setdefault(row.name if every_row or not row.ok else _comparison(row.name), []).append(row)
    table = _table("compared", "rows", "largest error", "tolerance", "where", "", title=f"{report.cell} ({report.dtype})")
    for name, rows in groups.items():
        worst = max(rows, key=lambda row: row.excess)
        verdict = "[green]ok[/]" if worst.ok else "[bold red]FAIL[/]"
        table.add_row(_plain(name), str(len(rows)), f"{worst.error:.1e}", f"{worst.tolerance:.0e}", _plain(worst.where), verdict)
    return table


def _comparison(name):
    """What is compared with what: "gradients (complex step)" of "d params W_i at coordinates (complex step)"."""
    subject, _, method = name.partition(" (")
    if not method:
        return name.split(": ")[0]
    return f"{'gradients' if subject.startswith('d ') else 'states'} ({method}"


if __name__ == "__main__":
    main()
