"""Where a call's arrays tell the sizes of a cell."""

from sympy import floor

from symcell.language.sizes import size


def size_places(cell):
    """Each size, and where to read it off: (group, name, axis, times, divided by, plus). Arrays that are always given come
    first, axes that are the size itself before those that are a multiple of it, or it and something more. A size that no
    axis has, or only in a product with others, is nowhere read off."""
    groups = (("params", (*cell.params, *cell.constants)), ("inputs", cell.inputs), ("initial", cell.states))
    axes = [(group, q.name, axis, m) for group, symbols in groups for q in symbols for axis, m in enumerate(cell.shape(q))]
    places = {}
    for n in cell.sizes:
        symbol = size(n)
        found = [(group, name, axis, *_inverse(m, symbol)) for group, name, axis, m in axes if m.free_symbols == {symbol}]
        places[n] = sorted((f for f in found if f[3]), key=lambda f: (f[0] == "initial", f[3:] != (1, 1, 0)))[:3]
    return places


def _inverse(m, n):
    """(p, q, r) with n = m * p // q + r where m is linear in n; zeros where it is not. What is beside the multiple of n need be
    no multiple itself, since the quotient rounds down: (2n + 1) // 2 = n."""
    slope, rest = m.coeff(n), m.subs(n, 0)
    if not (slope.is_Rational and slope != 0 and rest.is_Rational and (slope * n + rest - m).expand() == 0):
        return 0, 0, 0
    return int(slope.q), int(slope.p), -int(floor(rest / slope))
