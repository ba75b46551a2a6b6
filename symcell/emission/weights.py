"""What runs share as long as parameters stay the same: weights as products read them, and what needs parameters alone.

The backward pass multiplies with matrices as they lie. Its packed weights hold parameters, then: what only products read has no
other copy. Those are filled when parameters are given, the others when they are first asked for.
"""

from sympy import Integer

from symcell.emission.arrays import size_of
from symcell.emission.layout import listed, tuple_text, words

_INDENT = "    "


def held_weights(forward, backward):
    """The packed weights of the backward pass that hold parameters: name -> product. Nothing but products reads these, which have
    all of their columns, and all products that the backward pass has of them are such."""
    shapes, cell = backward.program.shapes, backward.program.cell
    read = {a for function in (forward.passing, backward.passing, backward.once) if function for a in function[2]}
    free = {q for q in (*cell.params, *cell.constants) if backward.homes[q].array not in read} - {s.initial for s in cell.states}
    while True:
        held = {name: p for name, p in backward.packed.items() if all(w.transposed and w.symbol in free for w in p.weights)}
        columns = {}
        for w in {w for p in held.values() for w in p.weights}:
            columns.setdefault(w.symbol, set()).add(w.columns or (Integer(0), shapes[w.symbol][-1]))
        lost = {w.symbol for name, p in backward.packed.items() if name not in held for w in p.weights}
        lost |= {q for q, runs in columns.items() if (sum(length for _, length in runs) - shapes[q][-1]).expand() != 0}
        if not free & lost:
            return held
        free -= lost


def held_frame(passage, held):
    """The function that makes room for the packed weights that hold parameters."""
    names, arrays, lines = passage.names, passage.arrays, []
    for p in held.values():
        lines += [f"# {passage.product_comment(p)}", f"({arrays.room_for_weights(p)}, ["]
        for w, *numbers in arrays.laid_out(p):
            lines.append(f'{_INDENT}("{w.symbol.name}", {", ".join(map(size_of, numbers))}),')
        lines.append("]),")
    table = ["return [", *(_INDENT + line for line in lines), "]"] if lines else ["return []"]
    summary = '"""Packed weights that hold parameters, each with its parts: name, first column, columns; where they lie."""'
    return f"def _held_weights({names.sizes}, {names.real}):", summary, [*arrays.unpacked(table), *table]


def weights_frame(passage, shared, others, once):
    """What makes the other weights ready, after what needs parameters alone; the backward one may read that from the tape."""
    names, arrays, lines = passage.names, passage.arrays, list(once)
    if shared:
        rooms = {a: f"room({arrays.new_shape(a)}, {names.real})" for a in shared if a not in others}
        rooms |= {a: arrays.room_for_weights(p) for a, p in others.items()}
        lines[:0] = [f"{listed(shared)} = {names.made} or {tuple_text(rooms[a] for a in shared)}"]
    if others:
        lines += ["", f"def {names.part}({names.rank}, {names.threads}):"]
        for p in others.values():
            lines += [_INDENT + line for line in (f"# {passage.product_comment(p)}", *arrays.packed_weights(p))]
        lines += ["", f"in_parallel({names.part}, halves({names.threads}, {' + '.join(f'{name}.size' for name in others)}))"]
    of_tape = {} if passage.direction == "forward" else {a: k for k, a in enumerate(passage.schedule.tape) if a in words(lines)}
    tape = [] if passage.direction == "forward" else [names.tape]
    head = (names.sizes, names.real, names.made, names.params, *tape, names.threads)
    return (
        f"def _{passage.direction}_weights({', '.join(head)}):",
        f'"""{_summary(passage, others, once)}"""',
        [*arrays.unpacked(lines), *(f"{a} = {names.tape}[{k}]" for a, k in of_tape.items()), *lines, f"return {listed(shared)}"],
    )


def _summary(passage, others, once):
    which = "all products" if len(others) == len(passage.packed) else "products that hold no parameters"
    return f"{'What needs parameters alone, and the' if once else 'The'} weights of {which}, as `multiply` reads them."


def made_once(passage):
    """The arrays that the forward weights' function makes, beside packed weights."""
    if passage.direction != "forward" or passage.once is None:
        return []
    return [a for a in passage.once[2] if a not in passage.arrays.params()]
