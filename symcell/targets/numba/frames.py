"""The Python function of a direction: what it is given, unpacked; its arrays; the calls of jitted functions; what it returns."""

from collections import Counter

from sympy import Integer

from symcell.language.symbols import Adjoint
from symcell.program.program import Assign
from symcell.targets.layout import function_text, indented, listed, tuple_text, words
from symcell.targets.numba.arrays import size_of, total_volume
from symcell.targets.numba.buffers import volume
from symcell.targets.numba.weights import Held, held_frame, made_once, weights_frame

_A_LINE = 8  # arrays whose names fit into a line
_ELEMENTWISE = 10  # products of two numbers that take as long as computing an entry of an elementwise expression


def entry_points(forward, backward):
    """The Python functions of both directions: what makes weights ready, and what runs a direction with them."""
    held = Held(forward, backward)
    yield from _entry_points(forward, _forward_frame(forward), held, [])
    yield function_text(*held_frame(backward, held))
    yield from _entry_points(backward, _backward_frame(backward), held, list(held.products))


def _entry_points(passage, frame, held, ready):
    """Those of a direction some of whose weights are ready."""
    head, summary, lines = frame
    others = {name: p for name, p in passage.packed.items() if name not in ready}
    shared = [*others, *(a for a in made_once(passage) if a in words(lines))]
    once = _called_once(passage, passage.arrays.params() | set(shared)) if passage.direction == "forward" else []
    yield function_text(*weights_frame(passage, shared, others, once, held))
    opening = [*passage.arrays.unpacked(lines), *_assigned([*ready, *shared], passage.names.weights)]
    yield function_text(head, summary, [*opening, *lines])


def _forward_frame(passage):
    names, homes, cell = passage.names, passage.homes, passage.program.cell
    head = (names.T, names.B, names.sizes, names.real, names.params, names.weights, names.inputs, names.kept, names.initial,
            names.lengths, names.threads)  # fmt: skip
    opening = [f'{array} = {names.kept}["{q.name}"]' for q, array in names.keeping.items()]
    for s in cell.states:  # each in a block of its own: long ones are read sooner so
        shape = tuple_text((f"{names.T} + 1", names.B, *map(size_of, passage.program.shapes[s])))
        opening += [f"{homes[s].array} = room({shape}, {names.real})", f'{homes[s].array}[0] = {names.initial}["{s.name}"]']
    states = ", ".join(f'"{s.name}": {homes[s].array}' for s in cell.states)
    body = _body(passage, {homes[s].array for s in cell.states} | set(names.keeping.values()))
    return (
        f"def _forward({', '.join(head)}):",
        "All steps; returns the states, from the initial one on, and the tape.",
        [*opening, *body, f"return {{{states}}}, {tuple_text(passage.schedule.tape)}"],
    )


def _backward_frame(passage):
    names, homes, cell = passage.names, passage.homes, passage.program.cell
    head = (names.T, names.B, names.sizes, names.real, names.params, names.weights, names.inputs, names.states, names.tape,
            names.given, names.later, names.lengths, names.threads, names.input_gradients)  # fmt: skip
    carriers = [(homes[s].array, names.states, s) for s in cell.states]
    for kind, source in (("given", names.given), ("later", names.later)):
        carriers += [(homes[Adjoint(s, kind)].array, source, s) for s in cell.states]
    of_params = ", ".join(f'"{p.name}": {_result(passage, p)}' for p in cell.params)
    of_inputs = ", ".join(f'"{q.name}": {_result(passage, q)}' for q in cell.inputs)
    given = {homes[Adjoint(s, kind)].array for s in cell.states for kind in ("given", "later")}
    body = _body(passage, given | {homes[s].array for s in cell.states} | set(passage.schedule.tape))
    read = words(body)
    opening = [f'{array} = {source}["{s.name}"]' for array, source, s in carriers if array in read]
    opening += [f"{final} = {array}.copy()" for final, array in passage.calls.waiting_for().items()]
    opening += _assigned(passage.schedule.tape, names.tape)
    return (
        f"def _backward({', '.join(head)}):",
        "The gradients of parameters and inputs; `later` ends as those of the initial states.",
        [*opening, *body, f"return {{{of_params}}}, {{{of_inputs}}}"],
    )


def _assigned(targets, source):
    """Several names for the entries of a tuple."""
    return [f"{listed(targets)} = {source}"] if targets else []


def _result(passage, q):
    array = passage.homes[Adjoint(q)].array
    scalar = not passage.program.shapes[q] and q not in passage.program.cell.inputs
    return f"{array}.reshape(())" if scalar else array


# The body: arrays, then calls


def _body(passage, known):
    """Allocate what is not known yet, and call the jitted functions in order."""
    known = known | passage.arrays.params() | set(made_once(passage))
    if passage.direction == "forward":
        return _called_in_threads(passage, known)
    return [*_called_in_threads(passage, known), *_called_once(passage, known)]


