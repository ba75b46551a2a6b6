"""Commands that read cells: list, show, diagram, compare; and the version."""

from __future__ import annotations

from itertools import groupby

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


def compare(target: Target, other: Target, output: File = None):
    """What distinguishes two cells: what they keep and write, equations by role, parameters, products in a step, what a step does
    to an error. With -o it goes to a web page, with all equations and adjoints of both side by side.

    Examples:

    - `symcell compare lstm gru`
    - `symcell compare lstm gru -o beside.html`
    """
    from symcell.differences import difference

    a, b = loaded([target, other])
    if output is not None:
        return _compare_on_a_page(a, b, output)
    found = difference(a, b)
    console = terminal()
    console.print(plain(found.summary), soft_wrap=True)
    table = new_table("", "", plain(found.a), plain(found.b))
    for role, rows in groupby(found.rows, lambda row: row.role):
        for k, row in enumerate(rows):
            table.add_row("" if k else role, *(plain(text) for text in (row.subject, row.a, row.b)))
    if found.rows:
        console.print(table)


def _compare_on_a_page(a, b, output):
    from symcell.commands.places import check_document
    from symcell.errors import CellError
    from symcell.files import write_atomically
    from symcell.site.comparison import comparison_page

    if output.suffix != ".html":
        raise CellError(f"{output}: a comparison is a page, .html; LaTeX is `symcell derive {a.name} --beside {b.name} -o x.tex`")
    check_document(output)
    print(write_atomically(output, comparison_page(a, b)))
