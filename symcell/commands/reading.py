"""Commands that read cells: list, show, derive, diagram, compare; and the version."""

from __future__ import annotations

from itertools import groupby
from typing import Annotated

from symcell import __version__
from symcell.commands.options import File, Target, Version, loaded, typer
from symcell.commands.tables import carousels, freest, new_table, plain, products, quantities, recurrences, terminal


def version(version: Version = False):
    """What may stand in place of a command."""
    if version:
        print(f"symcell {__version__}")
        raise typer.Exit()


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
    from symcell.notation.plain import equation_lines

    (cell,) = loaded([target])
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

    With -o it goes to a file, which is replaced if it is there and its name ends with .tex; any other stays as it is.

    Examples:

    - `symcell derive lstm`
    - `symcell derive gru --document -o gru.tex`
    - `symcell derive gru --beside lstm`
    """
    from symcell.commands.places import check_document
    from symcell.documents.comparison import comparison_latex
    from symcell.files import write_atomically

    if output is not None:
        check_document(output)
    cell, *other = loaded([target, *([beside] if beside else [])])
    text = comparison_latex(cell.derive(), other[0].derive(), document) if other else cell.derive().latex(document)
    print(text if output is None else write_atomically(output, text.rstrip("\n") + "\n"))


def diagram(
    target: Target,
    output: File = None,
    steps: Annotated[int, typer.Option(min=1, help="How many steps stand side by side.")] = 1,
    document: Annotated[bool, typer.Option("--document", help="In .tex: a whole LaTeX document of one page.")] = False,
):
    """The cell as a picture drawn from its equations: gates, products and sums, and the path of its memory.

    With -o it goes to a file, which is replaced if it is there: .svg, .tex (TikZ), .png or .pdf. Without, it is printed as SVG.

    Examples:

    - `symcell diagram lstm -o lstm.svg`
    - `symcell diagram gru --steps 3 -o gru.tex`
    """
    from symcell.commands.options import needs
    from symcell.documents.diagram import KINDS, NEEDS, diagram_file
    from symcell.files import write_atomically

    kind = ".svg" if output is None else output.suffix.lower()
    needs(*NEEDS, *(["matplotlib"] if kind in KINDS[2:] else []))
    (cell,) = loaded([target])
    content = diagram_file(cell.derive(), kind, steps, document=document)
    print(content if output is None else write_atomically(output, content))


def compare(target: Target, other: Target):
    """What distinguishes two cells: equations by role, parameters, products in a step, what a step does to an error.

    Example:

    - `symcell compare lstm gru`
    """
    from symcell.differences import difference

    found = difference(*loaded([target, other]))
    console = terminal()
    console.print(plain(found.summary), soft_wrap=True)
    table = new_table("", "", plain(found.a), plain(found.b))
    for role, rows in groupby(found.rows, lambda row: row.role):
        for k, row in enumerate(rows):
            table.add_row("" if k else role, *(plain(text) for text in (row.subject, row.a, row.b)))
    if found.rows:
        console.print(table)
