"""What generated code calls, as plain Python: it runs in place of LLVM's language where NUMBA_DISABLE_JIT is set, for debugging
and coverage, and says what that computes."""

import ctypes
import math

import numpy as np

# Parts of arrays


def row_at(array, t, b):
    return array[t, b]


def columns_at(array, t, b, start, stop):
    return array[t, b, start:stop]


def steps_at(array, start, stop):
    return array[start:stop]


def copy(source, place, target, goal, count):
    target.reshape(-1)[goal : goal + count] = source.reshape(-1)[place : place + count]


# Memory


def scratch(count, like):
    return np.zeros(count, like.dtype)


def release(memory):
    pass


def array_in(memory, place, shape):
    return memory.reshape(-1)[place : place + math.prod(shape)].reshape(shape)


def array_at(address, shape, like):
    size = math.prod(shape) * like.itemsize
    return np.frombuffer((ctypes.c_char * size).from_address(address), like.dtype).reshape(shape)


# Matrix products


def unpacked(panels, columns):
    """The matrix (K, columns) that lies in panels (panels, K, width)."""
    return panels.transpose(1, 0, 2).reshape(panels.shape[1], -1)[:, :columns]


def multiply(products, rows, start, weights, out, direction, batch_start, batch_stop, rank, team):
    matrix = unpacked(weights, out.shape[2])
    out[:, batch_start:batch_stop] = rows[:, batch_start:batch_stop, start : start + len(matrix)] @ matrix


def multiply_matrices(products, a, a_transposed, b, b_transposed, out, team):
    out[...] = (a.T if a_transposed else a) @ (b.T if b_transposed else b)


def add_outer_products(
    products, left, from_left, right, from_right, out, first, T, lengths, batch_start, batch_stop, rank, team, row_offsets, panels
):
    _, height, breadth = out.shape
    if first + len(left) == T:
        out[...] = 0
    for t in range(len(left)):
        some = batch_start + np.flatnonzero(first + t < lengths[batch_start:batch_stop])
        out[-1] += left[t, some, from_left : from_left + height].T @ right[t, some, from_right : from_right + breadth]


def put_transposed(source, place, stride, target, goal, width, size):
    """target.flat[goal + i * width + k] = source.flat[place + k * stride + i], for i and k below a size."""
    flat, turned = source.reshape(-1), target.reshape(-1)
    for i in range(size):
        turned[goal + i * width : goal + i * width + size] = flat[place + i : place + i + size * stride : stride][:size]


def add_eight_sums(x, start, w, first, stride, length, out, place):
    """out.flat[place + i] += the sum over k < length of x.flat[start + k] * w.flat[first + i * stride + k], for eight i."""
    factors, weights, sums = x.reshape(-1)[start : start + length], w.reshape(-1), out.reshape(-1)
    for i in range(8):
        sums[place + i] += weights[first + i * stride : first + i * stride + length] @ factors
