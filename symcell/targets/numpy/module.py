"""Program -> the text of a module: tables, two passes, the functions that they call, and the face, through templates."""

import re
import textwrap
from functools import partial
from importlib import resources

from jinja2 import Environment, StrictUndefined

from symcell.errors import CellError
from symcell.notation.plain import equation_lines
from symcell.targets.indices import index_text
from symcell.targets.layout import WIDTH, function_text, indented, tuple_text, wrapped
from symcell.targets.numpy.names import Names
from symcell.targets.numpy.passes import BackwardPass, ForwardPass
from symcell.targets.numpy.sources import FUNCTIONS
from symcell.targets.numpy.statements import assignments, tape
from symcell.targets.numpy.vocabulary import NUMPY
from symcell.targets.seal import PLACEHOLDER, hash_of
from symcell.targets.sizes import size_places

_JOINED = "\N{NO-BREAK SPACE}"


def emit(program):
    """Program -> the text of its module, deterministic to the byte."""
    cell, names = program.declaration, Names(program)
    if not cell.inputs:
        raise CellError(f"cell {cell.name} has no input, so nothing tells a kernel the number of steps and samples; add an Input")
    equations = equation_lines(program.derivation)
    forward, backward = assignments(program)
    common = tape(program, forward, backward), names, partial(_comment, equations)
    passes = ForwardPass(program, forward, *common), BackwardPass(program, backward, *common)
    texts = [p.text() for p in passes]
    called = set().union(*(p.print.called for p in passes))
    text = partial(
        _template("module").render,
        cell=cell,
        reference=_quoted(textwrap.fill(cell.reference, 106, break_long_words=False, break_on_hyphens=False)),
        equations=[_equation_text(n, line) for n, line in equations.items()],
        tables=[wrapped(f"{name} = {value}".replace("'", '"')) for name, value in _tables(program).items()],
        shapes=_shapes(cell, names),
        sizes=wrapped(_sizes(cell, names)),
        passes=texts,
        functions=[source for name, source in FUNCTIONS.items() if name in called],
        face=_source("face").strip(),
    )
    return text(hash=hash_of(text(hash=PLACEHOLDER)))


def _tables(program):
    cell = program.declaration

    def listed(symbols):
        return tuple(q.name for q in symbols)

    return {
        "PARAMS": listed((*cell.params, *cell.constants)),
        "CONSTANTS": listed(cell.constants),
        "INPUTS": listed(cell.inputs),
        "STATES": listed(cell.states),
        "RECURRENT": listed(s for s in cell.states if s.prev in program.carried),
        "OUTPUTS": listed(cell.outputs),
        "INITIAL": "{" + ", ".join(f'"{s.name}": {_initial(s)}' for s in cell.states) + "}",
        "SIZES": tuple(cell.sizes),
    }


def _initial(state):
    """The value of a state before the first step: a number, or the name of a parameter."""
    return f'"{state.initial}"' if state.initial.is_Symbol else NUMPY.number(state.initial)


def _shapes(cell, names):
    """The function from sizes to shapes."""
    symbols = (*cell.params, *cell.constants, *cell.inputs, *cell.states)

    def size(n):
        return index_text(n, lambda s: names.size(s) if s.is_Symbol else str(s))

    entries = [f'"{q.name}": {tuple_text(map(size, cell.shape(q)))},'.replace(" ", _JOINED) for q in symbols]
    lines = [line.replace(_JOINED, " ") for line in textwrap.wrap(" ".join(entries), WIDTH - 8)]
    head = f"def shapes({', '.join(names.sizes.values())}):"
    summary = "The shape of every array, inputs and states without steps and samples."
    return function_text(head, summary, ["return {", *indented(lines), "}"])


def _sizes(cell, names):
    """The function that reads each size off the first array that has it."""
    leads, lines = {"params": 0, "inputs": 2, "initial": 1}, []
    for n, ((group, name, axis, times, divisor, plus), *_) in size_places(cell).items():
        if group == "initial":
            message = f'f"{{NAME}}: initial lacks {name}, which alone tells {n}"'
            lines += [f'if "{name}" not in initial:', f"    raise ValueError({message})"]
        found = f'{group}["{name}"].shape[{axis + leads[group]}]'
        found += f" * {times}" * (times != 1) + f" // {divisor}" * (divisor != 1) + f" + {plus}" * (plus != 0)
        lines.append(f"{names.size(n)} = {found}")
    lines.append(f"return {tuple_text(names.sizes.values())}")
    return function_text("def sizes_of(params, inputs, initial):", "Every size, read off an array that has it.", lines)


def _comment(equations, s):
    """Where a statement comes from, with its equation if it is one."""
    numbers = re.findall(r"\((\d+)\)", s.note)
    return f"{s.note} {equations[int(numbers[0])]}" if len(numbers) == 1 else s.note


def _equation_text(number, line):
    """An equation for the header, broken where it is long."""
    return textwrap.fill(f"({number})  {line}", 110, initial_indent="    ", subsequent_indent=" " * 12)


def _quoted(text):
    """A text as it stands in a docstring."""
    return text.replace("\\", r"\\").replace('"', r"\"") if "\\" in text or '""' in text or text.endswith('"') else text


def _source(name):
    return resources.files("symcell.targets.numpy").joinpath("templates", f"{name}.py.jinja").read_text("utf-8")


def _template(name):
    options = {"undefined": StrictUndefined, "trim_blocks": True, "lstrip_blocks": True, "keep_trailing_newline": True}
    return Environment(**options).from_string(_source(name))
