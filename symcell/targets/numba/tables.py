"""What a module says of its cell: names, symbolic shapes, and where each size is read off."""

import re
import textwrap

from symcell.errors import CellError
from symcell.language.numbers import outside
from symcell.language.symbols import Input, State
from symcell.targets.identifiers import identifier_of
from symcell.targets.indices import index_text
from symcell.targets.layout import function_text, indented, tuple_text
from symcell.targets.numba.arrays import size_of
from symcell.targets.sizes import size_places


def interface_of(schedule, copied):
    """The text of the module's Interface; `copied` are the parameters that passes read as they are."""
    cell = schedule.program.declaration

    def symbolic(symbols):
        return {q.name: tuple(index_text(n) for n in cell.shape(q)) for q in symbols}

    entries = {
        "name": cell.name,
        "params": symbolic(cell.params),
        "constants": symbolic(cell.constants),
        "inputs": symbolic(cell.inputs),
        "states": symbolic(cell.states),
        "outputs": tuple(s.name for s in cell.outputs),
        "initial": {s.name: s.initial.name if s.initial.is_Symbol else float(s.initial) for s in cell.states},
        "recurrent": tuple(s.name for s in cell.states if s.prev in schedule.program.carried),
        "sizes": size_places(cell),
        "aliases": _aliases(cell),
        "only_float64": _beyond_float32(schedule.program.derivation) or (),
        "copied": copied,
    }
    lines = [f"{name}={_literal(value)}," for name, value in entries.items() if value not in ({}, ())]
    return "\n".join(["Interface(", *indented([*lines, "shapes=shapes,"]), ")"])


def _literal(value):
    """A table as Python text; a long text in pieces."""
    if isinstance(value, str) and len(value) > 90:
        pieces = textwrap.wrap(value, 90, drop_whitespace=False)
        return "(\n" + "".join(f"        {_literal(piece)}\n" for piece in pieces) + "    )"
    if isinstance(value, tuple) and any(isinstance(v, str) and len(v) > 90 for v in value):
        return f"({', '.join(map(_literal, value))})"
    if isinstance(value, dict) and any(isinstance(v, tuple) and any(len(str(w)) > 90 for w in v) for v in value.values()):
        return "{\n" + "".join(f"        {_literal(k)}: {_literal(v)},\n" for k, v in value.items()) + "    }"
    text = repr(value).replace("'", '"')
    return re.sub(r'"[^"]*"|inf', lambda found: 'float("inf")' if found[0] == "inf" else found[0], text)  # names stand in quotes


def _aliases(cell):
    """Names that a caller may use for a size that unification has named otherwise: n_u for an input u of width n_h; and why."""
    names = {}
    for q in cell.inputs:
        shape = cell.shape(q)
        for alias in {f"n_{q.name}", "n_x"} if isinstance(q, Input) and q.declared is None and len(shape) == 1 else ():
            if alias not in cell.sizes and shape[0].is_Symbol and (alias != "n_x" or len(cell.inputs) == 1):
                names[alias] = (str(shape[0]), cell.joined.get(q, ""))
    return dict(sorted(names.items()))


def _beyond_float32(derivation):
    """Which number of the equations or their derivatives float32 cannot hold, in words; "" if none. Raises CellError for one that
    no dtype can."""
    cell = derivation.declaration
    parts = [(r.rhs, r.equation) for r in derivation.forward]
    parts += [(t.expr, t.equation) for row in derivation.adjoint for t in row.terms]
    parts += [(e.target.initial, e.number) for e in cell.equations if isinstance(e.target, State)]

    def misfits(dtype):
        named = ((k, cell.equations[k - 1].target, words) for e, k in parts if (words := outside(e, dtype)))
        return (f"equation {k} ({target} = ...): {words}" for k, target, words in named)

    for words in misfits("float64"):
        raise CellError(f"cell {cell.name}, {words}, and so its derivative has no kernel")
    return next(misfits("float32"), "")


def shapes_function(program):
    """The text of the function that gives every array's shape for given sizes."""
    cell = program.declaration
    symbols = (*cell.params, *cell.constants, *cell.inputs, *cell.states)
    told = {n for q in symbols for n in cell.shape(q)}
    others = dict.fromkeys(n for shape in program.shapes.values() for n in shape if n not in told)
    quotients = [f"{_whole(cell, n)}  # of what is computed on the way" for n in others if n.as_numer_denom()[1] != 1]
    entries = [f'"{q.name}": {tuple_text(_whole(cell, n) for n in cell.shape(q))}' for q in symbols]
    return function_text(
        f"def shapes({', '.join(map(identifier_of, cell.sizes))}):",
        "The shape of every array, for given sizes; inputs and states without their steps and samples.",
        [*quotients, f"return {{{', '.join(entries)}}}"],
    )


def _whole(cell, n):
    """A size as Python text, which refuses a quotient that is no whole number."""
    numerator, denominator = n.as_numer_denom()
    if denominator == 1:
        return size_of(n)
    return f'whole_quotient("{cell.name}", {size_of(numerator)}, {size_of(denominator)}, "{numerator}")'

