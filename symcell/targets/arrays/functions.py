"""What NumPy and PyTorch modules do to shapes: each module contains the functions that it calls, as they are written here."""


def flat(e):
    """A matrix as one vector, row after row."""
    return e.reshape(*e.shape[:-2], e.shape[-2] * e.shape[-1])


def unflat(v, n, m):
    """A vector as n rows of m."""
    return v.reshape(*v.shape[:-1], n, m)


def reshape(e, rank, *shape):
    """The entries of the last `rank` axes in another shape."""
    return e.reshape(*e.shape[: e.ndim - rank], *shape)


def divided(e, n, axis):
    """An axis, counted from the last one, as n equal parts along an axis of their own before it."""
    lead, rest = e.shape[: e.ndim + axis], e.shape[e.ndim + axis + 1 :]
    return e.reshape(*lead, n, e.shape[axis] // n, *rest)


def joined(e, axis):
    """An axis, counted from the last one, and the one after it as one."""
    lead, rest = e.shape[: e.ndim + axis], e.shape[e.ndim + axis + 2 :]
    return e.reshape(*lead, e.shape[axis] * e.shape[axis + 1], *rest)
