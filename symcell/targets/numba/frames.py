"""The Python function of a direction: what it is given, unpacked; its arrays; the call of its pass; what it returns."""

from collections import Counter

from sympy import Integer

from symcell.language.symbols import Adjoint
from symcell.program.program import Assign
from symcell.targets.layout import function_text, tuple_text
from symcell.targets.numba.arrays import size_of, total_volume, unpacked
from symcell.targets.numba.buffers import volume
from symcell.targets.numba.packing import made_once

_A_LINE = 8  # arrays whose names fit into a line
_ELEMENTWISE = 10  # multiplications that take as long as computing an entry of an elementwise expression


def forward_frame(emitter):
    """The text of `forward_steps`."""
    names, buffers, cell = emitter.names, emitter.buffers, emitter.program.declaration
    head = (names.T, names.B, names.sizes, names.dtype, names.params, names.packs, names.inputs, names.kept, names.initial,
            names.lengths, names.threads, f"{names.run}=run_pass")  # fmt: skip
    lines = unpacked({array: q.name for q, array in names.keeping.items()}, names.kept)
    for s in cell.states:  # each in a block of its own: long ones are read sooner so
        shape = tuple_text((f"{names.T} + 1", names.B, *map(size_of, emitter.program.shapes[s])))
        lines += [f"{buffers[s].array} = allocate({shape}, {names.dtype})"]
        lines += [f'{buffers[s].array}[0] = {names.initial}["{s.name}"]']
    known = {buffers[s].array for s in cell.states} | set(names.keeping.values()) | set(made_once(emitter))
    lines += _running(emitter, known | emitter.arrays.params(), names.run)
    tape = _dict({a: a for a in emitter.schedule.tape})
    lines += [f"return {_dict({s.name: buffers[s].array for s in cell.states})}, {tape}"]
    return function_text(
        f"def forward_steps({', '.join(head)}):",
        "All steps; returns the states, from the initial one on, and the tape.",
        [*_opening(emitter, emitter, set(emitter.passing.arrays)), *lines],
    )


def backward_frame(emitter, forward):
    """The text of `backward_steps`."""
    names, buffers, cell, read = emitter.names, emitter.buffers, emitter.program.declaration, emitter.read
    head = (names.T, names.B, names.sizes, names.dtype, names.params, names.packs, names.inputs, names.states, names.tape,
            names.cotangents, names.carried, names.lengths, names.threads, names.input_gradients)  # fmt: skip
    sources = [(names.states, {buffers[s].array: s.name for s in cell.states})]
    sources += [(source, {buffers[Adjoint(s, kind)].array: s.name for s in cell.states})
                for kind, source in (("cotangent", names.cotangents), ("carried", names.carried))]  # fmt: skip
    sources += [(names.tape, {a: a for a in emitter.schedule.tape})]
    opening = [line for source, found in sources for line in unpacked({a: k for a, k in found.items() if a in read}, source)]
    opening += [f"{final} = {array}.copy()" for final, array in emitter.calls.waiting_for().items()]
    known = {array for _, found in sources for array in found} | set(made_once(forward)) | emitter.arrays.params()
    lines = [*_running(emitter, known, "run_pass"), *_returned(emitter, known)]
    return function_text(
        f"def backward_steps({', '.join(head)}):",
        f"The gradients of parameters and inputs; `{names.carried}` ends as those of the initial states.",
        [*_opening(emitter, forward, read), *opening, *lines],
    )


def _opening(emitter, forward, read):
    """Sizes, and what is read of parameters, packed weights and inputs, unpacked."""
    names, buffers = emitter.names, emitter.buffers
    packs = {a: a for a in (*made_once(forward), *emitter.packed) if a in read}
    inputs = {buffers[q].array: q.name for q in emitter.program.declaration.inputs if buffers[q].array in read}
    return [
        *emitter.arrays.sizes(),
        *emitter.arrays.unpacked_params(read),
        *unpacked(packs, names.packs),
        *unpacked(inputs, names.inputs),
    ]


def _dict(entries):
    return "{" + ", ".join(f'"{key}": {text}' for key, text in entries.items()) + "}"


# Running the pass


def _running(emitter, known, run):
    """The lines that make the arrays of a pass, and run it in threads."""
    names, known = emitter.names, known | set(emitter.packed)
    name, head, arrays = emitter.passing
    rows, products = emitter.arrays.sums_of_rows(), emitter.arrays.sums_of_products()
    lines = [
        f"{names.parts} = parts_of({names.threads}, {names.T}, {names.B}, {_work(emitter)})",
        f"{names.block} = steps_at_a_time({names.T}, {names.B})",
    ]
    lines += _allocated(emitter, (a for a in arrays if a not in (*emitter.own, *emitter.each)), known)
    lines += _room_for_sums(names, rows, products)
    if emitter.gradients:
        widest = ", ".join(dict.fromkeys(emitter.arrays.width((g.operand,)) for g in emitter.gradients))
        made = f"outer_product_buffers(len({names.parts}), [{widest}], {names.dtype})"
        lines.append(f"{names.row_offsets}, {names.panels} = {made}")
    shared = [f"products_of({names.dtype})" if a == names.products else a for a in head[3 + len(names.share) :]]
    shared += [a for a in arrays if a not in (*emitter.own, *emitter.each)]
    call = [name, names.parts, names.dtype, f"({names.T}, {names.block}, {names.lengths})", tuple_text(shared)]
    call += [f"own={tuple_text(emitter.own)}"] if emitter.own else []
    call += [f"each={tuple_text(emitter.each)}"] if emitter.each else []
    return [*lines, f"{run}({', '.join(call)})", *(f"{a} = summed({a})" for a in emitter.own)]


