"""Schedule -> source: the text of one self-contained module, through templates/module.py.jinja."""

import ast
import hashlib
import re
import textwrap
from importlib import resources

from jinja2 import Environment, StrictUndefined
from sympy import floor

from symcell.documents.plain import equation_lines
from symcell.emission.arrays import size_of
from symcell.emission.frames import entry_points
from symcell.emission.layout import tuple_text, wrapped
from symcell.emission.passage import Passage
from symcell.emission.single import caller, single_step
from symcell.errors import CellError
from symcell.language.sizes import size
from symcell.language.symbols import Input
from symcell.schedule.program import Gradient, Product

# Rooms of symcell.runtime that are pasted as they are.
_HEADINGS = {
    "jit": "How functions are compiled.",
    "memory": "Memory that is used again.",
    "threads": "Threads.",
    "copies": "Copies of arrays.",
    "fingerprints": "Whether arrays have changed.",
    "parameters": "Parameters that are used again.",
    "activations": "Functions of one unit.",
    "views": "Parts of arrays.",
    "workspace": "What compiled code works with.",
    "tiles": "Tiles of matrix products.",
    "bands": "Tiles above one another.",
    "ahead": "What is read of the step before.",
    "packing": "Packed matrices.",
    "products": "Matrix products.",
    "single": "A single step.",
    "arguments": "Checks of what is given.",
    "lengths": "Sequences of several lengths.",
    "calls": "Calls, and the steps that they compute at a time.",
    "face": "What this module offers: init, freeze, forward, backward, step.",
}
_SHARED = ("jit", "memory", "views", "tiles", "bands", "packing", "products")  # which modules share
_ACTIVATIONS = ("exp", "tanh", "sigmoid", "softplus", "heaviside", "sign", "maximum", "minimum")


def emit(schedule):
    """Schedule -> the source of its module, deterministic to the byte."""
    cell = schedule.program.cell
    if not cell.inputs:
        raise CellError(f"cell {cell.name} has no input, so nothing tells a kernel the number of steps and samples; add an Input")
    equations = equation_lines(schedule.program.derivation)
    passages = [Passage(schedule, direction, equations) for direction in ("forward", "backward")]
    kernels = [f for p in passages for f in p.functions]
    kernels += entry_points(*passages)
    code = wrapped("\n\n\n".join([*kernels, single_step(passages[0])]))
    imports, runtime = _runtime(schedule, code)
    runtime[_HEADINGS["face"]] += "\n\n\n" + _step(passages[0])
    text = _template("module").render(
        cell=cell,
        reference=_quoted(textwrap.fill(cell.reference, 106)),
        equations=[_equation_lines(n, line) for n, line in equations.items()],
        tables=_tables(schedule),
        imports=imports,
        face={_HEADINGS[name]: runtime.pop(_HEADINGS[name]) for name in ("face", "calls", "lengths", "arguments")},
        runtime=runtime,
        kernels=code,
        shapes=_shapes_function(schedule.program),
        runtime_hash=_hash("".join(runtime.get(_HEADINGS[name], "") for name in _SHARED)),
        hash="{hash}",
        operations=_operations(schedule.program),
    )
    return text.replace("{hash}", _hash(text))


def _hash(text):
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _step(passage):
    """`step`, which Python calls again and again: written for the cell, so that it calls no other Python function."""
    taken = set(re.findall(r"\w+", _source("step")))
    return wrapped(_template("step").render(caller(passage, taken))).rstrip()


def _source(name):
    return resources.files("symcell.templates").joinpath(f"{name}.py.jinja").read_text("utf-8")


def _template(name):
    options = {"undefined": StrictUndefined, "trim_blocks": True, "lstrip_blocks": True, "keep_trailing_newline": True}
    return Environment(**options).from_string(_source(name))


def _runtime(schedule, code):
    """The imports and the text of what the module needs from symcell.runtime, in one piece."""
    wanted = ["jit", "memory", "threads", "copies", "fingerprints", "parameters"]
    if any(re.search(rf"\b{name}\(", code) for name in _ACTIVATIONS):
        wanted.append("activations")
    wanted += ["views", "workspace"]
    if any(isinstance(s, (Product, Gradient)) for s in (*schedule.program.forward, *schedule.program.backward)):
        wanted += ["tiles", "bands", "ahead", "packing", "products"]
    wanted.append("single")
    wanted += ["arguments", "lengths", "calls", "face"]
    plain, imports, bodies = {"numpy as np"}, {}, {}
    for name in wanted:
        source = resources.files("symcell.runtime").joinpath(f"{name}.py").read_text("utf-8")
        imported, bodies[_HEADINGS[name]] = _split_imports(source)
        for module, names in imported:
            (imports.setdefault(module, set()) if names else plain).update(names or {module})
    if re.search(r"\berfc?\(", code):
        imports.setdefault("math", set()).update(n for n in ("erf", "erfc") if re.search(rf"\b{n}\(", code))
    lines = [f"import {m}" for m in sorted(plain)]
    lines += [f"from {m} import {', '.join(sorted(names))}" for m, names in sorted(imports.items())]
    return "\n".join(lines), bodies


