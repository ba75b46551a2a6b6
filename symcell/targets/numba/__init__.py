"""Numba: elementwise code as index loops over buffers, matrix products as calls of the runtime."""

from symcell.targets.numba import module
from symcell.targets.numba.schedule import schedule


def emit(program, standalone=False):
    """Program -> the source of its module. A standalone one imports a copy of the runtime that lies beside it."""
    arranged = schedule(program)  # Program -> Schedule
    return module.emit(arranged, standalone)  # Schedule -> source
