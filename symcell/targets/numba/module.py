"""Schedule -> source: the text of a module, through templates/module.py.jinja. It imports the runtime."""

import textwrap
from functools import partial
from importlib import resources

from jinja2 import Environment, StrictUndefined

from symcell.errors import CellError
from symcell.notation.plain import equation_lines
from symcell.runtime import VERSION
from symcell.targets.identifiers import RUNTIME_NAMES
from symcell.targets.layout import words, wrapped
from symcell.targets.numba.frames import backward_frame, forward_frame
from symcell.targets.numba.names import Names
from symcell.targets.numba.packing import copied_params, packing_frame
from symcell.targets.numba.pass_emitter import PassEmitter
from symcell.targets.numba.tables import interface_of, shapes_function
from symcell.targets.seal import PLACEHOLDER, hash_of

_RUNTIME, _STANDALONE = "symcell.runtime", "symcell_runtime"
_FACE = ("init", "freeze", "forward", "backward", "step", "stream")


def emit(schedule, standalone=False):
    """Schedule -> the source of its module, deterministic to the byte. A standalone one imports the copy of the runtime that lies
    beside it."""
    cell = schedule.program.declaration
    if not cell.inputs:
        raise CellError(f"cell {cell.name} has no input, so nothing tells a kernel the number of steps and samples; add an Input")
    equations, names = equation_lines(schedule.program.derivation), Names(schedule)
    forward, backward = (PassEmitter(schedule, direction, names, equations) for direction in ("forward", "backward"))
    functions = [*forward.functions, *backward.functions, packing_frame(forward, backward), forward_frame(forward)]
    code = wrapped("\n\n\n".join([*functions, backward_frame(backward, forward)]))
    tables, shapes = wrapped(interface_of(schedule, copied_params(forward, backward))), wrapped(shapes_function(schedule.program))
    runtime = _STANDALONE if standalone else _RUNTIME
    text = partial(
        _template().render,
        cell=cell,
        reference=_quoted(textwrap.fill(cell.reference, 106, break_long_words=False, break_on_hyphens=False)),
        equations=[_equation_lines(n, line) for n, line in equations.items()],
        operations=_operations(schedule.program),
        standalone=standalone,
        version=VERSION,
        runtime=runtime,
        libraries=_libraries(code, standalone),
        names=_names(f"{code}\n{shapes}"),
        shapes=shapes,
        interface=tables,
        kernels=code,
        face=_FACE,
    )
    return text(hash=hash_of(text(hash=PLACEHOLDER)))


def _libraries(code, standalone):
    """What the module imports of other libraries."""
    read = words(code.split("\n"))
    functions = sorted(read & {"erf", "erfc"})
    lines = [f"from math import {', '.join(functions)}"] if functions else []
    lines += ["import sys", "from pathlib import Path"] if standalone else []
    return sorted(lines, key=lambda line: line.split()[1]) + ([""] * bool(lines) + ["import numpy as np"] if "np" in read else [])


def _names(code):
    """What it imports of the runtime."""
    read = words(code.split("\n"))
    wanted = sorted((read & RUNTIME_NAMES) | {"Interface", "Kernel"}, key=lambda name: (name.islower(), name))
    return textwrap.wrap(f"{', '.join(wanted)},", 106)


def _template():
    options = {"undefined": StrictUndefined, "trim_blocks": True, "lstrip_blocks": True, "keep_trailing_newline": True}
    source = resources.files("symcell.targets.numba").joinpath("templates", "module.py.jinja").read_text("utf-8")
    return Environment(**options).from_string(source)


def _quoted(text):
    """A text as it stands in a docstring."""
    return text.replace("\\", r"\\").replace('"', r"\"") if "\\" in text or '""' in text or text.endswith('"') else text


def _equation_lines(number, line):
    """An equation for the header, broken where it is long."""
    return textwrap.fill(f"({number})  {line}", 110, initial_indent="    ", subsequent_indent=" " * 12)


_PLACES = {"before": "before the loop", "step": "in the step", "after": "after the loop", "once": "once"}


def _operations(program):
    """Operation totals for the header."""
    counts = program.counts()
    lines = []
    for direction, tally in counts.items():
        kinds = sorted({kind for kind, _ in tally})
        found = [(n, kind, place) for kind in kinds for place in _PLACES if (n := tally[kind, place])]
        words = [f"{n} {kind}{'s' if n > 1 else ''} {_PLACES[place]}" for n, kind, place in found]
        lines += textwrap.wrap(f"{direction}: {', '.join(words)}", 106)
    return lines