def _split_imports(source):
    """(module, names) of each import, no names if it is imported whole, and the text without imports and docstring."""
    tree = ast.parse(source)
    imports, last = [], 0
    for node in tree.body:
        is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if isinstance(node, ast.ImportFrom) and not node.module.startswith("symcell"):
            imports.append((node.module, [a.name for a in node.names]))
        if isinstance(node, ast.Import):
            imports += [(a.name + (f" as {a.asname}" if a.asname else ""), []) for a in node.names]
        if is_docstring or isinstance(node, (ast.Import, ast.ImportFrom)):
            last = node.end_lineno
        else:
            break
    return imports, "\n".join(source.split("\n")[last:]).strip("\n")


def _tables(schedule):
    """The module's tables of names and symbolic shapes, as Python text."""
    cell = schedule.program.cell

    def symbolic(symbols):
        return {q.name: tuple(size_of(n) for n in cell.shape(q)) for q in symbols}

    recurrent = [s.name for s in cell.states if s.prev in schedule.program.carried]
    initial = {s.name: s.initial.name if s.initial.is_Symbol else float(s.initial) for s in cell.states}
    tables = {
        "NAME": cell.name,
        "PARAMS": symbolic(cell.params),
        "CONSTANTS": symbolic(cell.constants),
        "INPUTS": symbolic(cell.inputs),
        "STATES": symbolic(cell.states),
        "OUTPUTS": tuple(s.name for s in cell.outputs),
        "INITIAL": initial,
        "RECURRENT": tuple(recurrent),
        "SIZES": _size_places(cell),
        "ALIASES": aliases(cell),
    }
    return {name: _literal(value) for name, value in tables.items()}


def _literal(value):
    """A table as Python text, one entry a line where it is long."""
    text = re.sub(r"\binf\b", "np.inf", repr(value).replace("'", '"'))
    if len(text) < 100 or not isinstance(value, dict):
        return text
    return "{\n" + "".join(f"    {_literal(k)}: {_literal(v)},\n" for k, v in value.items()) + "}"


def _size_places(cell):
    """Each size, and where to read it off: (group, name, axis, times, divided by, plus). Arrays that are always given come
    first, axes that are the size itself before those that are a multiple of it, or it and something more."""
    groups = (("params", (*cell.params, *cell.constants)), ("inputs", cell.inputs), ("initial", cell.states))
    axes = [(group, q.name, axis, m) for group, symbols in groups for q in symbols for axis, m in enumerate(cell.shape(q))]
    places = {}
    for n in cell.sizes:
        symbol = size(n)
        found = [(group, name, axis, *_inverse(m, symbol)) for group, name, axis, m in axes if m.free_symbols == {symbol}]
        places[n] = sorted((f for f in found if f[3]), key=lambda f: (f[0] == "initial", f[3:] != (1, 1, 0)))[:3]
        if not places[n]:
            raise CellError(f"cell {cell.name}: no array tells the size {n}: none has an axis of it, or of a multiple of it")
    return places


def _inverse(m, n):
    """(p, q, r) with n = m * p // q + r where m is linear in n; zeros where it is not. What is beside the multiple of n need be
    no multiple itself, since the quotient rounds down: (2n + 1) // 2 = n."""
    slope, rest = m.coeff(n), m.subs(n, 0)
    if not (slope.is_Rational and slope != 0 and rest.is_Rational and (slope * n + rest - m).expand() == 0):
        return 0, 0, 0
    return int(slope.q), int(slope.p), -int(floor(rest / slope))


def aliases(cell):
    """Names that a caller may use for a size that unification has named otherwise: n_u for an input u of width n_h."""
    names = {}
    for q in cell.inputs:
        shape = cell.shape(q)
        for alias in {f"n_{q.name}", "n_x"} if isinstance(q, Input) and q.declared is None and len(shape) == 1 else ():
            if alias not in cell.sizes and shape[0].is_Symbol and (alias != "n_x" or len(cell.inputs) == 1):
                names[alias] = str(shape[0])
    return dict(sorted(names.items()))


def _quoted(text):
    """A text as it stands in a docstring."""
    return text.replace("\\", r"\\").replace('"', r"\"") if "\\" in text or '""' in text or text.endswith('"') else text


def _equation_lines(number, line):
    """An equation for the header, broken where it is long."""
    return textwrap.fill(f"({number})  {line}", 110, initial_indent="    ", subsequent_indent=" " * 12)


def _shapes_function(program):
    cell = program.cell
    symbols = (*cell.params, *cell.constants, *cell.inputs, *cell.states)
    told = {n for q in symbols for n in cell.shape(q)}
    others = dict.fromkeys(n for shape in program.shapes.values() for n in shape if n not in told)
    quotients = [f"    {_whole(n)}  # of what is computed on the way" for n in others if n.as_numer_denom()[1] != 1]
    lines = [f'        "{q.name}": {tuple_text(map(_whole, cell.shape(q)))},' for q in symbols]
    head = f"def shapes({', '.join(cell.sizes)}):"
    return "\n".join(
        [
            head,
            '    """The shape of every array, for given sizes; inputs and states without their steps and samples."""',
            *quotients,
            "    return {",
            *lines,
            "    }",
        ]
    )


_PLACES = {"before": "before the loop", "step": "in the step", "after": "after the loop", "once": "once"}


def _whole(n):
    """A size as Python text, which refuses a quotient that is no whole number."""
    numerator, denominator = n.as_numer_denom()
    if denominator == 1:
        return size_of(n)
    return f'_quotient({size_of(numerator)}, {size_of(denominator)}, "{numerator}")'


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
