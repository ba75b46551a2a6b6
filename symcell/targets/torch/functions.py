"""The functions that generated modules are written with. A module has the text of those that it calls.

Values have axes for steps and samples before their own, or at one step for samples, or none where all samples share them. All
functions work along the last axes, and autograd differentiates all of them: a second derivative passes through them.
"""

import torch


def maximum(a, b):
    """The larger of two values, one of which may be a number."""
    if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor):
        return torch.maximum(a, b)
    return a.clamp(min=b) if isinstance(a, torch.Tensor) else b.clamp(min=a)


def minimum(a, b):
    """The smaller of two values, one of which may be a number."""
    if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor):
        return torch.minimum(a, b)
    return a.clamp(max=b) if isinstance(a, torch.Tensor) else b.clamp(max=a)


def hypot(a, b):
    """sqrt(a^2 + b^2) of two values, one of which may be a number."""
    return torch.hypot(*both(a, b))


def arctan2(a, b):
    """The angle of the point (b, a), of which one coordinate may be a number."""
    return torch.atan2(*both(a, b))


def both(a, b):
    """Two values as tensors, one of which may be a number."""
    like = a if isinstance(a, torch.Tensor) else b
    return [v if isinstance(v, torch.Tensor) else like.new_full((), v) for v in (a, b)]


def heaviside(z, at_zero):
    """0 below zero, 1 above, and at zero the given number."""
    s = torch.sign(z.detach())  # comparisons and torch.heaviside take several times as long on CPU
    return at_zero + s * (0.5 + (0.5 - at_zero) * s)


def softplus(z):
    """log(1 + exp(z))"""
    return torch.logaddexp(z, z.new_zeros(()))


def stop_gradient(z):
    """The value, of which no derivative is taken."""
    return z.detach()


def times_relu_slope(v, z):
    """v where z is positive, and 0 elsewhere."""
    return torch.ops.aten.threshold_backward(v, z, 0)


def times_sigmoid_slope(v, s):
    """v s (1 - s): s(1 - s) is the slope of the sigmoid where its value is s."""
    return torch.ops.aten.sigmoid_backward(v, s)


def times_tanh_slope(v, s):
    """v (1 - s^2): 1 - s^2 is the slope of tanh where its value is s."""
    return torch.ops.aten.tanh_backward(v, s)


def cumsum_back(e, axis):
    """The running sum from the end."""
    return e.flip(axis).cumsum(axis).flip(axis)


def outer(u, v):
    """The outer product of two vectors: entry (j, k) is u_j v_k."""
    return u[..., :, None] * v[..., None, :]


def broadcast(e, axis, n):
    """The same values n times along a new axis."""
    return e.unsqueeze(axis).repeat_interleave(n, dim=axis)


def fill(e, *shape):
    """A scalar at every entry of a vector or matrix."""
    return e.reshape(*e.shape, *(1 for _ in shape)).expand(*e.shape, *shape)


def concat(*vectors):
    """Vectors one after another."""
    lead = torch.broadcast_shapes(*(v.shape[:-1] for v in vectors))
    return torch.cat([v.expand(*lead, v.shape[-1]) for v in vectors], dim=-1)


def place(v, start, length):
    """A vector at `start` of a vector of zeros."""
    return torch.nn.functional.pad(v, (start, length - start - v.shape[-1]))


def fold(v, k):
    """The sum of every k entries in a row."""
    return v.reshape(*v.shape[:-1], v.shape[-1] // k, k).sum(-1)


def block_diagonal(r):
    """The matrix that has the blocks (blocks, rows, columns) along its diagonal."""
    blocks, rows, columns = r.shape[-3:]
    whole = torch.einsum("...qjk,qp->...qjpk", r, torch.eye(blocks, dtype=r.dtype, device=r.device))
    return whole.reshape(*r.shape[:-3], blocks * rows, blocks * columns)


def blockwise(r, v, count):
    """The products of `count` block-diagonal matrices with a vector, side by side. r: (blocks, count * rows, columns)."""
    blocks, rows, columns = r.shape
    parts = v.reshape(v.shape[:-1].numel(), blocks, columns).transpose(0, 1)
    found = torch.bmm(parts, r.mT).reshape(blocks, parts.shape[1], count, rows // count)
    return found.permute(1, 2, 0, 3).reshape(*v.shape[:-1], blocks * rows)


def blockwise_back(r, v, count):
    """The sum of the products of `count` block-diagonal matrices, transposed, with vectors side by side.
    r: (blocks, count * rows, columns)."""
    blocks, rows, columns = r.shape
    parts = v.reshape(v.shape[:-1].numel(), count, blocks, rows // count).permute(2, 0, 1, 3)
    found = torch.bmm(parts.reshape(blocks, parts.shape[1], rows), r)
    return found.transpose(0, 1).reshape(*v.shape[:-1], blocks * columns)


def blockwise_outer_sum(bar, v, blocks, count):
    """The gradients of `count` block-diagonal matrices: sums over steps and samples. bar: the adjoints of their products with v
    side by side. Returns (blocks, count * rows, columns)."""
    terms = v.shape[:-1].numel()
    v = v.reshape(terms, blocks, v.shape[-1] // blocks).transpose(0, 1)
    bars = bar.reshape(terms, count, blocks, bar.shape[-1] // (count * blocks)).permute(1, 2, 3, 0)
    return torch.cat([torch.bmm(a, v) for a in bars], dim=1)  # one product of all would copy the adjoints of all steps


def diagonal_blocks(e, blocks, rows, columns):
    """The blocks along a matrix's diagonal."""
    return e.reshape(*e.shape[:-2], blocks, rows, blocks, columns).diagonal(dim1=-4, dim2=-2).movedim(-1, -3)


def eye(n, like):
    """The identity matrix."""
    return torch.eye(n, dtype=like.dtype, device=like.device)


def numbers(n, like):
    """The integers from 0 to n - 1."""
    return torch.arange(n, device=like.device)


def entries(e, *indices):
    """The entries of a value at tensors of indices. Those outside the value, which no case chooses, are taken at its edge."""
    indices = [torch.as_tensor(j, device=e.device) for j in indices]
    inside = [j.clamp(0, n - 1) for j, n in zip(indices, e.shape[-len(indices) :], strict=True)]
    return e[(..., *inside)]


def spread(e, like, *shape):
    """The same values at each place of the last axes, which become those of the shape."""
    e = e if isinstance(e, torch.Tensor) else like.new_full((), e)
    return e.expand(*e.shape[: max(e.ndim - len(shape), 0)], *shape)
