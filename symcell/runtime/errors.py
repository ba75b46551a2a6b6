"""The error that generated modules and symcell raise for bad input."""

import sys
from types import ModuleType
from typing import TypeVar

_Error = TypeVar("_Error", bound=type)


def _registered(error: _Error) -> _Error:
    """The class of that name that was made first: `except CellError` catches the errors of every runtime in the process, also of
    a standalone copy that another version of symcell has written."""
    registry = sys.modules.setdefault("symcell_errors", ModuleType("symcell_errors"))
    return vars(registry).setdefault(error.__name__, error)


@_registered
class CellError(ValueError):
    """A declaration or a call that makes no sense; the message names the cell, the equation or argument,
    what was expected and what was found."""
