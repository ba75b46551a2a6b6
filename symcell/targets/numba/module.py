"""Schedule -> source: the text of a module, through templates/module.py.jinja. It imports the runtime."""

import textwrap
from functools import partial

from symcell.errors import CellError
from symcell.notation.plain import equation_lines
from symcell.runtime import VERSION
from symcell.targets.header import header, template
from symcell.targets.identifiers import RUNTIME_FUNCTIONS, RUNTIME_NAMES
from symcell.targets.layout import wrapped
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
    program, names = schedule.program, Names(schedule)
    cell, equations = program.declaration, equation_lines(program.derivation)
    if not cell.inputs:
        raise CellError(f"cell {cell.name} has no input, so nothing tells a kernel the number of steps and samples; add an Input")
    forward, backward = (PassEmitter(schedule, direction, names, equations) for direction in ("forward", "backward"))
    frames = [packing_frame(forward, backward), forward_frame(forward), backward_frame(backward, forward)]
    called = {name for emitter in (forward, backward) for row in emitter.rows for name in row.printer.called}
    text = partial(
        template("numba", "module").render,
        header=header(program.derivation),
        operations=_operations(program),
        standalone=standalone,
        version=VERSION,
        runtime=_STANDALONE if standalone else _RUNTIME,
        libraries=_libraries(called, standalone),
        names=textwrap.wrap(f"{', '.join(sorted(RUNTIME_NAMES | (called & RUNTIME_FUNCTIONS), key=_by_kind))},", 106),
        shapes=wrapped(shapes_function(program)),
        interface=wrapped(interface_of(schedule, copied_params(forward, backward))),
        kernels=wrapped("\n\n\n".join([*forward.functions, *backward.functions, *frames])),
        face=_FACE,
    )
    return text(hash=hash_of(text(hash=PLACEHOLDER)))


def _libraries(called, standalone):
    """What the module imports of other libraries."""
    functions = sorted(called & {"erf", "erfc"})
    lines = [f"from math import {', '.join(functions)}"] if functions else []
    lines += ["import sys", "from pathlib import Path"] if standalone else []
    return [*sorted(lines, key=lambda line: line.split()[1]), *([""] if lines else []), "import numpy as np"]


def _by_kind(name):
    """Classes stand before functions."""
    return name.islower(), name


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
