"""A tile of a matrix product, computed in vector registers: the one place that speaks LLVM.

Rows are those of some steps and some samples of an array (steps, B, n): the samples from `low` up to `high`, so that threads
can share an array. Packed weights are (panels, K, width): panel p holds the columns from p * width on, zeros behind the last.
"""

import itertools

from numba.core import cgutils, codegen, config

from symcell.runtime.jit import ir

# A tile is `height` rows by `vectors` registers of columns: 6 x 4 sums take 24 of 32 vector registers, 6 x 2 take 12 of 16.
# Four rows make up what is left of six.
_FEATURES = codegen.get_host_cpu_features() if config.CPU_FEATURES is None else config.CPU_FEATURES
_BYTES = 64 if "+avx512f" in _FEATURES else (32 if "+avx2" in _FEATURES else 16)  # in a vector register
_TALL, _SHORT = 6, 4
_WIDTH = 4 if _BYTES == 64 or "+neon" in _FEATURES else 2  # vectors in a row of a tile, and in one of packed weights


def _splat(builder, value, vector):
    """A vector that holds one scalar in every lane."""
    lane = ir.IntType(32)
    undefined = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(undefined, value, lane(0))
    return builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(lane, vector.count), None))


def _mask(builder, vector, remaining, v):
    """Which lanes of a row's v-th vector are among the `remaining` columns."""
    lanes = ir.VectorType(remaining.type, vector.count)
    columns = ir.Constant(lanes, [v * vector.count + lane for lane in range(vector.count)])
    return builder.icmp_signed("<", columns, _splat(builder, remaining, lanes))


class _Vectors:
    """Loads and stores of vectors at places of arrays; where there is a mask, the lanes outside it are left alone."""

    def __init__(self, builder, vector):
        self.builder, self.vector = builder, vector
        self.align = 4 if vector.element == ir.FloatType() else 8

    def _pointer(self, array, place, kind=None):
        return self.builder.bitcast(self.builder.gep(array.data, [place]), (kind or self.vector).as_pointer())

    def load(self, array, place, mask=None):
        pointer = self._pointer(array, place)
        if mask is None:
            return self.builder.load(pointer, align=self.align)
        return self._masked("load", self.vector, pointer, ir.IntType(32)(self.align), mask, self.vector(None))

    def store(self, value, array, place, mask=None):
        pointer = self._pointer(array, place)
        if mask is None:
            return self.builder.store(value, pointer, align=self.align)
        return self._masked("store", ir.VoidType(), value, pointer, ir.IntType(32)(self.align), mask)

    def _masked(self, action, result, *operands):
        real = "f32" if self.vector.element == ir.FloatType() else "f64"
        return self._call(f"llvm.masked.{action}.v{self.vector.count}{real}.p0", result, operands)

    def prefetch(self, array, place, to_write=False):
        """Ask for a place of memory: in the second cache if it is read later, in the first if it is written soon."""
        kind = [ir.IntType(32)(n) for n in ((1, 3, 1) if to_write else (0, 2, 1))]
        self._call("llvm.prefetch.p0", ir.VoidType(), [self._pointer(array, place, ir.IntType(8)), *kind])

    def _call(self, name, result, operands):
        signature = ir.FunctionType(result, [operand.type for operand in operands])
        return self.builder.call(cgutils.get_or_insert_function(self.builder.module, signature, name), operands)


def _lines(builder, row, height, low, high, batch, last):
    """Where `height` rows from `row` on lie in an array (steps, batch, n) that is read from sample `low` up to `high` of each
    step; rows past the last one repeat it."""
    if height == 1:  # such a row is the only one
        return [low]
    one, samples = row.type(1), builder.sub(high, low)
    step = builder.sdiv(row, samples)
    sample = builder.sub(row, builder.mul(step, samples))
    lines = [builder.add(builder.mul(step, batch), builder.add(low, sample))]
    to_next_step = builder.add(builder.sub(batch, samples), one)
    for i in range(1, height):
        wraps = builder.icmp_signed("==", builder.add(sample, one), samples)
        moved = builder.add(lines[-1], builder.select(wraps, to_next_step, one))
        sample = builder.select(wraps, row.type(0), builder.add(sample, one))
        inside = builder.icmp_signed("<=", builder.add(row, row.type(i)), last)
        lines.append(builder.select(inside, moved, lines[-1]))
    return lines


