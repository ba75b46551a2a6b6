"""The whole story in six calls: derive, lower, improve, schedule, emit, load. A cell's equations become a kernel.

A cell stays what it is: its program and its source are made once, for both precisions."""

from functools import lru_cache

from symcell.derivation.derive import derive
from symcell.kernel import load
from symcell.program.lower import lower
from symcell.program.passes import improve
from symcell.structure import structure
from symcell.targets.numba.module import emit
from symcell.targets.numba.schedule import schedule


@lru_cache(maxsize=64)
def program_of(cell):
    """Cell -> Program, by way of its Derivation."""
    derivation = derive(cell)  # Cell -> Derivation
    program = lower(derivation)  # Derivation -> Program
    return improve(program)  # Program -> Program, pass by pass


@lru_cache(maxsize=64)
def source_of(cell, standalone=False):
    """Cell -> the source of its module."""
    program = program_of(cell)  # Cell -> Program
    arranged = schedule(program)  # Program -> Schedule
    return emit(arranged, standalone)  # Schedule -> source


def structure_of(cell):
    """Cell -> Structure: what its steps take."""
    return structure(program_of(cell))  # Program -> Structure


def compile_cell(cell, dtype="float32"):
    """Cell -> Kernel, ready to run."""
    source = source_of(cell)  # Cell -> source
    return load(cell, source, dtype)  # source -> Kernel
