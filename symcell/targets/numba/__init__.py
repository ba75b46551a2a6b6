"""Numba: elementwise code as index loops over buffers, matrix products as calls of the runtime."""

from symcell.targets.numba import module
from symcell.targets.numba.schedule import schedule


def emit(program):
    """Program -> the source of its module."""
    arranged = schedule(program)  # Program -> Schedule
    return module.emit(arranged)  # Schedule -> source