def _sums(builder, vector, entries, count, terms, begin, add_term):
    """The sums of a tile's entries over the terms from one up to another, of which add_term(k, sums) adds one; begin(sums) says
    what they are before. `count` sums of each entry take turns."""
    slots = [[cgutils.alloca_once(builder, vector) for _ in range(entries)] for _ in range(count)]  # LLVM makes registers of them
    for slot in itertools.chain(*slots):
        builder.store(vector(None), slot)
    begin(slots[0])
    (first, upto), n = terms, terms[0].type
    whole = builder.sub(upto, builder.urem(builder.sub(upto, first), n(count)))
    with cgutils.for_range_slice(builder, first, whole, n(count)) as (k, _):
        for u, sums in enumerate(slots):
            add_term(builder.add(k, n(u)), sums)
    if count > 1:
        with cgutils.for_range_slice(builder, whole, upto, n(1)) as (k, _):
            add_term(k, slots[0])
    for others in slots[1:]:
        for total, other in zip(slots[0], others, strict=True):
            builder.store(builder.fadd(builder.load(total), builder.load(other)), total)
    return slots[0]


def _build_tile(builder, arrays, numbers, height, vectors, vector, far=False, places_of_terms=None, grows=None):
    """Emit a tile of y (steps, B, M): `height` rows from `row` on, `vectors` vectors of columns from `column` on, each a sum of
    products with packed weights w, of one panel or of several, over a piece of the terms: from `first` up to `upto`. What is
    behind y's last row or column is left alone.

    y is replaced by x @ w, x (steps, B, from `start` on: terms). If the weights are `far`, later pieces go on from what y holds,
    and the weights from the place `soon` on are asked for meanwhile. Or, where an array says at which place of x each term is,
    y is replaced by x.T @ w, x (terms, from `start` on: rows of y), or grows by it if it `grows`."""
    (x, w, y), (row, column, start, (first, upto, soon), low, high, last) = arrays, numbers
    added = places_of_terms is not None
    count = 2 if vectors < _WIDTH and not added else 1  # of so few entries, each sum would wait for its last addition
    index, memory = ir.IntType(64), _Vectors(builder, vector)
    (_, _, breadth), (_, depth, width), (_, batch, columns) = (cgutils.unpack_tuple(builder, a.shape) for a in (x, w, y))
    add, multiply = builder.add, builder.mul
    lanes = [index(v * vector.count) for v in range(vectors)]
    panel = multiply(depth, width)
    places = [add(multiply(panel, index(v // _WIDTH)), index(v % _WIDTH * vector.count)) for v in range(vectors)]
    remaining = builder.sub(columns, column)
    masks = [_mask(builder, vector, remaining, v) for v in range(vectors)]
    lines = _lines(builder, row, height, low, high, batch, last)
    if added:
        end = builder.sub(last, row)
        steps = [builder.select(builder.icmp_signed("<", index(i), end), index(i), end) for i in range(height)]
        begins = [add(add(row, start), step) for step in steps]
    else:
        begins = [add(multiply(line, breadth), start) for line in lines]
    cells = [(add(add(multiply(line, columns), column), lane), mask) for line in lines
             for lane, mask in zip(lanes, masks, strict=True)]  # fmt: skip
    bed = multiply(column, depth)  # where the first panel begins: columns start at one
    if far:  # one tile after another asks for another vector of each row of a panel
        turn = builder.urem(builder.udiv(row, index(height)), index(_WIDTH))
        soon = add(builder.sub(soon, multiply(first, width)), multiply(turn, index(vector.count)))
    if added:
        for place, _ in cells:
            memory.prefetch(y, place, to_write=True)

    def add_term(k, sums):
        place = add(bed, multiply(k, width))
        weights = [memory.load(w, add(place, there)) for there in places]
        if far:
            memory.prefetch(w, add(soon, multiply(k, width)))
        term = builder.load(builder.gep(places_of_terms.data, [k])) if added else k
        for i, begin in enumerate(begins):
            place = add(begin, term)
            factor = _splat(builder, builder.load(builder.gep(x.data, [place])), vector)
            for total, weight in zip(sums[i * vectors :], weights, strict=False):
                product = builder.fmul(factor, weight, flags=("contract",))
                builder.store(builder.fadd(builder.load(total), product, flags=("contract",)), total)

    def go_on(sums):
        if far:
            with builder.if_then(builder.icmp_signed(">", first, index(0))):
                for total, (place, mask) in zip(sums, cells, strict=True):
                    builder.store(memory.load(y, place, mask), total)

    sums = _sums(builder, vector, len(cells), count, (first, upto), go_on, add_term)
    if added:  # rows past the last one repeat it, so all are read before any is written
        with builder.if_then(grows):
            for total, (place, mask) in zip(sums, cells, strict=True):
                builder.store(builder.fadd(memory.load(y, place, mask), builder.load(total)), total)
    for total, (place, mask) in zip(sums, cells, strict=True):
        memory.store(builder.load(total), y, place, mask)


def _array_structs(context, builder, signature, arguments, which):
    return [context.make_array(signature.args[i])(context, builder, arguments[i]) for i in which]
