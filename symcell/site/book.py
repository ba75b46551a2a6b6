"""The book: a static site of the catalogue, or of a user's own cells. Its pages need no server and no other file from outside."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from symcell import cells as catalogue
from symcell.cell import Cell
from symcell.compiler import source_of
from symcell.documents.html import need_packages
from symcell.documents.html.page import BEGINNING, Around, environment, page, render
from symcell.errors import CellError
from symcell.files import write_atomically
from symcell.site.citation import bibtex
from symcell.site.facts import facts


def book(
    folder: str | Path, cells: Iterable[Cell] | None = None, progress: Callable[[Sequence[Cell]], Iterable[Cell]] = iter
) -> Path:
    """Write the book of `cells` (default: the catalogue) into a folder, and return its index.

    A page a cell, cells/NAME.html; index.html with a table that sorts and searches; references.bib. Whatever else the folder
    holds stays. `progress` goes through the cells, and may show how far. Raises CellError if two cells have one name."""
    need_packages()
    folder, chosen = Path(folder), [catalogue.get(n) for n in catalogue.names()] if cells is None else list(cells)
    names = [c.name for c in chosen]
    if twice := sorted({n for n in names if names.count(n) > 1}):
        raise CellError(f"the book has a page for each cell by its name, and several are called {', '.join(twice)}; rename them")
    check_folder(folder)
    rows = []
    for cell in progress(chosen):
        found = facts(cell)
        write_atomically(folder / "cells" / f"{cell.name}.html", cell_page(cell, found))
        rows.append(found)
    for name in ("style.css", "page.js", "index.js"):
        write_atomically(folder / name, environment().globals["raw"](name))
    write_atomically(folder / "references.bib", "\n\n".join(filter(None, map(bibtex, chosen))) + "\n")
    return write_atomically(folder / "index.html", render("index", Around(assets="./"), title="The book of cells", rows=rows))


def check_folder(folder):
    """Raise CellError if the book would replace an index that symcell did not write."""
    index = folder / "index.html"
    if index.is_file() and not index.read_text("utf-8", errors="replace").startswith(BEGINNING):
        raise CellError(f"{index} exists, and symcell did not write it: it stays as it is; choose another folder")


def cell_page(cell, found):
    """The page of one cell in a book."""
    around = Around(
        facts=found.described,
        diagram=cell.diagram(),
        source=source_of(cell.declaration) if cell.inputs else "",
        citation=bibtex(cell),
        links=(("The book of cells", "../index.html"),),
        assets="../",
    )
    return page(cell.derive().article(), around)