def _room_for_sums(names, rows, products):
    """The lines that make room for sums over steps and samples."""
    count = f"{names.parts}[-1].own + 1"
    lines = ["# Each thread adds up gradients of its own."] if rows or products else []
    shapes = {a: (count, *shape) for a, shape in products.items()}
    lines += _made(shapes, f"sums_of_products({{}}, {names.dtype}, {names.T} * {names.B})")
    return lines + [f"{names.sums} = sums_of_rows({count}, {size_of(total_volume(rows))}, {names.dtype})"] * bool(rows)


def _allocated(emitter, arrays, known):
    """Room for what is made; what the tape has of one shape is one block."""
    shapes = {a: shape for a in arrays if a not in known and (shape := emitter.arrays.new_shape(a)) is not None}
    known.update(shapes)
    made = f"allocate({{}}, {emitter.names.dtype})"
    tape = {a: shape for a, shape in shapes.items() if emitter.direction == "forward" and shape[0] == emitter.names.T}
    return [*_made(tape, made), *(line for a in shapes if a not in tape for line in _made({a: shapes[a]}, made))]


def _made(shapes, made):
    """The lines that make arrays of these shapes: some of one shape are parts of one block."""
    for shape in dict.fromkeys(shapes.values()):
        alike = [a for a in shapes if shapes[a] == shape]
        for some in (alike[k : k + _A_LINE] for k in range(0, len(alike), _A_LINE)):
            whole = shape if len(some) == 1 else (str(len(some)), *shape)
            yield f"{', '.join(some)} = {made.format(tuple_text(whole))}"


def _work(emitter):
    """How many multiplications this direction takes, for one sample and step."""
    shapes, per_row = emitter.program.shapes, Counter()
    for s in getattr(emitter.program, emitter.direction):
        if isinstance(s, Assign):
            if s.target not in emitter.program.once:
                per_row[volume(s.extents)] += _ELEMENTWISE
        else:
            left, right = (sum(volume(shapes[q]) for q in side) for side in s.sides)
            per_row[left * right] += 1
    total = sum((n * Integer(count) for n, count in per_row.items()), Integer(0)).expand()
    return size_of(total)


# Results


def _returned(emitter, known):
    """The lines that find gradients, call what is left for those through values of parameters alone, and return them all."""
    cell, buffers, found = emitter.program.declaration, emitter.buffers, _results(emitter)
    results, once, lines = found, emitter.once, []
    if once is not None:
        lines = [f"{a} = {text}" for a, text in found.items() if a in once.arrays and a != text]
        results = {a: text for a, text in found.items() if a not in once.arrays}
        lines += [f"# {emitter.purpose('once')}", *_allocated(emitter, once.arrays, known | set(found))]
        lines += [f"{once.name}({', '.join([*once.head, *once.arrays])})"]
    of_params = {p.name: _result(emitter, p, results) for p in cell.params}
    of_inputs = {q.name: buffers[Adjoint(q)].array for q in cell.inputs}
    return [*lines, f"return {_dict(of_params)}, {_dict(of_inputs)}"]


def _results(emitter):
    """Where gradients that all steps share are found: array -> a part of the arrays that have several of them side by side."""
    shapes, rows = emitter.program.shapes, emitter.arrays.sums_of_rows()
    found = dict(_cut(emitter.names.sums, [(a, shape, volume(shape)) for a, shape in rows.items()], 1))
    for g in emitter.gradients:
        parts = [(emitter.buffers[t].array, shapes[t], volume(shapes[bar])) for t, bar in zip(g.targets, g.bars, strict=True)]
        found |= dict(_cut(emitter.arrays.gradient_name(g), parts, 2))
    return found


def _cut(whole, parts, dimensions):
    """The expressions of arrays (array, shape, length) in one of so many dimensions that has them one after another."""
    start = Integer(0)
    for array, shape, length in parts:
        stop = start + length
        cut = whole if len(parts) == 1 else f"{whole}[{size_of(start)}:{size_of(stop)}]"
        yield array, cut + (f".reshape({tuple_text(map(size_of, shape))})" if len(shape) != dimensions else "")
        start = stop


def _result(emitter, p, results):
    """The gradient of a parameter; a scalar's is an array of one number until here."""
    array = emitter.buffers[Adjoint(p)].array
    return results.get(array, array) + ("" if emitter.program.shapes[p] else ".reshape(())")
