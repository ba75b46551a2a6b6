"""The jitted function of one step called from Python, and what the Python function that calls it has to say.

It is the forward pass with one step, straight from the parameters: what a pass packs or keeps for all steps is not needed.
"""

from sympy import Symbol

from symcell.language.identifiers import unused
from symcell.targets.identifiers import yielding
from symcell.targets.layout import function_text, indented, tuple_text
from symcell.targets.layout import words as words_in
from symcell.targets.numba.arrays import in_memory, size_of
from symcell.targets.numba.buffers import volume
from symcell.targets.numba.loops import Sweep
from symcell.targets.numba.products import product_comment
from symcell.targets.numba.slots import GIVEN, single_array


def single_step(passage):
    """The text of the jitted function, which is compiled when it is first wanted."""
    cell, words, names = passage.program.cell, passage.schedule.words, passage.names
    given = [words[q] for q in (*cell.inputs, *(s.prev for s in cell.states))]
    new = [words[s] for s in cell.states]
    places = names.pick("places")
    calls = [*_once(passage), *_items(passage)]
    used = words_in(calls)
    made = {array: shape for array, shape in _made(passage).items() if array in used}
    lines = [*_opening(passage, places, used), *_arrays(passage, made), *calls]
    lines += [f"release({names.memory})"] * bool(made) + ["return True"]
    return function_text(
        f"def forward_single({', '.join([places, *given, *new])}):",
        "One step, straight from the parameters, by their addresses. Returns whether the shapes fit.",
        lines,
    )


def caller(passage, taken):
    """What the template of `step` is filled with; `taken` are the names in it."""
    cell, words = passage.program.cell, passage.schedule.words
    old, new = ([unused(words[q], taken) for q in states] for states in ([s.prev for s in cell.states], cell.states))
    inputs, complete = ["inputs"], [f"len(state) == {len(cell.states)}"]
    if len(cell.inputs) > 1:
        inputs, complete = [f'inputs["{q.name}"]' for q in cell.inputs], [*complete, f"len(inputs) == {len(cell.inputs)}"]
    states = list(zip([s.name for s in cell.states], old, new, strict=True))
    return {
        "states": states,
        "complete": " and ".join(complete),
        "new": tuple_text(new)[1:-1],
        "called": f"call({', '.join(['places', *inputs, *old, *new])})",
        "result": "{" + ", ".join(f'"{name}": {made}' for name, _, made in states) + "}",
    }


def _opening(passage, places, used):
    """Sizes, the check of shapes, and those parameters that are used."""
    cell, words, names, shapes = passage.program.cell, passage.schedule.words, passage.names, passage.program.shapes
    params = (*cell.params, *cell.constants)
    first = words[(*cell.inputs,)[0]]
    yield f"{names.B} = {first}.shape[0]"
    for k, n in enumerate(cell.sizes):
        yield f"{yielding(n)} = {places}[{len(params) + k}]"
    given = [(words[q], shapes[q]) for q in (*cell.inputs, *(s.prev for s in cell.states))]
    given += [(words[s], shapes[s]) for s in cell.states]
    unfit = " or ".join(f"{name}.shape != {tuple_text([names.B, *map(size_of, shape)])}" for name, shape in given)
    yield from (f"if {unfit}:", *indented(["return False"]))
    for k, q in enumerate(params):
        shape = tuple_text(list(map(size_of, shapes[q])) or ["1"])
        if passage.homes[q].array in used:
            yield f"{passage.homes[q].array} = array_at({places}[{k}], {shape}, {first})"


def _arrays(passage, made):
    """The arrays of what the step makes."""
    B, first = Symbol(passage.names.B, integer=True), passage.schedule.words[passage.program.cell.inputs[0]]
    shapes = {array: (*(() if once else (B,)), *shape) for array, (shape, once) in made.items()}
    return in_memory(passage.names.memory, shapes, first)


def _made(passage):
    """The arrays of what the step makes: name -> (shape, whether all samples share it)."""
    found = {}
    for s in passage.program.forward:
        for q in s.targets:
            for home in (passage.homes[q], *passage.schedule.copies.get(q, ())):
                if home.kind in GIVEN or home.kind == "local":
                    continue
                found[home.array] = (passage.arrays.dims(home.array, q), home.kind in ("row", "once"))
    return found


def _once(passage):
    for sweep in passage.places["once"]:
        yield passage.row_of(sweep).call(single=True)


def _items(passage):
    names = passage.names
    for place, items in passage.places.items():
        for item in items if place != "once" else ():
            if isinstance(item, Sweep):
                yield from (f"for {names.b} in range({names.B}):", *indented([passage.row_of(item).call(single=True)]))
            else:
                yield from _product(passage, item)


def _product(passage, p):
    out, operands = _matrix(passage, p.targets), _matrix(passage, p.operands)
    start, column = passage.schedule.runs[p.operands].offset, passage.schedule.runs[p.targets].offset
    yield f"# {product_comment(p)}"
    if passage.schedule.runs[p.targets].kind == "state":
        yield f"{passage.schedule.words[p.targets[0]]}[...] = 0"
    for w, first, length, further, beside in passage.arrays.laid_out(p):
        text = passage.arrays.matrix_of(w.symbol)
        where = f"{operands}, {size_of(start + further)}, {out}, {size_of(column + beside)}"
        yield f"apply({text}, {size_of(first)}, {size_of(length)}, {w.transposed}, {where})"


def _matrix(passage, symbols):
    """Values of the step as an array (B, width)."""
    home, shape = passage.schedule.runs[symbols], passage.program.shapes[symbols[0]]
    text = single_array(passage, symbols[0], home)
    if len(shape) != 1 and not home.packed:
        text = f"array_in({text}, 0, ({passage.names.B}, {size_of(volume(shape))}))"
    return text
