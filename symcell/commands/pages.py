"""The command that writes web pages: book."""

from __future__ import annotations

from pathlib import Path

from symcell.commands.options import Cells, Folder, loaded, needs
from symcell.commands.tables import terminal


def book(targets: Cells = None, output: Folder = Path("book")):
    """A static site: a page for each cell, an index that sorts and searches, the sources as BibTeX. It needs no server.

    Examples:

    - `symcell book -o book`
    - `symcell book lstm gru mycells.py:cell -o book`
    """
    needs("latex2mathml", "pygments", extra="pages")
    from rich.progress import track

    from symcell.site.book import book as write

    def progress(cells):
        return track(cells, description="writing pages", console=terminal(stderr=True))

    print(write(output, loaded(targets) or None, progress))
