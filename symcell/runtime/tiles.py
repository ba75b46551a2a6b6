"""A tile of a matrix product, computed in vector registers: the one place that speaks LLVM.

Rows are those of some steps and some samples of an array (steps, B, n): the samples from `batch_start` up to `batch_stop`, so
that threads can share an array. Packed weights are (panels, K, width): panel p holds the columns from p * width on, zeros
behind the last. """

from numba.core import cgutils

from .internals import cpu_features, ir

# A tile is `height` rows by `vectors` registers of columns: 6 x 4 sums take 24 of 32 vector registers, 6 x 2 take 12 of 16.
# Four rows make up what is left of six.
_FEATURES = cpu_features()
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
    """Loads and stores of vectors, wherever in an array; where there is a mask, the lanes outside it are left alone."""

    def __init__(self, builder, vector):
        self.builder, self.vector = builder, vector
        self.align = 4 if vector.element == ir.FloatType() else 8

    def at(self, array, place, after=0):
        """The address of the vector at a place of an array, or of one so many vectors behind that."""
        first = self.builder.bitcast(self.builder.gep(array.data, [place]), self.vector.as_pointer())
        return self.builder.gep(first, [place.type(after)]) if after else first

    def load(self, address, mask=None):
        if mask is None:
            return self.builder.load(address, align=self.align)
        return self._masked("load", self.vector, address, ir.IntType(32)(self.align), mask, self.vector(None))

    def store(self, value, address, mask=None):
        if mask is None:
            return self.builder.store(value, address, align=self.align)
        return self._masked("store", ir.VoidType(), value, address, ir.IntType(32)(self.align), mask)

    def _masked(self, action, result, *operands):
        real = "f32" if self.vector.element == ir.FloatType() else "f64"
        return self._call(f"llvm.masked.{action}.v{self.vector.count}{real}.p0", result, operands)

    def prefetch(self, address, to_write=False):
        """Ask for what is at an address: in the second cache if it is read later, in the first if it is written soon."""
        kind = [ir.IntType(32)(n) for n in ((1, 3, 1) if to_write else (0, 2, 1))]
        self._call("llvm.prefetch.p0", ir.VoidType(), [self.builder.bitcast(address, ir.IntType(8).as_pointer()), *kind])

    def _call(self, name, result, operands):
        signature = ir.FunctionType(result, [operand.type for operand in operands])
        return self.builder.call(cgutils.get_or_insert_function(self.builder.module, signature, name), operands)


def _lines(builder, row, height, batch_start, batch_stop, batch, last):
    """Where `height` rows from `row` on lie in an array (steps, batch, n) that is read from sample `batch_start` up to
    `batch_stop` of each step; rows past the last one repeat it."""
    if height == 1:  # such a row is the only one
        return [batch_start]
    one, samples = row.type(1), builder.sub(batch_stop, batch_start)
    step = builder.sdiv(row, samples)
    sample = builder.sub(row, builder.mul(step, samples))
    lines = [builder.add(builder.mul(step, batch), builder.add(batch_start, sample))]
    to_next_step = builder.add(builder.sub(batch, samples), one)
    for i in range(1, height):
        wraps = builder.icmp_signed("==", builder.add(sample, one), samples)
        moved = builder.add(lines[-1], builder.select(wraps, to_next_step, one))
        sample = builder.select(wraps, row.type(0), builder.add(sample, one))
        inside = builder.icmp_signed("<=", builder.add(row, row.type(i)), last)
        lines.append(builder.select(inside, moved, lines[-1]))
    return lines


def _repeated(builder, first, stop, step, values, change):
    """What becomes of values that change(k, values) makes anew, for k from one number up to another."""
    before = builder.block
    head, body, after = (builder.append_basic_block(name) for name in ("head", "body", "after"))
    builder.branch(head)
    builder.position_at_end(head)
    k, *current = [builder.phi(value.type) for value in (first, *values)]
    builder.cbranch(builder.icmp_signed("<", k, stop), body, after)
    builder.position_at_end(body)
    following = builder.add(k, step), *change(k, current)
    for phi, value, changed in zip((k, *current), (first, *values), following, strict=True):
        phi.add_incoming(value, before)
        phi.add_incoming(changed, builder.block)
    builder.branch(head)
    builder.position_at_end(after)
    return current


