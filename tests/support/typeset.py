"""Documents through LaTeX: which lines are wider than the page."""

import re
import subprocess

from symcell.documents.latex import whole_document

WIDTHS = (455.0, 397.0, 240.0)  # one column of A4, NeurIPS, one of two columns


def overfull(cells, width, folder, **options):
    """The width in points of each line that is too wide, by the name of its cell, of all cells' documents in one run of pdflatex.
    Raises AssertionError for an error of LaTeX."""
    parts = [rf"\typeout{{CELL {k}}}" + "\n" + c.derive().latex(width=width, prefix=f"cell{k}", **options) for k, c in enumerate(cells)]
    (folder / "cells.tex").write_text(whole_document("\n\n".join(parts), width), "utf-8")
    command = ["pdflatex", "-no-shell-escape", "-draftmode", "-interaction=nonstopmode", "-halt-on-error", "cells.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace")
    assert done.returncode == 0, done.stdout[-3000:]
    log = (folder / "cells.log").read_text("utf-8", errors="replace")
    found = {}
    for chunk in log.split("CELL ")[1:]:
        if wide := re.findall(r"Overfull \\hbox \(([\d.]+)pt too wide\)", chunk):
            found[cells[int(chunk.split()[0])].name] = list(map(float, wide))
    return found
