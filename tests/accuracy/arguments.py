"""Where: the whole range of float32 and float64, subnormal numbers and both zeros included, dense where functions bend."""

import numpy as np

UNITS = 4  # of a vector
_EDGES = (1e-20, 1e-4, 0.3, 0.9, 1.1, 3, 30, 1e3, 1e10)  # of the regions in which errors are compared, by magnitude
_COARSE = (1e-3, 100)  # for pairs

_ORDINARY = (0.01, 0.1, 0.25, 1 / 3, 0.45, 0.5, 0.7, 0.9, 0.99, 1, 1.01, 1.1, 1.25, 1.5, 2, 2.5, 3, 3.7, 4, 5, 6, 7, 8.5, 10, 12, 15, 16.7, 18,
             20, 25, 30, 33, 36.5, 37.5, 40, 44, 45, 50, 60, 70, 80, 87, 88, 89, 90, 100, 103, 104.5, 120, 150, 177, 200, 350, 354, 356,
             500, 700, 709, 710, 730, 744, 746, 800, 1000, 1500, 3000, 1e4, 12345.678)  # fmt: skip
_ANGLES = tuple(np.pi * k / 4 for k in (1, 2, 3, 4, 6, 8, 14, 200))


def line(dtype):
    """Arguments of functions of one unit."""
    info = np.finfo(dtype)
    low, high = np.log10(float(info.smallest_subnormal)), np.log10(float(info.max))
    decades = 10.0 ** np.arange(np.ceil(low), high, 2 if dtype == "float32" else 13)
    roots = [float(info.max) ** p for p in (0.25, 1 / 3, 0.5, 0.51)] + [float(info.tiny) ** p for p in (0.25, 1 / 3, 0.5, 0.51, 1)]
    eps = float(info.eps)
    near_one = [1 + s * d for d in (eps, 8 * eps, eps**0.5, 1e-3) for s in (-0.5, 1)]
    small = [eps**p for p in (1.1, 1, 0.75, 0.5, 0.33, 0.25)]
    positive = np.array([*decades, *roots, *_ORDINARY, *_ANGLES, *near_one, *small, float(info.max), float(info.smallest_subnormal)])
    positive = np.unique(positive.astype(dtype))
    return np.concatenate([positive, -positive, np.zeros(1, dtype), -np.zeros(1, dtype)])


def plane(dtype):
    """Pairs of arguments: far apart, alike, nearly alike, ordinary ones, and with one and with zero."""
    whole, random = line(dtype), np.random.default_rng(5)
    x, ordinary = whole[::3], whole[(np.abs(whole) > 1e-3) & (np.abs(whole) < 200)][::2]
    near = np.nextafter(x, np.zeros((), dtype))
    first = [x, random.permutation(x), random.permutation(ordinary), x, x[::3], x[::5]]
    second = [x, random.permutation(x), random.permutation(ordinary), near, np.ones_like(x[::3]), np.zeros_like(x[::5])]
    return np.concatenate(first), np.concatenate(second)


def vectors(dtype):
    """Vectors (samples, UNITS): scales, offsets, ties, zeros, one unit that outdoes the others."""
    shapes = np.array([[1, 2, 3, 4], [-2, 1, 3, -1], [1, 1, 1, 1], [1, 0, 0, 0], [3, 0, -3, 0.5], [1, 1, 1, 1.001]])
    info = np.finfo(dtype)
    top, bottom = np.log10(float(info.max)) - 0.7, np.log10(float(info.tiny))
    scales = 10.0 ** np.concatenate([np.linspace(bottom, top, 9), [-3, -1, 0, 1, 1.5, 2, 3, bottom - 5]])
    shifted = [shapes * spread + shift for shift in (-1e4, -800, -60, -10, 10, 45, 80, 300) for spread in (0.01, 1)]
    special = np.array([[0, 0, 0, 0], [-50, 50, 0, 1], [-500, 500, 0, 1], [1e30, 1, 1, 1], [1e-30, 1, 1e-30, 1], [88, 89, 90, 91], [-104, -103, -90, -91]])
    return np.concatenate([*(s * shapes for s in scales), *shifted, special]).astype(dtype)


def of(dtype, pairs, along):
    """The arguments of a case, a tuple of arrays: (points,), or (samples, UNITS) for functions of vectors."""
    if along:
        x = vectors(dtype)
        return (x, np.random.default_rng(6).permutation(x)) if pairs else (x,)
    return plane(dtype) if pairs else (line(dtype),)


def regions(arguments):
    """The region of every argument (of every sample), an integer: by the sign and the magnitude of each, or of a vector's largest."""
    region = 0
    for a in arguments:
        lead = a if a.ndim == 1 else np.take_along_axis(a, np.abs(a).argmax(-1)[:, None], -1)[:, 0]
        edges = _EDGES if len(arguments) == 1 else _COARSE
        region = 100 * region + np.digitize(np.abs(lead.astype(float)), edges) + 20 * np.signbit(lead)
    return region