def _called_once(passage, known):
    if passage.once is None:
        return []
    name, head, arrays = passage.once
    return [
        f"# {passage.purpose('once')}",
        *_allocated(passage, arrays, known),
        f"{name}({', '.join([*head, *arrays])})",
    ]


def _called_in_threads(passage, known):
    names = passage.names
    name, head, arrays = passage.passing
    rows, products = passage.arrays.sums_of_rows(), passage.arrays.sums_of_products()
    summed = [*products, *([names.sums] if rows else [])]
    lines = [
        f"{names.parts} = shares({names.threads}, {names.T}, {names.B}, {_work(passage)})",
        f"{names.block} = steps_at_a_time({names.T}, {names.B})",
    ]
    if passage.products or passage.gradients:
        lines.append(f"{names.products} = products_of({names.real})")
    known.update(passage.packed)
    lines += _allocated(passage, (a for a in arrays if a not in summed), known)
    lines += _room_for_sums(names, rows, products)
    if passage.gradients:
        widest = ", ".join(dict.fromkeys(passage.arrays.width((g.operand,)) for g in passage.gradients))
        lines.append(f"{names.lines}, {names.panels} = outer_room(len({names.parts}), [{widest}], {names.real})")
    if passage.calls.fetching:
        lines.append(f"{names.ahead} = room_ahead([{', '.join(passage.arrays.read_back(arrays))}], {names.parts})")
    own = dict.fromkeys(summed, names.own) | dict.fromkeys((names.lines, names.panels, names.ahead), names.thread)
    arguments = [*head, *(f"{a}[{own[a]}]" if a in own else a for a in arrays)]
    lines += [
        "",
        f"def {names.part}({', '.join([names.thread, names.own, *names.share])}):",
        *indented([f"{name}({', '.join(arguments)})"]),
        "",
        f"in_parallel({names.part}, {names.parts})",
        *(f"{a} = summed({a})" for a in summed),
    ]
    known.update(summed, rows, (passage.homes[t].array for g in passage.gradients for t in g.targets))
    lines += _cut(names.sums, [(a, shape, volume(shape)) for a, shape in rows.items()], 1)
    return lines + [line for g in passage.gradients for line in _split(passage, g)]


def _room_for_sums(names, rows, products):
    """The lines that make room for sums over steps and samples."""
    count = f"{names.parts}[-1][1] + 1"
    lines = ["# Each thread adds up gradients of its own."] if rows or products else []
    shapes = {a: (count, *shape) for a, shape in products.items()}
    lines += _made(shapes, f"sums_of_products({{}}, {names.real}, {names.T} * {names.B})")
    return lines + [f"{names.sums} = sums_of_rows({count}, {size_of(total_volume(rows))}, {names.real})"] * bool(rows)


def _split(passage, g):
    """The gradients of single weights, from the matrix that has all of them."""
    shapes = passage.program.shapes
    parts = [(passage.homes[t].array, shapes[t], volume(shapes[bar])) for t, bar in zip(g.targets, g.bars, strict=True)]
    return _cut(passage.arrays.gradient_name(g), parts, 2)


def _cut(whole, parts, dimensions):
    """The lines that find arrays (array, shape, length) in one of so many dimensions that has them one after another."""
    start = Integer(0)
    for array, shape, length in parts:
        stop = start + length
        cut = whole if len(parts) == 1 else f"{whole}[{size_of(start)}:{size_of(stop)}]"
        cut += f".reshape({tuple_text(map(size_of, shape))})" if len(shape) != dimensions else ""
        if cut != array:
            yield f"{array} = {cut}"
        start = stop


def _allocated(passage, arrays, known):
    """Room for what is made; what the tape has of one shape is one block."""
    shapes = {a: shape for a in arrays if a not in known and (shape := passage.arrays.new_shape(a)) is not None}
    known.update(shapes)
    made = f"room({{}}, {passage.names.real})"
    tape = {a: shape for a, shape in shapes.items() if passage.direction == "forward" and shape[0] == passage.names.T}
    return [*_made(tape, made), *(line for a in shapes if a not in tape for line in _made({a: shapes[a]}, made))]


def _made(shapes, made):
    """The lines that make arrays of these shapes: some of one shape are parts of one block."""
    for shape in dict.fromkeys(shapes.values()):
        alike = [a for a in shapes if shapes[a] == shape]
        for some in (alike[k : k + _A_LINE] for k in range(0, len(alike), _A_LINE)):
            whole = shape if len(some) == 1 else (str(len(some)), *shape)
            yield f"{', '.join(some)} = {made.format(tuple_text(whole))}"


def _work(passage):
    """How many products of two numbers this direction takes, for one sample and step."""
    shapes, per_row = passage.program.shapes, Counter()
    for s in getattr(passage.program, passage.direction):
        if isinstance(s, Assign):
            if s.target not in passage.program.once:
                per_row[volume(shapes[s.target])] += _ELEMENTWISE
        else:
            left, right = (sum(volume(shapes[q]) for q in side) for side in s.sides)
            per_row[left * right] += 1
    total = sum((n * Integer(count) for n, count in per_row.items()), Integer(0)).expand()
    return size_of(total)
