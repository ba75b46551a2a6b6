"""The whole story in five calls: derive, lower, improve, emit, load. A declaration becomes a kernel.

A declaration never changes: its program and its source are made once, for both precisions."""

from functools import lru_cache

from symcell.derivation.derive import derive
from symcell.kernel import PlainKernel, load
from symcell.program.lower import lower
from symcell.program.passes import improve
from symcell.structure import structure
from symcell.targets import emit


@lru_cache(maxsize=64)
def program_of(declaration):
    """Declaration -> Program, by way of its Derivation."""
    derivation = derive(declaration)  # Declaration -> Derivation
    program = lower(derivation)  # Derivation -> Program
    return improve(program)  # Program -> Program, pass by pass


@lru_cache(maxsize=64)
def source_of(declaration, target="numba", standalone=False):
    """Declaration -> the source of its module for a target."""
    program = program_of(declaration)  # Declaration -> Program
    return emit(program, target, standalone)  # Program -> source


@lru_cache(maxsize=64)
def structure_of(declaration):
    """Declaration -> Structure: what its steps take."""
    return structure(program_of(declaration))  # Program -> Structure


def plain_kernel(declaration):
    """Declaration -> PlainKernel: its passes in NumPy, at once."""
    source = source_of(declaration, "numpy")  # Declaration -> source
    return PlainKernel(declaration, source)  # source -> PlainKernel


def compile_declaration(declaration, dtype="float32"):
    """Declaration -> Kernel, ready to run."""
    source = source_of(declaration)  # Declaration -> source
    return load(declaration, source, dtype)  # source -> Kernel
