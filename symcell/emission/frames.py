"""The Python function of a direction: what it is given, unpacked; the passage's lines; what it returns."""

from symcell.emission.arrays import size_of, tuple_text
from symcell.language.symbols import Adjoint

_INDENT = "    "


def entry_point(passage):
    """The Python function of this direction, with all its lines."""
    write = _forward_frame if passage.direction == "forward" else _backward_frame
    return "\n".join(_framed(*write(passage)))


def _forward_frame(passage):
    names, homes, cell = passage.names, passage.homes, passage.program.cell
    head = ", ".join((names.T, names.B, names.sizes, names.real, names.params, names.inputs, names.initial))
    opening = [
        *_unpacked_sizes(passage),
        *_unpacked(passage, names.params, (*cell.params, *cell.constants)),
        *_unpacked(passage, names.inputs, cell.inputs),
    ]
    for s in cell.states:
        array = homes[s].array
        shape = tuple_text((f"{names.T} + 1", names.B, *map(size_of, passage.program.shapes[s])))
        opening += [f"{array} = np.empty({shape}, {names.real})", f'{array}[0] = {names.initial}["{s.name}"]']
    states = ", ".join(f'"{s.name}": {homes[s].array}' for s in cell.states)
    closing = [f"return {{{states}}}, {tuple_text(passage.schedule.tape)}"]
    return (
        f"def _forward({head}):",
        '"""All steps; returns the states, from the initial one on, and the tape."""',
        [*opening, *passage.body, *closing],
    )


def _backward_frame(passage):
    names, homes, cell = passage.names, passage.homes, passage.program.cell
    head = ", ".join(
        (
            names.T,
            names.B,
            names.sizes,
            names.real,
            names.params,
            names.inputs,
            names.states,
            names.tape,
            names.given,
            names.later,
        )
    )
    opening = [
        *_unpacked_sizes(passage),
        *_unpacked(passage, names.params, (*cell.params, *cell.constants)),
        *_unpacked(passage, names.inputs, cell.inputs),
    ]
    opening += [f'{homes[s].array} = {names.states}["{s.name}"]' for s in cell.states]
    for kind, source in (("given", names.given), ("later", names.later)):
        opening += [f'{homes[Adjoint(s, kind)].array} = {source}["{s.name}"]' for s in cell.states]
    if passage.schedule.tape:
        kept = tuple_text(passage.schedule.tape)  # brackets where the line is to be broken, or has one name
        opening.append(f"{kept[1:-1] if len(kept) < 100 else kept} = {names.tape}")
    of_params = ", ".join(f'"{p.name}": {_result(passage, p)}' for p in cell.params)
    of_inputs = ", ".join(f'"{q.name}": {_result(passage, q)}' for q in cell.inputs)
    closing = [f"return {{{of_params}}}, {{{of_inputs}}}"]
    return (
        f"def _backward({head}):",
        '"""The gradients of parameters and inputs; `later` ends as those of the initial states."""',
        [*opening, *passage.body, *closing],
    )


def _unpacked_sizes(passage):
    return [f'{n} = {passage.names.sizes}["{n}"]' for n in passage.program.cell.sizes]


def _unpacked(passage, group, symbols):
    return [
        f'{passage.homes[q].array} = {group}["{q.name}"]'
        + ("" if passage.program.shapes[q] or q in passage.program.cell.inputs else ".reshape(1)")
        for q in symbols
    ]


def _result(passage, q):
    array = passage.homes[Adjoint(q)].array
    scalar = not passage.program.shapes[q] and q not in passage.program.cell.inputs
    return f"{array}.reshape(())" if scalar else array


def _framed(head, docstring, lines):
    yield head
    yield _INDENT + docstring
    for line in lines:
        yield _INDENT + line