def _sums(builder, first, stop, count, starts, add_term):
    """Sums that begin at `starts` and have all terms from one up to another added, by add_term(k, sums), which returns the new
    sums. `count` sums of each take turns."""
    number, zeros = len(starts), [start.type(None) for start in starts]

    def add_terms(k, sums):
        parts = [sums[u * number : (u + 1) * number] for u in range(count)]
        return [total for u, part in enumerate(parts) for total in add_term(builder.add(k, k.type(u)), part)]

    whole = builder.sub(stop, builder.urem(builder.sub(stop, first), stop.type(count)))
    sums = _repeated(builder, first, whole, stop.type(count), starts + (count - 1) * zeros, add_terms)
    if count > 1:
        rest = _repeated(builder, whole, stop, stop.type(1), sums[:number], add_term)
        for others in range(number, count * number, number):
            rest = [builder.fadd(total, other) for total, other in zip(rest, sums[others:], strict=False)]
        return rest
    return sums


def _changed_if(builder, condition, values, change):
    """The values, or, if the condition holds when the code runs, change(k) in place of the k-th."""
    before = builder.block
    with builder.if_then(condition):
        changed, inside = [change(k) for k in range(len(values))], builder.block
    merged = [builder.phi(value.type) for value in values]
    for phi, value, other in zip(merged, values, changed, strict=True):
        phi.add_incoming(value, before)
        phi.add_incoming(other, inside)
    return merged


def _build_tile(builder, arrays, rows, columns, piece, vector, fetches=False, places_of_terms=None, grows=None):
    """Emit a tile of y: some rows, `vectors` vectors of columns from `column` on, each a sum of products with packed weights w,
    of one panel or of several, over a piece of the terms: from `first` up to `stop`. What is behind y's last column is left
    alone; the `whole` first vectors end before that. Rows begin at `begins` in x, and are the `lines` of y, one of them several
    times if there are no more.

    y is replaced by x @ w. A tile that `fetches` goes on from what y holds if the piece is not the first, and meanwhile asks for
    memory from an `address` on, for each term so many bytes after that for the one before. Or, where an array says at which place
    of x each term is, y is replaced by x.T @ w, or grows by it if it `grows`."""
    (x, w, y), (begins, lines), (column, whole, vectors), (first, stop, address, stride) = arrays, rows, columns, piece
    added = places_of_terms is not None
    count = 2 if vectors <= _WIDTH // 2 and not added else 1  # of so few entries, each sum would wait for its last addition
    index, memory = ir.IntType(64), _Vectors(builder, vector)
    (_, depth, width), (_, _, breadth) = (cgutils.unpack_tuple(builder, a.shape) for a in (w, y))
    add, multiply = builder.add, builder.mul
    remaining = builder.sub(breadth, column)
    masks = [None] * whole + [_mask(builder, vector, remaining, v) for v in range(whole, vectors)]
    cells = [(memory.at(y, add(multiply(line, breadth), column), v), mask) for line in lines for v, mask in enumerate(masks)]
    if added:
        for address, _ in cells:
            memory.prefetch(address, to_write=True)
    beds = [multiply(add(column, multiply(index(n), width)), depth) for n in range(-(-vectors // _WIDTH))]  # where panels begin

    def add_term(k, sums):
        row = multiply(k, width)
        weights = [memory.load(memory.at(w, add(beds[v // _WIDTH], row), v % _WIDTH)) for v in range(vectors)]
        if fetches:
            memory.prefetch(builder.inttoptr(add(address, multiply(k, stride)), ir.IntType(8).as_pointer()))
        term = builder.load(builder.gep(places_of_terms.data, [k])) if added else k
        added_up = []
        for i, begin in enumerate(begins):  # one after another: there are no registers for all factors at once
            factor = _splat(builder, builder.load(builder.gep(x.data, [add(begin, term)])), vector)
            for total, weight in zip(sums[i * vectors :], weights, strict=False):
                product = builder.fmul(factor, weight, flags=("contract",))
                added_up.append(builder.fadd(total, product, flags=("contract",)))
        return added_up

    sums = [vector(None) for _ in cells]
    if fetches:
        sums = _changed_if(builder, builder.icmp_signed(">", first, index(0)), sums, lambda k: memory.load(*cells[k]))
    sums = _sums(builder, first, stop, count, sums, add_term)
    if added:  # rows past the last one repeat it, so all are read before any is written
        added_to = sums
        sums = _changed_if(builder, grows, sums, lambda k: builder.fadd(added_to[k], memory.load(*cells[k])))
    for total, cell in zip(sums, cells, strict=True):
        memory.store(total, *cell)


def _array_structs(context, builder, signature, arguments, which):
    return [context.make_array(signature.args[i])(context, builder, arguments[i]) for i in which]
