"""Documents as web pages: an Article with its mathematics in MathML, the diagram, and the generated code beside it."""

from importlib.util import find_spec

from symcell.errors import CellError

NEEDS = ("latex2mathml", "pygments")


def need_packages():
    """Raise CellError where what pages need is missing."""
    if missing := [p for p in NEEDS if find_spec(p) is None]:
        raise CellError(f'a page needs {" and ".join(missing)}: pip install "symcell[pages]"')
