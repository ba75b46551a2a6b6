"""Sums over steps and samples, of which there may be millions: if they were added up one after another, each would be rounded to
what the sum has grown to. So a sum has layers. Some numbers are added up in the first one, which is then added to the second one
and begins at zero again, and so on: nothing is added to a sum that is much larger.
"""

from functools import reduce

import numpy as np

from .jit import exact_jit, inlined
from .memory import allocate, zeros

# The terms of weight gradients that are added up at a time. With 256, an LSTM's forward and backward pass gain 2.3 % at (T, B,
# inputs, units) = (35, 20, 650, 650) and at most 1 % elsewhere, but float32 sums of equal terms are exact to 3e-6, not to 1e-6.
_DEPTH = 128
_IN_A_LAYER = 64  # what is added up before a layer is added to the next one; a power of two
_LAYERS = 5  # at most; the last one takes whatever is left
_FULL = 1 << 62  # parts: all layers are full


def sums_of_rows(threads, size, dtype):
    """So many sums of each thread, which grow by what a sample at a step has for them."""
    return zeros((threads, _LAYERS, size), dtype)


def sums_of_products(shape, dtype, rows):
    """Room for what `add_outer_products` makes of so many rows: matrices (..., M, K), each with as many layers as they fill. If
    there are no rows, zeros."""
    layers, parts = 1, rows // _DEPTH
    while parts > _IN_A_LAYER and layers < _LAYERS:
        layers, parts = layers + 1, parts // _IN_A_LAYER
    sums = (allocate if rows else zeros)((*shape[:-2], layers, *shape[-2:]), dtype)
    if layers > 1:
        sums[..., 1:, :, :] = 0
    return sums


@exact_jit
def _carry(sums, place, count, before, after):
    """Add layers that are full to the next ones: of `sums` (layers, size), which have grown from `before` to `after` parts, so
    many numbers of each layer from a place on."""
    for layer in range(1, sums.shape[0]):
        before, after = before // _IN_A_LAYER, after // _IN_A_LAYER
        if before == after:
            break
        for i in range(place, place + count):
            sums[layer, i] += sums[layer - 1, i]
            sums[layer - 1, i] = 0


@inlined
def carry(sums, rows):
    """One more row has been added to so many rows: see _carry. Returns the number of rows."""
    if (rows + 1) & (_IN_A_LAYER - 1) == 0:
        _carry(sums, 0, sums.shape[1], rows, rows + 1)
    return rows + 1


@inlined
def collect(sums):
    """What all layers hold together, in the last one."""
    _carry(sums, 0, sums.shape[1], 0, _FULL)


def summed(sums):
    """The sums of all threads; each has its own in the last layer."""
    if len(sums) == 1:
        return sums[0, -1]
    with np.errstate(all="ignore"):  # NaN and infinity go through
        return reduce(np.add, sums[:, -1])


def grown(totals, parts):
    """Sums by name, in double precision, and what comes to them; the first sums are what comes first."""
    with np.errstate(all="ignore"):
        return {name: totals[name] + a if totals else a.astype(np.float64) for name, a in parts.items()}


def rounded(total, dtype):
    """A sum in double precision, as an array of a dtype."""
    with np.errstate(all="ignore"):
        return np.asarray(total, dtype)
