"""The book: a static site of the catalogue, or of a user's own cells. Its pages need no server and no other file from outside."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from symcell import cells as catalogue
from symcell.cell import Cell
from symcell.compiler import source_of
from symcell.documents.html import need_packages
from symcell.documents.html.figures import figures
from symcell.documents.html.mathml import formula
from symcell.documents.html.page import BEGINNING, Around, Link, environment, page, render
from symcell.documents.printer import Notation
from symcell.errors import CellError
from symcell.files import write_atomically
from symcell.site.citation import bibtex
from symcell.site.comparison import comparison_page
from symcell.site.facts import facts

_ASSETS = ("style.css", "page.js", "index.js")
_INDEX = Link("The book of cells", "../index.html")


def book(
    folder: str | Path,
    cells: Iterable[Cell] | None = None,
    progress: Callable[[Sequence[Cell]], Iterable[Cell]] = iter,
    beside: Cell = catalogue.lstm,
) -> Path:
    """Write the book of `cells` (default: the catalogue) into a folder, and return its index.

    A page a cell, cells/NAME.html; the cell beside another one, `beside`, compare/NAME.html; its module, modules/NAME.py;
    index.html with a table that sorts and searches; references.bib. Whatever else the folder holds stays. `progress` goes through
    the cells, and may show how far. Raises CellError for what is no cell, and if two cells have one
    name."""
    need_packages()
    folder, chosen = Path(folder), [catalogue.get(n) for n in catalogue.names()] if cells is None else list(cells)
    for cell in (*chosen, beside):
        if not isinstance(cell, Cell):
            raise CellError(f"a book is of cells, such as symcell.cells.lstm; found {cell!r}")
    names = [c.name for c in chosen]
    if twice := sorted({n for n in names if names.count(n) > 1}):
        raise CellError(f"the book has a page for each cell by its name, and several are called {', '.join(twice)}; rename them")
    _check_folder(folder)
    for name in _ASSETS:
        write_atomically(folder / name, environment().globals["raw"](name))
    rows, measured = [], [c.plain() for c in dict.fromkeys((beside, catalogue.rnn)) if c.inputs]
    for k, cell in enumerate(progress(chosen)):
        found = facts(cell)
        rows.append((found, formula(Notation(cell.derive()), found.parameters)))
        other = beside if cell.name != beside.name else None
        _write_cell(folder, cell, found, measured, other, _neighbours(names, k))
        if other:
            links = (_INDEX, *(Link(n, f"../cells/{n}.html") for n in (other.name, cell.name) if n in names))
            write_atomically(folder / "compare" / f"{cell.name}.html", comparison_page(other, cell, links, "../"))
    write_atomically(folder / "references.bib", "\n\n".join(filter(None, map(bibtex, chosen))) + "\n")
    rows.sort(key=lambda row: row[0].name)
    return write_atomically(folder / "index.html", render("index", Around(assets="./"), title="The book of cells", rows=rows))


def _check_folder(folder):
    """Raise CellError if the book would replace an index that symcell did not write."""
    index = folder / "index.html"
    if index.is_file() and not index.read_text("utf-8", errors="replace").startswith(BEGINNING):
        raise CellError(f"{index} exists, and symcell did not write it: it stays as it is; choose another folder")


def _neighbours(names, k):
    """Links to the cells before and after the one at place k."""
    found = [(k - 1, "prev"), (k + 1, "next")]
    return tuple(Link(names[n], f"{names[n]}.html", rel) for n, rel in found if 0 <= n < len(names))


def _write_cell(folder, cell, found, measured, other, neighbours):
    """Write the page of one cell, and its module."""
    source = source_of(cell.declaration) if cell.inputs else ""
    if source:
        write_atomically(folder / "modules" / f"{cell.name}.py", source)
    links = (_INDEX, *neighbours, *([Link(f"beside {other.name}", f"../compare/{cell.name}.html")] if other else []))
    around = Around(
        facts=found.described,
        diagram=cell.diagram(),
        figures=figures(cell.plain, measured) if source else (),
        source=source,
        module=f"../modules/{cell.name}.py" if source else "",
        citation=bibtex(cell),
        links=links,
        assets="../",
    )
    write_atomically(folder / "cells" / f"{cell.name}.html", page(cell.derive().article(), around))
