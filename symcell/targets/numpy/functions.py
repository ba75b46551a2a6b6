"""The functions that generated modules are written with. A module has the text of those that it calls.

Values have axes for steps and samples before their own, or at one step for samples, or none where all samples share them. All
functions work along the last axes.
"""

import math

import numpy as np


def sigmoid(z):
    """1 / (1 + exp(-z)); the exponential is at most 1, so that nothing overflows."""
    small = np.exp(-np.abs(z))
    return np.where(z < 0, small, 1) / (1 + small)


def softplus(z):
    """log(1 + exp(z))"""
    return np.logaddexp(z, 0)


def erf(z):
    """The error function."""
    return np.vectorize(math.erf, [z.dtype])(z)


def erfc(z):
    """1 - erf(z), to the last digit."""
    return np.vectorize(math.erfc, [z.dtype])(z)


def cumsum_back(e, axis):
    """The running sum from the end."""
    return np.flip(np.flip(e, axis).cumsum(axis=axis), axis)


def outer(u, v):
    """The outer product of two vectors: entry (j, k) is u_j v_k."""
    return u[..., :, None] * v[..., None, :]


def broadcast(e, axis, n):
    """The same values n times along a new axis."""
    return np.repeat(np.expand_dims(e, axis), n, axis=axis)


def fill(e, *shape):
    """A scalar at every entry of a vector or matrix."""
    return np.multiply.outer(e, np.ones(shape, e.dtype))


def concat(*vectors):
    """Vectors one after another."""
    lead = np.broadcast_shapes(*(v.shape[:-1] for v in vectors))
    return np.concatenate([np.broadcast_to(v, (*lead, v.shape[-1])) for v in vectors], axis=-1)


def place(v, start, length):
    """A vector at `start` of a vector of zeros."""
    whole = np.zeros((*v.shape[:-1], length), v.dtype)
    whole[..., start : start + v.shape[-1]] = v
    return whole


def fold(v, k):
    """The sum of every k entries in a row."""
    return v.reshape(*v.shape[:-1], v.shape[-1] // k, k).sum(axis=-1)


def block_diagonal(r):
    """The matrix that has the blocks (blocks, rows, columns) along its diagonal."""
    blocks, rows, columns = r.shape[-3:]
    whole = np.einsum("...qjk,qp->...qjpk", r, np.eye(blocks, dtype=r.dtype))
    return whole.reshape(*r.shape[:-3], blocks * rows, blocks * columns)


def diagonal_blocks(e, blocks, rows, columns):
    """The blocks along a matrix's diagonal."""
    return np.einsum("...qjqk->...qjk", e.reshape(*e.shape[:-2], blocks, rows, blocks, columns))


def entries(e, *indices):
    """The entries of a value at arrays of indices. Those outside the value, which no case chooses, are taken at its edge."""
    inside = [np.clip(j, 0, n - 1) for j, n in zip(indices, e.shape[-len(indices) :], strict=True)]
    return e[(..., *inside)]


def spread(e, *shape):
    """The same values at each place of the last axes, which become those of the shape."""
    e = np.asarray(e)
    return np.broadcast_to(e, (*e.shape[: max(e.ndim - len(shape), 0)], *shape))


def outer_sum(bar, v):
    """The sum over steps and samples of the outer products of two sequences: the gradient of a weight."""
    return np.tensordot(bar, v, axes=((0, 1), (0, 1)))


def carried(T, first):
    """The arrays v_prev and v of T steps, in one memory: v_prev[t + 1] is v[t], and v_prev[0] is `first`."""
    steps = np.empty((T + 1, *first.shape), first.dtype)
    steps[0] = first
    return steps[:-1], steps[1:]


def carried_back(T, last):
    """The arrays dv_prev and dv_carried of T steps, in one memory: dv_carried[t - 1] is dv_prev[t]; `last` comes first."""
    steps = np.empty((T + 1, *last.shape), last.dtype)
    steps[-1] = last
    return steps[:-1], steps[1:]
