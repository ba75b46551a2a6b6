"""The function that makes parameters ready for the passes: matrices packed for the products of both directions, and values that
are computed from parameters alone.
"""

from itertools import pairwise

from sympy import Symbol

from symcell.targets.layout import function_text, indented, listed, tuple_text
from symcell.targets.numba.arrays import size_of
from symcell.targets.numba.products import product_comment


def copied_params(forward, backward):
    """The parameters that passes read as they are."""
    functions = (forward.passing, backward.passing, backward.once)
    read = {array for function in functions if function for array in function.arrays}
    cell, buffers = forward.program.declaration, forward.buffers
    return tuple(q.name for q in (*cell.params, *cell.constants) if buffers[q].array in read)


def made_once(forward):
    """The arrays of values that are computed from parameters alone."""
    return [] if forward.once is None else [a for a in forward.once.arrays if a not in forward.arrays.params()]


def packing_frame(forward, backward):
    """The text of `pack_weights`."""
    names, arrays, products = forward.names, forward.arrays, backward.packed | forward.packed
    panels = [f"{name}=({', '.join(arrays.room_for_weights(p))})" for name, p in products.items()]
    once = [f'"{a}": allocate({tuple_text(arrays.new_shape(a))}, {names.dtype})' for a in made_once(forward)]
    rooms = [f"empty_panels({', '.join([names.dtype, *panels])})"] * bool(panels) + [f"{{{', '.join(once)}}}"] * bool(once)
    made = [*products, *made_once(forward)]
    making = [f"if {names.into} is None:", *indented([f"{names.into} = {' | '.join(rooms)}"])]
    making += [f"{listed(made)} = {names.into}.values()"] if made else []
    calls = [*_once(forward), *_packed(forward, products)]
    lines = [*making, *calls, f"return {names.into}"] if rooms else ["return {}"]
    return function_text(
        f"def pack_weights({names.sizes}, {names.dtype}, {names.params}, {names.into}, {names.threads}):",
        "Parameters as the passes read them, in new arrays, or `into` those of an earlier call.",
        [*(arrays.sizes() if rooms else ()), *arrays.unpacked_params(_read(forward, products)), *lines],
    )


def _read(forward, products):
    """The arrays of parameters that are packed, or read by what is computed of parameters alone."""
    packed = {forward.buffers[w.symbol].array for p in products.values() for w in p.weights}
    return packed | set(forward.once.arrays if forward.once else ())


def _once(forward):
    if forward.once is None:
        return []
    name, head, arrays = forward.once
    return [f"# {forward.purpose('once')}", f"{name}({', '.join([*head, *arrays])})"]


def _packed(forward, products):
    if not products:
        return []
    names, lines = forward.names, []
    for name, p in products.items():
        lines += _product(forward, name, p)
    size = f"sum([{names.panels}.size for {names.panels} in {names.into}.values()])"
    return [
        "",
        f"def {names.part}({names.rank}, {names.threads}):",
        *indented(lines),
        "",
        f"in_parallel({names.part}, packers({names.threads}, {size}))",
    ]


def _product(forward, name, p):
    """The lines that pack the matrices of a product; several that lie at equal distances, in a loop."""
    names, arrays = forward.names, forward.arrays
    yield f"# {product_comment(p)}"
    blocks = [(arrays.matrix_of(w.symbol), w.transposed, places) for w, *places in arrays.laid_out(p)]
    indent = ""
    if len(blocks) > 2 and _is_regular(blocks):
        yield f"for {names.k}, {names.matrix} in enumerate({tuple_text(matrix for matrix, *_ in blocks)}):"
        indent, blocks = "    ", [_block_of_loop(names, blocks)]
    for matrix, transposed, places in blocks:
        first, length, term, column = map(size_of, places)
        yield f"{indent}pack({matrix}, {first}, {length}, {transposed}, {name}, {term}, {column}, {names.rank}, {names.threads})"


def _is_regular(blocks):
    """Whether all matrices have the same columns, and each lies as far from the one before as the second from the first."""
    kinds = {(transposed, *places[:2]) for _, transposed, places in blocks}
    steps = {tuple((b - a).expand() for a, b in zip(one[2][2:], other[2][2:], strict=True)) for one, other in pairwise(blocks)}
    return len(kinds) == 1 and len(steps) == 1


def _block_of_loop(names, blocks):
    """The block of a loop's k-th matrix; the first lies at the beginning."""
    _, transposed, (first, length, *_) = blocks[0]
    k, (term, column) = Symbol(names.k, integer=True), blocks[1][2][2:]
    return names.matrix, transposed, (first, length, k * term, k * column)
