"""Which files a command replaces: what symcell has written, and of other files what the user's own words name as a result."""

from symcell.errors import CellError
from symcell.files import write_atomically
from symcell.modules import check_place

DEMO = "# What came out"  # how the demo's summary begins


def check_document(path):
    """Raise CellError unless LaTeX may go to a file: a new one, or one whose name says that it is a result."""
    if path.is_file() and path.suffix != ".tex":
        raise CellError(f"{path} exists, and its name does not end with .tex: it stays as it is; choose another name")


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
