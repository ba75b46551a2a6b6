"""The whole story in five calls: derive, lower, improve, emit, load. A cell's equations become a kernel."""

from symcell.derivation.derive import derive
from symcell.kernel import load
from symcell.program.lower import lower
from symcell.program.passes import improve
from symcell.structure import structure
from symcell.targets import emit


def program_of(cell):
    """Cell -> Program, by way of its Derivation."""
    derivation = derive(cell)  # Cell -> Derivation
    program = lower(derivation)  # Derivation -> Program
    return improve(program)  # Program -> Program, pass by pass


def source_of(cell, target="numba"):
    """Cell -> the source of its module for a target."""
    program = program_of(cell)  # Cell -> Program
    return emit(program, target)  # Program -> source


def structure_of(cell):
    """Cell -> Structure: what its steps take."""
    return structure(program_of(cell))  # Program -> Structure


def compile_cell(cell, dtype="float32"):
    """Cell -> Kernel, ready to run."""
    source = source_of(cell)  # Cell -> source
    return load(cell, source, dtype)  # source -> Kernel
