"""A target turns a Program into the text of a module: one folder each, with one entry, `emit(program) -> text`."""

from importlib import import_module

from symcell.errors import CellError

TARGETS = ("numba", "numpy")  # each the name of its folder


def emit(program, target):
    """Program -> the text of its module for a target. Raises CellError for an unknown one."""
    if target not in TARGETS:
        raise CellError(f"target is one of {', '.join(TARGETS)}, found {target!r}")
    return import_module(f"symcell.targets.{target}").emit(program)  # only this target's
