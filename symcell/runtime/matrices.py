"""Products of two matrices that one sample has at one step, by the tiles that multiply weights."""

from .dispatch import multiply
from .jit import jit
from .packing import pack
from .tiles import _BYTES, _WIDTH
from .workspace import array_in, release, scratch

_ALONE = -1  # the rank of a thread that computes all of a product


@jit
def multiply_matrices(products, a, a_transposed, b, b_transposed, out, team):
    """out = a @ b, where each may be given as its transpose. The right one is packed as weights are; the rows of the left one are
    multiplied as samples are. `products`: see products_of. Shapes: a (n, k), b (k, m), out (n, m), which overlaps neither."""
    (rows, columns), terms = out.shape, a.shape[0] if a_transposed else a.shape[1]
    width = _WIDTH * _BYTES // out.itemsize
    panels = (columns + width - 1) // width
    memory = scratch((panels * width + rows) * terms, out)
    packed, turned = array_in(memory, rows * terms, (panels, terms, width)), array_in(memory, 0, (rows, terms))
    pack(b, 0, terms if b_transposed else columns, not b_transposed, packed, 0, 0, 0, 1)
    whole = array_in(out, 0, (1, rows, columns))
    if a_transposed:
        for j in range(rows):
            for k in range(terms):
                turned[j, k] = a[k, j]
        multiply(products, array_in(turned, 0, (1, rows, terms)), 0, packed, whole, 0, 0, rows, _ALONE, team)
    else:
        multiply(products, array_in(a, 0, (1, rows, terms)), 0, packed, whole, 0, 0, rows, _ALONE, team)
    release(memory)
