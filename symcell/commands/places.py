"""Which files a command replaces: what symcell has written, and of other files what the user's own words name as a result."""

from symcell.errors import CellError
from symcell.files import write_atomically
from symcell.modules import check_place

DEMO = "# What came out"  # how the demo's summary begins


# How documents begin that symcell wrote, by their kinds; None for those of which the name says that they are results.
_DOCUMENTS = {
    ".tex": None, ".pdf": None, ".md": "<!-- symcell", ".html": "<!DOCTYPE html>\n<!-- symcell",
    ".json": '{\n  "generator": "symcell',
}  # fmt: skip


def check_document(path):
    """Raise CellError unless a document may go to a file: one of a known kind, and either new, or a result."""
    if path.suffix not in _DOCUMENTS:
        raise CellError(f"{path}: the name of a document ends with {', '.join(_DOCUMENTS)}")
    beginning = _DOCUMENTS[path.suffix]
    if beginning and path.is_file() and not path.read_text("utf-8", errors="replace").startswith(beginning):
        raise CellError(f"{path} exists, and symcell did not write it: it stays as it is; choose another name")


def check_default_picture(path):
    """Raise CellError if a file has the name that a picture takes when the user gives none, and symcell did not draw it."""
    from symcell.documents.plots import is_drawn

    if path.exists() and not is_drawn(path):
        raise CellError(f"{path} exists, and is no picture by symcell: it stays as it is; name the picture by -o")


def claim_folder(folder, cells, summary, others):
    """Begin the summary of a demo in a folder. Raises CellError if the demo's results would replace what is none of a demo's: the
    `summary`, the `others`, or the documents and modules of the cells."""
    path = folder / summary
    own = path.is_file() and path.read_text("utf-8", errors="replace").startswith(DEMO)
    found = [name for name in (summary, *others, *(f"{c.name}.tex" for c in cells)) if (folder / name).exists()]
    if found and not own:
        raise CellError(f"the folder {folder} has files that no demo wrote, and that its results would replace: "
                        f"{', '.join(found)}; choose another folder")  # fmt: skip
    for cell in cells:
        check_place(cell.name, folder)
    write_atomically(path, f"{DEMO}\n\nThe demo has not come to its end.\n")
