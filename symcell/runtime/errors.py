"""The error that generated modules and symcell raise for bad input: one class, whichever of them is imported first."""

import sys
from types import ModuleType


def _registered(error):
    """The class of that name that was made first: every `except CellError` catches the errors of all modules."""
    registry = sys.modules.setdefault("symcell_errors", ModuleType("symcell_errors"))
    return vars(registry).setdefault(error.__name__, error)


@_registered
class CellError(ValueError):
    """A declaration or a call that makes no sense; the message names the cell, the equation or argument,
    what was expected and what was found."""
