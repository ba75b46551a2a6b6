"""What runs share as long as parameters stay the same: weights as products read them, and what needs parameters alone.

The backward pass multiplies with matrices as they lie. So its packed weights hold them, rows and all, in place of copies of what
only products read. They are filled when parameters are given; the forward weights are made of them, and all others of copies.
"""

from sympy import Integer

from symcell.targets.layout import indented, listed, tuple_text, words
from symcell.targets.numba.arrays import size_of
from symcell.targets.numba.buffers import volume
from symcell.targets.numba.products import product_comment


class Held:
    """The packed weights of the backward pass that hold parameters: `products`, name -> product.

    All products of such a parameter are among them: it is nowhere else, and what no forward product reads of it is not needed."""

    def __init__(self, forward, backward):
        self.shapes, self.names, self.pick = backward.program.shapes, {}, forward.names.pick
        free, packed = _only_multiplied(forward, backward), backward.packed
        while True:  # until no product has a parameter that must be copied for the sake of another one
            self.products = {n: p for n, p in packed.items() if all(w.transposed and w.symbol in free for w in p.weights)}
            self.places = {}  # a parameter and its columns -> the name of packed weights, the term and the column where they lie
            for name, p in self.products.items():
                for w, first, length, *where in backward.arrays.laid_out(p):
                    self.places.setdefault((w.symbol, first, length), (name, *where))
            lost = {w.symbol for name, p in packed.items() if name not in self.products for w in p.weights}
            lost |= {w.symbol for p in forward.packed.values() for w in p.weights if w not in self}
            if not free & lost:
                return
            free -= lost

    def __contains__(self, w):
        return not w.transposed and (w.symbol, *self._columns(w)) in self.places

    def _columns(self, w):
        return w.columns or (Integer(0), self.shapes[w.symbol][-1])

    def block(self, w, term, column):
        """Where a weight lies and is to lie: its name here, its term and column, its rows and columns, and those there."""
        name, *where = self.places[w.symbol, *self._columns(w)]
        if name not in self.names:
            self.names[name] = self.pick(f"{name}_held")
        return [self.names[name], *where, volume(self.shapes[w.symbol][:-1]), self._columns(w)[-1], term, column]

    def unpacked(self, source):
        """The line that unpacks those that are read."""
        return [f"{listed([self.names.get(name, '_') for name in self.products])} = panels_of({source})"] if self.names else []


def _only_multiplied(forward, backward):
    """The parameters that no function reads, and no state begins with."""
    cell, functions = backward.program.cell, (forward.passing, forward.once, backward.passing, backward.once)
    read = {array for function in functions if function for array in function.arrays}
    return {q for q in (*cell.params, *cell.constants) if backward.homes[q].array not in read} - {s.initial for s in cell.states}


def _packing(passage, name, p, held):
    """The lines that make a product's packed weights: of those that hold them already, or else of arrays."""
    names, arrays, blocks = passage.names, passage.arrays, []
    yield f"# {product_comment(p)}"
    for w, first, length, term, column in arrays.laid_out(p):
        if w in held:
            block = held.block(w, term, column)
            if blocks and _continues(blocks[-1], block):
                blocks[-1][3] += block[3]
            else:
                blocks.append(block)
            continue
        where = ", ".join(map(size_of, (first, length)))
        there = ", ".join(map(size_of, (term, column)))
        yield f"pack({arrays.matrix_of(w.symbol)}, {where}, {w.transposed}, {name}, {there}, {names.rank}, {names.threads})"
    for source, *numbers in blocks:
        here, there = (", ".join(map(size_of, some)) for some in (numbers[:4], numbers[4:]))
        yield f"turn_over({source}, {here}, {name}, {there}, {names.rank}, {names.threads})"


def _continues(block, other):
    """Whether a block's rows go on in another one, here and there."""
    source, term, column, rows, columns, goal_term, goal_column = block
    after = [columns, goal_term, (goal_column + rows).expand()]
    return other[:3] == [source, (term + rows).expand(), column] and other[4:] == after


def held_frame(passage, held):
    """The function that makes room for the packed weights that hold parameters."""
    names, arrays, lines = passage.names, passage.arrays, []
    for p in held.products.values():
        lines += [f"# {product_comment(p)}", f"({arrays.room_for_weights(p)}, ["]
        parts = [f'("{w.symbol.name}", {", ".join(map(size_of, numbers))}),' for w, *numbers in arrays.laid_out(p)]
        lines += [*indented(parts), "]),"]
    table = ["return [", *indented(lines), "]"] if lines else ["return []"]
    summary = "Packed weights that hold parameters, each with its parts: name, first column, columns; where they lie."
    return f"def _held_weights({names.sizes}, {names.real}):", summary, [*arrays.unpacked(table), *table]


def weights_frame(passage, shared, others, once, held):
    """What makes the other weights ready, after what needs parameters alone; the backward one may read that from the tape."""
    names, arrays, lines, forward = passage.names, passage.arrays, list(once), passage.direction == "forward"
    if shared:
        rooms = {a: f"room({tuple_text(arrays.new_shape(a))}, {names.real})" for a in shared if a not in others}
        rooms |= {a: arrays.room_for_weights(p) for a, p in others.items()}
        lines[:0] = [f"{listed(shared)} = {names.made} or {tuple_text(rooms[a] for a in shared)}"]
    if others:
        lines += ["", f"def {names.part}({names.rank}, {names.threads}):"]
        for name, p in others.items():
            lines += indented(_packing(passage, name, p, held if forward else ()))
        lines += ["", f"in_parallel({names.part}, packers({names.threads}, {' + '.join(f'{name}.size' for name in others)}))"]
    if forward:
        source, opening = names.held, held.unpacked(names.held)
    else:
        source, read = names.tape, words(lines)
        opening = [f"{a} = {source}[{k}]" for k, a in enumerate(passage.schedule.tape) if a in read]
    head = (names.sizes, names.real, names.made, names.params, source, names.threads)
    return (
        f"def _{passage.direction}_weights({', '.join(head)}):",
        _summary(passage, others, once),
        [*arrays.unpacked(lines), *opening, *lines, f"return {listed(shared)}"],
    )


def _summary(passage, others, once):
    which = "The weights of all products" if len(others) == len(passage.packed) else "The other packed weights"
    return f"{f'What needs parameters alone, and t{which[1:]}' if once else which}, as `multiply` reads them."


def made_once(passage):
    """The arrays that the forward weights' function makes, beside packed weights."""
    if passage.direction != "forward" or passage.once is None:
        return []
    return [a for a in passage.once.arrays if a not in passage.arrays.params()]
