"""What a command works on: a catalogue name, or `path/to/file.py:variable`."""

import importlib.util
import runpy
import sys
import traceback
from contextlib import contextmanager
from pathlib import Path

from symcell.cell import Cell
from symcell.errors import CellError


def load_target(text):
    """The cell that `text` names: `lstm` of the catalogue, or the variable of a Python file, `cells/mine.py:cell`.

    The file is run, but not as `__main__`. Raises CellError for an unknown name, a missing file or variable, a variable that is
    no Cell, and a file that raises: the message then gives that error and its line."""
    from symcell import cells

    path, colon, variable = text.rpartition(":")
    if colon and path.endswith(".py"):
        return _cell_of_file(Path(path), variable)
    if text.endswith(".py") or any(sign in text for sign in ":/\\"):
        raise CellError(f"the target {text!r} names no variable of a Python file; write it like path/to/file.py:variable")
    return cells.get(text)


def distinct(chosen):
    """The cells, each once. Raises CellError if two have one name: their files would too."""
    named = {}
    for cell in chosen:
        if named.setdefault(cell.name, cell) is not cell:
            raise CellError(f"two cells have the name {cell.name}, and their files would too")
    return list(named.values())


def _cell_of_file(path, variable):
    if not path.is_file():
        raise CellError(f"there is no file {path}")
    values = _run(path)
    if variable not in values:
        raise CellError(f"{path} has no variable {variable!r}; {_cells_in(values)}")
    cell = values[variable]
    if not isinstance(cell, Cell):
        raise CellError(f"{path}: the variable {variable} is no Cell, it is of type {type(cell).__name__}; {_cells_in(values)}")
    return cell


def _cells_in(values):
    found = [name for name, value in values.items() if isinstance(value, Cell)]
    return f"the cells in it: {', '.join(found)}" if found else "no variable in it is a Cell"


def _run(path):
    """The variables of a Python file, after running it."""
    try:
        with _importing_from(path.parent):
            return runpy.run_path(str(path), run_name=path.stem)
    except (Exception, SystemExit) as error:  # whatever the user's file raises is the user's to read
        raise CellError(f"{path}{_line_of(error, path)}: {type(error).__name__}: {error}") from error


@contextmanager
def _importing_from(folder):
    """The file may import its neighbours, as a script may."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


def _line_of(error, path):
    """", line 7": where in the file itself the error came from."""
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return f", line {error.lineno}"
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return f", line {lines[-1]}" if lines else ""


def reference_of(cell):
    """The passes differentiated by hand for a catalogue cell, where symcell runs from a source checkout; else None."""
    from symcell import cells

    folder = checkout() / "tests" / "references"
    if cell.name not in cells.names() or cells.get(cell.name) is not cell or not (folder / "__init__.py").is_file():
        return None
    return _package("symcell_references", folder).REFERENCES.get(cell.name)


def checkout():
    """The folder that symcell itself lies in: of a source checkout, the top."""
    return Path(__file__).resolve().parents[2]


def _package(name, folder):
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, folder / "__init__.py", submodule_search_locations=[str(folder)])
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]
