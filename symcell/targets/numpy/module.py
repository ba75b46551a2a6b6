"""Program -> the text of a module: tables, two passes, the functions that they call, and the face, through templates."""

from functools import partial

from symcell.errors import CellError
from symcell.notation.plain import equation_lines
from symcell.targets.arrays.names import Names
from symcell.targets.arrays.statements import assignments, tape
from symcell.targets.arrays.tables import shapes_function, sizes_function, tables
from symcell.targets.header import header, source, template
from symcell.targets.numpy.library import NUMPY
from symcell.targets.numpy.passes import BackwardPass, ForwardPass
from symcell.targets.seal import PLACEHOLDER, hash_of


def emit(program, standalone=True):
    """Program -> the text of its module, deterministic to the byte. It needs NumPy alone, always."""
    cell, names = program.declaration, Names(program, NUMPY, program.statements)
    if not cell.inputs:
        raise CellError(f"cell {cell.name} has no input, so nothing tells a kernel the number of steps and samples; add an Input")
    equations = equation_lines(program.derivation)
    forward, backward = assignments(program)
    common = tape(program, forward, backward), names, equations
    passes = ForwardPass(program, forward, *common), BackwardPass(program, backward, *common)
    texts = [p.text() for p in passes]
    called = set().union(*(p.print.called for p in passes))
    text = partial(
        template("numpy", "module").render,
        header=header(program.derivation),
        name=cell.name,
        tables=tables(program, NUMPY),
        shapes=shapes_function(cell, names),
        sizes=sizes_function(cell, names),
        passes=texts,
        functions=NUMPY.functions_for(called),
        face=source("numpy", "templates/face.py.jinja").strip(),
    )
    return text(hash=hash_of(text(hash=PLACEHOLDER)))


