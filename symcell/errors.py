"""The one error that symcell raises for bad input. Generated modules raise it too."""

from symcell.runtime.errors import CellError as CellError


class NoSuchAttribute(CellError, AttributeError):
    """What was asked of an object that has no such thing: Python's own questions take it for an AttributeError."""


class NoSuchOperation(CellError, TypeError):
    """What Python, NumPy or another library was asked to do with an expression that it cannot; they take it for a TypeError."""


class UnknownCell(CellError, KeyError):
    """A name that no cell of the catalogue has."""

    __str__ = Exception.__str__  # a KeyError's is its argument's repr
