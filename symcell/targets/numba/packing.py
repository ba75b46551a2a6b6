"""The function that makes parameters ready for the passes: matrices packed for the products of both directions, and values that
are computed from parameters alone.
"""

from sympy import Symbol

from symcell.targets.layout import function_text, indented, tuple_text, words
from symcell.targets.numba.arrays import size_of
from symcell.targets.numba.products import product_comment


def copied_params(forward, backward):
    """The parameters that passes read as they are."""
    functions = (forward.passing, backward.passing, backward.once)
    read = {array for function in functions if function for array in function.arrays}
    cell, homes = forward.program.cell, forward.homes
    return tuple(q.name for q in (*cell.params, *cell.constants) if homes[q].array in read)


def made_once(forward):
    """The arrays of values that are computed from parameters alone."""
    return [] if forward.once is None else [a for a in forward.once.arrays if a not in forward.arrays.params()]


def packing_frame(forward, backward):
    """The text of `pack_weights`."""
    names, arrays, products = forward.names, forward.arrays, backward.packed | forward.packed
    rooms = {a: f"allocate({tuple_text(arrays.new_shape(a))}, {names.dtype})" for a in made_once(forward)}
    rooms |= {name: arrays.room_for_weights(p) for name, p in products.items()}
    making = [f"if {names.into} is None:", *indented([f"{names.into} = {{"])]
    making += [*indented(indented([f'"{a}": {text},' for a, text in rooms.items()])), *indented(["}"])]
    making += [f"{tuple_text(rooms) if len(rooms) == 1 else ', '.join(rooms)} = {names.into}.values()"]
    calls = [*_once(forward), *_packed(forward, products)]
    lines = [*making, *calls, f"return {names.into}"] if rooms else ["return {}"]
    return function_text(
        f"def pack_weights({names.sizes}, {names.dtype}, {names.params}, {names.into}, {names.threads}):",
        "Parameters as the passes read them, in new arrays, or `into` those of an earlier call.",
        [*arrays.sizes(lines), *arrays.unpacked_params(lines), *lines],
    )


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
    size = " + ".join(f"{name}.size" for name in products)
    return [
        "",
        f"def {names.part}({names.rank}, {names.threads}):",
        *indented(lines),
        "",
        f"in_parallel({names.part}, packers({names.threads}, {size}))",
    ]


def _product(forward, name, p):
    """The lines that pack the matrices of a product; matrices that lie at equal distances, in a loop."""
    names, arrays = forward.names, forward.arrays
    yield f"# {product_comment(p)}"
    blocks = [(arrays.matrix_of(w.symbol), w.transposed, places) for w, *places in arrays.laid_out(p)]
    loop = _loop(names, blocks) if len(blocks) > 2 else None
    indent, blocks = ("    ", [loop]) if loop else ("", blocks)
    if loop:
        yield f"for {names.k}, {names.matrix} in enumerate({tuple_text(arrays.matrix_of(w.symbol) for w in p.weights)}):"
    for matrix, transposed, places in blocks:
        first, length, term, column = map(size_of, places)
        yield f"{indent}pack({matrix}, {first}, {length}, {transposed}, {name}, {term}, {column}, {names.rank}, {names.threads})"


def _loop(names, blocks):
    """One block for all, the k-th matrix k times as far from the beginning as the second; None if they do not lie so."""
    (_, transposed, (first, length, *_)), (_, _, (*_, term, column)) = blocks[:2]
    k = Symbol(names.k)
    alike = all(
        (other, *places) == (transposed, first, length, (n * term).expand(), (n * column).expand())
        for n, (_, other, places) in enumerate(blocks)
    )
    return (names.matrix, transposed, (first, length, k * term, k * column)) if alike else None


def read_packs(passage, forward, lines):
    """The line that unpacks the packed weights, and the values of parameters alone, that some lines read."""
    read = words(lines)
    return {a: a for a in (*made_once(forward), *passage.packed) if a in read}
