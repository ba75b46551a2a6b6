"""What a module says of its arrays: their names, their shapes, and which of them tell the sizes."""

import textwrap

from symcell.targets.indices import index_text
from symcell.targets.layout import WIDTH, function_text, indented, tuple_text, wrapped
from symcell.targets.sizes import size_places

_JOINED = "\N{NO-BREAK SPACE}"


def tables(program, library):
    """The names of a cell's arrays, and where states begin: an assignment each."""
    cell = program.declaration

    def listed(symbols):
        return tuple(q.name for q in symbols)

    found = {
        "PARAMS": listed((*cell.params, *cell.constants)),
        "CONSTANTS": listed(cell.constants),
        "INPUTS": listed(cell.inputs),
        "STATES": listed(cell.states),
        "RECURRENT": listed(s for s in cell.states if s.prev in program.carried),
        "OUTPUTS": listed(cell.outputs),
        "INITIAL": "{" + ", ".join(f'"{s.name}": {_initial(s, library)}' for s in cell.states) + "}",
        "SIZES": tuple(cell.sizes),
    }
    return [wrapped(f"{name} = {value}".replace("'", '"')) for name, value in found.items()]


def _initial(state, library):
    """The value of a state before the first step: a number, or the name of a parameter."""
    return f'"{state.initial}"' if state.initial.is_Symbol else library.vocabulary.number(state.initial)


def shapes_function(cell, names):
    """The function from sizes to shapes."""
    symbols = (*cell.params, *cell.constants, *cell.inputs, *cell.states)

    def size(n):
        return index_text(n, lambda s: names.size(s) if s.is_Symbol else str(s))

    entries = [f'"{q.name}": {tuple_text(map(size, cell.shape(q)))},'.replace(" ", _JOINED) for q in symbols]
    lines = [line.replace(_JOINED, " ") for line in textwrap.wrap(" ".join(entries), WIDTH - 8)]
    head = f"def shapes({', '.join(names.sizes.values())}):"
    summary = "The shape of every array, inputs and states without steps and samples."
    return function_text(head, summary, ["return {", *indented(lines), "}"])


def sizes_function(cell, names):
    """The function that reads each size off the first array that has it."""
    leads, lines = {"params": 0, "inputs": 2, "initial": 1}, []
    for n, found in size_places(cell).items():
        word, alone = names.size(n), f"{{NAME}}: the size {n} is given by sizes="
        group, name, axis, times, divisor, plus = found[0] if found else ("", "", 0, 1, 1, 0)
        read = f'{word} = {group}["{name}"].shape[{axis + leads.get(group, 0)}]'
        read += f" * {times}" * (times != 1) + f" // {divisor}" * (divisor != 1) + f" + {plus}" * (plus != 0)
        if group in ("params", "inputs"):
            lines.append(read)
            continue
        lines += [f'if "{n}" in given:', f'    {word} = given["{n}"]']
        lines += [f'elif "{name}" in initial:', f"    {read}"] if found else []
        message = alone + (f" or by the initial state {name}" if found else "")
        lines += ["else:", f'    raise ValueError(f"{message}")']
    lines.append(f"return {tuple_text(names.sizes.values())}")
    summary = "Every size: read off an array that has it, or given."
    return wrapped(function_text("def sizes_of(params, inputs, initial, given):", summary, lines))
