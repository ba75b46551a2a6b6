"""The one error that symcell raises for bad input."""


class CellError(ValueError):
    """A declaration or a call that makes no sense; the message names the cell, the equation or argument,
    what was expected and what was found."""


class NoSuchAttribute(CellError, AttributeError):
    """What was asked of an object that has no such thing: Python's own questions take it for an AttributeError."""
