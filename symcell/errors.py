"""The one error that symcell raises for bad input. Generated modules raise it too."""

from symcell.runtime.errors import CellError as CellError


class NoSuchAttribute(CellError, AttributeError):
    """What was asked of an object that has no such thing: Python's own questions take it for an AttributeError."""
