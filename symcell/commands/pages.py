"""Commands that draw and write pages: diagram, book."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from symcell.commands.options import Cells, File, Folder, Target, loaded, needs, typer
from symcell.commands.tables import terminal


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
    from symcell.documents.diagram import KINDS, NEEDS, diagram_file
    from symcell.files import write_atomically

    kind = ".svg" if output is None else output.suffix.lower()
    needs(*NEEDS, *(["matplotlib"] if kind in KINDS[2:] else []), extra="pages" if kind in KINDS[:2] else "demo")
    (cell,) = loaded([target])
    content = diagram_file(cell.derive(), kind, steps, document=document)
    print(content if output is None else write_atomically(output, content))


def book(
    targets: Cells = None,
    output: Folder = Path("book"),
    beside: Annotated[str, typer.Option(help="The cell that each one is shown beside.")] = "lstm",
):
    """A static site: a page for each cell, each beside one other, an index that sorts and searches, modules, sources as BibTeX.

    It needs no server.

    Examples:

    - `symcell book -o book`
    - `symcell book lstm gru mycells.py:cell -o book`
    """
    from rich.progress import track

    from symcell.site.book import book as write

    def progress(cells):
        return track(cells, description="writing pages", console=terminal(stderr=True))

    print(write(output, loaded(targets) or None, progress, *loaded([beside])))
