"""Program -> the text of a module: tables, two passes, the functions that they call, and the face, through templates."""

from functools import partial

from symcell.errors import CellError
from symcell.notation.plain import equation_lines
from symcell.targets.arrays.names import Names
from symcell.targets.arrays.tables import shapes_function, sizes_function, tables
from symcell.targets.header import header, source, template
from symcell.targets.layout import function_text, listed, tuple_text, wrapped
from symcell.targets.seal import PLACEHOLDER, hash_of
from symcell.targets.torch.directions import BackwardPass, ForwardPass
from symcell.targets.torch.library import TORCH
from symcell.targets.torch.statements import statements_of


def emit(program, standalone=True):
    """Program -> the text of its module, deterministic to the byte. It needs PyTorch alone, always."""
    cell = program.declaration
    if not cell.inputs:
        raise CellError(f"cell {cell.name} has no input, so nothing tells a kernel the number of steps and samples; add an Input")
    equations, found = equation_lines(program.derivation), statements_of(program)
    names = Names(found.program, TORCH, (*found.once, *found.forward, *found.backward))
    forward = ForwardPass(found, found.forward, names, equations)
    backward = BackwardPass(found, found.backward, names, equations)
    texts = [*_shared(found, forward), *forward.texts(), *backward.texts()]
    called = forward.called | backward.called | {"beside"}
    text = partial(
        template("torch", "module").render,
        header=header(program.derivation),
        name=cell.name,
        tables=tables(found.program, TORCH),
        shapes=shapes_function(cell, names),
        sizes=sizes_function(cell, names),
        passes=texts,
        functions=TORCH.functions_for(called),
        face=source("torch", "templates/face.py.jinja").strip(),
    )
    return text(hash=hash_of(text(hash=PLACEHOLDER)))


def _shared(found, forward):
    """The function of what parameters alone make."""
    if not found.once:
        return []
    given = forward.given()
    lines = [f"{listed(given[argument])} = {argument}" for argument in ("sizes", "params")]
    made = tuple_text([forward.names(q) for s in found.once for q in s.targets])
    body = [*lines, *forward.shared_lines(), f"return {made}"]
    return [wrapped(function_text("def shared_values(sizes, params):", "What parameters alone make.", body))]
