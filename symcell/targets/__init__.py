"""A target turns a Program into the text of a module: one folder each, with one entry, `emit(program) -> text`."""

from importlib import import_module

from symcell.errors import CellError

TARGETS = ("numba", "numpy", "torch")  # each the name of its folder


def emit(program, target, standalone=False):
    """Program -> the text of its module for a target. A `standalone` one needs no symcell; those of some targets never do. Raises
    CellError for an unknown target."""
    if target not in TARGETS:
        raise CellError(f"target is one of {', '.join(TARGETS)}, found {target!r}")
    return import_module(f"symcell.targets.{target}").emit(program, standalone)  # only this target's
